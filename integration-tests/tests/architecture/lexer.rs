//! Rust source as words and signs, without what is in comments and strings: as much of a lexer as
//! the rules need, so that a forbidden word in a sentence is no finding.
//!
//! It never fails. What is no valid Rust comes out as some tokens, as the compiler refuses such a
//! file anyway. Called from `source`.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier, a keyword or a number; `r#` is left out.
    Word,
    /// One character of punctuation.
    Sign,
    /// A string, byte string, C string or character; its text is what stands between the quotes.
    Literal,
    /// A lifetime or a label, without its apostrophe.
    Lifetime,
}

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its text.
    pub(crate) text: String,
    /// The line it begins in, counted from 1.
    pub(crate) line: usize,
}

/// A comment, documentation among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    /// All of it.
    pub(crate) text: String,
    /// The line it begins in.
    pub(crate) line: usize,
    /// The line it ends in.
    pub(crate) last_line: usize,
}

/// The tokens of `text`, and its comments, each in order.
pub(crate) fn lex(text: &str) -> (Vec<Token>, Vec<Comment>) {
    let mut lexer = Lexer {
        chars: text.chars().collect(),
        at: 0,
        line: 1,
        tokens: Vec::new(),
        comments: Vec::new(),
    };
    while lexer.at < lexer.chars.len() {
        lexer.step();
    }
    (lexer.tokens, lexer.comments)
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
}

impl Lexer {
    fn step(&mut self) {
        let Some(first) = self.peek(0) else {
            return;
        };
        match (first, self.peek(1)) {
            ('/', Some('/')) => self.line_comment(),
            ('/', Some('*')) => self.block_comment(),
            ('"', _) => self.string(0),
            ('\'', _) => self.quote(),
            _ if first.is_alphanumeric() || first == '_' => self.word(),
            _ if first.is_whitespace() => {
                self.advance(1);
            }
            _ => {
                let line = self.line;
                let text = self.advance(1);
                self.push(Kind::Sign, text, line);
            }
        }
    }

    fn line_comment(&mut self) {
        let line = self.line;
        let length = self.length_while(0, |char| char != '\n');
        let text = self.advance(length);
        self.comments.push(Comment {
            text,
            line,
            last_line: line,
        });
    }

