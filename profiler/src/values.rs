//! Values with units, as they are written in flags and in the daemon's configuration.

use std::time::Duration;

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("it must be longer than nothing".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; write it like 500ms, 10s or 1m30s")),
    }
}

/// The shortest interval: a snapshot takes some 50 µs, and shorter ones would record little but that.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        short if short < SHORTEST_INTERVAL => Err("it must be at least 1ms, such as 10ms or 1s".to_owned()),
        interval => Ok(interval),
    }
}

pub(crate) fn memory(text: &str) -> Result<u64, String> {
    let size = text.parse::<bytesize::ByteSize>().map_err(|error| format!("{error}; write it like 64MiB"))?;
    if size.as_u64() < 4096 {
        return Err("at least 4KiB are needed".to_owned());
    }
    Ok(size.as_u64())
}

/// A configuration with its examples in effect.
#[cfg(test)]
pub(crate) fn examples(text: &str) -> String {
    let example = |line: &str| line.starts_with('#') && !line.starts_with("# ");
    let lines: Vec<&str> = text.lines().map(|line| if example(line) { &line[1..] } else { line }).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_at_least_a_millisecond() {
        assert_eq!(interval("1ms"), Ok(Duration::from_millis(1)));
        for short in ["1ns", "999us", "0s"] {
            assert!(interval(short).is_err(), "{short}");
        }
    }
}
