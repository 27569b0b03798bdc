//! The buckets of threads, read out of the page memory: those of all samples, or, where a recording goes on for weeks,
//! of the samples that were added since the last snapshot.
//!
//! There the counters are taken out, so that what must be kept of a thread does not grow with its age; and a page that
//! nothing was added to for a while goes back to the programs, so that as much memory is in use as threads need now.

mod consumed;

use super::memory::MappedArray;
use crate::record::pages::Pages;
use crate::record::samples::Samples;
use anyhow::{Context as _, Result};
use aya::maps::{MapData, Queue};
use consumed::Consumed;
use model::metric::Metric;
use model::profile::units::Nanos;
use profiler_ebpf::layout::{BucketPage, MetricSlot, Slot};
use std::collections::BTreeMap;

/// Time after which an idle page is taken away from its thread, in ns: three default intervals.
const IDLE_NS: u64 = 30_000_000_000;

/// The page memory.
pub(super) struct PageMemory {
    memory: MappedArray<BucketPage>,
    free: Queue<MapData, u32>,
    taken: Option<Taken>,
}

/// The state of counters that are taken out.
struct Taken {
    /// For each page the time of its last non-zero counters, on CLOCK_MONOTONIC.
    touched: Vec<Nanos>,
    consumed: Consumed,
    /// Pages that no slot refers to any more. A program that was at work just then may still add to one.
    leaving: Vec<(Place, u32)>,
}

/// The owner of a page.
#[derive(Clone, Copy)]
struct Place {
    slot: u32,
    metric: Metric,
    /// Its number within the metric.
    number: usize,
}

impl PageMemory {
    /// Pages whose buckets are read, at the end of a record and in every snapshot.
    pub(super) fn read(memory: MappedArray<BucketPage>, free: Queue<MapData, u32>) -> Self {
        Self { memory, free, taken: None }
    }

    /// The pages of so many slots, whose buckets are taken out in every snapshot.
    pub(super) fn taken(memory: MappedArray<BucketPage>, free: Queue<MapData, u32>, slots: u32) -> Self {
        let taken = Taken {
            touched: vec![Nanos(0); memory.len()],
            consumed: Consumed::nothing(slots),
            leaving: Vec::new(),
        };
        Self { memory, free, taken: Some(taken) }
    }

    /// The buckets of a metric of a slot that does not change any more.
    pub(super) fn last(&mut self, slot: u32, metric: Metric, of: &MetricSlot) -> Result<Pages> {
        let mut pages = Pages::default();
        for (number, page) in used(of) {
            pages.add(number, Box::new(self.memory.read(page)?.counts));
        }
        if let Some(taken) = &mut self.taken {
            pages.add_all(taken.consumed.kept(slot, metric));
        }
        Ok(pages)
    }

    /// The buckets of a metric of a slot, to which more may be added meanwhile.
    pub(super) fn so_far(
        &mut self,
        slots: &MappedArray<Slot>,
        slot: u32,
        metric: Metric,
        of: &MetricSlot,
        at: Nanos,
    ) -> Result<Pages> {
        let Some(Taken { touched, consumed, leaving }) = &mut self.taken else {
            return self.last(slot, metric, of);
        };
        let is_all_consumed = consumed.is_all(slot, metric, of.totals.count);
        let mut pages = Pages::default();
        for (number, page) in used(of) {
            let counts = if is_all_consumed { None } else { self.memory.take(page)? };
            let touched = touched.get_mut(page as usize).context("a slot refers to no page")?;
            if let Some(counts) = counts {
                *touched = at;
                pages.add(number, counts);
            } else if at.0.saturating_sub(touched.0) > IDLE_NS
                && slots.take_page(slot, metric, number, page)?
            {
                leaving.push((Place { slot, metric, number }, page));
            }
        }
        if !is_all_consumed {
            pages.add_all(consumed.kept(slot, metric));
        }
        Ok(pages)
    }

    /// Marks the samples read from a slot as consumed, as far as count and buckets agree.
    pub(super) fn consume(&mut self, slot: u32, samples: &mut BTreeMap<Metric, Samples>) {
        if let Some(taken) = &mut self.taken {
            taken.consumed.consume(slot, samples);
        }
    }

    /// Keeps the buckets read from a slot for its next snapshot.
    pub(super) fn put_back(&mut self, slot: u32, samples: BTreeMap<Metric, Samples>) {
        let Some(taken) = &mut self.taken else { return };
        for (metric, mut samples) in samples {
            if samples.bucketed() > 0 {
                taken.consumed.keep(slot, metric, samples.take_pages());
            }
        }
    }

    /// True if pages are leaving their slots.
    pub(super) fn any_leaving(&self) -> bool {
        self.taken.as_ref().is_some_and(|taken| !taken.leaving.is_empty())
    }

    /// Hands back the pages that are leaving. Every program that was at work when they were taken away has ended.
    pub(super) fn hand_back_leaving(&mut self) -> Result<()> {
        let leaving = self.taken.as_mut().map(|taken| std::mem::take(&mut taken.leaving));
        for (place, page) in leaving.unwrap_or_default() {
            if let (Some(counts), Some(taken)) = (self.memory.take(page)?, &mut self.taken) {
                let mut late = Pages::default();
                late.add(place.number, counts);
                taken.consumed.keep(place.slot, place.metric, late);
            }
            self.hand_back(page)?;
        }
        Ok(())
    }

    /// Hands back the pages of a slot whose record was read.
    pub(super) fn release(&mut self, number: u32, slot: &Slot) -> Result<()> {
        if let Some(taken) = &mut self.taken {
            taken.consumed.forget(number);
        }
        slot.metrics.iter().flat_map(used).try_for_each(|(_, page)| self.hand_back(page))
    }

    fn hand_back(&mut self, page: u32) -> Result<()> {
        self.free.push(page, 0).context("cannot hand back a bucket page")
    }
}

/// The pages that a metric has, with their numbers within it.
fn used(metric: &MetricSlot) -> impl Iterator<Item = (usize, u32)> {
    metric.pages.into_iter().enumerate().filter(|(_, page)| *page != 0)
}
