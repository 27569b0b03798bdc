//! Any text as a file of /proc or sysfs.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    profiler::fuzzing::machine_texts(text);
});
