//! The daemon's configuration: one TOML file, of which each part is described where it is used.

use crate::control::config::{self as control, ControlConfig};
#[cfg(feature = "metrics")]
use crate::metrics::{DEFAULT_TOML as METRICS_DEFAULT, MetricsConfig};
#[cfg(feature = "store")]
use crate::store::{StoreConfig, config::DEFAULT as STORE_DEFAULT};
use crate::watch::config::{self as watch, SelectorConfig, WatchConfig};
use crate::watch::lines::{self, LinesConfig};
use crate::watch::selectors;
use anyhow::{Context as _, Result};
use model::outside_text::excerpt;
use serde::Deserialize;
use std::fs;
use std::path::Path;

#[cfg(not(all(feature = "metrics", feature = "store")))]
mod absent;

#[cfg(not(feature = "metrics"))]
type MetricsConfig = absent::Absent;
#[cfg(not(feature = "metrics"))]
const METRICS_DEFAULT: &str = "";
#[cfg(not(feature = "store"))]
type StoreConfig = absent::Absent;
#[cfg(not(feature = "store"))]
const STORE_DEFAULT: &str = "";

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The settings of the recording.
    pub watch: WatchConfig,
    /// The choice of processes.
    pub selector: Vec<SelectorConfig>,
    /// The users that may use the control socket.
    pub control: ControlConfig,
    /// Each interval as a line of JSON, if it is wanted.
    pub lines: Option<LinesConfig>,
    /// Intervals as Parquet, if they are to be kept.
    pub store: Option<StoreConfig>,
    /// Their sums for monitoring systems, if they are to be shown.
    pub metrics: Option<MetricsConfig>,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// If it can't be read, or says what can't be done; with the place.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| {
            format!(
                "cannot read {} (profiler daemon --print-config shows a file to begin with)",
                path.display()
            )
        })?;
        Self::parse(&text).with_context(|| format!("the configuration {} is not valid", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        // With the line and what is wrong with it.
        let config: Self = toml::from_str(text).map_err(|error| anyhow::anyhow!("{}", readable(&error)))?;
        config.watch.settings()?;
        selectors::check(&config.selector)?;
        config.control.check()?;
        #[cfg(feature = "metrics")]
        config.metrics.as_ref().map_or(Ok(()), |metrics| metrics.check().context("metrics"))?;
        Ok(config)
    }
}

/// The error with the key's line, without anything that a terminal would obey.
fn readable(error: &toml::de::Error) -> String {
    error.to_string().trim_end().lines().map(excerpt).collect::<Vec<_>>().join("\n")
}

/// A file to begin with: every key with its default value, and what it means.
#[must_use]
pub fn default_text() -> String {
    [HEAD, watch::DEFAULT, control::DEFAULT, STORE_DEFAULT, METRICS_DEFAULT, lines::DEFAULT].join("\n")
}

const HEAD: &str = "\
# The configuration of profiler daemon. Every key may be left out; what is shown is its default value, or an example where
# it begins with #. SIGHUP (systemctl reload profiler) has the daemon read the file again; one that is not valid is refused.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::examples;
    use std::time::Duration;

    fn refused(text: &str) -> String {
        format!("{:#}", Config::parse(text).unwrap_err())
    }

    #[test]
    fn the_default_text_says_what_is_the_default() {
        assert_eq!(Config::parse(&default_text()).unwrap(), Config::default());
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[test]
    fn every_example_in_the_default_text_is_valid() {
        // One of pid, name, cgroup and unit at a time.
        for choice in ["name", "unit", "cgroup", "pid"] {
            let is_other = |line: &str| {
                let key = line.trim_start_matches('#').split(' ').next().unwrap_or_default();
                ["name", "unit", "cgroup", "pid"].contains(&key) && key != choice
            };
            let text = default_text();
            let lines: Vec<&str> = text.lines().filter(|line| !is_other(line)).collect();
            let config = Config::parse(&examples(&lines.join("\n"))).unwrap();
            let [selector] = config.selector.as_slice() else { panic!("{config:?}") };
            let rest = SelectorConfig::of_pids("web".to_owned(), vec![]);
            assert_eq!((&selector.group_by, &selector.metrics), (&rest.group_by, &rest.metrics));
            assert_eq!((selector.follow, selector.max_groups), (rest.follow, rest.max_groups));
            assert_eq!(selector.max_processes, rest.max_processes);
            assert_eq!(config.watch.settings().unwrap().limits.max_threads, 4096);
        }
    }

    #[test]
    fn values_are_taken_with_their_units() {
        let config = Config::parse("[watch]\ninterval = \"1m30s\"\nhistogram_memory = \"1MiB\"").unwrap();
        assert_eq!(config.watch.interval, Duration::from_secs(90));
        assert_eq!(config.watch.settings().unwrap().limits.histogram_memory, 1 << 20);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let said = refused("[watch]\nintervall = \"1s\"");
        assert!(said.contains("line 2") && said.contains("intervall") && said.contains("interval"), "{said}");
        let said = refused("[watch]\ninterval = \"10ms\"");
        assert!(said.contains("line 2") && said.contains("at least 100ms"), "{said}");
        let said = refused("[watch]\nmax_threads = 0");
        assert!(said.contains("watch.max_threads is 0"), "{said}");
        let said = refused("[[selector]]\nlabel = \"a\"\nname = \"x\"\nunit = \"y\"");
        assert!(said.contains("\"a\"") && said.contains("exactly one of"), "{said}");
        let said = refused("[[selector]]\nlabel = \"a\"\nname = \"[\"");
        assert!(said.contains("\"a\""), "{said}");
        let said = refused("[[selector]]\nlabel = \"a\"\nname = \"x\"\nmetrics = [\"cpu\"]");
        assert!(said.contains("cpu") && said.contains("on_cpu"), "{said}");
        let twice = "[[selector]]\nlabel = \"a\"\nname = \"x\"\n".repeat(2);
        assert!(refused(&twice).contains("two selectors have the label \"a\""));
        assert!(refused("[control]\nusers = [\"no-such-user-here\"]").contains("no-such-user-here"));
    }
}
