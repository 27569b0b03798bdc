//! Counts the events of a load in a contender's output, and those known to be lost.

use crate::{
    contender::{Contender, Record},
    job::Event,
    process, profile,
    run::Consumer,
};
use anyhow::{Context as _, Result};
use linux_perf_data::{
    PerfFileReader, PerfFileRecord,
    linux_perf_event_reader::{EventRecord, RecordType},
};
use model::profile::Profile;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::BufReader,
    path::Path,
};

/// The counts of a run's output. Figures that it does not give are `None`.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Account {
    /// Events, as the contender defines them ([`notes`](super::notes)).
    pub(super) counted: Option<u64>,
    /// Lost events, as reported by the contender or the kernel.
    pub(super) lost: Option<u64>,
    /// Warnings in the contender's output.
    pub(super) warnings: u64,
    /// The size of the output.
    pub(super) record_bytes: Option<u64>,
}

/// Reads the counts of one run.
pub(super) fn of(contender: Contender, consumer: &Consumer, event: Event) -> Result<Account> {
    let path = consumer.record.as_path();
    let size = || fs::metadata(path).with_context(|| format!("there is no {}", path.display()));
    let in_kernel = Some(consumer.missed_program_runs);
    let account = match contender.record() {
        Record::Nothing => return Ok(Account::default()),
        Record::Sums => Account { lost: in_kernel, ..Account::default() },
        Record::Profile => of_profile(consumer.profile.as_ref().context("there is no profile")?, event),
        Record::Histogram => {
            let printed = of_histogram(&process::read(path)?);
            Account {
                lost: printed.lost.zip(in_kernel).map(|(reported, missed)| reported + missed),
                ..printed
            }
        }
        Record::PerfData => of_perf_data(path)?,
        Record::PerfText => of_perf_text(&process::read(path)?),
    };
    Ok(Account { record_bytes: Some(size()?.len()), ..account })
}

fn of_profile(profile: &Profile, event: Event) -> Account {
    let counted = match event {
        Event::Switch => profile::switches(profile),
        Event::Fault => profile::faults(profile),
    };
    Account { counted: Some(counted), lost: Some(profile::lost(profile)), ..Account::default() }
}

/// Parses a printed histogram: `0 -> 1 : 7 |***|` of libbpf-tools, `[2, 4) 7 |@@@|` of bpftrace, which also
/// reports lost output and full maps.
fn of_histogram(text: &str) -> Account {
    let of_output: u64 = text.lines().filter_map(|line| between(line, "Lost ", " events")).sum();
    let warnings = |of: &str| text.lines().filter(|line| line.contains(of)).count() as u64;
    Account {
        counted: Some(text.lines().filter_map(samples_of_line).sum()),
        lost: Some(of_output + warnings("Map full")),
        warnings: warnings("WARNING: "),
        record_bytes: None,
    }
}

fn samples_of_line(line: &str) -> Option<u64> {
    let (left, _bar) = line.split_once('|')?;
    let count = match left.trim_start().strip_prefix('[') {
        Some(range) => range.split_once([')', ']'])?.1,
        None => left.split_once("->")?.1.split_once(':')?.1,
    };
    count.trim().parse().ok()
}

/// Reads perf.data. Losses are recorded as they happen (`LOST`), and by newer perf also as a sum
/// (`LOST_SAMPLES`).
fn of_perf_data(path: &Path) -> Result<Account> {
    const SWITCH: &str = "sched:sched_switch";
    let damaged = || format!("cannot read {}", path.display());
    let file = BufReader::new(File::open(path).with_context(damaged)?);
    let PerfFileReader { mut perf_file, mut record_iter } =
        PerfFileReader::parse_file(file).with_context(damaged)?;
    let is_switch: Vec<bool> =
        perf_file.event_attributes().iter().map(|event| event.name.as_deref() == Some(SWITCH)).collect();
    let (mut counted, mut reported, mut summed) = (0, 0, 0);
    while let Some(record) = record_iter.next_record(&mut perf_file).with_context(damaged)? {
        let PerfFileRecord::EventRecord { record, attr_index } = record else { continue };
        match record.record_type {
            RecordType::SAMPLE => counted += u64::from(is_switch.get(attr_index) == Some(&true)),
            RecordType::LOST_SAMPLES => {
                let data = record.data.as_slice();
                summed += u64::from_le_bytes(*data.first_chunk().with_context(damaged)?);
            }
            RecordType::LOST => {
                if let EventRecord::Lost(lost) = record.parse().with_context(damaged)? {
                    reported += lost.count;
                }
            }
            _ => {}
        }
    }
    Ok(Account { counted: Some(counted), lost: Some(u64::max(reported, summed)), ..Account::default() })
}

/// Parses one line a fault, with `LOST n events!` between them.
fn of_perf_text(text: &str) -> Account {
    let faults = text.lines().filter(|line| line.contains(" minfault [") || line.contains(" majfault ["));
    Account {
        counted: Some(faults.count() as u64),
        lost: Some(text.lines().filter_map(|line| between(line, "LOST ", " events")).sum()),
        ..Account::default()
    }
}

fn between(line: &str, before: &str, behind: &str) -> Option<u64> {
    line.split_once(before)?.1.split_once(behind)?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_of_both_kinds_are_counted() {
        let text = "Tracing... Hit Ctrl-C to end.\n     usecs               : count    distribution\n\
                    0 -> 1          : 12        |**      |\n  2 -> 3          : 30       |****|\n";
        assert_eq!(of_histogram(text), Account { counted: Some(42), lost: Some(0), ..Account::default() });
    }

    #[test]
    fn what_bpftrace_could_not_note_is_lost_and_what_it_could_not_delete_is_not() {
        let text = "Attaching 5 probes...\n@usecs: \n[0]                 5 |@@   |\n[1K, 2K)           9 |@@@@ |\n\
                    x.bt:47:2-31: WARNING: Can't delete map element because it does not exist.\n\
                    x.bt:40:2-31: WARNING: Map full; can't update element. Try increasing max_map_keys config\n\
                    Lost 30 events\n";
        let expected = Account { counted: Some(14), lost: Some(31), warnings: 2, record_bytes: None };
        assert_eq!(of_histogram(text), expected);
    }

    #[test]
    fn faults_and_losses_in_a_text_are_added_up() {
        let text = " 0.1 ( 0.0 ms): a/1 minfault [x] => y\nLOST 17 events!\nLOST 3 events!\n\
                     0.2 ( 0.0 ms): a/1 majfault [x] => y\n";
        let expected = Account { counted: Some(2), lost: Some(20), ..Account::default() };
        assert_eq!(of_perf_text(text), expected);
        assert_eq!(of_perf_text("").lost, Some(0));
    }

    #[test]
    fn a_profile_is_asked_for_what_the_load_makes() {
        let profile = profile::fixture();
        assert_eq!(of_profile(&profile, Event::Switch).counted, Some(53));
        assert_eq!(of_profile(&profile, Event::Fault).counted, Some(9700));
        assert_eq!(of_profile(&profile, Event::Fault).lost, Some(5));
    }
}
