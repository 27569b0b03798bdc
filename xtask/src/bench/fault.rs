//! What a page fault costs more: a page toucher alone, over empty BPF programs on the same hooks, and under the
//! profiler.

use super::{
    load::{Hooks, Programs},
    measure::Settings,
    table::{Row, Unit},
    turns::{Variant, added, in_turns, summary},
};
use anyhow::Result;

/// Nanoseconds a fault may take more.
const BAR_NS: f64 = 200.0;

const PAGES: u32 = 100_000;

/// The lines of this step.
pub(super) fn measure(programs: &Programs, settings: &Settings) -> Vec<Row> {
    let load = ["touch".to_owned(), format!("--pages={}", settings.shortened(PAGES))];
    let load = load.as_slice();
    let variants: [Variant<'_>; 3] = [
        Ok(Box::new(move || programs.figure(load))),
        settings.empty_programs.clone().map(|object| -> Box<dyn Fn() -> Result<f64>> {
            Box::new(move || {
                let _beside = programs.empty_probes(&object, Hooks::Fault)?;
                programs.figure(load)
            })
        }),
        Ok(Box::new(move || programs.profiled_figure("fault", load))),
    ];
    let [nothing, empty, profiler] = in_turns("fault", settings, &variants);
    vec![
        Row::new("minor fault on a fresh page", Unit::Ns, summary(&nothing)),
        Row::new("added by empty BPF programs on the same hooks", Unit::Ns, added(&empty, &nothing)),
        Row::new("added by `profiler run`", Unit::Ns, added(&profiler, &nothing)).at_most(BAR_NS),
    ]
}
