//! Reports of whatever profiles.

use crate::report::{self, ARTICLE, Style};
use arbitrary::Arbitrary;
use model::profile::Profile;

/// More profiles side by side show nothing that so many do not.
pub const MOST_PROFILES: usize = 4;

/// The options of a report.
#[derive(Arbitrary, Debug, Default)]
pub struct Look {
    width: u8,
    threads: u8,
    colour: bool,
    published: bool,
}

/// A report is made, and a terminal obeys nothing in it but its colours.
pub fn reports(profiles: &[Profile], look: &Look) -> String {
    let style =
        Style { threads: look.threads.into(), colour: look.colour, ..Style::plain(look.width.into()) };
    let profiles: Vec<&Profile> = profiles.iter().take(MOST_PROFILES).collect();
    let text = report::comparison(&profiles, look.published.then_some(&ARTICLE), &style);
    assert!(text.ends_with('\n'));
    let obeyed = |character: char| match character {
        '\n' => false,
        '\u{1b}' => !look.colour,
        _ => character.is_control(),
    };
    assert!(!text.contains(obeyed), "{text:?}");
    text
}
