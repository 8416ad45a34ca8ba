//! The workspace's sources, taken apart for the rules: tokens, comments, paths, and which of it is
//! test code.
//!
//! Reads files and nothing else. Called from `architecture.rs` and by the rules' own tests, which
//! hand in a text of their own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::lexer::{Comment, Kind, Token, lex};

/// One thing that is wrong, as the failure of a test names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The file, relative to the workspace.
    pub(crate) file: PathBuf,
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// The rule, and what breaks it.
    pub(crate) rule: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.rule)
    }
}

/// One source file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Where it lies, relative to the workspace.
    pub(crate) path: PathBuf,
    /// All of it.
    pub(crate) text: String,
    /// The code.
    pub(crate) tokens: Vec<Token>,
    /// The comments.
    pub(crate) comments: Vec<Comment>,
    /// For each token, whether it is test code.
    is_test: Vec<bool>,
}

/// A path in the code, such as `std::fs::read`. The trees of `use` are taken apart, so that
/// `use std::{fs, io}` is the two paths that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodePath {
    /// Its segments; `*` is one too.
    pub(crate) segments: Vec<String>,
    /// The line of its last segment.
    pub(crate) line: usize,
    /// Whether it is in test code.
    pub(crate) is_test: bool,
}

impl CodePath {
    /// Whether it begins with these segments.
    pub(crate) fn begins(&self, segments: &[&str]) -> bool {
        self.segments.len() >= segments.len() && self.segments.iter().zip(segments).all(is_pair)
    }

    /// Whether these segments stand one behind the other somewhere in it.
    pub(crate) fn holds(&self, segments: &[&str]) -> bool {
        self.segments
            .windows(segments.len())
            .any(|window| window.iter().zip(segments).all(is_pair))
    }
}

fn is_pair((own, other): (&String, &&str)) -> bool {
    own == other
}

impl Source {
    /// The source with this text; all of it is test code if `is_test`.
    pub(crate) fn new(path: impl Into<PathBuf>, text: &str, is_test: bool) -> Self {
        let (tokens, comments) = lex(text);
        let mut marks = vec![is_test; tokens.len()];
        for (start, end) in test_items(&tokens) {
            marks[start..end].fill(true);
        }
        Self {
            path: path.into(),
            text: text.to_owned(),
            tokens,
            comments,
            is_test: marks,
        }
    }

    /// The name of the crate below `crates` that it belongs to, if any.
    pub(crate) fn krate(&self) -> Option<&str> {
        let mut parts = self.path.iter().map(|part| part.to_str());
        (parts.next() == Some(Some("crates"))).then(|| parts.next().flatten())?
    }

    /// Whether the token at `index` is test code.
    pub(crate) fn is_test(&self, index: usize) -> bool {
        self.is_test.get(index).copied().unwrap_or(false)
    }

    /// A finding in this file.
    pub(crate) fn finding(&self, line: usize, rule: impl Into<String>) -> Finding {
        Finding {
            file: self.path.clone(),
            line,
            rule: rule.into(),
        }
    }

