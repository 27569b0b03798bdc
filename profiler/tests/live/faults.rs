//! Page faults, minor and major, one for each page.

use crate::disturbance::undisturbed;
use crate::support::{Outcome, Scene, blocked_on, command, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::metric::Metric;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::sys::personality::{self, Persona};
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

pub(crate) fn tests() -> Vec<Trial> {
    trials![each_fresh_page_is_a_minor_fault, each_page_from_disk_is_a_major_fault]
}

const FRESH_PAGES: u64 = 1_000;

fn each_fresh_page_is_a_minor_fault() {
    // The start of the stack and of the heap decides the number of their pages: the same place in both runs.
    let before = personality::get().unwrap();
    personality::set(before | Persona::ADDR_NO_RANDOMIZE).unwrap();
    undisturbed(touch_fresh_pages);
    personality::set(before).unwrap();
}

fn touch_fresh_pages() -> Result<(), String> {
    let touch = |touched: &str| {
        let outcome = Scene::new().run(&target("touch", &["2000", touched]));
        outcome.assert_complete();
        assert_eq!(outcome.told()["touched"].as_u64().unwrap(), touched.parse::<u64>().unwrap());
        outcome
    };
    // Both touch some: what is done for that takes a page of the stack, which may be there already.
    let (few, many) = (touch("0500"), touch("1500"));
    let from_disk = few.count(Metric::MajorFault) + many.count(Metric::MajorFault);
    if from_disk > 0 {
        return Err(format!("{from_disk} pages of the program itself came from the disk"));
    }
    let kernel = |outcome: &Outcome| outcome.profile().threads[0].kernel.minor_faults;
    let (measured, kernel) =
        (many.count(Metric::MinorFault) - few.count(Metric::MinorFault), kernel(&many) - kernel(&few));
    assert_eq!(measured, kernel);
    if kernel != FRESH_PAGES {
        // A page of the program itself was taken from its memory and came back.
        return Err(format!("the kernel counted {kernel} faults of {FRESH_PAGES} fresh pages"));
    }
    Ok(())
}

const FILE_PAGES: usize = 500;

fn each_page_from_disk_is_a_major_fault() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let path = folder.path().join("pages");
    let file = write_pages(&path, FILE_PAGES);
    undisturbed(|| read_from_disk(&path, &file));
}

fn read_from_disk(path: &Path, file: &File) -> Result<(), String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/targets/file_pages.py");
    let read = |count: usize| {
        evict(file);
        let arguments = ["python3", script, path.to_str().unwrap(), &count.to_string()];
        let outcome = Scene::new().run(&command(&arguments));
        outcome.assert_complete();
        outcome
    };
    let (none, all) = (read(0), read(FILE_PAGES));
    let [none_faults, all_faults] = [&none, &all].map(|outcome| outcome.count(Metric::MajorFault));
    assert!(all_faults >= FILE_PAGES as u64, "{all_faults} major faults");
    let waits = |outcome: &Outcome| -> u64 {
        outcome.profile().threads.iter().map(|thread| blocked_on(thread, "page_fault")).sum()
    };
    // The disk may be done before the thread has left the CPU, but not every time.
    assert!(waits(&all) > waits(&none), "{} waits for the disk", waits(&all));
    // Python itself is in memory after the first run, unless the machine wanted that for something else.
    match (none_faults, all_faults - FILE_PAGES as u64) {
        (0, 0) => Ok(()),
        others => Err(format!("{others:?} pages of Python itself came from the disk")),
    }
}

fn write_pages(path: &Path, pages: usize) -> File {
    let mut file = File::options().read(true).write(true).create_new(true).open(path).unwrap();
    let kind = fstatfs(&file).unwrap().filesystem_type();
    assert_ne!(kind, TMPFS_MAGIC, "{} must be on a disk", path.display());
    file.write_all(&vec![1; pages * 4096]).unwrap();
    file.sync_all().unwrap();
    file
}

/// Takes a file out of the page cache.
fn evict(file: &File) {
    posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).unwrap();
}
