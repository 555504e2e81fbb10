//! As much of DER as the forms of keys need.

pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const SEQUENCE: u8 = 0x30;
/// `[1]`, constructed.
pub const CONTEXT_1: u8 = 0xa1;

/// Reads one value after the other; `None` for whatever is not DER of a length that keys have.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next value, of whatever tag.
    pub fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (length, rest) = length_of(rest)?;
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    pub fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, value)| value)
    }

    /// The one value that all of it is.
    pub fn only(mut self, tag: u8) -> Option<&'a [u8]> {
        let value = self.expect(tag)?;
        self.0.is_empty().then_some(value)
    }
}

fn length_of(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    match first {
        0..=0x7f => Some((usize::from(first), rest)),
        0x81 => rest.split_first().filter(|(length, _)| **length > 0x7f).map(|(&length, rest)| (usize::from(length), rest)),
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let length = usize::from(u16::from_be_bytes(*length));
            (length > 0xff).then_some((length, rest))
        }
        _ => None,
    }
}

/// One value of these parts, up to 65 535 bytes.
pub fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let [high, low] = (length as u16).to_be_bytes();
    let mut all = match length {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    all.extend(parts.iter().copied().flatten());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_whatever_its_length() {
        for length in [0, 1, 127, 128, 255, 256, 5000] {
            let content = vec![7; length];
            let written = value(SEQUENCE, &[&content]);
            assert_eq!(Reader(&written).only(SEQUENCE), Some(content.as_slice()));
        }
    }

    #[test]
    fn what_is_cut_short_follows_or_is_longer_than_it_need_be_is_nothing() {
        let whole = value(SEQUENCE, &[&[1; 200]]);
        assert_eq!(Reader(&whole[..whole.len() - 1]).only(SEQUENCE), None);
        assert_eq!(Reader(&[whole.as_slice(), &[0]].concat()).only(SEQUENCE), None);
        assert_eq!(Reader(&whole).only(INTEGER), None);
        assert_eq!(Reader(&[SEQUENCE, 0x81, 1, 0]).only(SEQUENCE), None);
        assert_eq!(Reader(&[SEQUENCE, 0x82, 0, 1, 0]).only(SEQUENCE), None);
        assert_eq!(Reader(&[SEQUENCE, 0x80]).only(SEQUENCE), None);
        assert_eq!(Reader(&[]).only(SEQUENCE), None);
    }
}
