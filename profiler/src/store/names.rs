//! Names of files and folders. Below the store's folder:
//!
//! ```text
//! date=2026-11-27/host=db1/20261127T120005Z-0000000042.parquet     published: for readers
//! _open/host=db1/20261127T121010Z-0000000103.part                  one interval, not published yet
//! _open/host=db1/lock                                              held by the daemon
//! ```
//!
//! A name is the end of the file's first interval and that interval's number. Numbers go up whatever the clock does, so no
//! name comes twice. Readers leave out what begins with `_`, as Hive, Spark and Trino have it, and no reader's
//! `*.parquet` matches a part.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::fmt;
use std::path::{Path, PathBuf};

/// The ending of published files.
pub(super) const PUBLISHED: &str = "parquet";

/// The ending of parts.
pub(super) const PART: &str = "part";

/// The ending of what is being written. Only this is removed without having been read by anybody.
pub(super) const TEMPORARY: &str = "tmp";

const TIME: &str = "%Y%m%dT%H%M%SZ";
const DATE: &str = "%Y-%m-%d";

/// The seconds that one published file holds at most: its intervals end in the same hour of UTC.
pub(super) const HOUR: i64 = 3600;

/// The name of a file, without its ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The end of its first interval, to the second.
    pub(super) ended: Timestamp,
    /// The number of the first interval in it.
    pub(super) first: u64,
}

impl Name {
    pub(super) fn new(ended: Timestamp, first: u64) -> Self {
        let second = Timestamp::from_second(ended.as_second());
        Self { ended: second.unwrap_or(ended), first }
    }

    /// From a file's name with this ending; nothing if the store gives no such name.
    pub(super) fn read(file: &str, ending: &str) -> Option<Self> {
        let (time, first) = file.strip_suffix(ending)?.strip_suffix('.')?.split_once('-')?;
        let ended = DateTime::strptime(TIME, time).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
        let name = Self { ended, first: first.parse().ok()? };
        (name.file(ending) == file).then_some(name)
    }

    pub(super) fn file(self, ending: &str) -> String {
        format!("{self}.{ending}")
    }

    /// The folder of the day, UTC.
    pub(super) fn date_folder(self) -> String {
        format!("date={}", self.ended.strftime(DATE))
    }

    /// The hour since the epoch in which its first interval ended.
    pub(super) fn hour(self) -> i64 {
        self.ended.as_second().div_euclid(HOUR)
    }

    /// By when all that is in the file had ended, in seconds since the epoch.
    pub(super) fn over(self) -> i64 {
        (self.hour() + 1) * HOUR
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{:010}", self.ended.strftime(TIME), self.first)
    }
}

/// The folders of a host's files.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    root: PathBuf,
    host: String,
}

impl Folders {
    /// The host may have any name: what is neither a letter, a digit nor one of `-._` is percent-encoded, as Hive has it
    /// for values in paths.
    pub(super) fn new(root: &Path, host: &str) -> Self {
        Self { root: root.to_owned(), host: format!("host={}", crate::export::escaped(host, "-._", '%')) }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of all hosts' open files.
    pub(super) fn all_open(&self) -> PathBuf {
        self.root.join("_open")
    }

    /// The folder of this host's.
    pub(super) fn open(&self) -> PathBuf {
        self.all_open().join(&self.host)
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.open().join("lock")
    }

    /// The path of the next file before it is renamed. There is one writer.
    pub(super) fn temporary(&self) -> PathBuf {
        self.open().join(format!("next.{TEMPORARY}"))
    }

    pub(super) fn part(&self, name: Name) -> PathBuf {
        self.open().join(name.file(PART))
    }

    /// The folder of this host in the folder of a day.
    pub(super) fn host_in(&self, date: &str) -> PathBuf {
        self.root.join(date).join(&self.host)
    }

    pub(super) fn published(&self, name: Name) -> PathBuf {
        self.host_in(&name.date_folder()).join(name.file(PUBLISHED))
    }
}

/// True if a folder is that of a day.
pub(super) fn is_date_folder(folder: &str) -> bool {
    let date = folder.strip_prefix("date=").map(|date| date.parse::<jiff::civil::Date>());
    date.is_some_and(|date| date.is_ok_and(|date| folder == format!("date={date}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_says_when_and_which() {
        let name = Name::new("2026-11-27T12:00:05.999Z".parse().unwrap(), 42);
        assert_eq!(name.file(PUBLISHED), "20261127T120005Z-0000000042.parquet");
        assert_eq!(name.date_folder(), "date=2026-11-27");
        assert!(is_date_folder(&name.date_folder()));
        assert_eq!(name.over(), "2026-11-27T13:00:00Z".parse::<Timestamp>().unwrap().as_second());
    }

    #[test]
    fn what_the_store_would_not_call_so_is_not_its_own() {
        for strange in [
            "notes.parquet",
            "20261127T120005Z-42.parquet",
            "20261127T120005Z-0000000042.parquet.bak",
            "20261327T120005Z-0000000042.parquet",
            "20261127T120005-0000000042.parquet",
            ".parquet",
        ] {
            assert_eq!(Name::read(strange, PUBLISHED), None, "{strange}");
        }
        for strange in ["date=", "date=2026-11-31", "date=2026-1-1", "2026-11-27", "date=2026-11-27 "] {
            assert!(!is_date_folder(strange), "{strange}");
        }
    }

    #[test]
    fn no_host_leaves_its_folder() {
        let folders = |host| Folders::new(Path::new("/store"), host).open();
        assert_eq!(folders("db1.example-net_2"), Path::new("/store/_open/host=db1.example-net_2"));
        assert_eq!(folders("../x"), Path::new("/store/_open/host=..%2Fx"));
        assert_eq!(folders(".."), Path::new("/store/_open/host=.."));
    }

    proptest! {
        #[test]
        fn names_are_read_as_they_were_written(second in 0..253_402_300_799_i64, first: u64) {
            let name = Name::new(Timestamp::from_second(second).unwrap(), first);
            prop_assert_eq!(Name::read(&name.file(PART), PART), Some(name));
            prop_assert_eq!(Name::read(&name.file(PART), PUBLISHED), None);
        }
    }
}
