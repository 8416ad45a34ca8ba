//! The bytes of a database: a line that says what it is, then numbers of eight bytes, the lowest
//! first, and texts, each after its length. Longruns, oneshots and bundles follow each other, each
//! kind after its count. The same database has the same bytes.

use std::collections::BTreeMap;

use super::check::{Fault, check};
use super::{Action, Database, Service};

/// What every database begins with, of whatever version.
const MAGIC: &[u8] = b"sixfold s6-rc database ";
/// The version that is written, and the only one that is read.
const VERSION: &[u8] = b"1";
/// Stands for no consumer.
const NONE: u64 = u64::MAX;
const ESSENTIAL: u64 = 1;
const RECOMMENDED: u64 = 2;

/// Why bytes are no database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// They begin with something else.
    #[error("not written by this s6-rc-compile")]
    Foreign,
    /// It is one of another version.
    #[error("its format has version {0}, not 1")]
    Version(String),
    /// They end too early.
    #[error("it ends too early")]
    Truncated,
    /// They go on after the end.
    #[error("there are bytes after its end")]
    TooLong,
    /// A name is not UTF-8.
    #[error("a name in it is not UTF-8")]
    NotUtf8,
    /// A number means nothing.
    #[error("the number {0} in it means nothing")]
    Number(u64),
    /// What they say makes no database.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Database {
    /// What is written to disk.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [MAGIC, VERSION, b"\n"].concat();
        for is_oneshot in [false, true] {
            let services = || {
                let all = self.authored().iter();
                all.filter(move |service| service.action.is_oneshot() == is_oneshot)
            };
            put_size(&mut bytes, services().count());
            for service in services() {
                put_service(&mut bytes, service);
            }
        }
        put_size(&mut bytes, self.bundles.len());
        for (name, contents) in &self.bundles {
            put_text(&mut bytes, name.as_bytes());
            put_numbers(&mut bytes, contents);
        }
        bytes
    }

    /// Reads what [`Database::to_bytes`] has written.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReadError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(ReadError::Foreign)?;
        let end = rest.iter().position(|byte| *byte == b'\n');
        let version = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if version != VERSION {
            let shown = version.get(..version.len().min(16)).unwrap_or_default();
            return Err(ReadError::Version(shown.escape_ascii().to_string()));
        }
        let rest = rest.get(VERSION.len() + 1..).ok_or(ReadError::Truncated)?;
        let mut reader = Reader { rest };
        let mut services = Vec::new();
        for read in [Reader::longrun, Reader::oneshot] {
            for _ in 0..reader.number()? {
                services.push(reader.service(read)?);
            }
        }
        let mut bundles = BTreeMap::new();
        let mut last: Option<String> = None;
        for _ in 0..reader.number()? {
            let name = reader.name()?;
            let contents = reader.numbers()?;
            if last.is_some_and(|last| last >= name) {
                return Err(Fault::Order(name).into());
            }
            last = Some(name.clone());
            bundles.insert(name, contents);
        }
        if !reader.rest.is_empty() {
            return Err(ReadError::TooLong);
        }
        check(&services, &bundles)?;
        Ok(Self::new(services, bundles))
    }
}

fn put_number(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend(number.to_le_bytes());
}

fn put_size(bytes: &mut Vec<u8>, size: usize) {
    // No machine has more than 64 bits to count with.
    put_number(bytes, u64::try_from(size).unwrap_or(u64::MAX));
}

fn put_text(bytes: &mut Vec<u8>, text: &[u8]) {
    put_size(bytes, text.len());
    bytes.extend(text);
}

fn put_numbers(bytes: &mut Vec<u8>, numbers: &[usize]) {
    put_size(bytes, numbers.len());
    for number in numbers {
        put_size(bytes, *number);
    }
}

fn put_service(bytes: &mut Vec<u8>, service: &Service) {
    put_text(bytes, service.name.as_bytes());
    let essential = if service.essential { ESSENTIAL } else { 0 };
    let recommended = if service.recommended { RECOMMENDED } else { 0 };
    put_number(bytes, essential | recommended);
    put_number(bytes, service.timeout_up);
    put_number(bytes, service.timeout_down);
    let needs: Vec<usize> = service.authored_needs().collect();
    put_numbers(bytes, &needs);
    match &service.action {
        Action::Longrun { consumer: None } => put_number(bytes, NONE),
        Action::Longrun {
            consumer: Some(consumer),
        } => put_size(bytes, *consumer),
        Action::Oneshot { up, down } => {
            for words in [up, down] {
                put_size(bytes, words.len());
                for word in words {
                    put_text(bytes, word);
                }
            }
        }
    }
}

/// What is left to be read. A count is never believed before its items are there.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn number(&mut self) -> Result<u64, ReadError> {
        let (number, rest) = self.rest.split_first_chunk().ok_or(ReadError::Truncated)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*number))
    }

    fn text(&mut self) -> Result<&'a [u8], ReadError> {
        let size = usize::try_from(self.number()?).map_err(|_| ReadError::Truncated)?;
        let (text, rest) = self
            .rest
            .split_at_checked(size)
            .ok_or(ReadError::Truncated)?;
        self.rest = rest;
        Ok(text)
    }

    fn name(&mut self) -> Result<String, ReadError> {
        let text = std::str::from_utf8(self.text()?);
        text.map(str::to_owned).map_err(|_| ReadError::NotUtf8)
    }

    fn index(number: u64) -> Result<usize, ReadError> {
        usize::try_from(number).map_err(|_| ReadError::Number(number))
    }

    fn numbers(&mut self) -> Result<Vec<usize>, ReadError> {
        let mut numbers = Vec::new();
        for _ in 0..self.number()? {
            numbers.push(Self::index(self.number()?)?);
        }
        Ok(numbers)
    }

    fn words(&mut self) -> Result<Vec<Vec<u8>>, ReadError> {
        let mut words = Vec::new();
        for _ in 0..self.number()? {
            words.push(self.text()?.to_vec());
        }
        Ok(words)
    }

    fn service(
        &mut self,
        action: fn(&mut Self) -> Result<Action, ReadError>,
    ) -> Result<Service, ReadError> {
        let name = self.name()?;
        let flags = self.number()?;
        if flags & !(ESSENTIAL | RECOMMENDED) != 0 {
            return Err(ReadError::Number(flags));
        }
        Ok(Service {
            name,
            essential: flags & ESSENTIAL != 0,
            recommended: flags & RECOMMENDED != 0,
            timeout_up: self.number()?,
            timeout_down: self.number()?,
            needs: self.numbers()?,
            action: action(self)?,
            needed_by: Vec::new(),
        })
    }

    fn longrun(&mut self) -> Result<Action, ReadError> {
        let consumer = match self.number()? {
            NONE => None,
            number => Some(Self::index(number)?),
        };
        Ok(Action::Longrun { consumer })
    }

    fn oneshot(&mut self) -> Result<Action, ReadError> {
        Ok(Action::Oneshot {
            up: self.words()?,
            down: self.words()?,
        })
    }
}