    /// Where `texts` stand one behind the other as words and signs.
    pub(crate) fn occurrences<'a>(
        &'a self,
        texts: &'a [&'a str],
    ) -> impl Iterator<Item = usize> + 'a {
        (0..self.tokens.len()).filter(move |start| self.is_at(*start, texts))
    }

    /// Whether `texts` stand at `start` as words and signs.
    pub(crate) fn is_at(&self, start: usize, texts: &[&str]) -> bool {
        is_at(&self.tokens, start, texts)
    }

    /// Every path of the code, in no order.
    pub(crate) fn paths(&self) -> Vec<CodePath> {
        let mut paths = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let is_use = self.is_at(at, &["use"]) && !self.is_at(at + 1, &["<"]);
            if is_use {
                at = self.use_tree(at + 1, &[], &mut paths);
            } else if self.tokens[at].kind == Kind::Word {
                at = self.plain_path(at, &mut paths);
            } else {
                at += 1;
            }
        }
        paths
    }

    /// Reads `a::b::c` at `at`; returns where it ends.
    fn plain_path(&self, mut at: usize, paths: &mut Vec<CodePath>) -> usize {
        let mut segments = vec![self.tokens[at].text.clone()];
        while self.is_at(at + 1, &[":", ":"])
            && let Some(next) = self.tokens.get(at + 3)
            && next.kind == Kind::Word
        {
            segments.push(next.text.clone());
            at += 3;
        }
        paths.push(self.path_at(segments, at));
        at + 1
    }

    /// Reads a tree of `use` at `at`, behind `prefix`; returns where it ends.
    fn use_tree(&self, mut at: usize, prefix: &[String], paths: &mut Vec<CodePath>) -> usize {
        let mut segments = prefix.to_vec();
        let mut last = at;
        while let Some(token) = self.tokens.get(at) {
            match (token.kind, token.text.as_str()) {
                (Kind::Word, "as") => at += 2,
                (Kind::Word, "self") if !segments.is_empty() => {
                    last = at;
                    at += 1;
                }
                (Kind::Word, _) | (Kind::Sign, "*") => {
                    segments.push(token.text.clone());
                    last = at;
                    at += 1;
                }
                (Kind::Sign, ":") => at += 1,
                (Kind::Sign, "{") => {
                    at += 1;
                    while self.tokens.get(at).is_some_and(|token| token.text != "}") {
                        at = self.use_tree(at, &segments, paths);
                        at += usize::from(self.is_at(at, &[","]));
                    }
                    return at + 1;
                }
                (Kind::Sign | Kind::Literal | Kind::Lifetime, _) => break,
            }
        }
        if segments.len() > prefix.len() || last < at {
            paths.push(self.path_at(segments, last));
        }
        // Whatever stands here that is no tree must not be looked at for ever.
        let is_end = self.tokens.get(at).is_none_or(|token| token.text == "}");
        if is_end || self.is_at(at, &[","]) || prefix.is_empty() {
            at
        } else {
            at + 1
        }
    }

    fn path_at(&self, segments: Vec<String>, at: usize) -> CodePath {
        CodePath {
            segments,
            line: self.tokens.get(at).map_or(1, |token| token.line),
            is_test: self.is_test(at),
        }
    }
}

fn is_at(tokens: &[Token], start: usize, texts: &[&str]) -> bool {
    let found = tokens.get(start..start + texts.len()).unwrap_or_default();
    found.len() == texts.len()
        && found.iter().zip(texts).all(|(token, text)| {
            matches!(token.kind, Kind::Word | Kind::Sign) && token.text == **text
        })
}

const CFG_TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

/// The items marked `#[cfg(test)]`: from their first token to behind their last.
fn test_items(tokens: &[Token]) -> Vec<(usize, usize)> {
    (0..tokens.len())
        .filter(|start| is_at(tokens, *start, &CFG_TEST))
        .map(|start| (start, item_end(tokens, start)))
        .collect()
}

/// Where the item ends whose attributes begin at `at`: behind its `;` or its braces.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(token) = tokens.get(at) {
        at += 1;
        if token.kind != Kind::Sign {
            continue;
        }
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && token.text == "}" {
                    return at;
                }
            }
            ";" if depth == 0 => return at,
            _ => {}
        }
    }
    at
}

/// The files that `#[cfg(test)] mod name;` in `source` refers to, in all the places where the
/// compiler looks.
fn test_files(source: &Source) -> Vec<PathBuf> {
    let dir = source.path.parent().unwrap_or(Path::new(""));
    let stem = source.path.file_stem().and_then(|stem| stem.to_str());
    let children = match stem {
        Some("lib" | "main" | "mod") | None => dir.to_owned(),
        Some(stem) => dir.join(stem),
    };
    let mut files = Vec::new();
    for (start, end) in test_items(&source.tokens) {
        let item = &source.tokens[start..end];
        let Some(name) = item
            .iter()
            .rposition(|token| token.text == "mod" && token.kind == Kind::Word)
            .filter(|at| is_at(item, at + 2, &[";"]))
            .and_then(|at| item.get(at + 1))
        else {
            continue;
        };
        let given = (0..item.len())
            .find(|at| is_at(item, *at, &["path", "="]))
            .and_then(|at| item.get(at + 2));
        match given {
            Some(path) => files.push(dir.join(&path.text)),
            None => {
                files.push(children.join(format!("{}.rs", name.text)));
                files.push(children.join(&name.text).join("mod.rs"));
            }
        }
    }
    files
}

/// Every source file of the workspace at `root`, the tests' own among them.
pub(crate) fn read_workspace(root: &Path) -> Vec<Source> {
    let texts: Vec<(PathBuf, String)> = files(root)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let text = fs::read_to_string(root.join(&path));
            let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path, text)
        })
        .collect();
    let plain = texts
        .iter()
        .map(|(path, text)| Source::new(path, text, false));
    let marked: BTreeSet<PathBuf> = plain.flat_map(|source| test_files(&source)).collect();
    texts
        .iter()
        .map(|(path, text)| Source::new(path, text, is_test_file(path, &marked)))
        .collect()
}

