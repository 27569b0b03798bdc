//! What is read of a profile file. From the file and not through the profiler's library, which would make every
//! `cargo xtask` wait for the profiler to be built.

use anyhow::{Context as _, Result};
use serde_json::Value;
use std::{fs, path::Path};

/// A profile file.
pub(super) struct Profile(Value);

impl Profile {
    /// Reads it.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let value =
            serde_json::from_slice(&bytes).with_context(|| format!("{} is not JSON", path.display()))?;
        Ok(Self(value))
    }

    /// Everything the profiler says it lost, added up.
    pub(super) fn lost(&self) -> Result<u64> {
        let lost = self.0["lost"].as_object().context("the profile does not say what was lost")?;
        lost.iter()
            .map(|(name, count)| count.as_u64().with_context(|| format!("lost.{name} is no number: {count}")))
            .sum()
    }

    /// How many threads were recorded.
    pub(super) fn threads(&self) -> Result<usize> {
        Ok(self.0["threads"].as_array().context("the profile has no threads")?.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_was_lost_is_added_up() {
        let profile = |text| Profile(serde_json::from_str(text).unwrap());
        let some = profile(r#"{"lost": {"samples_without_bucket": 2, "threads_without_slot": 3}}"#);
        assert_eq!(some.lost().unwrap(), 5);
        let unknown = profile(r#"{"lost": {"samples_without_bucket": null}}"#);
        assert_eq!(unknown.lost().unwrap_err().to_string(), "lost.samples_without_bucket is no number: null");
        assert!(profile("{}").lost().is_err(), "silence is not zero");
    }

    #[test]
    fn threads_are_counted() {
        let profile = Profile(serde_json::json!({"threads": [{"tid": 1}, {"tid": 2}]}));
        assert_eq!(profile.threads().unwrap(), 2);
    }
}
