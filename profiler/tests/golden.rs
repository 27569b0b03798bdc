//! A fixed profile and the exact bytes of everything that is made of it.
//!
//! `UPDATE_GOLDEN=1 cargo test --test golden` writes the files anew; read the difference before it is committed.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are not recognised as such in an integration test"
)]

use profiler::export::{Format, Subject};
use profiler::profile::file;
use profiler::report::{self, ARTICLE, Style};
use profiler::series::{GroupBy, Selection};
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Compares with the file, or writes it if asked to.
fn matches(name: &str, made: &str) {
    let path = golden(name);
    let mut expected = std::fs::read_to_string(&path).unwrap_or_default();
    // Only what differs: other tests read the profiles meanwhile.
    if expected != made && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, made).unwrap();
        made.clone_into(&mut expected);
    }
    assert!(expected == made, "{name} differs from what is made now:\n{made}");
}

fn read(name: &str) -> profiler::profile::Profile {
    file::read(&golden(name)).unwrap()
}

#[test]
fn a_profile_is_written_as_it_was_read() {
    for name in ["tokio-workload.profile.json", "thread-pool-workload.profile.json"] {
        let mut written = Vec::new();
        file::write(&read(name), &mut written).unwrap();
        matches(name, &String::from_utf8(written).unwrap());
    }
}

#[test]
fn fields_of_later_versions_are_ignored() {
    let text = std::fs::read_to_string(golden("tokio-workload.profile.json")).unwrap();
    let with_more = text.replacen('{', "{\n  \"invented_later\": [1],", 1);
    assert_eq!(file::parse(&with_more).unwrap(), file::parse(&text).unwrap());
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

/// The files that a format makes of the two workloads, each named `export.SUFFIX.EXTENSION`.
fn exports(format: Format, group_by: GroupBy, summary: bool) -> Vec<(String, Vec<u8>)> {
    let (tokio, pool) = (read("tokio-workload.profile.json"), read("thread-pool-workload.profile.json"));
    let profiles = [&tokio, &pool];
    let selection = Selection { metrics: Vec::new(), threads: None, group_by };
    let artifacts = format.make(&Subject::new(&profiles, &selection, summary)).unwrap();
    let named = artifacts.into_iter().map(|artifact| {
        let extension = artifact.extension.unwrap_or(format.extension());
        let parts = ["export", &artifact.suffix, extension].map(str::to_owned);
        (parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("."), artifact.bytes)
    });
    named.collect()
}

/// Compares every file of an export with the one in the folder of this name.
fn exports_match(folder: &str, format: Format, group_by: GroupBy, summary: bool) {
    for (name, bytes) in exports(format, group_by, summary) {
        matches(&format!("{folder}/{name}"), &String::from_utf8(bytes).unwrap());
    }
}

#[test]
fn the_tidy_tables() {
    exports_match("buckets", Format::Csv, GroupBy::Thread, false);
    exports_match("summary", Format::Csv, GroupBy::Name, true);
}

#[test]
fn the_distributions_as_json() {
    exports_match("buckets", Format::Json, GroupBy::Run, false);
}

#[test]
fn the_schema() {
    let mut schema = Vec::new();
    profiler::commands::schema::schema(&mut schema).unwrap();
    matches("schema.json", &String::from_utf8(schema).unwrap());
}
