//! What the profiler costs beside its peers: `cargo xtask bench --peers`.
//!
//! Every contender ([`contender`]) runs with the same loads ([`run`]), in turns; what each adds is taken round by
//! round from the load alone. [`results`] keeps the figures, of which [`table`] and [`chart`] are made.

mod chart;
mod contender;
mod loss;
mod results;
mod run;
mod table;

use super::{
    load::{Hooks, Programs},
    machine,
    statistics::Summary,
    table::Row,
    turns::{Samples, Variant, added, summary, turns},
};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use contender::{Account, Contender, Surroundings};
use results::{Measured, Point, Quantity, Results, Used};
use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
};

/// Switches of a round trip of the ping-pong.
const SWITCHES_PER_TRIP: f64 = 2.0;

/// Round trips that the ping-pong makes before it is timed.
const WARM_UP_TRIPS: u64 = 1_000;

/// A fifth of a second, as in the step `switch`.
const TRIPS: u32 = 40_000;

const PAGES: u32 = 50_000;

/// One longer run: what does not keep up shows.
const TRIPS_FOR_LOSS: u32 = 250_000;

/// Threads in the ring besides the first.
const THREADS: [usize; 5] = [1, 10, 100, 1_000, 10_000];

const PASSES: u32 = 40_000;

/// Multiplications before a round trip: from none to about 50 µs.
const WORK: [u32; 5] = [0, 3_000, 12_000, 48_000, 192_000];

/// About so many multiplications take the time of one round trip: rarer trips need not be as many.
const WORK_OF_A_TRIP: u32 = 12_000;

/// Rounds of everything but switches and faults take long.
const ROUNDS_SHARE: u32 = 3;

/// What is measured, and with what.
pub(super) struct Setup {
    pub(super) empty: Result<PathBuf, String>,
    pub(super) peers: BTreeMap<String, Result<PathBuf, String>>,
    pub(super) rounds: u32,
    /// A tenth of the work.
    pub(super) quick: bool,
}

/// Measures, and leaves table, charts and figures in `docs/cost`, of a quick run in the target folder. Returns the bars.
pub(super) fn measure(workspace: &Workspace, setup: &Setup) -> Result<Vec<Row>> {
    let bench = Bench { programs: Programs::of(workspace), setup, lost_by_profiler: Cell::new(0) };
    let results = bench.all()?;
    write(workspace, &results, setup.quick)
}

/// Makes table and charts again of the figures in `docs/cost`.
pub(super) fn redraw(workspace: &Workspace) -> Result<Vec<Row>> {
    let results = Results::read(&folder(workspace, false).join("peers.json"))?;
    write(workspace, &results, false)
}

fn folder(workspace: &Workspace, quick: bool) -> PathBuf {
    if quick { super::folder(workspace).join("cost") } else { workspace.root().join("docs/cost") }
}

fn write(workspace: &Workspace, results: &Results, quick: bool) -> Result<Vec<Row>> {
    let folder = folder(workspace, quick);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let table = table::markdown(results);
    print!("{table}");
    for (name, text) in
        chart::all(results)?.into_iter().chain([("peers.md", table), ("peers.json", results.json()?)])
    {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        hand_over(workspace, &file)?;
    }
    hand_over(workspace, &folder)?;
    println!("table and charts: {}", folder.display());
    Ok(table::bars(results))
}

/// Whoever built can also remove and replace it.
fn hand_over(workspace: &Workspace, file: &Path) -> Result<()> {
    let owner = fs::metadata(workspace.target()).context("cannot look at the target folder")?;
    chown(file, Some(owner.uid()), Some(owner.gid()))
        .with_context(|| format!("cannot hand over {}", file.display()))
}

struct Bench<'a> {
    programs: Programs,
    setup: &'a Setup,
    lost_by_profiler: Cell<u64>,
}

/// A load, and what of it is wanted.
struct Case<'a> {
    step: String,
    load: Vec<String>,
    hooks: Hooks,
    /// Options of the profiler.
    options: &'a [&'a str],
    /// Of what is counted, in one piece of the load's work.
    per_piece: f64,
    rounds: u32,
}

