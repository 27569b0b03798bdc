//! What is read of a profile file. From the file and not through the profiler's library, which would make every
//! `cargo xtask` wait for the profiler to be built.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::Path};

/// A profile file.
#[derive(Deserialize)]
pub(super) struct Profile {
    lost: BTreeMap<String, u64>,
    /// Those that were recorded.
    pub(super) threads: Vec<Thread>,
}

/// What the profile says of a thread.
#[derive(Deserialize)]
pub(super) struct Thread {
    voluntary_switches: u64,
    involuntary_switches: u64,
    minor_faults: u64,
    major_faults: u64,
}

impl Profile {
    /// Reads it.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::of(&bytes).with_context(|| format!("{} is no profile", path.display()))
    }

    fn of(bytes: &[u8]) -> Result<Self> {
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Everything the profiler says it lost, added up.
    pub(super) fn lost(&self) -> u64 {
        self.lost.values().sum()
    }

    /// Switches of all threads.
    pub(super) fn switches(&self) -> u64 {
        self.threads.iter().map(|thread| thread.voluntary_switches + thread.involuntary_switches).sum()
    }

    /// Faults of all threads.
    pub(super) fn faults(&self) -> u64 {
        self.threads.iter().map(|thread| thread.minor_faults + thread.major_faults).sum()
    }
}

#[cfg(test)]
impl Profile {
    /// Of a text.
    pub(super) fn from_text(text: &str) -> Result<Self> {
        Self::of(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_was_lost_is_added_up() {
        let some = r#"{"lost": {"samples_without_bucket": 2, "threads_without_slot": 3}, "threads": []}"#;
        assert_eq!(Profile::from_text(some).unwrap().lost(), 5);
        let unknown = r#"{"lost": {"samples_without_bucket": null}, "threads": []}"#;
        assert!(Profile::from_text(unknown).is_err());
        assert!(Profile::from_text(r#"{"threads": []}"#).is_err(), "silence is not zero");
    }

    #[test]
    fn threads_are_counted_and_what_they_did_is_added_up() {
        let two = r#"{"lost": {}, "threads": [
            {"voluntary_switches": 1, "involuntary_switches": 20, "minor_faults": 300, "major_faults": 4000},
            {"voluntary_switches": 2, "involuntary_switches": 30, "minor_faults": 400, "major_faults": 5000}]}"#;
        let profile = Profile::from_text(two).unwrap();
        assert_eq!((profile.threads.len(), profile.switches(), profile.faults()), (2, 53, 9700));
    }
}