    /// They nest.
    fn block_comment(&mut self) {
        let line = self.line;
        let mut text = self.advance(2);
        let mut depth = 1;
        while depth > 0 && self.at < self.chars.len() {
            let step = match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => {
                    depth += 1;
                    2
                }
                (Some('*'), Some('/')) => {
                    depth -= 1;
                    2
                }
                _ => 1,
            };
            text += &self.advance(step);
        }
        self.comments.push(Comment {
            text,
            line,
            last_line: self.line,
        });
    }

    /// A word, or the letters before a string: `r#type` is a word, `br#"..."#` a string.
    fn word(&mut self) {
        let length = self.length_while(0, is_word);
        let prefix: String = self.chars[self.at..self.at + length].iter().collect();
        let hashes = self.length_while(length, |char| char == '#');
        let behind = self.peek(length + hashes);
        match prefix.as_str() {
            "r" | "br" | "cr" if behind == Some('"') => {
                return self.raw_string(length + hashes, hashes);
            }
            "b" | "c" if hashes == 0 && behind == Some('"') => return self.string(length),
            "b" if hashes == 0 && behind == Some('\'') => {
                self.advance(length);
                return self.quote();
            }
            "r" if hashes == 1 && behind.is_some_and(is_word) => {
                self.advance(length + hashes);
                return self.word();
            }
            _ => {}
        }
        let line = self.line;
        let text = self.advance(length);
        self.push(Kind::Word, text, line);
    }

    /// A string with escapes, behind `prefix` characters that belong to it.
    fn string(&mut self, prefix: usize) {
        let line = self.line;
        self.advance(prefix + 1);
        let (mut text, mut is_escaped) = (String::new(), false);
        while let Some(char) = self.peek(0) {
            self.advance(1);
            if !is_escaped && char == '"' {
                break;
            }
            is_escaped = !is_escaped && char == '\\';
            text.push(char);
        }
        self.push(Kind::Literal, text, line);
    }

    /// A string that ends at a quote with as many `hashes` as it began with.
    fn raw_string(&mut self, prefix: usize, hashes: usize) {
        let line = self.line;
        self.advance(prefix + 1);
        let mut text = String::new();
        while self.at < self.chars.len() {
            if self.peek(0) == Some('"') && self.length_while(1, |char| char == '#') >= hashes {
                self.advance(1 + hashes);
                break;
            }
            text += &self.advance(1);
        }
        self.push(Kind::Literal, text, line);
    }

    /// A character or a lifetime: `'a'` and `'\n'` are characters, `'a` is none.
    fn quote(&mut self) {
        let line = self.line;
        self.advance(1);
        let is_escaped = self.peek(0) == Some('\\');
        if is_escaped || self.peek(1) == Some('\'') {
            let mut text = self.advance(1 + usize::from(is_escaped));
            let rest = self.length_while(0, |char| char != '\'' && char != '\n');
            text += &self.advance(rest);
            self.advance(1);
            self.push(Kind::Literal, text, line);
        } else {
            let length = self.length_while(0, is_word);
            let text = self.advance(length);
            self.push(Kind::Lifetime, text, line);
        }
    }

    fn push(&mut self, kind: Kind, text: String, line: usize) {
        self.tokens.push(Token { kind, text, line });
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn length_while(&self, ahead: usize, fits: impl Fn(char) -> bool) -> usize {
        let rest = self.chars.get(self.at + ahead..).unwrap_or_default();
        rest.iter().take_while(|char| fits(**char)).count()
    }

    fn advance(&mut self, count: usize) -> String {
        let end = (self.at + count).min(self.chars.len());
        let text: String = self.chars[self.at..end].iter().collect();
        self.line += text.matches('\n').count();
        self.at = end;
        text
    }
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let (tokens, _) = lex(text);
        let words = tokens.into_iter().filter(|token| token.kind == Kind::Word);
        words.map(|token| token.text).collect()
    }

    fn literals(text: &str) -> Vec<String> {
        let (tokens, _) = lex(text);
        let found = tokens
            .into_iter()
            .filter(|token| token.kind == Kind::Literal);
        found.map(|token| token.text).collect()
    }

    #[test]
    fn comments_are_no_code() {
        let text = "a // todo!()\n/* b /* c */ d */ e /// f\n//! g\nh";
        assert_eq!(words(text), ["a", "e", "h"]);
        let (_, comments) = lex(text);
        let texts: Vec<&str> = comments
            .iter()
            .map(|comment| comment.text.as_str())
            .collect();
        assert_eq!(texts, ["// todo!()", "/* b /* c */ d */", "/// f", "//! g"]);
    }

    #[test]
    fn strings_are_no_code() {
        for (text, inside) in [
            (r#"x("a // b") y"#, "a // b"),
            (r#"x("a \" b \\") y"#, r#"a \" b \\"#),
            (r##"x(r"a\") y"##, r"a\"),
            (r###"x(r#"a " b"#) y"###, "a \" b"),
            (r####"x(br##"a "# b"##) y"####, "a \"# b"),
            (r#"x(b"a") y"#, "a"),
            (r#"x(c"a") y"#, "a"),
            ("x(\"a\nb\") y", "a\nb"),
            ("x('\"') y", "\""),
            ("x('\\'') y", "\\'"),
            ("x(b'\\\\') y", "\\\\"),
            ("x('\\u{1F600}') y", "\\u{1F600}"),
            ("x('a') y", "a"),
        ] {
            assert_eq!(words(text), ["x", "y"], "{text}");
            assert_eq!(literals(text), [inside], "{text}");
        }
    }

    #[test]
    fn lifetimes_and_raw_words_are_not_mistaken_for_strings() {
        assert_eq!(
            words("fn f<'a>(x: &'a str, r: u8) { 'out: loop { break 'out; } }"),
            ["fn", "f", "x", "str", "r", "u8", "loop", "break"]
        );
        assert_eq!(words("r#match + r + br"), ["match", "r", "br"]);
        assert!(literals("&'static ()").is_empty());
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let (tokens, comments) = lex("/* 1\n2 */ a \"3\n4\"\n\n'\\n' r\"\n\" b");
        let at: Vec<(&str, usize)> = tokens
            .iter()
            .map(|token| (token.text.as_str(), token.line))
            .collect();
        assert_eq!(at, [("a", 2), ("3\n4", 2), ("\\n", 5), ("\n", 5), ("b", 6)]);
        assert_eq!((comments[0].line, comments[0].last_line), (1, 2));
    }

    #[test]
    fn what_never_ends_ends_with_the_file() {
        for text in ["\"abc", "r#\"abc\"", "/* abc", "'\\", "'", "b'", "r#", "\\"] {
            lex(text);
        }
        assert_eq!(words("a /* b"), ["a"]);
    }
}
