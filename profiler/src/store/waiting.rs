//! Intervals that the disk has not taken yet.

use super::names::Name;
use model::profile::units::{Bytes, Nanos};
use serde::Serialize;
use std::collections::VecDeque;
use std::ops::AddAssign;

/// The most intervals that are kept: beyond it the oldest are dropped.
pub(super) const ROOM: Bytes = Bytes(16 << 20);

/// An interval.
pub(super) struct Interval {
    pub(super) name: Name,
    pub(super) length: Nanos,
    /// Samples in it.
    pub(super) samples: u64,
    /// The file that it is to become.
    pub(super) content: Vec<u8>,
}

/// In the order of their numbers.
#[derive(Default)]
pub(super) struct Waiting(VecDeque<Interval>);

/// The dropped intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// Intervals.
    pub intervals: u64,
    /// Samples in them, as far as is known.
    pub samples: u64,
}

impl Waiting {
    /// Adds an interval; returns what had to be dropped for it.
    pub(super) fn push(&mut self, interval: Interval) -> Dropped {
        self.0.push_back(interval);
        let mut dropped = Dropped::default();
        // The last one stays, however large.
        while self.bytes() > ROOM && self.len() > 1 {
            dropped.add(self.0.pop_front().map_or(0, |interval| interval.samples));
        }
        dropped
    }

    pub(super) fn first(&self) -> Option<&Interval> {
        self.0.front()
    }

    pub(super) fn take_first(&mut self) -> Option<Interval> {
        self.0.pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn bytes(&self) -> Bytes {
        Bytes(self.0.iter().map(|interval| interval.content.len() as u64).sum())
    }
}

impl Dropped {
    /// Counts an interval.
    pub(super) fn add(&mut self, samples: u64) {
        *self += Self { intervals: 1, samples };
    }
}

impl AddAssign for Dropped {
    fn add_assign(&mut self, other: Self) {
        self.intervals += other.intervals;
        self.samples = self.samples.saturating_add(other.samples);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn interval(number: u64, bytes: usize) -> Interval {
        let name = Name::new(Timestamp::UNIX_EPOCH, number);
        Interval { name, length: Nanos(1), samples: 10 * number, content: vec![0; bytes] }
    }

    #[test]
    fn beyond_the_room_the_oldest_are_dropped_and_counted() {
        let third = usize::try_from(ROOM.0 / 3).unwrap();
        let mut waiting = Waiting::default();
        for number in 1..=3 {
            assert_eq!(waiting.push(interval(number, third)), Dropped::default());
        }
        assert_eq!(waiting.push(interval(4, third + 1)), Dropped { intervals: 1, samples: 10 });
        assert_eq!(waiting.first().unwrap().name.first, 2);
        assert_eq!(waiting.push(interval(5, 4 * third)), Dropped { intervals: 3, samples: 20 + 30 + 40 });
        assert_eq!(waiting.len(), 1);
    }
}
