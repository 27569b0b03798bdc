//! Bucket memory: pages of 128 counters, taken from a pool when a thread first touches an octave of a metric.

use super::{
    atomic::{self, take_next},
    global::global,
    task,
};
use aya_ebpf::{
    bindings::BPF_F_MMAPABLE,
    btf_maps::{Array, Queue},
    macros::btf_map,
};
use profiler_ebpf::{
    buckets,
    layout::{SharedBucketPage, SharedMetricSlot},
};

// The loader sets the size of both.
#[btf_map]
static PAGES: Array<SharedBucketPage, 1, { BPF_F_MMAPABLE as usize }> = Array::new();

/// Pages that user space has collected and freed.
#[btf_map]
static FREE_PAGES: Queue<u32, 1> = Queue::new();

/// Adds one sample of a metric: to a bucket if there is memory for it, and always to the totals.
///
/// In this order, the count last, and user space copies in the opposite one: a copy made in between can lack the sample in the
/// count and have it elsewhere, never the other way round. So a sample that is under way can't be taken for one without a
/// bucket, and what a copy lacks is found complete later.
#[inline(always)]
pub(crate) fn record(metric: &SharedMetricSlot, ns: u64) {
    add_to_bucket(metric, ns);
    metric.totals.add(ns);
}

#[inline(always)]
fn add_to_bucket(metric: &SharedMetricSlot, ns: u64) {
    let Some(bucket) = buckets::index(ns) else { return };
    let page_index = buckets::page(bucket);
    if page_index >= buckets::PAGES {
        return;
    }
    let mut page = metric.pages[page_index].get();
    if page == 0 {
        page = claim();
        metric.pages[page_index].set(page);
    }
    if page == 0 {
        return;
    }
    let Some(page) = memory(page) else { return };
    let count = &page.counts[buckets::cell(bucket)];
    if task::watches() {
        // In one step, as user space takes counters out meanwhile. One that gets to its end before it comes begins
        // again, and its samples show as without a bucket.
        atomic::add(count, 1);
    } else {
        // Saturates: what is above shows as a sample without a bucket. Only this thread's slot refers to the page, and only
        // the CPU that switches the thread or runs it in a fault adds to it.
        count.set(count.get().saturating_add(1));
    }
}

/// The page with this number.
#[inline(always)]
fn memory<'a>(page: u32) -> Option<&'a SharedBucketPage> {
    // SAFETY: a live element of the map, whose fields are all shared.
    PAGES.get_ptr(page).map(|page| unsafe { &*page })
}

/// A zeroed page, or 0 if none is left.
#[inline(never)]
fn claim() -> u32 {
    let page = match FREE_PAGES.pop() {
        Ok(Some(page)) => page,
        _ => match first_use() {
            Some(page) => page,
            None => return 0,
        },
    };
    let Some(memory) = memory(page) else { return 0 };
    memory.counts.iter().for_each(|count| count.set(0));
    page
}

/// Takes a page that was never used before. Page 0 is never allocated: its number means that there is none.
#[inline(always)]
fn first_use() -> Option<u32> {
    let global = global()?;
    let page = take_next(&global.pages_used, u64::from(task::page_limit()) - 1)?;
    Some(page as u32 + 1)
}
