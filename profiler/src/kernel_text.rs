//! Lines of /proc and /sys that several places read.

/// The size in a line such as `MemTotal:   123 kB`; `label` includes the colon.
pub(crate) fn kibibytes(text: &str, label: &str) -> Option<u64> {
    let size = text.lines().find_map(|line| line.strip_prefix(label))?;
    let kibibytes: u64 = size.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The choice in brackets, as files of sysfs show several: `a [b] c`.
pub(crate) fn chosen(choices: &str) -> Option<&str> {
    choices.split_whitespace().find_map(|choice| choice.strip_prefix('[')?.strip_suffix(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_those_too_large_are_not() {
        assert_eq!(kibibytes("A: 1 kB\nB:  2 kB\n", "B:"), Some(2048));
        assert_eq!(kibibytes("B: 18446744073709551615 kB\n", "B:"), None);
        assert_eq!(kibibytes("B: 2 MB\n", "B:"), None);
    }
}
