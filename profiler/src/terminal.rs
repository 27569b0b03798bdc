//! The last writer before a terminal. Whatever a text holds that others wrote, nothing of it is obeyed: names, paths and
//! arguments may come from anybody on the machine.

use model::outside_text::{CONTROL, shown};
use std::io::{self, IsTerminal, Write};

/// The codes that this program colours with, on its own (`report::Style`), in its log and in what clap says: each changes the
/// looks of letters and nothing else.
const COLOURS: [&str; 11] = [
    "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[3m", "\x1b[4m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[34m",
    "\x1b[35m", "\x1b[36m",
];

/// Codes that a terminal may be told besides letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes {
    /// Nothing: data, and messages.
    None,
    /// Colours: reports.
    Colours,
}

impl Codes {
    fn known(self) -> impl Iterator<Item = &'static str> {
        let colours: &[&str] = match self {
            Self::None => &[],
            Self::Colours => &COLOURS,
        };
        colours.iter().copied().chain(["\r\n", "\n", "\t"])
    }

    /// The text as a terminal may have it.
    #[must_use]
    pub fn harmless(self, text: &str) -> String {
        self.filter(text.as_bytes(), true).0
    }

    /// The text as a file may have it: without the colours.
    #[must_use]
    pub fn without_colours(text: &str) -> String {
        COLOURS.iter().fold(text.to_owned(), |text, code| text.replace(code, ""))
    }

    /// As much of it as can be told, and how many bytes that took. At the end all of it can.
    fn filter(self, bytes: &[u8], is_end: bool) -> (String, usize) {
        let mut text = String::with_capacity(bytes.len());
        let mut rest = bytes;
        while !rest.is_empty() {
            if let Some(code) = self.known().find(|code| rest.starts_with(code.as_bytes())) {
                text.push_str(code);
                rest = &rest[code.len()..];
                continue;
            }
            let may_become_one = self.known().any(|code| code.as_bytes().starts_with(rest));
            match first(rest) {
                _ if may_become_one && !is_end => break,
                First::Cut if !is_end => break,
                First::Character(character) => {
                    text.push(shown(character));
                    rest = &rest[character.len_utf8()..];
                }
                First::Cut => {
                    text.push(CONTROL);
                    rest = &[];
                }
                First::Bad(length) => {
                    text.push(CONTROL);
                    rest = &rest[length..];
                }
            }
        }
        (text, bytes.len() - rest.len())
    }
}

/// The beginning of some bytes.
enum First {
    Character(char),
    /// Bytes that are no text.
    Bad(usize),
    /// The beginning of a character.
    Cut,
}

fn first(bytes: &[u8]) -> First {
    /// The longest character of UTF-8.
    const LONGEST: usize = 4;
    let start = &bytes[..bytes.len().min(LONGEST)];
    let (text, error) = match std::str::from_utf8(start) {
        Ok(text) => (text, None),
        Err(error) => (std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default(), Some(error)),
    };
    match (text.chars().next(), error.and_then(|error| error.error_len())) {
        (Some(character), _) => First::Character(character),
        (None, Some(length)) => First::Bad(length),
        (None, None) => First::Cut,
    }
}

/// A writer that passes on nothing but letters and the codes that it allows.
pub struct Harmless<W: Write> {
    to: W,
    codes: Codes,
    /// The beginning of a character or a code, of which more may come.
    held: Vec<u8>,
}

impl<W: Write> Harmless<W> {
    /// Writes to a terminal.
    pub fn new(to: W, codes: Codes) -> Self {
        Self { to, codes, held: Vec::new() }
    }

    fn pass_on(&mut self, is_end: bool) -> io::Result<()> {
        let (text, taken) = self.codes.filter(&self.held, is_end);
        self.held.drain(..taken);
        self.to.write_all(text.as_bytes())
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        self.pass_on(false)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl<W: Write> Drop for Harmless<W> {
    fn drop(&mut self) {
        // The error has been reported already, or could not be.
        let _ = self.pass_on(true);
    }
}

/// A writer that passes bytes on as they are, unless it leads to a terminal.
pub enum Guarded<W: Write> {
    /// A file or a pipe.
    Bytes(W),
    /// A terminal.
    Terminal(Harmless<W>),
}

impl<W: Write> Guarded<W> {
    /// For a place of which it is known whether it is a terminal.
    pub fn of(to: W, is_terminal: bool, codes: Codes) -> Self {
        if is_terminal { Self::Terminal(Harmless::new(to, codes)) } else { Self::Bytes(to) }
    }
}

impl<W: Write + IsTerminal> Guarded<W> {
    /// Looks where it leads.
    pub fn new(to: W, codes: Codes) -> Self {
        let is_terminal = to.is_terminal();
        Self::of(to, is_terminal, codes)
    }
}

impl<W: Write> Write for Guarded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Bytes(to) => to.write(bytes),
            Self::Terminal(to) => to.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Bytes(to) => to.flush(),
            Self::Terminal(to) => to.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that arrives of one that is written in pieces of this many bytes.
    fn written(text: &[u8], codes: Codes, pieces: usize) -> String {
        let mut arrived = Vec::new();
        let mut writer = Harmless::new(&mut arrived, codes);
        text.chunks(pieces).for_each(|piece| writer.write_all(piece).unwrap());
        drop(writer);
        String::from_utf8(arrived).unwrap()
    }

    #[test]
    fn nothing_is_obeyed_however_it_is_cut() {
        let cases: [(&[u8], Codes, &str); 10] = [
            (b"plain\ttext\r\n", Codes::None, "plain\ttext\r\n"),
            ("größe → 1\u{a0}ms".as_bytes(), Codes::None, "größe → 1\u{a0}ms"),
            (b"\x1b]0;title\x07", Codes::Colours, "\u{fffd}]0;title\u{fffd}"),
            (b"\x1b[2J\x1b[8m", Codes::Colours, "\u{fffd}[2J\u{fffd}[8m"),
            (b"\x1b[31mred\x1b[0m", Codes::Colours, "\x1b[31mred\x1b[0m"),
            (b"\x1b[31mred", Codes::None, "\u{fffd}[31mred"),
            (b"good\rbad\r", Codes::Colours, "good\u{fffd}bad\u{fffd}"),
            (b"\xc2\x9b2J \xff \xe2\x82", Codes::None, "\u{fffd}2J \u{fffd} \u{fffd}"),
            ("\u{202e}txt\u{200b}".as_bytes(), Codes::None, "\u{fffd}txt\u{fffd}"),
            (b"\x1b[3", Codes::Colours, "\u{fffd}[3"),
        ];
        for (text, codes, expected) in cases {
            for pieces in 1..=text.len() {
                assert_eq!(written(text, codes, pieces), expected, "{text:?} in pieces of {pieces}");
            }
        }
    }

    #[test]
    fn a_file_gets_the_bytes_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        Guarded::new(std::fs::File::create(&path).unwrap(), Codes::None).write_all(b"\x1b[2J\xff").unwrap();
        assert_eq!(std::fs::read(path).unwrap(), b"\x1b[2J\xff");
    }
}
