//! Profiles as they are shown, exported and drawn: `series` chooses and adds up, `manifest` says what a reviewer asks
//! of each.

pub mod manifest;
pub mod series;

use crate::report::titles;
use anyhow::anyhow;
use model::profile::Profile;
use series::{Group, GroupBy, Selection, select};

/// Profiles, and what is chosen of them.
pub struct Subject<'a> {
    /// In the order in which they were named.
    pub profiles: &'a [&'a Profile],
    /// The title of each; no two the same.
    pub titles: Vec<String>,
    /// The rows.
    pub groups: Vec<Group<'a>>,
    /// The kind of the rows.
    pub group_by: GroupBy,
    /// True if one row a group and metric is wanted instead of every bucket.
    pub summary: bool,
    /// The name of the main file, without its extension: a file that names its companions needs to know.
    pub stem: String,
    /// The flags that chose among threads and metrics, if any did.
    pub chosen_by: Vec<&'static str>,
}

impl<'a> Subject<'a> {
    /// Chooses.
    #[must_use]
    pub fn new(profiles: &'a [&'a Profile], selection: &Selection, summary: bool) -> Self {
        Self {
            profiles,
            titles: titles(profiles),
            groups: select(profiles, selection),
            group_by: selection.group_by,
            summary,
            stem: "export".to_owned(),
            chosen_by: Vec::new(),
        }
    }

    /// With another name for the main file.
    #[must_use]
    pub fn named(self, stem: impl Into<String>) -> Self {
        Self { stem: stem.into(), ..self }
    }

    /// With the flags that chose, for a message that nothing is left.
    #[must_use]
    pub fn chosen_by(self, flags: Vec<&'static str>) -> Self {
        Self { chosen_by: flags, ..self }
    }

    /// The error that there is nothing `to` do something with (such as `to draw`) for want of a `wanted` (such as
    /// `thread`). Flags are blamed only if they were given.
    pub(crate) fn nothing(&self, to: &str, wanted: &str) -> anyhow::Error {
        if self.chosen_by.is_empty() {
            let holders = if self.profiles.len() == 1 { "this profile holds" } else { "these profiles hold" };
            anyhow!("there is nothing {to}: {holders} no {wanted}")
        } else {
            anyhow!("nothing is left {to}: no {wanted} matches {}", self.chosen_by.join(" and "))
        }
    }

    /// Likewise for want of samples in buckets, with the remedy if there are others.
    pub(crate) fn nothing_in_buckets(&self, to: &str, wanted: &str) -> anyhow::Error {
        let error = self.nothing(to, wanted);
        let mut histograms = self.groups.iter().flat_map(|group| group.histograms.values());
        if histograms.any(|histogram| histogram.bucketed() < histogram.count) {
            return anyhow!("{error}, for want of memory: raise --histogram-memory when recording");
        }
        error
    }
}
