//! The selected distributions as one JSON object, with the manifest of each profile.

use super::summary::{Row, rows};
use crate::view::Subject;
use crate::view::manifest::manifest;
use anyhow::{Context as _, Result};
use model::buckets::RELATIVE_ERROR;
use model::losses::OfProfile;
use model::profile::histogram::Histogram;
use model::profile::reconciliation::Check;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Document<'a> {
    /// The largest width of a bucket, relative to its lower bound.
    max_relative_width: f64,
    profiles: Vec<About<'a>>,
    series: Vec<Series<'a>>,
}

#[derive(Serialize)]
struct About<'a> {
    profile: &'a str,
    manifest: BTreeMap<&'static str, String>,
    lost: OfProfile,
    reconciliation: &'a [Check],
}

/// A distribution; unknown properties of the group are left out.
#[derive(Serialize)]
struct Series<'a> {
    profile: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<&'a str>,
    group: String,
    metric: &'static str,
    #[serde(flatten)]
    histogram: &'a Histogram,
}

pub(super) fn json(subject: &Subject<'_>) -> Result<Vec<u8>> {
    let profiles = subject.profiles.iter().zip(&subject.titles).map(|(profile, title)| About {
        profile: title,
        manifest: manifest(profile).into_iter().collect(),
        lost: OfProfile(profile.lost),
        reconciliation: &profile.reconciliation,
    });
    let document = Document {
        max_relative_width: RELATIVE_ERROR,
        profiles: profiles.collect(),
        series: rows(subject).map(|row| series(&row)).collect(),
    };
    let mut bytes = serde_json::to_vec_pretty(&document).context("cannot write the JSON")?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn series<'a>(row: &Row<'a>) -> Series<'a> {
    let key = &row.group.key;
    Series {
        profile: row.title,
        pid: key.pid(),
        tid: key.tid(),
        start_ns: key.start_ns().map(|start| start.0),
        thread: key.name(),
        group: key.label(),
        metric: row.metric.name(),
        histogram: row.histogram,
    }
}
