//! From words to an [`Expression`](super::Expression), without recursion: an expression may be as long
//! as an argument vector, and as deep.

use super::{Comparison, FileComparison, FileTest, Operation, Test};
use crate::{Fault, Word};

/// A word, by what it is in an expression.
enum Token {
    Open,
    Close,
    Not,
    And,
    Or,
    /// An operator with one operand.
    Unary(fn(Word) -> Test),
    /// An operator between two operands.
    Binary(Binary),
    /// A string, without the backslash that made it one.
    Data(Word),
}

#[derive(Clone, Copy)]
enum Binary {
    Text(Comparison),
    Number(Comparison),
    Files(FileComparison),
    Matches,
}

impl Binary {
    fn test(self, one: Word, other: Word) -> Test {
        match self {
            Self::Text(comparison) => Test::Text(comparison, one, other),
            Self::Number(comparison) => Test::Number(comparison, one, other),
            Self::Files(comparison) => Test::Files(comparison, one, other),
            Self::Matches => Test::Matches(one, other),
        }
    }
}

/// What waits for its right side to be read. Places are those in the list of operations.
enum Waiting {
    Open,
    Not,
    And(usize),
    Or(usize),
}

/// Reads the words; none give an empty list.
pub(super) fn parse(words: &[Word]) -> Result<Vec<Operation>, Fault> {
    let mut parser = Parser {
        words,
        at: 0,
        operations: Vec::new(),
        waiting: Vec::new(),
    };
    if !words.is_empty() {
        parser.run()?;
    }
    Ok(parser.operations)
}

struct Parser<'a> {
    words: &'a [Word],
    /// The next word.
    at: usize,
    operations: Vec<Operation>,
    waiting: Vec<Waiting>,
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), Fault> {
        loop {
            self.operand()?;
            if !self.operator()? {
                break;
            }
        }
        if self.end_waiting(Self::binds_weakly) {
            return Err(Fault::wrong("parse error: too many left parentheses"));
        }
        Ok(())
    }

    /// What stands before an operator or the end: a test, with what is before it.
    fn operand(&mut self) -> Result<(), Fault> {
        loop {
            let start = self.at;
            match self.next() {
                Some(Token::Open) => self.waiting.push(Waiting::Open),
                Some(Token::Not) => self.waiting.push(Waiting::Not),
                Some(Token::Unary(test)) => {
                    let operand = self.data()?;
                    self.operations.push(Operation::Test(test(operand)));
                    return Ok(());
                }
                Some(Token::Data(word)) => {
                    let test = match self.peek() {
                        Some(Token::Binary(binary)) => {
                            self.at = self.at.saturating_add(1);
                            binary.test(word, self.data()?)
                        }
                        Some(
                            Token::Open
                            | Token::Close
                            | Token::Not
                            | Token::And
                            | Token::Or
                            | Token::Unary(_)
                            | Token::Data(_),
                        )
                        | None => Test::NotEmpty(word),
                    };
                    self.operations.push(Operation::Test(test));
                    return Ok(());
                }
                Some(Token::Close | Token::And | Token::Or | Token::Binary(_)) | None => {
                    return Err(wrong_at(start));
                }
            }
        }
    }

    /// What follows an operand; false at the end of the words.
    fn operator(&mut self) -> Result<bool, Fault> {
        loop {
            let start = self.at;
            match self.next() {
                None => return Ok(false),
                Some(Token::And) => {
                    self.end_waiting(|waiting| matches!(waiting, Waiting::Not | Waiting::And(_)));
                    let place = self.operations.len();
                    self.operations.push(Operation::And(0));
                    self.waiting.push(Waiting::And(place));
                    return Ok(true);
                }
                Some(Token::Or) => {
                    self.end_waiting(Self::binds_weakly);
                    let place = self.operations.len();
                    self.operations.push(Operation::Or(0));
                    self.waiting.push(Waiting::Or(place));
                    return Ok(true);
                }
                Some(Token::Close) => {
                    if !self.end_waiting(Self::binds_weakly) {
                        // What follows is looked at first: nothing may be there that cannot be.
                        return Err(match self.peek() {
                            Some(Token::And | Token::Or | Token::Close) | None => {
                                let place = self.at;
                                Fault::wrong(format!(
                                    "parse error: bad right parenthesis at argument {place}"
                                ))
                            }
                            Some(
                                Token::Open
                                | Token::Not
                                | Token::Unary(_)
                                | Token::Binary(_)
                                | Token::Data(_),
                            ) => wrong_at(self.at),
                        });
                    }
                    self.waiting.pop();
                }
                Some(
                    Token::Open | Token::Not | Token::Unary(_) | Token::Binary(_) | Token::Data(_),
                ) => return Err(wrong_at(start)),
            }
        }
    }

    /// Everything but a parenthesis.
    fn binds_weakly(waiting: &Waiting) -> bool {
        match waiting {
            Waiting::Open => false,
            Waiting::Not | Waiting::And(_) | Waiting::Or(_) => true,
        }
    }

    /// Ends what waits, from the innermost on as far as `is_ended` says. Whether something waits
    /// still.
    fn end_waiting(&mut self, is_ended: impl Fn(&Waiting) -> bool) -> bool {
        while let Some(waiting) = self.waiting.pop_if(|waiting| is_ended(waiting)) {
            let behind = self.operations.len();
            match waiting {
                Waiting::Not => self.operations.push(Operation::Not),
                Waiting::And(place) => self.set(place, Operation::And(behind)),
                Waiting::Or(place) => self.set(place, Operation::Or(behind)),
                Waiting::Open => {}
            }
        }
        !self.waiting.is_empty()
    }

    fn set(&mut self, place: usize, operation: Operation) {
        if let Some(old) = self.operations.get_mut(place) {
            *old = operation;
        }
    }

    /// The string that an operator needs.
    fn data(&mut self) -> Result<Word, Fault> {
        let start = self.at;
        match self.next() {
            Some(Token::Data(word)) => Ok(word),
            Some(
                Token::Open
                | Token::Close
                | Token::Not
                | Token::And
                | Token::Or
                | Token::Unary(_)
                | Token::Binary(_),
            )
            | None => Err(wrong_at(start)),
        }
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek()?;
        self.at = self.at.saturating_add(1);
        Some(token)
    }

    fn peek(&self) -> Option<Token> {
        self.words.get(self.at).map(|word| token(word))
    }
}

