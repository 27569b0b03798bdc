//! What a contender lost, and how large its record is.

use super::{contender::Account, run::Consumer};
use crate::bench::profile::Profile;
use anyhow::{Context as _, Result};
use linux_perf_data::{
    PerfFileReader, PerfFileRecord,
    linux_perf_event_reader::{EventRecord, RecordType},
};
use std::{
    fs::{self, File},
    io::BufReader,
    path::Path,
};

/// The events that were lost of those that the load made; `None` if nobody knows.
pub(super) fn lost(account: Account, consumer: &Consumer, made: u64) -> Result<Option<u64>> {
    let record = consumer.record.as_path();
    match account {
        Account::Nothing | Account::Silent => Ok(None),
        Account::Profile => Profile::read(record)?.lost().map(Some),
        Account::Histogram => Ok(Some(made.saturating_sub(in_histogram(&read(record)?)))),
        Account::PerfData => in_perf_data(record).map(Some),
        Account::PerfText => Ok(Some(in_perf_text(&read(record)?))),
    }
}

/// Bytes of a record; `None` if nothing is recorded.
pub(super) fn size(account: Account, consumer: &Consumer) -> Result<Option<u64>> {
    if account == Account::Nothing {
        return Ok(None);
    }
    let record = consumer.record.as_path();
    let file = fs::metadata(record).with_context(|| format!("there is no {}", record.display()))?;
    Ok(Some(file.len()))
}

fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The samples in a printed histogram: `0 -> 1 : 7 |***|` of libbpf-tools, `[2, 4) 7 |@@@|` of bpftrace.
fn in_histogram(text: &str) -> u64 {
    text.lines().filter_map(samples_of_line).sum()
}

fn samples_of_line(line: &str) -> Option<u64> {
    let (left, _bar) = line.split_once('|')?;
    let count = match left.trim_start().strip_prefix('[') {
        Some(range) => range.split_once([')', ']'])?.1,
        None => left.split_once("->")?.1.split_once(':')?.1,
    };
    count.trim().parse().ok()
}

/// Each loss is told as it happens (`LOST`), and by newer perf once more as a sum (`LOST_SAMPLES`).
fn in_perf_data(path: &Path) -> Result<u64> {
    let damaged = || format!("cannot read {}", path.display());
    let file = BufReader::new(File::open(path).with_context(damaged)?);
    let PerfFileReader { mut perf_file, mut record_iter } =
        PerfFileReader::parse_file(file).with_context(damaged)?;
    let (mut told, mut summed) = (0, 0);
    while let Some(record) = record_iter.next_record(&mut perf_file).with_context(damaged)? {
        let PerfFileRecord::EventRecord { record, .. } = record else { continue };
        if record.record_type == RecordType::LOST_SAMPLES {
            let data = record.data.as_slice();
            let count = data.first_chunk().with_context(damaged)?;
            summed += u64::from_le_bytes(*count);
        } else if record.record_type == RecordType::LOST
            && let EventRecord::Lost(lost) = record.parse().with_context(damaged)?
        {
            told += lost.count;
        }
    }
    Ok(u64::max(told, summed))
}

fn in_perf_text(text: &str) -> u64 {
    let lost = |line: &str| {
        let (number, _events) = line.split_once("LOST ")?.1.split_once(" events")?;
        number.parse::<u64>().ok()
    };
    text.lines().filter_map(lost).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_of_both_kinds_are_counted() {
        let text = "Tracing... Hit Ctrl-C to end.\n     usecs               : count    distribution\n\
                    0 -> 1          : 12        |**      |\n  2 -> 3          : 30       |****|\n";
        assert_eq!(in_histogram(text), 42);
        let text = "Attaching 5 probes...\n@usecs: \n[0]                 5 |@@   |\n[1K, 2K)           9 |@@@@ |\n\
                    x.bt:47:2-31: WARNING: Can't delete\n";
        assert_eq!(in_histogram(text), 14);
    }

    #[test]
    fn losses_in_text_are_added_up() {
        let text = " 0.1 ( 0.0 ms): a/1 minfault [x] => y\nLOST 17 events!\nLOST 3 events!\n";
        assert_eq!(in_perf_text(text), 20);
        assert_eq!(in_perf_text(""), 0);
    }
}
