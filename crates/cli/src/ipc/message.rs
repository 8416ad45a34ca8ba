//! What s6-sudoc and s6-sudod say to each other: a greeting from the server, then one message from the
//! client with its standard streams beside it, then one byte (an error number, or zero when the
//! program runs), then how the program has ended.
//!
//! The message has a header of its own (its length, and how many descriptors come with it); then
//! another greeting, four numbers (how many words and variables there are, and how many bytes each of
//! these takes), and the words and variables, each with a NUL byte after it. Numbers are big-endian.

/// What the server begins with.
pub(super) const FROM_SERVER: &[u8] = b"s6-sudo b v1.0\n";
/// What the client's message begins with.
const FROM_CLIENT: &[u8] = b"s6-sudo a v1.0\n";
/// How many descriptors come with it.
pub(super) const STREAMS: usize = 3;
/// The length of the header.
pub(super) const HEADER: usize = 6;
/// More than any client sends.
const MOST: u32 = 131_072;
/// No message is longer than that.
pub(super) const LONGEST: usize = 16 << 20;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Request {
    /// The words after those of the server.
    pub(super) words: Vec<Vec<u8>>,
    /// Its environment (`NAME=VALUE`).
    pub(super) environment: Vec<Vec<u8>>,
}

impl Request {
    /// The message with its header.
    pub(super) fn pack(&self) -> Option<Vec<u8>> {
        let packed = |strings: &[Vec<u8>]| -> Vec<u8> {
            let ended = strings.iter().flat_map(|one| [one.as_slice(), b"\0"]);
            ended.collect::<Vec<_>>().concat()
        };
        let (words, environment) = (packed(&self.words), packed(&self.environment));
        let mut body = FROM_CLIENT.to_vec();
        for count in [
            self.words.len(),
            self.environment.len(),
            words.len(),
            environment.len(),
        ] {
            body.extend(u32::try_from(count).ok()?.to_be_bytes());
        }
        body.extend(words);
        body.extend(environment);
        let length = u32::try_from(body.len()).ok()?;
        let streams = u16::try_from(STREAMS).ok()?;
        Some([&length.to_be_bytes()[..], &streams.to_be_bytes(), &body].concat())
    }

    /// Reads what follows the header; or says what is wrong with it.
    pub(super) fn unpack(body: &[u8]) -> Result<Self, &'static str> {
        const NUMBERS: usize = 16;
        if body.len() < FROM_CLIENT.len() + NUMBERS {
            return Err("wrong client message");
        }
        let body = body
            .strip_prefix(FROM_CLIENT)
            .ok_or("wrong client banner")?;
        let (numbers, strings) = body.split_at_checked(NUMBERS).unwrap_or_default();
        let mut numbers = numbers.chunks_exact(4).map(|number| match number {
            [a, b, c, d] => u32::from_be_bytes([*a, *b, *c, *d]),
            _ => u32::MAX,
        });
        let mut number = || numbers.next().unwrap_or(u32::MAX);
        let (words, variables) = (number(), number());
        let (length, other_length) = (number(), number());
        let wrong = "wrong client argc/envlen";
        if u64::from(length) + u64::from(other_length) != strings.len() as u64 {
            return Err(wrong);
        }
        if words > MOST || variables > MOST {
            return Err("too many args/envvars from client");
        }
        let length = usize::try_from(length).map_err(|_| wrong)?;
        let (first, second) = strings.split_at_checked(length).ok_or(wrong)?;
        Ok(Self {
            words: split(first, words).ok_or(wrong)?,
            environment: split(second, variables).ok_or(wrong)?,
        })
    }
}

/// So many strings, each with a NUL byte after it.
fn split(strings: &[u8], count: u32) -> Option<Vec<Vec<u8>>> {
    if strings.is_empty() {
        return (count == 0).then(Vec::new);
    }
    let strings = strings.strip_suffix(b"\0")?.split(|byte| *byte == 0);
    let strings: Vec<Vec<u8>> = strings.map(<[u8]>::to_vec).collect();
    (strings.len() == usize::try_from(count).ok()?).then_some(strings)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_wrong_is_told() {
        let request = Request {
            words: vec![b"a".to_vec(), Vec::new()],
            environment: vec![b"X=1".to_vec()],
        };
        let packed = request.pack().unwrap();
        let body = &packed[HEADER..];
        assert_eq!(Request::unpack(body), Ok(request));
        assert_eq!(Request::unpack(&body[..20]), Err("wrong client message"));
        let mut other = body.to_vec();
        other[8] = b'b';
        assert_eq!(Request::unpack(&other), Err("wrong client banner"));
        let mut other = body.to_vec();
        other.push(0);
        assert_eq!(Request::unpack(&other), Err("wrong client argc/envlen"));
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            words in proptest::collection::vec(proptest::collection::vec(1_u8.., 0..5), 0..5),
            environment in proptest::collection::vec(proptest::collection::vec(1_u8.., 0..5), 0..5),
        ) {
            let request = Request { words, environment };
            let packed = request.pack().unwrap();
            prop_assert_eq!(Request::unpack(&packed[HEADER..]), Ok(request));
        }

        #[test]
        fn nothing_panics(tail in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Request::unpack(&[FROM_CLIENT, &tail].concat());
            let _ = Request::unpack(&tail);
        }
    }
}
