//! The proof: measurements compared with the kernel's own counters.

use super::losses;
use super::page::Page;
use super::style::Paint;
use super::subject::Subject;
use super::table::{Cell, Column, Table};
use super::units::{count, counted, duration, signed};
use super::verdict::counted_loss;
use model::losses::Loss;
use model::profile::Profile;
use model::profile::reconciliation::{Check, Quantity, Scope};
use model::profile::thread::OpenState;
use model::profile::units::total;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The most threads with an unexplained difference listed; further ones are summed.
const THREADS_SHOWN: usize = 8;

/// Width of the labels.
const LABEL: usize = 23;

/// A row of the table of differences.
struct Difference {
    quantity: Quantity,
    of: String,
    kernel: u64,
    measured: u64,
    difference: i64,
    /// The rule that explains the difference, if there is one.
    explanation: Option<String>,
}

pub(super) fn section(page: &mut Page<'_>, subjects: &[Subject<'_>]) {
    page.section("Proof: measured here beside the kernel's own counters");
    for (number, subject) in subjects.iter().enumerate() {
        if number > 0 {
            page.blank();
        }
        page.title(&subject.title, "");
        if subject.profile.reconciliation.is_empty() {
            page.paragraph(Paint::Bad, "Nothing was compared with the kernel's counters.");
        }
        agreed(page, subject.profile);
        not_announced(page, subject.profile);
        begun_before(page, subject.profile);
        differences(page, subject.profile);
        losses::lost(page, subject.profile);
        losses::not_understood(page, subject.profile, LABEL);
    }
}

fn agreed(page: &mut Page<'_>, profile: &Profile) {
    let scopes = [(Scope::Threads, "exact, threads summed"), (Scope::Wait4, "exact, wait4")];
    let mut found = false;
    for (scope, name) in scopes {
        let equal: Vec<String> = profile
            .reconciliation
            .iter()
            .filter(|check| check.scope == scope && check.difference == 0)
            .map(|check| {
                let (label, unit) = (check.quantity.label(), unit(check.quantity));
                let of = match Part::of(check, profile) {
                    Some(part) => format!(" of {part}"),
                    None => String::new(),
                };
                let figures = format!("{} = {}", count(check.measured), count(check.kernel));
                format!("{label}{of} {figures}{unit}").replace(' ', "\u{a0}")
            })
            .collect();
        if !equal.is_empty() {
            found = true;
            page.labelled(name, LABEL, Paint::Plain, &equal.join(", "));
        }
    }
    if !found && !profile.reconciliation.is_empty() {
        page.paragraph(Paint::Plain, "No sum agrees exactly.");
    }
    let differing = profile.reconciliation.iter().filter(|check| check.difference != 0);
    let differing: BTreeSet<Scope> =
        differing.map(|check| check.scope).filter(|scope| matches!(scope, Scope::Thread { .. })).collect();
    if found && differing.is_empty() && !profile.threads.is_empty() {
        let threads = counted(profile.threads.len() as u64, "thread");
        let text = match &profile.without_slot {
            None => format!("no difference in any of {threads}"),
            Some(rest) => format!(
                "no difference in any of {threads} with a slot; {} are compared as a sum only",
                counted_loss(Loss::ThreadsWithoutSlot, rest.threads)
            ),
        };
        page.labelled("each thread", LABEL, Paint::Plain, &text);
    }
}

/// The threads that a sum covers, where it does not cover all.
struct Part {
    threads: u64,
    all: u64,
}

impl Part {
    /// The threads compared by a check; `None` if all are. Times of threads without a slot are not compared
    /// because only their sum is known, nor is the kernel's CPU time of a thread still running at the end.
    fn of(check: &Check, profile: &Profile) -> Option<Self> {
        let with_slot = profile.threads.len() as u64;
        let threads = match (check.scope, check.quantity) {
            (Scope::Threads, Quantity::LifetimeNs) => with_slot,
            (Scope::Threads, Quantity::CpuTimeNs) => {
                profile.threads.iter().filter(|thread| thread.kernel.cpu_ns.is_some()).count() as u64
            }
            _ => return None,
        };
        let all = with_slot.saturating_add(profile.without_slot.as_ref().map_or(0, |rest| rest.threads));
        (threads < all).then_some(Self { threads, all })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} of {}", count(self.threads), counted(self.all, "thread"))
    }
}

fn unit(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::CpuTimeNs | Quantity::LifetimeNs => " ns",
        Quantity::VoluntarySwitches
        | Quantity::InvoluntarySwitches
        | Quantity::MinorFaults
        | Quantity::MajorFaults
        | Quantity::LivingThreads
        | Quantity::Unknown(_) => "",
    }
}

