//! The Grafana dashboard asks only for what is shown: every metric and label of its queries is in the golden
//! exposition.
//!
//! That Prometheus can parse each query is checked by `cargo xtask test --consumers`.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are not recognised as such in an integration test"
)]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Put before a name that is one of a metric.
const PREFIXES: [&str; 2] = ["profiler_", "process_"];

/// Labels that Prometheus adds, and the one that it makes of a histogram's bounds.
const LABELS_OF_PROMETHEUS: [&str; 2] = ["instance", "job"];

type Labels = BTreeMap<String, BTreeSet<String>>;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The metrics of a text, each with the labels that any of its series has.
fn shown(text: &str) -> Labels {
    let mut shown = Labels::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, labels) = match line.split_once('{') {
            Some((name, rest)) => (name, rest.rsplit_once('}').unwrap().0),
            None => (line.split_once(' ').unwrap().0, ""),
        };
        shown.entry(name.to_owned()).or_default().extend(label_names(labels));
    }
    shown
}

/// The text before `=`, `=~` and so on, outside of quotes.
fn label_names(labels: &str) -> Vec<String> {
    let outside = without_quoted(labels);
    let names =
        outside.split(',').filter_map(|label| Some(label.split_once(['=', '!'])?.0.trim().to_owned()));
    names.collect()
}

/// The text with nothing between quotes.
fn without_quoted(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let mut outside = String::new();
    for character in text.chars() {
        match character {
            '"' if !escaped => quoted = !quoted,
            _ if quoted => {}
            _ => outside.push(character),
        }
        escaped = character == '\\' && !escaped;
    }
    outside
}

/// The metrics that a query names with the labels that it names beside each; what it groups by counts for all of them.
fn asked(query: &str) -> Labels {
    let outside = without_quoted(query);
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut asked = Labels::new();
    let mut grouped: Vec<String> = Vec::new();
    let mut rest = outside.as_str();
    while let Some(start) = rest.find(is_word) {
        rest = &rest[start..];
        let end = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        if matches!(word, "by" | "on") {
            let inside = after.trim_start().strip_prefix('(').unwrap().split_once(')').unwrap();
            grouped.extend(inside.0.split(',').map(|label| label.trim().to_owned()));
            rest = inside.1;
        } else if PREFIXES.iter().any(|prefix| word.starts_with(prefix)) {
            let labels = after.strip_prefix('{').and_then(|inside| inside.split_once('}'));
            asked
                .entry(word.to_owned())
                .or_default()
                .extend(labels.map(|(labels, _)| label_names(labels)).unwrap_or_default());
            rest = labels.map_or(after, |(_, after)| after);
        }
    }
    for labels in asked.values_mut() {
        labels.extend(grouped.iter().cloned());
    }
    asked
}

/// The series that a query asks for and that are not shown.
fn missing(query: &str, shown: &Labels) -> Vec<String> {
    let mut missing = Vec::new();
    let asked = asked(query);
    if asked.is_empty() {
        missing.push(format!("no metric in {query}"));
    }
    for (metric, labels) in asked {
        let Some(known) = shown.get(&metric) else {
            missing.push(metric);
            continue;
        };
        let unknown = labels
            .into_iter()
            .filter(|label| !known.contains(label) && !LABELS_OF_PROMETHEUS.contains(&label.as_str()));
        missing.extend(unknown.map(|label| format!("{metric}{{{label}}}")));
    }
    missing
}

fn queries(dashboard: &Value) -> Vec<String> {
    let targets =
        dashboard["panels"].as_array().unwrap().iter().filter_map(|panel| panel["targets"].as_array());
    let of_panels = targets.flatten().map(|target| target["expr"].as_str().unwrap().to_owned());
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    let of_variables = variables.filter_map(|variable| Some(variable["definition"].as_str()?.to_owned()));
    of_panels.chain(of_variables).collect()
}

#[test]
fn every_query_asks_for_what_is_shown() {
    let shown = shown(&read("tests/golden/metrics/openmetrics.txt"));
    let dashboard: Value = serde_json::from_str(&read("../packaging/grafana/profiler.json")).unwrap();
    let queries = queries(&dashboard);
    assert!(queries.len() > 20, "only {} queries", queries.len());
    let missing: Vec<String> = queries.iter().flat_map(|query| missing(query, &shown)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Panels do not lie on each other, and each can be told from the others.
#[test]
fn every_panel_has_a_place_and_a_title() {
    let dashboard: Value = serde_json::from_str(&read("../packaging/grafana/profiler.json")).unwrap();
    let (mut taken, mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let place = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24);
        for row in place("y")..place("y") + place("h") {
            for column in place("x")..place("x") + place("w") {
                assert!(taken.insert((row, column)), "{} lies on another panel", panel["title"]);
            }
        }
        assert!(ids.insert(panel["id"].as_u64().unwrap()));
        assert!(titles.insert(panel["title"].as_str().unwrap()));
    }
}

#[test]
fn what_is_not_shown_is_found_out() {
    let shown = shown("profiler_x_total{a=\"1,b=2\"} 1\nprofiler_y 2\n");
    assert_eq!(missing("sum by (a) (rate(profiler_x_total{a=~\"$b\",instance=\"c\"}[5m]))", &shown), [""; 0]);
    assert_eq!(missing("profiler_x_total{b=\"1\"}", &shown), ["profiler_x_total{b}"]);
    assert_eq!(missing("sum by (c) (profiler_y)", &shown), ["profiler_y{c}"]);
    assert_eq!(missing("profiler_z / profiler_y", &shown), ["profiler_z"]);
    assert_eq!(missing("label_values(profiler_y, selector)", &shown), [""; 0]);
    assert_eq!(missing("1 + 1", &shown), ["no metric in 1 + 1"]);
}
