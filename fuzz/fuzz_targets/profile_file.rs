//! Any bytes as a profile file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    profiler::fuzzing::profile_file(bytes);
});
