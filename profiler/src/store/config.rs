//! The section `[store]` of the daemon's configuration.

use crate::values;
use model::profile::units::Bytes;
use serde::{Deserialize, Deserializer, de::Error};
use std::path::PathBuf;
use std::time::Duration;

/// The folder of the intervals, and the age and size at which they are removed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// The folder; it is made if it is not there, the one that it is in must be.
    pub path: PathBuf,
    /// The age that a file may reach; without it, any age.
    #[serde(default, deserialize_with = "time")]
    pub keep: Option<Duration>,
    /// The size that the files of this host may reach; without it, any.
    #[serde(default, deserialize_with = "size")]
    pub max_size: Option<Bytes>,
    /// The time from an interval to its publication. It is on the disk, and safe from a crash, before that.
    #[serde(default = "default_publish", deserialize_with = "publish")]
    pub publish: Duration,
}

/// Makes twelve row groups an hour, which is how long a file grows: few enough for readers, and of each interval's bytes
/// some six are written.
const PUBLISH: Duration = Duration::from_secs(5 * 60);

/// The section of the default configuration.
pub const DEFAULT: &str = r#"# Keeps every interval as Parquet, for SQL engines (DuckDB, DataFusion, ClickHouse …). Without this section nothing is kept.
#[store]
# The folder. Several hosts may share one.
#path = "/var/lib/profiler/store"
# How old a file may become (90d, 1y). Without this line, any age.
#keep = "30d"
# How much disk space the files of this host may take; the oldest go first. Without this line, any.
#max_size = "10GiB"
# How long an interval is on the disk before readers see it. It is safe from a crash before that.
#publish = "5m"
"#;

fn default_publish() -> Duration {
    PUBLISH
}

fn publish<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    values::duration(&String::deserialize(from)?).map_err(D::Error::custom)
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    publish(from).map(Some)
}

fn size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Bytes>, D::Error> {
    values::memory(&String::deserialize(from)?).map(|bytes| Some(Bytes(bytes))).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Whole {
        store: StoreConfig,
    }

    fn read(text: &str) -> Result<StoreConfig, toml::de::Error> {
        toml::from_str::<Whole>(text).map(|whole| whole.store)
    }

    #[test]
    fn the_default_says_what_is_the_default() {
        let config = read(&values::examples(DEFAULT)).unwrap();
        assert_eq!(config.publish, PUBLISH);
        assert_eq!(config.keep, Some(Duration::from_secs(30 * 24 * 3600)));
        assert_eq!(config.max_size, Some(Bytes(10 << 30)));
    }

    #[test]
    fn only_the_folder_is_needed() {
        let config = read("[store]\npath = \"x\"").unwrap();
        let StoreConfig { path, keep, max_size, publish } = config;
        assert_eq!((path, keep, max_size, publish), (PathBuf::from("x"), None, None, PUBLISH));
        assert!(read("[store]\nkeep = \"1d\"").unwrap_err().to_string().contains("path"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, named) in [
            ("max-size = \"1GiB\"", "max-size"),
            ("keep = \"a while\"", "keep"),
            ("keep = \"0s\"", "longer than nothing"),
            ("max_size = \"1KiB\"", "at least 4KiB"),
            ("publish = 5", "publish"),
        ] {
            let error = read(&format!("[store]\npath = \"x\"\n{line}")).unwrap_err().to_string();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