/// Whether a file is test code as a whole: a test program, a benchmark, the crate of tests, or
/// (part of) a module that is marked as a test.
fn is_test_file(path: &Path, marked: &BTreeSet<PathBuf>) -> bool {
    let in_crate = path.strip_prefix("crates").map(|rest| {
        let mut parts = rest.iter().skip(1);
        parts
            .next()
            .is_some_and(|part| part == "tests" || part == "benches")
    });
    in_crate.unwrap_or(true)
        || path.ancestors().any(|ancestor| {
            marked.contains(ancestor) || marked.contains(&ancestor.with_extension("rs"))
        })
}

/// Every file of the workspace at `root`, relative to it, but for what is built and what is hidden.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![PathBuf::new()];
    while let Some(dir) = dirs.pop() {
        let entries = fs::read_dir(root.join(&dir));
        for entry in entries.unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
            let entry = entry.expect("a directory can be read to its end");
            let name = entry.file_name();
            let path = dir.join(&name);
            let kind = entry.file_type().expect("an entry has a type");
            if kind.is_file() {
                found.push(path);
            } else if kind.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.')
            {
                dirs.push(path);
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let mut found: Vec<String> = Source::new("x.rs", text, false)
            .paths()
            .into_iter()
            .map(|path| path.segments.join("::"))
            .collect();
        found.sort();
        found
    }

    #[test]
    fn use_trees_are_taken_apart() {
        assert_eq!(
            paths("use std::{self, fs, io::{self, Read as _, Write}, os::*,}; x"),
            [
                "std",
                "std::fs",
                "std::io",
                "std::io::Read",
                "std::io::Write",
                "std::os::*",
                "x"
            ]
        );
        assert_eq!(paths("pub(crate) use a::b as c;"), ["a::b", "crate", "pub"]);
        assert_eq!(paths("use ::std::{fs};"), ["std::fs"]);
        assert_eq!(paths("use {a::b, c};"), ["a::b", "c"]);
        assert_eq!(paths("use super::*;"), ["super::*"]);
    }

    #[test]
    fn paths_in_code_are_whole() {
        assert_eq!(
            paths("x: &std::path::Path = std::fs::read::<u8>(a::B)"),
            ["a::B", "std::fs::read", "std::path::Path", "u8", "x"]
        );
        assert_eq!(paths("impl T + use<'a>"), ["T", "impl", "use"]);
    }

    #[test]
    fn a_broken_use_ends() {
        for text in [
            "use",
            "use {",
            "use a::{b",
            "use a::{b + c}; d",
            "use a::{;};",
        ] {
            paths(text);
        }
    }

    #[test]
    fn test_items_are_marked_to_their_end() {
        let text = "a; #[cfg(test)] mod t { b; fn f() { c } } d; #[cfg(test)] #[x] fn g(h: [u8; 2]) { i } j; #[cfg(test)] const K: [u8; 1] = [2]; l";
        let source = Source::new("x.rs", text, false);
        let is_test = |word: &str| {
            let at = source.occurrences(&[word]).next();
            source.is_test(at.expect("the word is there"))
        };
        for word in ["b", "c", "g", "h", "i", "K", "2"] {
            assert!(is_test(word), "{word}");
        }
        for word in ["a", "d", "j", "l"] {
            assert!(!is_test(word), "{word}");
        }
    }

    #[test]
    fn files_of_test_modules_are_test_code() {
        let text =
            "#[cfg(test)] mod tests; #[cfg(test)] #[path = \"x_tests.rs\"] mod other; mod real;";
        let marked = test_files(&Source::new("crates/a/src/x.rs", text, false));
        let marked: BTreeSet<PathBuf> = marked.into_iter().collect();
        for (path, is_test) in [
            ("crates/a/src/x/tests.rs", true),
            ("crates/a/src/x/tests/mod.rs", true),
            ("crates/a/src/x/tests/more.rs", true),
            ("crates/a/src/x_tests.rs", true),
            ("crates/a/src/x.rs", false),
            ("crates/a/src/tests.rs", false),
            ("crates/a/src/x/real.rs", false),
            ("crates/a/tests/y.rs", true),
            ("integration-tests/src/lib.rs", true),
        ] {
            assert_eq!(is_test_file(Path::new(path), &marked), is_test, "{path}");
        }
        let root = test_files(&Source::new("crates/a/src/lib.rs", text, false));
        assert!(root.contains(&PathBuf::from("crates/a/src/tests.rs")));
    }
}
