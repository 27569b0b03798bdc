//! The added cost of a page fault: a page toucher alone, with empty BPF programs on the same hooks, and under
//! the profiler.

use super::{
    contender::Contender,
    job::Job,
    measure::Settings,
    run,
    table::{Row, Unit},
    turns::{against_build_before, in_turns, with_build_before},
};

/// The contenders.
pub(super) const CONTENDERS: [Contender; 3] = [Contender::Nothing, Contender::Empty, Contender::Profiler];

/// Bar: nanoseconds added to a fault.
const BAR_NS: f64 = 200.0;

const PAGES: u32 = 100_000;

/// Measures this step.
pub(super) fn measure(settings: &Settings) -> Vec<Row> {
    let job = Job::touch(settings.shortened(PAGES));
    let nanoseconds = |contender| run::figure_ns(contender, settings, &job);
    let contenders = with_build_before(settings, &CONTENDERS);
    let taken = in_turns("fault", settings.rounds(), &contenders, nanoseconds);
    let mut rows = vec![
        Row::new("minor fault on a fresh page", Unit::Ns, taken.whole(Contender::Nothing)),
        Row::new("added by empty BPF programs on the same hooks", Unit::Ns, taken.added(Contender::Empty)),
        Row::new("added by `profiler run`", Unit::Ns, taken.added(Contender::Profiler)).at_most(BAR_NS),
    ];
    rows.extend(against_build_before(&taken, Unit::Ns));
    rows
}
