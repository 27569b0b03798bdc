//! Profiles that earlier versions wrote, and the reports that they must go on giving.
//!
//! `tests/golden/schema-1` holds one profile of each kind, recorded by version 0.1.0. They are never written anew: what
//! is made of them may change in words, not in figures. `UPDATE_GOLDEN=1 cargo test --test compat` writes the reports.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are not recognised as such in an integration test"
)]

#[path = "../src/golden.rs"]
mod golden;

use golden::{golden, matches};
use model::profile::thread::OpenState;
use model::profile::{Profile, file, later};
use profiler::report::{self, Style};
use serde_json::{Value, json};

const WIDTH: usize = 100;

fn read(name: &str) -> Profile {
    file::read(&golden(&format!("schema-1/{name}.profile.json"))).unwrap()
}

#[test]
fn each_kind_of_profile_gives_the_report_it_gave() {
    for name in ["run", "intervals", "attach"] {
        matches(&format!("schema-1/{name}.txt"), &report::single(&read(name), &Style::plain(WIDTH)));
    }
}

#[test]
fn a_comparison_gives_the_report_it_gave() {
    let (tokio, pool) = (read("comparison-tokio"), read("comparison-thread-pool"));
    let report = report::comparison(&[&tokio, &pool], None, &Style::plain(WIDTH));
    matches("schema-1/comparison.txt", &report);
}

/// A value of the file, by its place.
fn at<'a>(profile: &'a mut Value, pointer: &str) -> &'a mut Value {
    profile.pointer_mut(pointer).unwrap()
}

/// The profile of an attach as a later version might write it: with new words in every place that can hold one.
fn of_a_later_version() -> Value {
    let text = std::fs::read_to_string(golden("schema-1/attach.profile.json")).unwrap();
    let mut profile: Value = serde_json::from_str(&text).unwrap();
    *at(&mut profile, "/tool/version") = json!("99.0.0");
    *at(&mut profile, "/run/attached/selection") = json!({"slice": "web.slice"});
    *at(&mut profile, "/threads/0/open/state") = json!("dozing");
    *at(&mut profile, "/threads/1/open/state") = json!({"parked": {"since": 5}});
    let histogram = at(&mut profile, "/threads/0/histograms/on_cpu").clone();
    at(&mut profile, "/threads/0/histograms").as_object_mut().unwrap().insert("lock_wait".into(), histogram);
    at(&mut profile, "/threads/2").as_object_mut().unwrap().insert("stacks".into(), json!([1]));
    at(&mut profile, "/intervals/0/threads/0/states")
        .as_object_mut()
        .unwrap()
        .insert("napping_ns".into(), json!(7));
    at(&mut profile, "/lost")
        .as_object_mut()
        .unwrap()
        .extend([("stacks_lost".to_owned(), json!(3)), ("nothing_lost".to_owned(), json!(0))]);
    let explanation = json!({"rules": ["phase_of_the_moon", "clock_points"], "text": "it was full"});
    at(&mut profile, "/reconciliation").as_array_mut().unwrap().extend([
        json!({"quantity": "naps", "scope": {"cgroup": "/a"}, "kernel": 5, "measured": 4, "difference": -1,
               "explanation": explanation}),
    ]);
    profile
}

#[test]
fn words_of_a_later_version_are_kept_and_shown() {
    let written = of_a_later_version();
    let profile = file::parse(&written.to_string()).unwrap();
    matches("schema-1/later.txt", &report::single(&profile, &Style::plain(WIDTH)));

    let again = serde_json::to_value(&profile).unwrap();
    for pointer in [
        "/run/attached/selection",
        "/threads/0/open",
        "/threads/1/open",
        "/threads/0/histograms",
        "/reconciliation",
    ] {
        assert_eq!(again.pointer(pointer), written.pointer(pointer), "{pointer}");
    }
    assert_eq!(
        later::not_understood(&profile),
        [
            "field intervals[].threads[].states.napping_ns",
            "field lost.nothing_lost",
            "field lost.stacks_lost",
            "field threads[].stacks",
            "loss stacks_lost 3",
            "metric lock_wait",
            "quantity naps",
            "rule phase_of_the_moon",
            "scope {\"cgroup\":\"/a\"}",
            "selection {\"slice\":\"web.slice\"}",
            "state dozing",
            "state {\"parked\":{\"since\":5}}",
        ]
    );
}

/// The message that a profile gives with one value replaced.
fn refused(version: &str, pointer: &str, value: Value) -> String {
    let mut profile = of_a_later_version();
    *at(&mut profile, "/tool/version") = json!(version);
    *at(&mut profile, pointer) = value;
    format!("{:#}", file::parse(&profile.to_string()).unwrap_err())
}

#[test]
fn damage_is_called_damage_and_a_later_version_is_named() {
    let damages = [
        ("/threads/0/open/state", json!(5)),
        ("/threads/0/open/state", json!({"dozing": 1, "deeply": 2})),
        ("/reconciliation/0/scope", json!({"thread": {"pid": "one", "tid": 1}})),
        ("/reconciliation/0/scope", json!({"threads": 7})),
        ("/reconciliation/0/quantity", json!("cpu\u{7f}time_ns")),
        ("/reconciliation/0/quantity", json!("")),
        ("/reconciliation/0/difference", json!(12345)),
        ("/threads/0/tid", json!(-1)),
    ];
    for (pointer, value) in damages {
        let own = refused("0.1.0", pointer, value.clone());
        assert!(own.contains("the file is damaged: record it again"), "{pointer}: {own}");
        let later = refused("99.0.0", pointer, value);
        assert!(
            later.contains("written by profiler 99.0.0") && !later.contains("damaged"),
            "{pointer}: {later}"
        );
    }
}

/// Version 0.1.0 wrote `runnable_idle` as `held_back`.
#[test]
fn the_earlier_word_for_an_idle_cpu_is_read() {
    let text = std::fs::read_to_string(golden("schema-1/attach.profile.json")).unwrap();
    let mut profile: Value = serde_json::from_str(&text).unwrap();
    *at(&mut profile, "/threads/0/held_back") = json!({"count": 2, "sum_ns": 30, "max_ns": 20});
    *at(&mut profile, "/threads/0/open/state") = json!("held_back");
    *at(&mut profile, "/intervals/0/threads/0/states/held_back_ns") = json!(7);

    let profile = file::parse(&profile.to_string()).unwrap();
    let thread = &profile.threads[0];
    assert_eq!(thread.runnable_idle.map(|waits| (waits.count, waits.sum_ns.0)), Some((2, 30)));
    assert_eq!(thread.open.map(|open| open.state), Some(OpenState::RunnableIdle));
    assert_eq!(profile.intervals[0].threads[0].states.runnable_idle_ns.0, 7);
}
