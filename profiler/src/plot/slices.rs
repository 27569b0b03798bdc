//! Combines the intervals of a profile into slices of a time axis, as many as can be distinguished.

use crate::report::titles;
use anyhow::{Result, bail};
use model::profile::Profile;
use model::profile::interval::{Interval, ThreadInterval};
use model::profile::thread::Thread;
use std::collections::HashMap;

/// A part of the run, in time since its start.
pub(super) struct Slice<'a> {
    pub(super) from_s: f64,
    pub(super) until_s: f64,
    intervals: &'a [Interval],
}

/// The slices of a run.
pub(super) struct Slices<'a> {
    pub(super) slices: Vec<Slice<'a>>,
    /// The index of each thread in the profile.
    indices: HashMap<*const Thread, u32>,
}

impl<'a> Slices<'a> {
    /// At most `most` slices of equally many intervals; the last takes the remainder.
    ///
    /// # Errors
    /// If the run was not recorded in intervals.
    pub(super) fn of(profile: &'a Profile, most: usize) -> Result<Self> {
        let Some(first) = profile.intervals.first() else {
            let title = titles(&[profile]).concat();
            bail!(
                "{title} was recorded as a whole, so when something happened is not known; record it with \
                 profiler run --interval 100ms"
            );
        };
        let seconds = |ns: u64| ns.saturating_sub(first.from_ns.0) as f64 / 1e9;
        let in_one = profile.intervals.len().div_ceil(most.max(1));
        let slice = |intervals: &'a [Interval]| Slice {
            from_s: intervals.first().map_or(0.0, |interval| seconds(interval.from_ns.0)),
            until_s: intervals.last().map_or(0.0, |interval| seconds(interval.until_ns.0)),
            intervals,
        };
        Ok(Self {
            slices: profile.intervals.chunks(in_one).map(slice).collect(),
            indices: profile.threads.iter().map(std::ptr::from_ref).zip(0..).collect(),
        })
    }

    /// The end of the last slice.
    pub(super) fn end_s(&self) -> f64 {
        self.slices.last().map_or(0.0, |slice| slice.until_s)
    }

    /// The indices of these threads in the profile, ascending.
    pub(super) fn members<'b>(&self, threads: impl IntoIterator<Item = &'b Thread>) -> Vec<u32> {
        let mut indices: Vec<u32> = threads
            .into_iter()
            .filter_map(|thread| self.indices.get(&std::ptr::from_ref(thread)).copied())
            .collect();
        indices.sort_unstable();
        indices
    }
}

impl Slice<'_> {
    /// The states and samples of these threads in the slice; `members` are ascending.
    pub(super) fn of<'b>(&'b self, members: &'b [u32]) -> impl Iterator<Item = &'b ThreadInterval> {
        let all = self.intervals.iter().flat_map(|interval| &interval.threads);
        all.filter(|thread| members.binary_search(&thread.thread).is_ok())
    }

    pub(super) fn length_s(&self) -> f64 {
        self.until_s - self.from_s
    }
}
