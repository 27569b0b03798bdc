//! Bytes that others chose and that need not be UTF-8 (arguments, paths, names of threads), as text: for the profile, which
//! is JSON, and for all that is shown.
//!
//! UTF-8 stays as it is, and a byte that is none becomes `\xNN`. So that two names stay two, a backslash that already
//! stands before what would be such an escape becomes one itself, `\x5c`: the bytes can always be had back.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// An escape's first two characters; two digits follow, in lower case.
const ESCAPE: &str = "\\x";

/// The escape of a backslash: the only one of an ASCII character.
const BACKSLASH: u8 = b'\\';

/// The text for some bytes. No other bytes have the same.
pub(crate) fn text(bytes: impl AsRef<OsStr>) -> String {
    escaped(bytes.as_ref().as_bytes(), |text| {
        let mut escaped = String::with_capacity(text.len());
        for (at, character) in text.char_indices() {
            if character == '\\' && leading_escape(&text[at..]).is_some() {
                escaped.push_str(&escape(BACKSLASH));
            } else {
                escaped.push(character);
            }
        }
        escaped
    })
}

/// Bytes of a name in the kernel, the zero at its end included (`TASK_COMM_LEN`, include/linux/sched.h).
pub(crate) const NAME_BYTES: usize = 16;

/// The text for a name of the kernel, which ends with the first zero.
pub(crate) fn kernel_name(bytes: &[u8]) -> String {
    let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    text(OsStr::from_bytes(&bytes[..length]))
}

/// A pattern for such texts. Escapes in it stay as they are: whoever has read one can write it.
pub(crate) fn pattern(bytes: &OsStr) -> String {
    escaped(bytes.as_bytes(), str::to_owned)
}

/// The bytes that a text stands for.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        let (byte, length) = leading_escape(rest).map_or((BACKSLASH, 1), |byte| (byte, ESCAPE.len() + 2));
        bytes.push(byte);
        rest = &rest[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn escaped(bytes: &[u8], valid: impl Fn(&str) -> String) -> String {
    let chunks = bytes.utf8_chunks();
    chunks
        .flat_map(|chunk| [valid(chunk.valid()), chunk.invalid().iter().copied().map(escape).collect()])
        .collect()
}

fn escape(byte: u8) -> String {
    format!("{ESCAPE}{byte:02x}")
}

/// The byte whose escape a text begins with. Only a byte that can be no UTF-8 has one, and the backslash.
fn leading_escape(text: &str) -> Option<u8> {
    let digits = text.strip_prefix(ESCAPE)?.get(..2)?;
    let byte = u8::from_str_radix(digits, 16).ok()?;
    (text.starts_with(&escape(byte)) && (byte == BACKSLASH || !byte.is_ascii())).then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(bytes: &[u8]) -> String {
        text(OsStr::from_bytes(bytes))
    }

    #[test]
    fn only_what_is_no_utf_8_is_escaped() {
        assert_eq!(of("café 日本".as_bytes()), "café 日本");
        assert_eq!(of(b"caf\xe9"), "caf\\xe9");
        assert_eq!(of(b"\xff\xfe"), "\\xff\\xfe");
        // A character that was cut in two.
        assert_eq!(of(&"日".as_bytes()[..2]), "\\xe6\\x97");
        for unchanged in [r"C:\dir\x", r"\x41\n", r"a\x2db", r"\xFF", r"\x+f", r"\\", r"\xé"] {
            assert_eq!(of(unchanged.as_bytes()), unchanged);
        }
    }

    #[test]
    fn what_looks_like_an_escape_is_told_from_one() {
        assert_eq!(of(br"\xe9"), r"\x5cxe9");
        assert_eq!(of(br"\x5c"), r"\x5cx5c");
        assert_ne!(of(br"caf\xe9"), of(b"caf\xe9"));
    }

    #[test]
    fn a_name_of_the_kernel_ends_with_the_first_zero() {
        assert_eq!(kernel_name(b"a\xe9\0b"), r"a\xe9");
        assert_eq!(kernel_name(b"ab"), "ab");
    }

    #[test]
    fn a_pattern_takes_the_byte_and_what_is_shown_of_it() {
        for typed in [&b"caf\xe9*"[..], br"caf\xe9*"] {
            let pattern = glob::Pattern::new(&pattern(OsStr::from_bytes(typed))).unwrap();
            assert!(pattern.matches(&of(b"caf\xe9-1")) && !pattern.matches(&of(b"caf\xe8-1")));
        }
    }

    /// Bytes of which many look like escapes, and many are none.
    fn tricky() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..4),
            Just(br"\x5c".to_vec()),
            Just(br"\xe9".to_vec()),
            prop::sample::select(br"\x5ce9".to_vec()).prop_map(|byte| vec![byte]),
            any::<char>().prop_map(|character| character.to_string().into_bytes()),
        ];
        prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn the_bytes_can_be_had_back_and_so_two_stay_two(original in tricky()) {
            prop_assert_eq!(bytes(&of(&original)), original);
        }

        #[test]
        fn text_without_backslashes_stays_as_it_is(text in "[^\\\\]*") {
            prop_assert_eq!(of(text.as_bytes()), text);
        }
    }
}
