//! Measures all figures.

use super::{
    account,
    results::{Left, LongRun, LongRuns, Measured, Missing, Point, Results},
};
use crate::{
    contender::Contender,
    job::{Job, SWITCHES_PER_TRIP},
    measure::Settings,
    peers,
    run::{self, Outcome},
    statistics::Summary,
    switch::TRIPS,
    turns::{Taken, in_turns},
};
use anyhow::{Context as _, Result};
use std::cell::Cell;
use xtask::workspace::Workspace;

const PAGES: u32 = 50_000;

/// Round trips of the long ping-pong, which shows contenders that lose events.
const LONG_TRIPS: u32 = 250_000;

/// Pages of the long page toucher, likewise.
const LONG_PAGES: u32 = 200_000;

/// Threads in the ring besides the first.
const THREADS: [u32; 5] = [1, 10, 100, 1_000, 10_000];

const PASSES: u32 = 40_000;

/// Multiplications before a round trip: from none to about 45 µs.
const WORK: [u32; 5] = [0, 9_000, 27_000, 72_000, 180_000];

/// Multiplications that take about one round trip: fewer trips are needed when each takes longer.
const WORK_OF_A_TRIP: u32 = 12_000;

/// Divisor of the rounds for points of a line: neighbouring points confirm each other.
const POINT_ROUNDS_DIVISOR: u32 = 3;

const NS_PER_S: f64 = 1e9;

/// The measurement and its state.
pub(super) struct Bench<'a> {
    settings: &'a Settings,
    /// The available contenders.
    contenders: Vec<Contender>,
    missing: Vec<Missing>,
    lost_by_profiler: Cell<u64>,
}

impl<'a> Bench<'a> {
    /// Finds the available contenders.
    pub(super) fn of(settings: &'a Settings) -> Self {
        let (mut contenders, mut missing) = (Vec::new(), Vec::new());
        for contender in Contender::ALL {
            let mut needs = contender.needs().into_iter();
            match needs.find_map(|name| settings.found.path(name).err()) {
                Some(why) => missing.push(Missing { contender, why }),
                None => contenders.push(contender),
            }
        }
        Self { settings, contenders, missing, lost_by_profiler: Cell::new(0) }
    }

    /// Measures everything.
    pub(super) fn all(self, workspace: &Workspace) -> Result<Results> {
        let rounds = self.settings.rounds();
        let trips = Job::ping_pong(self.shortened(TRIPS), 0);
        let switch = self.take("switch", &self.contenders, rounds, &trips, SWITCHES_PER_TRIP);
        let touch = Job::touch(self.shortened(PAGES));
        let fault = self.take("fault", &self.contenders, rounds, &touch, 1);
        let mut contenders: Vec<Measured> = self
            .contenders
            .iter()
            .map(|&contender| Measured {
                contender,
                switch_ns: relative(&switch, contender),
                fault_ns: relative(&fault, contender),
                threads: Vec::new(),
                rates: Vec::new(),
            })
            .collect();
        let long_runs = vec![self.long_trips(), self.long_ring(), self.long_touch()];
        self.by_threads(&mut contenders);
        self.by_rate(&mut contenders);
        Ok(Results {
            measured: self.settings.now_and_here()?,
            rounds,
            rounds_of_a_place: self.rounds_of_a_place(),
            versions: peers::versions(workspace, &self.settings.found),
            contenders,
            missing: self.missing,
            long_runs,
            lost_by_profiler: self.lost_by_profiler.get(),
        })
    }

    fn shortened(&self, work: u32) -> u32 {
        self.settings.shortened(work)
    }

    /// Nanoseconds of an event with each contender, given the events in a piece of the load's work.
    fn take(&self, step: &str, of: &[Contender], rounds: u32, job: &Job, events_per_piece: u32) -> Taken {
        in_turns(step, rounds, of, |contender| {
            Ok(self.run(contender, job)?.timed.figure_ns / f64::from(events_per_piece))
        })
    }

    /// Runs a load with a contender, and notes what the profiler loses.
    fn run(&self, contender: Contender, job: &Job) -> Result<Outcome> {
        let outcome = run::run(contender, self.settings, job)?;
        self.lost_by_profiler.set(self.lost_by_profiler.get() + outcome.lost_by_profiler());
        Ok(outcome)
    }

