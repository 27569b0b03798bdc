//! A fixed profile and the exact bytes of everything that is made of it.
//!
//! `UPDATE_GOLDEN=1 cargo test --test golden` writes the files anew; read the difference before it is committed.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are not recognised as such in an integration test"
)]

#[path = "../src/golden.rs"]
mod golden;

use golden::{golden, matches};
use model::metric::Metric;
use model::profile::{Profile, file};
use profiler::export::Format;
use profiler::plot::{Figure, Kind, Size};
use profiler::report::{self, ARTICLE, Style};
use profiler::view::Subject;
use profiler::view::series::{GroupBy, Selection};

fn read(name: &str) -> Profile {
    file::read(&golden(name)).unwrap()
}

#[test]
fn a_profile_is_written_as_it_was_read() {
    for name in ["tokio-workload.profile.json", "thread-pool-workload.profile.json", "intervals.profile.json"]
    {
        let mut written = Vec::new();
        file::write(&read(name), &mut written).unwrap();
        matches(name, &String::from_utf8(written).unwrap());
    }
}

#[test]
fn fields_of_later_versions_are_read_past_and_noted() {
    let text = std::fs::read_to_string(golden("tokio-workload.profile.json")).unwrap();
    let with_more = text.replacen('{', "{\n  \"invented_later\": [1],", 1);
    let mut profile = file::parse(&with_more).unwrap();
    let later = std::mem::take(&mut profile.later);
    assert_eq!(profile, file::parse(&text).unwrap());
    assert_eq!(later.fields.into_iter().collect::<Vec<_>>(), ["invented_later"]);
}

#[test]
fn the_report_of_one_profile() {
    let profile = read("thread-pool-workload.profile.json");
    matches("single-100.txt", &report::single(&profile, &Style::plain(100)));
    matches("single-80.txt", &report::single(&profile, &Style::plain(80)));
}

#[test]
fn the_comparison_with_published_figures() {
    let (tokio, pool) = (read("tokio-workload.profile.json"), read("thread-pool-workload.profile.json"));
    matches("comparison-140.txt", &report::comparison(&[&tokio, &pool], Some(&ARTICLE), &Style::plain(140)));
}

/// Compares every file that a format makes of the two workloads with the one in this folder, named
/// `export.SUFFIX.EXTENSION`.
fn exports_match(folder: &str, format: Format, group_by: GroupBy, metrics: &[Metric]) {
    let (tokio, pool) = (read("tokio-workload.profile.json"), read("thread-pool-workload.profile.json"));
    let profiles = [&tokio, &pool];
    let selection = Selection { metrics: metrics.to_vec(), threads: None, group_by };
    let subject = Subject::new(&profiles, &selection, folder == "summary");
    for artifact in format.make(&subject).unwrap() {
        let extension = artifact.extension.unwrap_or(format.extension());
        let parts = [subject.stem.as_str(), &artifact.suffix, extension];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        matches(&format!("{folder}/{}", parts.join(".")), &String::from_utf8(artifact.bytes).unwrap());
    }
}

#[test]
fn the_tidy_tables() {
    exports_match("buckets", Format::Csv, GroupBy::Thread, &[]);
    exports_match("summary", Format::Csv, GroupBy::Name, &[]);
}

#[test]
fn the_distributions_as_json() {
    exports_match("buckets", Format::Json, GroupBy::Run, &[]);
}

#[test]
fn the_distributions_for_hdrhistogram() {
    exports_match("hdrhistogram", Format::Hlog, GroupBy::Thread, &[]);
    exports_match("hdrhistogram", Format::Hgrm, GroupBy::Run, &[Metric::RunqueueWait, Metric::Blocked]);
}

#[test]
fn the_tables_for_papers() {
    exports_match("table", Format::Markdown, GroupBy::Name, &[]);
    exports_match("table", Format::Latex, GroupBy::Run, &[]);
}

#[test]
fn the_figure_for_papers() {
    exports_match("figure", Format::Pgfplots, GroupBy::Run, &[Metric::OnCpu, Metric::Blocked]);
}

/// Compares the figure of a kind with the one in this folder.
fn figure_matches(kind: Kind, profiles: &[&Profile], metric: Metric) {
    let metrics = vec![kind.own_metric().unwrap_or(metric)];
    let selection = Selection { metrics, threads: None, group_by: kind.group_by() };
    let subject = Subject::new(profiles, &selection, false);
    let figure = Figure { subject: &subject, kind, size: Size::Column, each_run: false, anonymous: false };
    matches(&format!("figure/{}.svg", kind.name()), &figure.svg().unwrap());
}

#[test]
fn the_figures() {
    let (tokio, pool) = (read("tokio-workload.profile.json"), read("thread-pool-workload.profile.json"));
    for kind in [Kind::Cdf, Kind::Ccdf, Kind::Percentiles, Kind::Histogram, Kind::BlockedOn] {
        figure_matches(kind, &[&tokio, &pool], Metric::RunqueueWait);
    }
}

#[test]
fn the_figures_of_a_run_in_intervals() {
    let run = read("intervals.profile.json");
    for kind in [Kind::Timeline, Kind::Heatmap] {
        figure_matches(kind, &[&run], Metric::Blocked);
    }
}

#[test]
fn the_schema() {
    let mut schema = Vec::new();
    profiler::commands::schema::schema(&mut schema).unwrap();
    matches("schema.json", &String::from_utf8(schema).unwrap());
}
