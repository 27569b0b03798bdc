//! Exports of whatever profiles.

use super::{MOST_PROFILES, assert_is_clear};
use crate::export::Format;
use crate::view::Subject;
use crate::view::series::{GroupBy, Selection};
use arbitrary::{Arbitrary, Unstructured};
use model::profile::{Profile, soundness};
use std::collections::BTreeSet;

/// An export to make.
#[derive(Debug)]
pub struct Wish {
    format: Format,
    group_by: GroupBy,
    summary: bool,
}

impl<'a> Arbitrary<'a> for Wish {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self {
            format: *bytes.choose(Format::ALL)?,
            group_by: *bytes.choose(GroupBy::ALL)?,
            summary: bytes.arbitrary()?,
        })
    }
}

/// An export of sound profiles is made, or refused in clear words. Its files have different names, which no file system refuses for
/// their characters, and text has nothing that a terminal would obey.
pub fn exports(profiles: &[Profile], wish: &Wish) {
    let is_sound = |profile: &&Profile| soundness::check(profile).is_ok();
    let profiles: Vec<&Profile> = profiles.iter().filter(is_sound).take(MOST_PROFILES).collect();
    let selection = Selection { metrics: Vec::new(), threads: None, group_by: wish.group_by };
    let artifacts = match wish.format.make(&Subject::new(&profiles, &selection, wish.summary)) {
        Ok(artifacts) => artifacts,
        Err(error) => return assert_is_clear(&error),
    };
    let names: BTreeSet<_> =
        artifacts.iter().map(|artifact| (artifact.suffix.as_str(), artifact.extension)).collect();
    assert_eq!(names.len(), artifacts.len(), "{names:?}");
    for artifact in &artifacts {
        let is_harmless = |character: char| character.is_ascii_alphanumeric() || "-_=.".contains(character);
        assert!(artifact.suffix.chars().all(is_harmless), "{}", artifact.suffix);
        if has_text_for_people(wish.format) {
            let text = std::str::from_utf8(&artifact.bytes);
            let obeyed = |character: char| character != '\n' && character.is_control();
            assert!(text.is_ok_and(|text| !text.contains(obeyed)), "{text:?}");
        }
    }
}

/// The others keep names as they are, quoted as their format has it.
fn has_text_for_people(format: Format) -> bool {
    !matches!(format, Format::Csv | Format::Json) && !format.is_binary()
}