fn differences(page: &mut Page<'_>, profile: &Profile) {
    let differences = rows(profile);
    if differences.is_empty() {
        return;
    }
    let mut table = Table::new([
        Column::left("difference in"),
        Column::left("of"),
        Column::right("kernel"),
        Column::right("measured"),
        Column::right("difference"),
    ]);
    let mut said = BTreeMap::new();
    for row in differences {
        let paint = if row.explanation.is_some() { Paint::Plain } else { Paint::Bad };
        let label = match unit(row.quantity) {
            "" => row.quantity.label().to_owned(),
            unit => format!("{},{unit}", row.quantity.label()),
        };
        table.row([
            Cell::text(label).painted(paint),
            Cell::text(&row.of),
            Cell::figure(count(row.kernel)),
            Cell::figure(count(row.measured)),
            Cell::figure(signed(row.difference)).painted(paint),
        ]);
        match row.explanation {
            Some(text) => match said.get(&text) {
                Some(before) => table.note(Paint::Faint, &format!("as for {before}")),
                None => {
                    table.note(Paint::Faint, &text);
                    said.insert(text, format!("{}, {}", row.quantity.label(), row.of));
                }
            },
            None => table.note(Paint::Bad, "UNEXPLAINED: no rule of the kernel accounts for it"),
        }
    }
    page.blank();
    page.table(&table);
}

/// Rows: the sums, and the threads with unexplained differences. Explained differences of threads are part of
/// the sums; each thread's figures are in the profile.
fn rows(profile: &Profile) -> Vec<Difference> {
    let differing = || profile.reconciliation.iter().filter(|check| check.difference != 0);
    let is_thread = |check: &&Check| matches!(check.scope, Scope::Thread { .. });
    let sums = differing().filter(|check| !is_thread(check)).map(|check| Difference::of(check, profile));
    let unexplained: Vec<&Check> = differing().filter(is_thread).filter(|check| !check.holds()).collect();
    let (alone, together) = unexplained.split_at(unexplained.len().min(THREADS_SHOWN));
    let mut rows: Vec<Difference> =
        sums.chain(alone.iter().map(|&check| Difference::of(check, profile))).collect();
    rows.extend(Difference::sum(together));
    rows
}

impl Difference {
    fn of(check: &Check, profile: &Profile) -> Self {
        Self {
            quantity: check.quantity,
            of: match check.scope {
                Scope::Threads => match Part::of(check, profile) {
                    Some(part) => part.to_string(),
                    None => "sum of threads".to_owned(),
                },
                Scope::Wait4 => "wait4".to_owned(),
                Scope::Thread { pid, tid } if pid == tid => format!("thread {tid}"),
                Scope::Thread { pid, tid } => format!("thread {pid}/{tid}"),
                Scope::Unknown(word) => word.text().to_owned(),
            },
            kernel: check.kernel,
            measured: check.measured,
            difference: check.difference,
            explanation: check.explanation.as_ref().map(|explanation| explanation.text.clone()),
        }
    }

    /// The sum of the unexplained differences not listed; `None` if there are none.
    fn sum(checks: &[&Check]) -> Option<Self> {
        let first = checks.first()?;
        Some(Self {
            quantity: first.quantity,
            of: format!("{} further threads", count(checks.len() as u64)),
            kernel: total(checks.iter().map(|check| check.kernel)),
            measured: total(checks.iter().map(|check| check.measured)),
            difference: checks.iter().map(|check| check.difference).fold(0, i64::saturating_add),
            explanation: None,
        })
    }
}

/// Reports events that the kernel did not announce.
fn not_announced(page: &mut Page<'_>, profile: &Profile) {
    let switch_ins = total(profile.threads.iter().map(|thread| thread.inferred_switch_ins));
    let unattributed_wait = || profile.threads.iter().filter_map(|thread| thread.unattributed_wait);
    let (waits, waited) = (
        total(unattributed_wait().map(|waits| waits.count)),
        unattributed_wait().map(|waits| waits.sum_ns).sum(),
    );
    if switch_ins > 0 {
        let text = format!("{}: placed by the kernel's CPU time", counted(switch_ins, "switch-in"));
        page.labelled("not announced", LABEL, Paint::Plain, &text);
    }
    if waits > 0 {
        let text = format!(
            "{} ({}): no wake was announced, or, before Linux 6.18, throttled or not can't be told; in no histogram",
            counted(waits, "wait"),
            duration(waited)
        );
        page.labelled("unattributed_wait", LABEL, Paint::Plain, &text);
    }
}

