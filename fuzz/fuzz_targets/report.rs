//! Reports of several sound profiles, in every style.
#![no_main]

use profiler::fuzzing::{Look, reports};
use profiler::profile::Profile;

libfuzzer_sys::fuzz_target!(|input: (Look, Vec<Profile>)| {
    let (look, profiles) = input;
    if !profiles.is_empty() {
        reports(&profiles, &look);
    }
});
