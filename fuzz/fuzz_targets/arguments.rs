//! Any text as a duration, a size and the line of a workload.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    profiler::fuzzing::arguments(text);
});
