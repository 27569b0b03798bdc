//! Any bytes as the type information of the kernel.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let done = profiler::fuzzing::kernel_types(bytes);
    assert!(done.is_ok(), "{done:?}");
});
