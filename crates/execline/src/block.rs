//! The words after a command, taken one by one and block by block (execline.md D1.2).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::fault::{Fault, joined};
use crate::options::{Given, Options, WrongUsage};
use crate::strict::Strict;
use crate::{Word, Words};

/// What is left of a command's words.
#[derive(Debug)]
pub struct Args {
    words: VecDeque<Word>,
    strict: Strict,
    /// How many blocks were taken.
    blocks: u32,
    /// What was not quoted, for warnings; in common with the blocks in a block.
    warnings: Rc<RefCell<Vec<Word>>>,
}

impl Args {
    /// All of `words`; `strict` decides about words in a block that are not quoted.
    #[must_use]
    pub fn new(words: Words, strict: Strict) -> Self {
        Self {
            words: words.into(),
            strict,
            blocks: 0,
            warnings: Rc::default(),
        }
    }

    /// Takes the options that come next, and gives each to `take`.
    ///
    /// # Errors
    /// As [`Options::next_option`]; and what `take` refuses.
    pub fn options(
        &mut self,
        letters: &'static str,
        mut take: impl FnMut(Given) -> Result<(), WrongUsage>,
    ) -> Result<(), WrongUsage> {
        let words = std::iter::from_fn(|| self.words.pop_front());
        let mut options = Options::of(words, letters);
        while let Some(given) = options.next_option()? {
            take(given)?;
        }
        if let Some(operand) = options.operand() {
            self.words.push_front(operand);
        }
        Ok(())
    }

    /// The next word.
    pub fn word(&mut self) -> Option<Word> {
        self.words.pop_front()
    }

    /// The next block: the words up to the first empty one, each without the blank in front.
    /// `which` names it in messages, with a blank behind (`"then "`), or is empty.
    ///
    /// # Errors
    /// `unterminated block`, and with [`Strict::Fatal`] a word that is not quoted.
    pub fn block(&mut self, which: &str) -> Result<Words, Fault> {
        self.blocks = self.blocks.saturating_add(1);
        let mut block = Words::new();
        while let Some(mut word) = self.words.pop_front() {
            if word.is_empty() {
                return Ok(block);
            }
            if word.first() == Some(&b' ') {
                word.remove(0);
            } else if matches!(self.strict, Strict::Warn | Strict::Fatal) {
                let place = format!(" at block {} position {}", self.blocks, block.len());
                let text = joined(&[b"unquoted argument ", &word, place.as_bytes()]);
                if self.strict == Strict::Fatal {
                    return Err(self.fault(text));
                }
                self.warnings.borrow_mut().push(text);
            }
            block.push(word);
        }
        Err(self.fault(format!("unterminated {which}block")))
    }

    /// Whether the end of a block is among what is left.
    #[must_use]
    pub fn has_block(&self) -> bool {
        self.words.iter().any(Vec::is_empty)
    }

    /// The words of a block that was taken from here, for a command that has blocks in its block. Its
    /// blocks are counted on from here; [`Args::absorb`] takes back what it has counted.
    #[must_use]
    pub fn inside(&self, block: Words) -> Self {
        Self {
            words: block.into(),
            strict: self.strict,
            blocks: self.blocks,
            warnings: Rc::clone(&self.warnings),
        }
    }

    /// Ends the reading of a block: its count goes on here. What is left of it is dropped.
    pub fn absorb(&mut self, inner: Self) {
        self.blocks = inner.blocks;
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// What is left, and the warnings that are due.
    #[must_use]
    pub fn finish(self) -> (Words, Vec<Word>) {
        (self.words.into(), self.warnings.take())
    }

    /// Wrong words; the warnings about those before them are due all the same.
    fn fault(&self, text: impl Into<Word>) -> Fault {
        Fault {
            warnings: self.warnings.take(),
            ..Fault::wrong(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str], strict: Strict) -> Args {
        Args::new(
            words.iter().map(|word| word.as_bytes().to_vec()).collect(),
            strict,
        )
    }

    fn texts(words: Words) -> Vec<String> {
        words
            .into_iter()
            .map(|word| String::from_utf8(word).unwrap())
            .collect()
    }

    #[test]
    fn a_block_ends_at_the_empty_word_and_loses_one_blank() {
        let mut it = args(&[" a", "  b", " ", " c", "", "d"], Strict::Fatal);
        assert_eq!(texts(it.block("").unwrap()), ["a", " b", "", "c"]);
        assert_eq!(it.word(), Some(b"d".to_vec()));
        assert!(it.is_empty());
        assert_eq!(it.word(), None);
    }

    #[test]
    fn unquoted_words_are_taken_told_or_refused() {
        let block = ["a", "b", "", "c"];
        let mut it = args(&block, Strict::Unset);
        assert_eq!(texts(it.block("").unwrap()), ["a", "b"]);
        assert!(it.finish().1.is_empty());
        let mut it = args(&block, Strict::Warn);
        assert_eq!(texts(it.block("").unwrap()), ["a", "b"]);
        assert_eq!(
            texts(it.finish().1),
            [
                "unquoted argument a at block 1 position 0",
                "unquoted argument b at block 1 position 1"
            ]
        );
        let fault = args(&block, Strict::Fatal).block("").unwrap_err();
        assert_eq!(fault.text, b"unquoted argument a at block 1 position 0");
    }

    #[test]
    fn options_are_taken_and_nothing_else() {
        let mut it = args(&["-ab", "v", "-", "-a"], Strict::Unset);
        let mut seen = Vec::new();
        it.options("ab:", |given| {
            seen.push((given.letter, given.value));
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, [(b'a', Word::new()), (b'b', b"v".to_vec())]);
        assert_eq!(texts(it.finish().0), ["-", "-a"]);
        let mut it = args(&["--", "-a"], Strict::Unset);
        it.options("a", |_| Err(WrongUsage)).unwrap();
        assert_eq!(texts(it.finish().0), ["-a"]);
    }

    #[test]
    fn blocks_in_a_block_are_counted_on() {
        let mut it = args(&["a", " b", "", "", "c"], Strict::Warn);
        let block = it.block("").unwrap();
        let mut inner = it.inside(block);
        assert!(!inner.has_block() && it.has_block());
        assert_eq!(inner.word(), Some(b"a".to_vec()));
        let mut inner = it.inside(vec![b"x".to_vec(), vec![]]);
        assert_eq!(texts(inner.block("").unwrap()), ["x"]);
        it.absorb(inner);
        assert_eq!(texts(it.block("").unwrap()), Vec::<String>::new());
        assert_eq!(
            texts(it.finish().1),
            [
                "unquoted argument a at block 1 position 0",
                "unquoted argument x at block 2 position 0"
            ]
        );
    }

    #[test]
    fn a_block_without_an_end_is_refused() {
        let fault = args(&[" a", " b"], Strict::Unset)
            .block("then ")
            .unwrap_err();
        assert_eq!(fault, Fault::wrong("unterminated then block"));
    }
}