    /// The added cost of a switch with many threads.
    fn by_threads(&self, contenders: &mut [Measured]) {
        for count in THREADS {
            let job = Job::ring(count, self.shortened(PASSES));
            let taken = self.take_place(&format!("{count} threads"), &job, 1);
            for measured in followed(contenders) {
                let switch_ns = relative(&taken, measured.contender);
                measured.threads.push(Point { at: count.into(), switch_ns });
            }
        }
    }

    /// The added cost of a switch where switches are rare.
    fn by_rate(&self, contenders: &mut [Measured]) {
        for work in WORK {
            let trips = TRIPS / (1 + work / WORK_OF_A_TRIP);
            let job = Job::ping_pong(self.shortened(trips), work);
            let taken = self.take_place(&format!("{work} multiplications"), &job, SWITCHES_PER_TRIP);
            let rate = taken.whole(Contender::Nothing).map_or(f64::NAN, |alone| NS_PER_S / alone.median);
            for measured in followed(contenders) {
                let switch_ns = relative(&taken, measured.contender);
                measured.rates.push(Point { at: rate, switch_ns });
            }
        }
    }

    fn take_place(&self, step: &str, job: &Job, events_per_piece: u32) -> Taken {
        let of: Vec<Contender> = self.contenders.iter().copied().filter(|it| it.is_followed()).collect();
        self.take(step, &of, self.rounds_of_a_place(), job, events_per_piece)
    }

    fn rounds_of_a_place(&self) -> u32 {
        self.settings.rounds().div_ceil(POINT_ROUNDS_DIVISOR)
    }

    fn long_trips(&self) -> LongRuns {
        let job = Job::ping_pong(self.shortened(LONG_TRIPS), 0);
        self.long_runs("two processes", "switches", &job)
    }

    fn long_ring(&self) -> LongRuns {
        let count = THREADS[THREADS.len() - 1];
        // Whole laps, equally many in each part.
        let job = Job::ring(count, Job::LEAST_LAPS * (count + 1));
        self.long_runs(&format!("{count} threads"), "switches", &job)
    }

    fn long_touch(&self) -> LongRuns {
        self.long_runs("fresh pages", "faults", &Job::touch(self.shortened(LONG_PAGES)))
    }

    fn long_runs(&self, load: &str, events: &str, job: &Job) -> LongRuns {
        let watching = self.contenders.iter().filter(|contender| contender.watches(job.event));
        let runs = watching.map(|&contender| {
            eprintln!("{load}: {}", contender.name());
            LongRun { contender, left: self.left(contender, job).map_err(|error| format!("{error:#}")) }
        });
        let runs = runs.collect();
        LongRuns { load: format!("{load}, at least {} {events}", job.events), runs }
    }

    /// The median of three runs, with the largest loss of them.
    fn left(&self, contender: Contender, job: &Job) -> Result<Left> {
        const RUNS: usize = 3;
        let mut runs = (0..RUNS).map(|_| self.left_once(contender, job)).collect::<Result<Vec<Left>>>()?;
        let lost = runs.iter().map(|run| run.account.lost).collect::<Option<Vec<u64>>>();
        runs.sort_by(|a, b| a.cpu_in_all_ms.total_cmp(&b.cpu_in_all_ms));
        let mut middle = runs.swap_remove(RUNS / 2);
        middle.account.lost = lost.and_then(|lost| lost.into_iter().max());
        Ok(middle)
    }

    fn left_once(&self, contender: Contender, job: &Job) -> Result<Left> {
        let Outcome { timed, consumer } = self.run(contender, job)?;
        let consumer = consumer.context("nothing ran beside the load")?;
        Ok(Left {
            account: account::of(contender, &consumer, job.event)?,
            cpu_percent: timed.cpu.as_secs_f64() / timed.wall.as_secs_f64() * 100.0,
            cpu_in_all_ms: consumer.cpu_in_all.as_secs_f64() * 1_000.0,
        })
    }
}

/// The absolute figure for the load alone, the added cost for the others.
fn relative(taken: &Taken, contender: Contender) -> Result<Summary, String> {
    if contender == Contender::Nothing { taken.whole(contender) } else { taken.added(contender) }
}

fn followed(contenders: &mut [Measured]) -> impl Iterator<Item = &mut Measured> {
    contenders.iter_mut().filter(|measured| measured.contender.is_followed())
}