fn wrong_at(place: usize) -> Fault {
    Fault::wrong(format!("parse error at argument {place}"))
}

fn token(word: &[u8]) -> Token {
    if let Some(data) = word.strip_prefix(b"\\") {
        return Token::Data(data.to_vec());
    }
    let text = |comparison| Token::Binary(Binary::Text(comparison));
    let numbers = |comparison| Token::Binary(Binary::Number(comparison));
    let files = |comparison| Token::Binary(Binary::Files(comparison));
    match word {
        b"(" => Token::Open,
        b")" => Token::Close,
        b"!" => Token::Not,
        b"-a" => Token::And,
        b"-o" => Token::Or,
        b"-n" => Token::Unary(Test::NotEmpty),
        b"-z" => Token::Unary(Test::Empty),
        b"-t" => Token::Unary(Test::Terminal),
        b"-v" => Token::Unary(Test::Variable),
        b"=" => text(Comparison::Equal),
        b"!=" => text(Comparison::NotEqual),
        b"<" => text(Comparison::Less),
        b"<=" => text(Comparison::LessOrEqual),
        b">" => text(Comparison::Greater),
        b">=" => text(Comparison::GreaterOrEqual),
        b"-eq" => numbers(Comparison::Equal),
        b"-ne" => numbers(Comparison::NotEqual),
        b"-lt" => numbers(Comparison::Less),
        b"-le" => numbers(Comparison::LessOrEqual),
        b"-gt" => numbers(Comparison::Greater),
        b"-ge" => numbers(Comparison::GreaterOrEqual),
        b"-nt" => files(FileComparison::Newer),
        b"-ot" => files(FileComparison::Older),
        b"-ef" => files(FileComparison::Same),
        b"=~" => Token::Binary(Binary::Matches),
        [b'-', letter] => file_test(*letter).unwrap_or_else(|| Token::Data(word.to_vec())),
        _ => Token::Data(word.to_vec()),
    }
}

fn file_test(letter: u8) -> Option<Token> {
    Some(Token::Unary(match letter {
        b'e' => |path| Test::File(FileTest::Exists, path),
        b'f' => |path| Test::File(FileTest::Regular, path),
        b'd' => |path| Test::File(FileTest::Directory, path),
        b'b' => |path| Test::File(FileTest::BlockDevice, path),
        b'c' => |path| Test::File(FileTest::CharacterDevice, path),
        b'p' => |path| Test::File(FileTest::Fifo, path),
        b'S' => |path| Test::File(FileTest::Socket, path),
        b'h' | b'L' => |path| Test::File(FileTest::Link, path),
        b'r' => |path| Test::File(FileTest::Readable, path),
        b'w' => |path| Test::File(FileTest::Writable, path),
        b'x' => |path| Test::File(FileTest::Executable, path),
        b's' => |path| Test::File(FileTest::NotEmpty, path),
        b'g' => |path| Test::File(FileTest::SetGid, path),
        b'u' => |path| Test::File(FileTest::SetUid, path),
        b'k' => |path| Test::File(FileTest::Sticky, path),
        b'O' | b'U' => |path| Test::File(FileTest::Owned, path),
        b'G' => |path| Test::File(FileTest::GroupOwned, path),
        b'N' => |path| Test::File(FileTest::Modified, path),
        _ => return None,
    }))
}
