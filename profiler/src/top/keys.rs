//! Decodes keys from the bytes that a terminal sends. crossterm's reader is not used: it never returns after
//! the terminal has hung up, and this process handles the signal that would end it.

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The typed text.
    Char(char),
    /// A character with the control key.
    Control(char),
    /// Enter or return.
    Enter,
    /// Escape.
    Escape,
    /// Backspace.
    Backspace,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// F1.
    Help,
}

const ESCAPE: u8 = 0x1b;

/// The longest escape sequence of a known key.
const LONGEST: usize = 16;

/// A decoder, with the bytes of an incomplete key.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    begun: Vec<u8>,
}

impl Keys {
    /// Decodes the keys that these bytes complete. An escape with nothing after it is the escape key.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Key> {
        let mut rest = std::mem::take(&mut self.begun);
        rest.extend_from_slice(bytes);
        let mut rest = rest.as_slice();
        let mut keys = Vec::new();
        while !rest.is_empty() {
            let Some((key, length)) = next(rest) else {
                self.begun = rest.to_vec();
                break;
            };
            keys.extend(key);
            rest = rest.get(length..).unwrap_or_default();
        }
        keys
    }
}

/// The first key and its length in bytes; `None` if incomplete.
fn next(bytes: &[u8]) -> Option<(Option<Key>, usize)> {
    let (&first, rest) = bytes.split_first()?;
    match (first, rest.first()) {
        (ESCAPE, Some(b'[')) => sequence(bytes),
        (ESCAPE, Some(b'O')) => rest.get(1).map(|last| (final_key(*last), 3)),
        (ESCAPE, _) => Some((Some(Key::Escape), 1)),
        (b'\r' | b'\n', _) => Some((Some(Key::Enter), 1)),
        (0x7f | 0x08, _) => Some((Some(Key::Backspace), 1)),
        (1..=26, _) => Some((Some(Key::Control(char::from(first - 1 + b'a'))), 1)),
        (0..=31, _) => Some((None, 1)),
        _ => character(bytes),
    }
}

/// `ESC [ parameters final`
fn sequence(bytes: &[u8]) -> Option<(Option<Key>, usize)> {
    let parameters = bytes.get(2..)?;
    let Some(length) = parameters.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
        return (bytes.len() > LONGEST).then_some((None, bytes.len()));
    };
    let (parameters, last) = (parameters.get(..length)?, *parameters.get(length)?);
    let key = match (last, parameters) {
        (b'~', b"1" | b"7") => Some(Key::Home),
        (b'~', b"4" | b"8") => Some(Key::End),
        (b'~', b"5") => Some(Key::PageUp),
        (b'~', b"6") => Some(Key::PageDown),
        (b'~', b"11") => Some(Key::Help),
        _ => final_key(last),
    };
    Some((key, 2 + length + 1))
}

fn final_key(last: u8) -> Option<Key> {
    match last {
        b'A' => Some(Key::Up),
        b'B' => Some(Key::Down),
        b'C' => Some(Key::Right),
        b'D' => Some(Key::Left),
        b'H' => Some(Key::Home),
        b'F' => Some(Key::End),
        b'P' => Some(Key::Help),
        _ => None,
    }
}

/// A UTF-8 character; invalid bytes are skipped.
fn character(bytes: &[u8]) -> Option<(Option<Key>, usize)> {
    let length = match bytes.first()? {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    };
    let Some(encoded) = bytes.get(..length) else {
        let is_begun = bytes.iter().skip(1).all(|byte| byte & 0xc0 == 0x80);
        return (!is_begun).then_some((None, 1));
    };
    match std::str::from_utf8(encoded).ok().and_then(|text| text.chars().next()) {
        Some(character) => Some((Some(Key::Char(character)), length)),
        None => Some((None, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        Keys::default().read(bytes)
    }

    #[test]
    fn what_terminals_send_is_known() {
        use Key::{Char, Control, Down, End, Enter, Escape, Help, Home, Left, PageDown, PageUp, Right, Up};
        assert_eq!(keys("qé漢".as_bytes()), [Char('q'), Char('é'), Char('漢')]);
        assert_eq!(keys(b"\x1b[A\x1b[B\x1bOC\x1bOD"), [Up, Down, Right, Left]);
        assert_eq!(keys(b"\x1b[5~\x1b[6~\x1b[1~\x1b[F\x1bOP"), [PageUp, PageDown, Home, End, Help]);
        assert_eq!(keys(b"\x03\x1a\r\x7f"), [Control('c'), Control('z'), Enter, Key::Backspace]);
        assert_eq!(keys(b"\x1b"), [Escape]);
        assert_eq!(keys(b"\x1bq"), [Escape, Char('q')]);
        assert_eq!(keys(b"\x1b[1;5Cx\x1b[200~y\x1b[99;99Rz"), [Right, Char('x'), Char('y'), Char('z')]);
    }

    #[test]
    fn a_key_may_come_in_parts() {
        let mut reader = Keys::default();
        assert_eq!(reader.read(b"\x1b["), []);
        assert_eq!(reader.read(b"6"), []);
        assert_eq!(reader.read(b"~a\xc3"), [Key::PageDown, Key::Char('a')]);
        assert_eq!(reader.read(b"\xa9"), [Key::Char('é')]);
    }

    #[test]
    fn what_is_no_text_is_passed_over() {
        assert_eq!(keys(b"\xff\xc3a\x00b"), [Key::Char('a'), Key::Char('b')]);
    }

    proptest! {
        #[test]
        fn nothing_that_comes_in_keeps_a_later_key_from_being_read(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut reader = Keys::default();
            reader.read(&bytes);
            // The first may complete an earlier sequence.
            prop_assert!((0..LONGEST + 4).any(|_| reader.read(b"q").contains(&Key::Char('q'))));
            prop_assert!(reader.begun.len() <= LONGEST + 1);
        }
    }
}
