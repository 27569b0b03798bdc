//! The flags that both workloads take.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use clap::builder::{RangedI64ValueParser, RangedU64ValueParser};

/// The most workers that can be asked for: far beyond any useful sweep, and low enough that a typing error
/// ends in a message instead of in a machine without threads.
const MAX_WORKERS: u64 = 10_000;

/// The tasks: their number and the work of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub struct Args {
    /// Run this many tasks, all submitted at once; at least 1.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = tasks())]
    pub tasks: u32,

    /// Let each task wait this long, such as 50ms, 3s or 1m.
    #[arg(long, value_name = "DURATION", default_value = "50ms", value_parser = humantime::parse_duration)]
    pub fetch: Duration,

    /// Bytes of fresh memory that each task writes after its wait, one write for each 4 KiB page.
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub touch: usize,

    /// CPU time that each task burns after its wait, such as 100us.
    #[arg(long, value_name = "DURATION", default_value = "0ms", value_parser = humantime::parse_duration)]
    pub spin: Duration,
}

/// Parses a number of tasks, at least 1. The end of the range is named, since the message would else give that of the
/// parser's own numbers.
#[must_use]
pub fn tasks() -> RangedI64ValueParser<u32> {
    RangedI64ValueParser::new().range(1..=i64::from(u32::MAX))
}

/// Parses a number of workers, 1 to 10 000.
#[must_use]
pub fn workers() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=MAX_WORKERS)
}

/// The CPUs that this process may use, at least 1.
#[must_use]
pub fn cpus() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
        #[arg(long, value_parser = workers())]
        workers: Option<usize>,
    }

    fn parse(flags: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["workload"], flags].concat())
    }

    /// The refusal of `flags`: its kind and its text.
    fn refusal(flags: &[&str]) -> (ErrorKind, String) {
        let error = parse(flags).unwrap_err();
        (error.kind(), error.to_string())
    }

    #[test]
    fn defaults_are_a_thousand_waits_of_50_ms() {
        let args = parse(&[]).unwrap().args;
        let expected = Args { tasks: 1000, fetch: Duration::from_millis(50), touch: 0, spin: Duration::ZERO };
        assert_eq!(args, expected);
    }

    #[test]
    fn all_flags_are_read() {
        let args = parse(&["--tasks", "7", "--fetch", "1m 30s", "--touch", "8192", "--spin", "20us"]);
        let expected =
            Args { tasks: 7, fetch: Duration::from_secs(90), touch: 8192, spin: Duration::from_micros(20) };
        assert_eq!(args.unwrap().args, expected);
    }

    #[test]
    fn no_tasks_is_refused_with_the_flag_and_the_range() {
        let (kind, text) = refusal(&["--tasks", "0"]);
        assert_eq!(kind, ErrorKind::ValueValidation);
        assert!(text.contains("invalid value '0' for '--tasks <N>': 0 is not in 1..=4294967295"), "{text}");
    }

    #[test]
    fn a_duration_without_a_unit_is_refused_with_an_example() {
        let (kind, text) = refusal(&["--fetch", "50"]);
        assert_eq!(kind, ErrorKind::ValueValidation);
        assert!(text.contains("'--fetch <DURATION>': time unit needed, for example 50sec or 50ms"), "{text}");
    }

    #[test]
    fn what_is_not_a_number_is_refused_with_the_flag() {
        for flags in [["--tasks", "many"], ["--tasks", "-1"], ["--touch", "4K"], ["--workers", "1.5"]] {
            let error = parse(&flags).unwrap_err();
            assert!(error.to_string().contains(flags[0]) || flags[1] == "-1", "{error}");
        }
    }

    #[test]
    fn workers_are_at_least_one_and_at_most_ten_thousand() {
        assert_eq!(parse(&["--workers", "1"]).unwrap().workers, Some(1));
        assert_eq!(parse(&["--workers", "10000"]).unwrap().workers, Some(10_000));
        for outside in ["0", "10001"] {
            let (kind, text) = refusal(&["--workers", outside]);
            assert_eq!(kind, ErrorKind::ValueValidation);
            assert!(text.contains(&format!("{outside} is not in 1..=10000")), "{text}");
        }
    }
}
