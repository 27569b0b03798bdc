//! Whole reports.

use super::verdict::verdict;
use super::wrap;
use super::{ARTICLE, Style, comparison, fixture, single};
use crate::profile::Profile;
use crate::profile::thread::{HeldBack, Open, OpenState};
use crate::profile::units::Nanos;

/// Every report that the fixtures allow, at a width.
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
    ]
}

/// A process that was running before and runs on.
fn attached() -> Profile {
    let mut profile = fixture::pool();
    profile.usage = None;
    profile.run.workload = None;
    profile.run.exit_code = None;
    for (number, thread) in profile.threads.iter_mut().enumerate() {
        thread.exited = false;
        let state = if number == 2 { OpenState::OnCpu } else { OpenState::Blocked };
        thread.open = Some(Open { state, for_ns: Nanos(1_234_567 * (number as u64 + 1)) });
        thread.held_back =
            (number == 3).then_some(HeldBack { count: 2, sum_ns: Nanos(9_000), max_ns: Nanos(8_000) });
    }
    profile
}

#[test]
fn no_line_is_wider_than_asked() {
    for width in [60, 80, 100, 140] {
        for report in reports(&Style::plain(width)) {
            let too_wide = report.lines().filter(|line| wrap::width(line) > width);
            // The verdict is one line whatever its length.
            let too_wide: Vec<&str> =
                too_wide.filter(|line| line.starts_with(' ') || line.starts_with('─')).collect();
            assert!(too_wide.is_empty(), "width {width}: {too_wide:#?}");
        }
    }
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
    assert!(text.contains("held back"), "{text}");
}

#[test]
#[ignore = "prints reports to look at"]
fn look() {
    let width = std::env::var("WIDTH").ok().and_then(|width| width.parse().ok()).unwrap_or(100);
    let style = Style { colour: std::env::var_os("COLOUR").is_some(), ..Style::plain(width) };
    let which = std::env::var("WHICH").ok().and_then(|which| which.parse().ok()).unwrap_or(3);
    println!("{}", reports(&style)[which]);
}
