//! Decides the questions of a comparison: the winner of each, and the figures that decide it.

use super::ranking::{clear_winner, clearly_less, dominant, order};
use super::subject::{Subject, effective_concurrency};
use super::units::{count, counted, duration_of, number, size};
use super::usage::rss_is_bound;
use model::profile::usage::Usage;

/// Tasks with more than this share of CPU time are compute-bound rather than waiting.
const COMPUTING: f64 = 0.5;

/// Threads per task below which the number of threads is no limit: one thread carries ten tasks or more.
const FEW_THREADS_PER_TASK: f64 = 0.1;

/// The figures of one workload that decide the answers.
pub(super) struct Facts<'a> {
    pub(super) title: &'a str,
    tasks: f64,
    wall_ns: f64,
    /// Mean number of concurrent tasks.
    concurrency: f64,
    /// Mean duration of a task.
    task_ns: f64,
    threads: f64,
    costs: Option<Costs>,
}

/// Resource usage by getrusage.
struct Costs {
    cpu_ns: f64,
    switches: f64,
    rss: f64,
    rss_is_bound: bool,
}

impl Costs {
    fn of(usage: &Usage) -> Option<Self> {
        Some(Self {
            cpu_ns: usage.total_cpu()?.0 as f64,
            switches: usage.voluntary_switches as f64 + usage.involuntary_switches as f64,
            rss: usage.max_rss_bytes?.0 as f64,
            rss_is_bound: rss_is_bound(usage),
        })
    }
}

/// The index of the winner, if there is one, and the reason.
pub(super) struct Answer {
    pub(super) winner: Option<usize>,
    pub(super) because: String,
}

