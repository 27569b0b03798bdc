//! Exports of several sound profiles, in every format.
#![no_main]

use profiler::fuzzing::{Wish, exports};
use profiler::profile::Profile;

libfuzzer_sys::fuzz_target!(|input: (Wish, Vec<Profile>)| {
    let (wish, profiles) = input;
    exports(&profiles, &wish);
});