impl Bench<'_> {
    fn all(&self) -> Result<Results> {
        let rarely = self.setup.rounds.div_ceil(ROUNDS_SHARE);
        let switch = self.take(&self.ping_pong("switch", TRIPS, 0, self.setup.rounds));
        let fault = self.take(&Case {
            step: "fault".to_owned(),
            load: vec!["touch".to_owned(), format!("--pages={}", self.shortened(PAGES))],
            hooks: Hooks::Fault,
            options: &[],
            per_piece: 1.0,
            rounds: self.setup.rounds,
        });
        let used = Contender::ALL.map(|contender| self.used(contender));
        let mut contenders: Vec<Measured> = Contender::ALL
            .into_iter()
            .zip(used)
            .enumerate()
            .map(|(index, (contender, consumer))| Measured {
                name: contender.name().to_owned(),
                switch: relative(&switch, index),
                fault: relative(&fault, index),
                consumer,
                threads: Vec::new(),
                rates: Vec::new(),
            })
            .collect();
        for count in THREADS {
            let room = format!("--max-threads={}", count + 10);
            let options = [room.as_str()];
            let samples = self.take(&Case {
                step: format!("{count} threads"),
                load: vec![
                    "ring".to_owned(),
                    format!("--count={count}"),
                    format!("--passes={}", self.shortened(PASSES)),
                ],
                hooks: Hooks::Switch,
                options: if count > 4_000 { &options } else { &[] },
                per_piece: 1.0,
                rounds: rarely,
            });
            for (index, measured) in contenders.iter_mut().enumerate() {
                measured.threads.push(Point { at: count as f64, value: relative(&samples, index) });
            }
        }
        for work in WORK {
            let trips = TRIPS / (1 + work / WORK_OF_A_TRIP);
            let samples = self.take(&self.ping_pong(&format!("work of {work}"), trips, work, rarely));
            let rate = summary(&samples[0]).map_or(f64::NAN, |alone| NS_PER_S / alone.median);
            for (index, measured) in contenders.iter_mut().enumerate() {
                measured.rates.push(Point { at: rate, value: relative(&samples, index) });
            }
        }
        Ok(Results {
            measured: format!("Measured {}.", machine::footer(self.setup.rounds)?),
            contenders,
            lost_by_profiler: self.lost_by_profiler.get(),
        })
    }

    fn shortened(&self, work: u32) -> u32 {
        if self.setup.quick { work / 10 } else { work }
    }

    fn ping_pong(&self, step: &str, trips: u32, work: u32, rounds: u32) -> Case<'static> {
        let load =
            ["ping-pong".to_owned(), format!("--trips={}", self.shortened(trips)), format!("--work={work}")];
        Case {
            step: step.to_owned(),
            load: load.to_vec(),
            hooks: Hooks::Switch,
            options: &[],
            per_piece: SWITCHES_PER_TRIP,
            rounds,
        }
    }

    fn surroundings<'a>(&'a self, hooks: Hooks, options: &'a [&'a str]) -> Surroundings<'a> {
        Surroundings {
            programs: &self.programs,
            empty: &self.setup.empty,
            peers: &self.setup.peers,
            options,
            hooks,
        }
    }

    /// Nanoseconds of each contender in turns, in the order of [`Contender::ALL`].
    fn take(&self, case: &Case<'_>) -> Vec<Samples> {
        let with = self.surroundings(case.hooks, case.options);
        let with = &with;
        let variants: Vec<Variant<'_>> = Contender::ALL
            .into_iter()
            .map(|contender| -> Variant<'_> {
                Ok(Box::new(move || {
                    let outcome = run::run(contender, with, &case.load).context(contender.name())?;
                    self.note_losses(contender, outcome.consumer.as_ref())?;
                    Ok(outcome.figure_ns / case.per_piece)
                }))
            })
            .collect();
        turns(&case.step, case.rounds, &variants)
    }

    /// Whatever is measured: the profiler may lose nothing.
    fn note_losses(&self, contender: Contender, consumer: Option<&run::Consumer>) -> Result<()> {
        if let (Account::Profile, Some(consumer)) = (contender.account(), consumer) {
            let lost = loss::lost(Account::Profile, consumer, 0)?.unwrap_or(0);
            self.lost_by_profiler.set(self.lost_by_profiler.get() + lost);
        }
        Ok(())
    }

    /// What a contender uses and loses: the run in the middle of three by its CPU time, its losses those of all three.
    fn used(&self, contender: Contender) -> Option<Result<Used, String>> {
        const RUNS: usize = 3;
        (contender != Contender::Nothing).then(|| {
            eprintln!("losses: {}", contender.name());
            let runs = (0..RUNS).map(|_| self.used_once(contender)).collect::<Result<Vec<Used>>>();
            let mut runs = runs.map_err(|error| format!("{error:#}"))?;
            let lost = runs.iter().map(|used| used.lost).collect::<Option<Vec<u64>>>();
            runs.sort_by(|a, b| a.cpu_percent.total_cmp(&b.cpu_percent));
            let middle = runs.swap_remove(RUNS / 2);
            let lost = lost.map(|mut lost| {
                lost.sort_unstable();
                lost[RUNS / 2]
            });
            Ok(Used { lost, ..middle })
        })
    }

    fn used_once(&self, contender: Contender) -> Result<Used> {
        let case = self.ping_pong("losses", TRIPS_FOR_LOSS, 0, 1);
        let outcome = run::run(contender, &self.surroundings(case.hooks, case.options), &case.load)?;
        self.note_losses(contender, outcome.consumer.as_ref())?;
        let consumer = outcome.consumer.context("nothing ran beside the load")?;
        let trips = u64::from(self.shortened(TRIPS_FOR_LOSS)) + WARM_UP_TRIPS;
        let made = trips * SWITCHES_PER_TRIP as u64;
        let account = contender.account();
        Ok(Used {
            made,
            lost: loss::lost(account, &consumer, made)?,
            file_bytes: loss::size(account, &consumer)?,
            cpu_percent: consumer.cpu.as_secs_f64() / consumer.wall.as_secs_f64() * 100.0,
            cpu_in_all_ms: consumer.cpu_in_all.as_secs_f64() * 1_000.0,
        })
    }
}

const NS_PER_S: f64 = 1e9;

/// Of the load alone the whole, of the others what they add to it.
fn relative(samples: &[Samples], index: usize) -> Result<Quantity, String> {
    let summary: Result<Summary, String> =
        if index == 0 { summary(&samples[0]) } else { added(&samples[index], &samples[0]) };
    summary.map(Quantity::from)
}
