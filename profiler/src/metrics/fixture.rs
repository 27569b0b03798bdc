//! Batches for tests.

use super::exposition::{Format, Snapshot};
use crate::watch::batch::{Batch, Group, Key};
use jiff::{SignedDuration, Timestamp};
use model::losses::LossCounts;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::units::Nanos;
use std::collections::BTreeMap;

/// The whole text.
pub(super) fn text(snapshot: &Snapshot, format: Format) -> String {
    let mut text = String::new();
    snapshot.write(format, &mut text).unwrap();
    text
}

/// A second long, the `number`th after 2026-01-01.
pub(super) fn batch(number: i64, groups: &[Group]) -> Batch {
    let first: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let from = first + SignedDuration::from_secs(number);
    Batch {
        from,
        until: from + SignedDuration::from_secs(1),
        length_ns: Nanos(1_000_000_000),
        groups: groups.to_vec(),
        lost: LossCounts::default(),
    }
}

/// One thread of the process of this name, chosen by `web`, that was blocked so many times for 1 ms each.
pub(super) fn group(process: &str, count: usize) -> Group {
    let blocked = Histogram::of(vec![Nanos(1_000_000); count]);
    Group {
        key: Key { selector: "web".into(), process: Some(process.into()), pid: None, thread: None },
        threads: 1,
        states: States { blocked_ns: Nanos(1_000_000 * count as u64), ..States::default() },
        histograms: BTreeMap::from_iter(blocked.map(|blocked| (Metric::Blocked, blocked))),
    }
}
