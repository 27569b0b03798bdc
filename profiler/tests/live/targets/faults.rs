//! Targets that take page faults.

use memmap2::{Advice, MmapMut};
use serde_json::{Value, json};

/// Maps a region and writes to its first pages.
pub(super) fn touch(region: usize, touched: usize) -> Value {
    let page = super::super::faults::page_size();
    let mut map = MmapMut::map_anon(region * page).expect("memory");
    map.advise(Advice::NoHugePage).expect("the kernel knows huge pages");
    map.chunks_mut(page).take(touched).for_each(|page| page[0] = 1);
    json!({ "touched": map.iter().step_by(page).take(touched).filter(|&&byte| byte == 1).count() })
}
