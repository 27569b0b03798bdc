//! Whole reports.

use super::verdict::verdict;
use super::wrap;
use super::{ARTICLE, Style, comparison, single};
use model::losses::{Loss, LossCounts};
use model::profile::Profile;
use model::profile::attached::{Attached, AttachedProcess, Selection};
use model::profile::fixture;
use model::profile::reconciliation::{Check, Explanation, Quantity, Rule, Scope};
use model::profile::thread::{Found, Open, OpenState, Waits};
use model::profile::units::Nanos;
use model::profile::usage::Usage;

/// The reports of all fixtures in a style.
fn reports(style: &Style) -> Vec<String> {
    let (tokio, pool, crowded, overfull) =
        (fixture::tokio(), fixture::pool(), fixture::crowded(), fixture::overfull());
    let [event_loop, executor] = fixture::python();
    vec![
        single(&tokio, style),
        single(&attached(), style),
        single(&crowded, style),
        comparison(&[&tokio, &pool], None, style),
        comparison(&[&tokio, &pool], Some(&ARTICLE), style),
        comparison(&[&tokio, &overfull, &event_loop, &executor], None, style),
        comparison(&[&tokio, &pool, &event_loop, &executor], Some(&ARTICLE), style),
        comparison(&[&broken(), &pool], None, style),
        comparison(&[&tokio, &fixture::measured_itself()], None, style),
    ]
}

/// A profile of an attached process that ran before and after.
fn attached() -> Profile {
    let mut profile = fixture::pool();
    profile.usage = None;
    profile.run.workload = None;
    profile.run.exit_code = None;
    for (number, thread) in profile.threads.iter_mut().enumerate() {
        thread.exited = false;
        let state = if number == 2 { OpenState::OnCpu } else { OpenState::Blocked };
        thread.open = Some(Open { state, for_ns: Nanos(1_234_567 * (number as u64 + 1)), found: false });
        thread.runnable_idle =
            (number == 3).then_some(Waits { count: 2, sum_ns: Nanos(9_000), max_ns: Nanos(8_000) });
    }
    profile
}

/// A profile with nearly every kind of loss and failure.
fn broken() -> Profile {
    let mut profile = fixture::tokio();
    (profile.run.exit_code, profile.run.signal) = (None, Some(11));
    profile.threads[1].name = "evil\u{1b}[2J\nname".to_owned();
    profile.lost = LossCounts::of([(Loss::SamplesWithoutBucket, 1_234), (Loss::MissedProgramRuns, 7)]);
    let explanation =
        Explanation { rules: vec![Rule::ClockPoints], text: "the clock is read twice".to_owned() };
    profile.reconciliation.extend((0..40).map(|number| Check {
        quantity: if number < 20 { Quantity::LifetimeNs } else { Quantity::MinorFaults },
        scope: Scope::Thread { pid: 4100, tid: 4100 + number },
        kernel: 5_000_000,
        measured: 5_000_000 + u64::from(number),
        difference: number.into(),
        explanation: (number < 30).then(|| explanation.clone()),
    }));
    profile
}

#[test]
fn names_cannot_command_the_terminal() {
    let text = single(&broken(), &Style::plain(100));
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.contains("evil�[2J name"), "{text}");
}

#[test]
fn no_line_is_wider_than_asked() {
    for width in [60, 80, 100, 120, 140] {
        for report in reports(&Style::plain(width)) {
            let too_wide = report.lines().filter(|line| wrap::width(line) > width);
            // The verdict is one line of any length.
            let too_wide: Vec<&str> =
                too_wide.filter(|line| line.starts_with(' ') || line.starts_with('─')).collect();
            assert!(too_wide.is_empty(), "width {width}: {too_wide:#?}");
        }
    }
}

