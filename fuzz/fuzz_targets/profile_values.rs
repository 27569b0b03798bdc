//! Any values in the fields of a profile.
#![no_main]

use profiler::profile::Profile;

libfuzzer_sys::fuzz_target!(|profile: Profile| {
    profiler::fuzzing::profile_values(&profile);
});
