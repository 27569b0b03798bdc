//! Targets that take page faults.

use memmap2::{Advice, MmapMut};
use serde_json::{Value, json};

/// Of x86-64, without huge pages.
const PAGE: usize = 4096;

/// Maps a region and writes to its first pages. Two pages of another region come first: what runs for every
/// page is then in memory already, and the faults differ by the pages alone.
pub(super) fn touch(region: usize, touched: usize) -> Value {
    assert_eq!(touch_first(2, 2), 2);
    json!({ "touched": touch_first(region, touched) })
}

/// Returns how many pages hold what was written.
pub(super) fn touch_first(region: usize, touched: usize) -> usize {
    let mut map = MmapMut::map_anon(region * PAGE).expect("memory");
    map.advise(Advice::NoHugePage).expect("the kernel knows huge pages");
    map.chunks_mut(PAGE).take(touched).for_each(|page| page[0] = 1);
    map.iter().step_by(PAGE).take(touched).filter(|&&byte| byte == 1).count()
}
