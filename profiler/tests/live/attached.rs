//! The kernel objects of a profiler, by the kernel's own numbers: programs, links and maps.

use crate::support::eventually;
use aya::maps::{Array, Map, MapData, loaded_maps};
use aya::programs::{loaded_links, loaded_programs};
use profiler_ebpf::layout::{Holder, Place};
use std::collections::BTreeSet;
use std::fs;

/// The BPF objects that a process held when it was looked at.
#[derive(Debug, Default)]
pub(crate) struct Attached {
    pub(crate) programs: BTreeSet<u32>,
    pub(crate) links: BTreeSet<u32>,
    pub(crate) maps: BTreeSet<u32>,
}

impl Attached {
    /// The objects that a process holds now.
    pub(crate) fn of(pid: u32) -> Self {
        let mut held = Self::default();
        let descriptors = fs::read_dir(format!("/proc/{pid}/fdinfo")).into_iter().flatten().flatten();
        for info in descriptors.filter_map(|entry| fs::read_to_string(entry.path()).ok()) {
            held.programs.extend(number(&info, "prog_id:"));
            held.links.extend(number(&info, "link_id:"));
            held.maps.extend(number(&info, "map_id:"));
        }
        held
    }

    /// The holders of the entries of the table of states now.
    pub(crate) fn places(&self) -> Vec<Holder> {
        const NAME: &str = "PLACES";
        const WORDS: usize = size_of::<Place>() / size_of::<u64>();
        let mut maps = loaded_maps().flatten();
        let table = maps.find(|map| self.maps.contains(&map.id()) && map.name_as_str() == Some(NAME));
        let id = table.unwrap_or_else(|| panic!("it has no map {NAME}: {self:?}")).id();
        let table = Map::Array(MapData::from_id(id).expect("the map is still there"));
        let table: Array<MapData, [u64; WORDS]> = table.try_into().expect("it is an array of places");
        table.iter().map(|place| Holder(place.expect("a place can be read")[0])).collect()
    }

    /// Waits until the kernel has none of them any more. It frees a program a little after the last holder has let
    /// it go.
    pub(crate) fn assert_gone(&self) {
        assert!(!self.programs.is_empty(), "it held no programs: {self:?}");
        eventually("programs, links and maps are gone", || {
            let programs: BTreeSet<u32> = loaded_programs().flatten().map(|program| program.id()).collect();
            let links: BTreeSet<u32> = loaded_links().flatten().map(|link| link.id()).collect();
            let maps: BTreeSet<u32> = loaded_maps().flatten().map(|map| map.id()).collect();
            let gone = self.programs.is_disjoint(&programs)
                && self.links.is_disjoint(&links)
                && self.maps.is_disjoint(&maps);
            gone.then_some(())
        });
    }
}

/// Threads that have their state in task storage.
pub(crate) fn in_storage(places: &[Holder]) -> u64 {
    places.iter().map(|holder| holder.0 & Holder::IN_STORAGE).sum()
}

/// Threads that have theirs in the table.
pub(crate) fn in_table(places: &[Holder]) -> u64 {
    places.iter().filter(|holder| holder.task() != 0).count() as u64
}

fn number(info: &str, field: &str) -> Option<u32> {
    info.lines().find_map(|line| line.strip_prefix(field)?.trim().parse().ok())
}
