//! A fixed profile and the exact bytes of everything that is made of it.
//!
//! `UPDATE_GOLDEN=1 cargo test --test golden` writes the files anew; read the difference before it is committed.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are not recognised as such in an integration test"
)]

use profiler::profile::file;
use profiler::report::{self, ARTICLE, Style};
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Compares with the file, or writes it if asked to.
fn matches(name: &str, made: &str) {
    let path = golden(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
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

#[test]
fn the_schema() {
    let mut schema = Vec::new();
    profiler::commands::schema::schema(&mut schema).unwrap();
    matches("schema.json", &String::from_utf8(schema).unwrap());
}
