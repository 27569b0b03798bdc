//! The readers of small texts: /proc, sysfs, arguments, what a workload prints; and of the kernel's types.

use super::Outcome;
use crate::kernel::{hooks, offsets, requirements};
use crate::record::machine;
use crate::{kernel_text, recorder, target, values};
use btf_rs::Backend;
use std::io::Write as _;
use std::time::Duration;

/// The kernel's type information: every field is found, or an error says what is not.
///
/// # Errors
/// If there is no temporary file for it: it is mapped, as in earnest.
pub fn kernel_types(bytes: &[u8]) -> std::io::Result<Outcome> {
    let mut file = tempfile::NamedTempFile::new_in("/dev/shm")?;
    file.write_all(bytes)?;
    // Parsed the other way, as `profiler doctor` does.
    let _ = offsets::open(file.path(), Backend::Cache);
    match offsets::resolve(file.path()) {
        Ok(_) => Ok(Outcome::Read),
        Err(error) => {
            super::assert_is_clear(&error);
            Ok(Outcome::Refused)
        }
    }
}

/// Files of /proc and sysfs: every reader of one, on the same text.
pub fn machine_texts(text: &str) {
    let read = [
        kernel_text::kibibytes(text, "MemTotal:").is_some(),
        kernel_text::kibibytes(text, "VmHWM:").is_some(),
        machine::of_first_cpu(text, "model name").is_some(),
        machine::count_of_list(text).is_some_and(|count| count > 0),
        requirements::version(text).is_some(),
        kernel_text::chosen(text).is_some(),
        hooks::recursion_misses_in(text).is_ok(),
        target::tree::Process::parse(text).is_some(),
    ];
    let _ = (read, machine::stolen_in(text));
}

/// Texts that a person types and that a workload prints.
pub fn arguments(text: &str) {
    if let Ok(duration) = values::duration(text) {
        assert!(duration > Duration::ZERO);
    }
    if let Ok(memory) = values::memory(text) {
        assert!(memory >= 4096);
    }
    if let Err(error) = recorder::recipe::read_summary(text.as_bytes()) {
        super::assert_is_clear(&error);
    }
}