/// Answers for two or more workloads, in this order: faster, scales, CPU-efficient, memory, massive I/O.
pub(super) fn answers(facts: &[Facts<'_>]) -> [Answer; 5] {
    [faster(facts), scales(facts), efficient(facts), memory(facts), massive_io(facts)]
}

impl<'a> Facts<'a> {
    pub(super) fn of(subject: &'a Subject<'_>) -> Option<Self> {
        let workload = subject.profile.run.workload.as_ref().filter(|workload| workload.tasks > 0)?;
        let tasks = workload.tasks as f64;
        Some(Self {
            title: &subject.title,
            tasks,
            wall_ns: subject.wall().0 as f64,
            concurrency: effective_concurrency(workload)?,
            task_ns: workload.task_time_ns.0 as f64 / tasks,
            threads: subject.thread_count() as f64,
            costs: subject.profile.usage.as_ref().and_then(Costs::of),
        })
    }

    /// Rounds of tasks: 1 if all tasks run at once.
    fn rounds(&self) -> f64 {
        // Bounded below, so that the quotient is finite.
        self.tasks / self.concurrency.max(1e-3)
    }

    /// Threads per concurrent task.
    fn threads_per_task(&self) -> f64 {
        (self.threads / self.concurrency.max(1.0)).max(FEW_THREADS_PER_TASK)
    }

    fn cpu_per_task(&self) -> Option<f64> {
        self.costs.as_ref().map(|costs| costs.cpu_ns / self.tasks)
    }
}

/// `12 ms against 15 ms`: the two smallest of an order, with titles where there are more.
fn against(facts: &[Facts<'_>], order: &[usize], describe: impl Fn(&Facts<'_>) -> String) -> String {
    let several = facts.len() > 2;
    let described = order.iter().take(2).filter_map(|&index| facts.get(index)).map(|of| match several {
        true => format!("{} {}", of.title, describe(of)),
        false => describe(of),
    });
    described.collect::<Vec<_>>().join(" against ")
}

fn unknown(what: &str) -> Answer {
    Answer { winner: None, because: format!("{what} is not known of each") }
}

fn faster(facts: &[Facts<'_>]) -> Answer {
    let alike = facts.windows(2).all(|pair| pair[0].tasks == pair[1].tasks);
    let figure = |of: &Facts<'_>| if alike { of.wall_ns } else { of.wall_ns / of.tasks };
    let figures: Vec<f64> = facts.iter().map(figure).collect();
    let order = order(&figures);
    let what = if alike { "wall time" } else { "wall time a task, their number being different" };
    let mut because = format!("{what}: {}", against(facts, &order, |of| duration_of(figure(of))));
    if let [first, second, ..] = *order
        && figures[first] > 0.0
        && clearly_less(figures[first], figures[second])
    {
        because.push_str(&format!(", a factor of {}", number(figures[second] / figures[first])));
    }
    Answer { winner: clear_winner(&figures), because }
}

fn scales(facts: &[Facts<'_>]) -> Answer {
    let figures: Vec<f64> = facts.iter().map(Facts::rounds).collect();
    let describe = |of: &Facts<'_>| format!("{} of {}", number(of.concurrency), count(of.tasks as u64));
    let because = format!("tasks under way at a time: {}", against(facts, &order(&figures), describe));
    Answer { winner: clear_winner(&figures), because }
}

fn efficient(facts: &[Facts<'_>]) -> Answer {
    let Some(figures) = facts.iter().map(Facts::cpu_per_task).collect::<Option<Vec<f64>>>() else {
        return unknown("CPU time");
    };
    let order = order(&figures);
    let cpu = against(facts, &order, |of| duration_of(of.cpu_per_task().unwrap_or_default()));
    let switches =
        against(facts, &order, |of| number(of.costs.as_ref().map_or(0.0, |costs| costs.switches / of.tasks)));
    let because = format!("CPU time a task: {cpu}; switches a task: {switches}");
    Answer { winner: clear_winner(&figures), because }
}

fn memory(facts: &[Facts<'_>]) -> Answer {
    let Some(costs) = facts.iter().map(|of| of.costs.as_ref()).collect::<Option<Vec<&Costs>>>() else {
        return unknown("memory");
    };
    let figures: Vec<f64> = costs.iter().map(|costs| costs.rss).collect();
    let order = order(&figures);
    let shown = |of: &Facts<'_>, tasks: f64| match &of.costs {
        Some(costs) if costs.rss_is_bound => format!("≤\u{a0}{}", size(costs.rss / tasks)),
        Some(costs) => size(costs.rss / tasks),
        None => String::new(),
    };
    let whole = against(facts, &order, |of| shown(of, 1.0));
    let each = against(facts, &order, |of| shown(of, of.concurrency.max(1.0)));
    let mut because = format!("max RSS: {whole}; for each task under way: {each}");
    // A loser of which only an upper bound is known may have used less than the winner.
    let proven = |winner: usize| (0..costs.len()).all(|other| other == winner || !costs[other].rss_is_bound);
    let clear = clear_winner(&figures);
    let winner = clear.filter(|&winner| proven(winner));
    if clear.is_some() && winner.is_none() {
        because.push_str("; the larger is only an upper bound");
    }
    Answer { winner, because }
}

/// Massive I/O needs many concurrent tasks with little CPU time and few threads each. The winner is clearly
/// better than each other workload in at least one of these and worse than none in any. Compute-bound tasks
/// give no answer.
fn massive_io(facts: &[Facts<'_>]) -> Answer {
    let Some(cpu) = facts.iter().map(Facts::cpu_per_task).collect::<Option<Vec<f64>>>() else {
        return unknown("CPU time");
    };
    if let Some((of, &cpu)) = facts.iter().zip(&cpu).find(|(of, cpu)| **cpu > COMPUTING * of.task_ns) {
        let (cpu, task) = (duration_of(cpu), duration_of(of.task_ns));
        let because =
            format!("these tasks do not wait, they compute: {cpu} of a task's {task} in {}", of.title);
        return Answer { winner: None, because };
    }
    let costs: Vec<[f64; 3]> =
        facts.iter().zip(&cpu).map(|(of, &cpu)| [of.rounds(), cpu, of.threads_per_task()]).collect();
    let winner = dominant(&costs);
    let mut because = against(facts, &rivals(facts, &costs, winner), |of| {
        format!(
            "{} under way on {} at {} of CPU each",
            number(of.concurrency),
            counted(of.threads as u64, "thread"),
            duration_of(of.cpu_per_task().unwrap_or_default())
        )
    });
    if winner.is_none() {
        because.push_str("; nobody is ahead without being behind elsewhere");
    }
    Answer { winner, because }
}

/// The two workloads to compare: the winner, or else the one with the most concurrent tasks; then one that
/// beats it in some figure, or else the next.
fn rivals(facts: &[Facts<'_>], costs: &[[f64; 3]], winner: Option<usize>) -> Vec<usize> {
    let mut order = order(&facts.iter().map(Facts::rounds).collect::<Vec<f64>>());
    if let Some(index) = order.iter().position(|&index| Some(index) == winner) {
        order[..=index].rotate_right(1);
    }
    let beats = |a: usize, b: usize| costs[a].iter().zip(&costs[b]).any(|(&a, &b)| clearly_less(a, b));
    if let Some(rival) = order.iter().skip(1).position(|&other| beats(other, order[0])) {
        order[1..=rival + 1].rotate_right(1);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(
        title: &str,
        wall_ms: f64,
        concurrency: f64,
        threads: f64,
        cpu_ms: f64,
        rss_mb: f64,
    ) -> Facts<'_> {
        Facts {
            title,
            tasks: 1_000.0,
            wall_ns: wall_ms * 1e6,
            concurrency,
            task_ns: wall_ms * 1e6 * concurrency / 1_000.0,
            threads,
            costs: Some(Costs {
                cpu_ns: cpu_ms * 1e6,
                switches: 100.0,
                rss: rss_mb * 1e6,
                rss_is_bound: false,
            }),
        }
    }

    fn winners<'a>(facts: &[Facts<'a>]) -> [Option<&'a str>; 5] {
        answers(facts).map(|answer| answer.winner.map(|winner| facts[winner].title))
    }

    #[test]
    fn the_article_s_own_figures_give_its_own_winners() {
        let pair = [
            facts("loop", 3_080.0, 1_000.0, 1.0, 80.0, 21.8),
            facts("pool", 150_060.0, 32.0, 33.0, 140.0, 13.9),
        ];
        assert_eq!(winners(&pair), [Some("loop"), Some("loop"), Some("loop"), Some("pool"), Some("loop")]);
        let [faster, scales, efficient, memory, io] =
            answers(&pair).map(|answer| answer.because.replace('\u{a0}', " "));
        assert_eq!(faster, "wall time: 3.08 s against 150 s, a factor of 48.7");
        assert_eq!(scales, "tasks under way at a time: 1,000 of 1,000 against 32.0 of 1,000");
        assert_eq!(
            efficient,
            "CPU time a task: 80.0 µs against 140 µs; switches a task: 0.100 against 0.100"
        );
        assert_eq!(
            memory,
            "max RSS: 13.9 MB against 21.8 MB; for each task under way: 434 kB against 21.8 kB"
        );
        assert_eq!(
            io,
            "1,000 under way on 1 thread at 80.0 µs of CPU each against 32.0 under way on 33 threads at 140 µs of \
             CPU each"
        );
    }

    #[test]
    fn close_figures_name_no_winner() {
        let pair = [facts("a", 100.0, 500.0, 2.0, 10.0, 5.0), facts("b", 105.0, 520.0, 2.0, 9.5, 5.2)];
        assert_eq!(winners(&pair), [None; 5]);
    }

    #[test]
    fn a_pool_with_a_thread_for_each_task_ties_until_its_costs_are_counted() {
        let pair =
            [facts("loop", 60.0, 990.0, 1.0, 9.0, 5.0), facts("pool", 62.0, 985.0, 1_001.0, 50.0, 20.0)];
        assert_eq!(winners(&pair), [None, None, Some("loop"), Some("loop"), Some("loop")]);
    }

    #[test]
    fn more_under_way_for_more_cpu_time_is_no_clear_answer() {
        let pair = [facts("loop", 60.0, 990.0, 1.0, 90.0, 5.0), facts("pool", 620.0, 98.0, 100.0, 30.0, 5.0)];
        let io = massive_io(&pair);
        assert_eq!(io.winner, None);
        assert!(io.because.ends_with("nobody is ahead without being behind elsewhere"), "{}", io.because);
    }

    #[test]
    fn tasks_that_compute_say_nothing_about_io() {
        let pair = [
            facts("loop", 10_000.0, 1.0, 1.0, 10_000.0, 5.0),
            facts("pool", 5_000.0, 2.0, 3.0, 10_000.0, 5.0),
        ];
        assert_eq!(winners(&pair), [Some("pool"), Some("pool"), None, None, None]);
        assert!(massive_io(&pair).because.contains("they compute"));
    }

    #[test]
    fn an_upper_bound_does_not_lose() {
        let mut pair = [facts("a", 1.0, 1.0, 1.0, 0.1, 5.0), facts("b", 1.0, 1.0, 1.0, 0.1, 9.0)];
        assert_eq!(memory(&pair).winner, Some(0));
        if let Some(costs) = &mut pair[1].costs {
            costs.rss_is_bound = true;
        }
        assert_eq!(memory(&pair).winner, None);
    }

    #[test]
    fn different_numbers_of_tasks_are_compared_per_task() {
        let mut pair = [facts("a", 100.0, 10.0, 1.0, 1.0, 5.0), facts("b", 50.0, 10.0, 1.0, 1.0, 5.0)];
        pair[1].tasks = 100.0;
        assert_eq!(faster(&pair).winner, Some(0));
    }

    #[test]
    fn of_four_the_first_two_are_named() {
        let four = [
            facts("a", 61.0, 990.0, 3.0, 9.0, 5.0),
            facts("b", 8_400.0, 6.0, 7.0, 48.0, 3.0),
            facts("c", 117.0, 430.0, 1.0, 69.0, 24.0),
            facts("d", 8_420.0, 6.0, 7.0, 171.0, 17.0),
        ];
        assert_eq!(winners(&four), [Some("a"), Some("a"), Some("a"), Some("b"), Some("a")]);
        let because = faster(&four).because.replace('\u{a0}', " ");
        assert_eq!(because, "wall time: a 61.0 ms against c 117 ms, a factor of 1.92");
    }

    #[test]
    fn missing_usage_is_said() {
        let mut pair = [facts("a", 1.0, 1.0, 1.0, 0.1, 5.0), facts("b", 1.0, 1.0, 1.0, 0.1, 9.0)];
        pair[0].costs = None;
        assert_eq!(efficient(&pair).because, "CPU time is not known of each");
    }
}