#[test]
fn on_a_terminal_the_verdict_is_no_wider_either_and_in_a_file_it_is_one_line() {
    let profile = broken();
    let terminal = single(&profile, &Style { wraps_verdict: true, ..Style::plain(80) });
    assert!(terminal.lines().all(|line| wrap::width(line) <= 80), "{terminal}");
    let file = single(&profile, &Style::plain(80));
    assert_eq!(file.lines().last(), Some(verdict(&profile).as_str()));
    let (_, wrapped) = terminal.split_at(terminal.find("INCOMPLETE").unwrap());
    assert_eq!(wrapped.split_whitespace().collect::<Vec<_>>().join(" "), verdict(&profile));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let plain = Style::plain(100);
    let coloured = Style { colour: true, ..plain };
    for (plain, coloured) in reports(&plain).into_iter().zip(reports(&coloured)) {
        let mut stripped = String::new();
        for (number, part) in coloured.split("\u{1b}[").enumerate() {
            stripped.push_str(if number == 0 { part } else { part.split_once('m').unwrap().1 });
        }
        assert_eq!(stripped, plain);
    }
}

#[test]
fn no_line_ends_in_a_space() {
    for report in reports(&Style::plain(80)) {
        assert!(report.lines().all(|line| !line.ends_with(' ')), "{report}");
        assert!(!report.contains("\n\n\n"), "{report}");
    }
}

#[test]
fn the_last_line_is_the_verdict() {
    let profile = fixture::tokio();
    assert_eq!(single(&profile, &Style::plain(100)).lines().last(), Some(verdict(&profile).as_str()));
}

#[test]
fn what_recording_cost_is_told_if_it_was_measured() {
    const TITLE: &str = "What recording cost";
    let text = single(&fixture::measured_itself(), &Style::plain(100));
    let section = text.split_once(TITLE).unwrap().1;
    for part in ["12.7 ms", "73.0 ms (11.0 ms user, 62.0 ms system)", "12.4 MB", "48.6 MB in BPF maps"] {
        assert!(section.contains(part), "{part} in {section}");
    }
    let program = section.lines().find(|line| line.contains("sched_switch")).unwrap();
    assert_eq!(program.split_whitespace().collect::<Vec<_>>(), ["sched_switch", "41,350", "11.992", "290"]);
    assert!(!single(&fixture::pool(), &Style::plain(100)).contains(TITLE));
}

#[test]
fn a_profile_of_nothing_is_reported() {
    let mut profile = fixture::tokio();
    profile.threads.clear();
    profile.usage = None;
    profile.reconciliation.clear();
    let text = single(&profile, &Style::plain(80));
    assert!(text.contains("No thread was recorded."), "{text}");
}

#[test]
fn what_a_running_thread_was_doing_is_shown() {
    let text = single(&attached(), &Style::plain(140));
    assert!(text.contains("blocked 1.23 ms") && text.contains("on CPU 3.70 ms"), "{text}");
    assert!(text.contains("runnable idle"), "{text}");
}

#[test]
fn what_had_begun_before_is_told_apart() {
    let mut profile = attached();
    profile.usage = fixture::pool().usage.map(|usage| Usage {
        user_ns: None,
        system_ns: None,
        cpu_ns: Some(Nanos(5_000_000)),
        max_rss_bytes: None,
        ..usage
    });
    let process = |pid| AttachedProcess { pid, name: "pool".to_owned(), command: Vec::new(), threads: 2 };
    profile.run.attached = Some(Attached {
        selection: Selection::Name("po*".to_owned()),
        processes: (1..=6).map(process).collect(),
    });
    let open = profile.threads[0].open.as_mut().unwrap();
    open.found = true;
    profile.threads[1].found = Some(Found { state: OpenState::Preempted, for_ns: Nanos(2_000) });
    let text = single(&profile, &Style::plain(140));
    let line =
        |label: &str| text.lines().find(|line| line.trim_start().starts_with(label)).unwrap_or_default();
    assert!(line("attached").ends_with("pool 3, pool 4 and 2 more (12 threads, by the name po*)"), "{text}");
    assert!(line("user time").ends_with('–') && line("max RSS").ends_with('–'), "{text}");
    assert!(line("total CPU time").ends_with("5.0"), "{text}");
    assert!(text.contains("blocked ≥ 1.23 ms"), "{text}");
    assert!(line("begun before").contains("1 thread ready (2.00 µs)"), "{text}");
    assert!(!text.contains("What getrusage says"), "{text}");
}
