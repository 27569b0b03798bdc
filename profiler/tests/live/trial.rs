//! A test of this binary: its name, on which kernels it runs, and how long it took.

use libtest_mimic::Trial;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A list of tests from the functions that are them. Each is passed on every supported kernel, or, after `here:`, only
/// on the machine that the tests are started on: what it proves is of this program alone, or was proven on each kernel
/// by another.
macro_rules! trials {
    ($($test:ident),+ $(,)?) => { crate::trial::trials![each: $($test),+; here: ] };
    (here: $($test:ident),+ $(,)?) => { crate::trial::trials![each: ; here: $($test),+] };
    ($($test:ident),+; here: $($other:ident),+ $(,)?) => {
        crate::trial::trials![each: $($test),+; here: $($other),+]
    };
    (each: $($test:ident),*; here: $($other:ident),*) => {
        vec![
            $(crate::trial::trial(concat!(module_path!(), "::", stringify!($test)), $test),)*
            $(crate::trial::trial(concat!(module_path!(), "::", stringify!($other)), $other).with_kind(crate::trial::HERE),)*
        ]
    };
}
pub(crate) use trials;

/// The kind of a test that does not depend on the kernel.
pub(crate) const HERE: &str = "here";

/// Set in the guests of `cargo xtask vm`: tests of the kind [`HERE`] are left out.
const EACH_KERNEL: &str = "PROFILER_EACH_KERNEL";

/// The tests that this run is of.
pub(crate) fn wanted(tests: Vec<Trial>) -> Vec<Trial> {
    let is_one_of_several = std::env::var_os(EACH_KERNEL).is_some();
    tests.into_iter().filter(|test| !is_one_of_several || test.kind() != HERE).collect()
}

/// The time that each test took, in the order in which they ended.
static TOOK: Mutex<Vec<(&str, Duration)>> = Mutex::new(Vec::new());

/// The test that runs: they are run one after the other.
static RUNNING: Mutex<&str> = Mutex::new("");

/// The name of the test that runs.
pub(crate) fn running() -> &'static str {
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn trial(path: &'static str, test: fn()) -> Trial {
    let name = path.split_once("::").map_or(path, |(_crate, rest)| rest);
    Trial::test(name, move || {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = name;
        let _timed = Timed { name, started: Instant::now() };
        test();
        Ok(())
    })
}

/// Notes the time of a test as it ends, however it does.
struct Timed {
    name: &'static str,
    started: Instant,
}

impl Drop for Timed {
    fn drop(&mut self) {
        let took = (self.name, self.started.elapsed());
        TOOK.lock().unwrap_or_else(PoisonError::into_inner).push(took);
    }
}

/// The ten tests that took longest, a line each.
pub(crate) fn slowest() -> String {
    const SHOWN: usize = 10;
    let mut took = TOOK.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let whole: Duration = took.iter().map(|(_, time)| *time).sum();
    took.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let mut text = format!("{} tests took {:.0} s, of which the slowest:\n", took.len(), whole.as_secs_f64());
    for (name, time) in took.iter().take(SHOWN) {
        // Writing into a text never fails.
        let _ = writeln!(text, "{:6.1} s  {name}", time.as_secs_f64());
    }
    text
}