/// Reports waits and slices begun before the thread was attached to; they are in no histogram.
fn begun_before(page: &mut Page<'_>, profile: &Profile) {
    let found = || profile.threads.iter().filter_map(|thread| thread.found);
    let states: BTreeSet<OpenState> = found().map(|found| found.state).collect();
    let parts: Vec<String> = states
        .into_iter()
        .map(|state| {
            let times = || found().filter(|found| found.state == state).map(|found| found.for_ns);
            // The thread may have been woken or preempted.
            let name = if state == OpenState::Preempted { "ready" } else { state.label() };
            format!("{} {name} ({})", counted(times().count() as u64, "thread"), duration(times().sum()))
        })
        .collect();
    if !parts.is_empty() {
        let text = format!("{}: until the first switch, in no histogram", parts.join(", "));
        page.labelled("begun before", LABEL, Paint::Plain, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::super::single;
    use super::super::style::Style;
    use super::*;
    use model::profile::fixture;
    use model::profile::reconciliation::{Explanation, Rule};
    use model::profile::units::Nanos;

    fn check(tid: u32, difference: i64, explained: bool) -> Check {
        Check {
            quantity: Quantity::LifetimeNs,
            scope: Scope::Thread { pid: 1, tid },
            kernel: 1_000,
            measured: 1_000_u64.saturating_add_signed(difference),
            difference,
            explanation: explained.then(|| Explanation {
                rules: vec![Rule::ClockPoints],
                text: format!("stamped {difference} ns apart"),
            }),
        }
    }

    fn compared(reconciliation: Vec<Check>) -> Profile {
        Profile { reconciliation, ..fixture::overfull() }
    }

    #[test]
    fn a_sum_over_some_threads_says_of_how_many() {
        let sum =
            |quantity, difference| Check { quantity, scope: Scope::Threads, ..check(1, difference, true) };
        let checks = vec![
            sum(Quantity::VoluntarySwitches, 0),
            sum(Quantity::LifetimeNs, 0),
            sum(Quantity::CpuTimeNs, 5),
        ];
        let mut profile = compared(checks);
        for thread in profile.threads.iter_mut().skip(1) {
            thread.kernel.cpu_ns = Some(Nanos(1));
        }
        let text = single(&profile, &Style::plain(140));
        assert!(text.contains("voluntary switches 1,000 = 1,000"), "{text}");
        assert!(text.contains("lifetime of 7 of 19 threads 1,000 = 1,000 ns"), "{text}");
        assert!(
            text.contains("any of 7 threads with a slot; 12 threads without a slot are compared"),
            "{text}"
        );
        let row = text.lines().find(|line| line.trim_start().starts_with("CPU time, ns")).unwrap();
        assert!(row.contains(" 6 of 19 threads "), "one ran at the end, 12 had no slot: {text}");
    }

    #[test]
    fn an_explanation_that_was_given_before_names_its_row() {
        let explained = |quantity, text: &str| Check {
            quantity,
            scope: Scope::Wait4,
            explanation: Some(Explanation { rules: vec![Rule::BeforeExec], text: text.to_owned() }),
            ..check(1, -1, true)
        };
        let profile = compared(vec![
            explained(Quantity::VoluntarySwitches, "the exec"),
            explained(Quantity::MinorFaults, "no registers"),
            explained(Quantity::InvoluntarySwitches, "the exec"),
        ]);
        let text = single(&profile, &Style::plain(100));
        let row =
            text.lines().skip_while(|line| !line.trim_start().starts_with("involuntary switches  wait4"));
        assert_eq!(row.map(str::trim).nth(1), Some("as for voluntary switches, wait4"), "{text}");
    }

    #[test]
    fn what_rules_explain_thread_by_thread_is_left_to_the_sum() {
        let checks = (1..=30).map(|tid| check(tid, i64::from(tid), true)).collect();
        assert!(rows(&compared(checks)).is_empty());
    }

    #[test]
    fn unexplained_ones_are_all_shown() {
        let mut checks: Vec<Check> = (1..=30).map(|tid| check(tid, 1, true)).collect();
        checks.extend((31..=45).map(|tid| check(tid, -7, false)));
        let rows = rows(&compared(checks));
        assert_eq!(rows.len(), THREADS_SHOWN + 1);
        assert_eq!(rows.iter().map(|row| row.difference).sum::<i64>(), -7 * 15);
    }

    #[test]
    fn agreement_and_differences_are_both_shown() {
        let text = single(&fixture::tokio(), &Style::plain(100));
        assert!(text.contains("voluntary switches 226 = 226"), "{text}");
        let mut broken = fixture::tokio();
        broken.reconciliation.push(check(4, -1, false));
        assert!(single(&broken, &Style::plain(100)).contains("UNEXPLAINED"));
    }
}
