//! The section `[metrics.otlp]`.

use super::super::shape::FINEST_SCALE;
use super::duration;
use anyhow::{Context as _, Result, ensure};
use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The collector that metrics are pushed to, and the form in which they are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtlpConfig {
    /// The collector's URL for OTLP/HTTP.
    #[serde(deserialize_with = "endpoint")]
    pub endpoint: Uri,
    /// The time from one push to the next.
    #[serde(default = "OtlpConfig::interval", deserialize_with = "duration")]
    pub interval: Duration,
    /// The most time that one request may take.
    #[serde(default = "OtlpConfig::timeout", deserialize_with = "duration")]
    pub timeout: Duration,
    /// The content of each push.
    #[serde(default)]
    pub temporality: Temporality,
    /// The form of the histograms.
    #[serde(default)]
    pub histograms: Histograms,
    /// 2^scale buckets an octave; only for exponential histograms.
    #[serde(default = "OtlpConfig::scale")]
    pub scale: u8,
    /// Certificates (PEM) to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Sent with every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Attributes of the resource besides `service.name`, `service.version` and `host.name`, or instead of them.
    #[serde(default)]
    pub resource: BTreeMap<String, String>,
}

/// The content of a push.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Temporality {
    /// All since the series began.
    #[default]
    Cumulative,
    /// The growth since the push before.
    Delta,
}

/// The form of histograms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Histograms {
    /// Base-2 exponential buckets.
    #[default]
    Exponential,
    /// The bounds of the histograms that are scraped.
    Explicit,
}

impl OtlpConfig {
    pub(super) const fn interval() -> Duration {
        Duration::from_secs(10)
    }

    pub(super) const fn timeout() -> Duration {
        Duration::from_secs(10)
    }

    /// 8 buckets an octave, 9 % wide: some 160 from 1 µs to 1 s.
    pub(super) const fn scale() -> u8 {
        3
    }

    pub(super) fn check(&self) -> Result<()> {
        let host = self.host()?;
        ensure!(
            self.scale <= FINEST_SCALE,
            "a scale of {} is finer than what is measured: it is 0 to {FINEST_SCALE}",
            self.scale
        );
        let in_clear = self.endpoint.scheme_str() == Some("http");
        ensure!(
            !in_clear || self.headers.is_empty() || is_loopback(host),
            "the headers would go to {host} for everyone to read: write https://, or remove them"
        );
        ensure!(!in_clear || self.ca.is_none(), "ca is for an endpoint that begins with https://");
        self.headers().map(|_| ())
    }

    /// The collector's host and port.
    pub(in super::super) fn host(&self) -> Result<&str> {
        let host = self.endpoint.host().context("the endpoint names no host")?;
        Ok(host.trim_start_matches('[').trim_end_matches(']'))
    }

    /// The headers, checked.
    pub(in super::super) fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>> {
        let header = |(name, value): (&String, &String)| {
            let parsed = HeaderName::try_from(name).with_context(|| format!("{name:?} is no header name"))?;
            // The value is not shown: it may be a secret.
            let mut value = HeaderValue::try_from(value)
                .with_context(|| format!("the header {name} has a value that can't be sent"))?;
            value.set_sensitive(true);
            Ok((parsed, value))
        };
        self.headers.iter().map(header).collect()
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn endpoint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uri, D::Error> {
    let text = String::deserialize(deserializer)?;
    let refused = |why: &str| {
        serde::de::Error::custom(format!("{why}; write it like http://127.0.0.1:4318/v1/metrics"))
    };
    let uri: Uri = text.parse().map_err(|error| refused(&format!("{text:?} is no address: {error}")))?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.path() != "/" => Ok(uri),
        Some("http" | "https") => Err(refused(&format!("{text:?} has no path"))),
        _ => Err(refused(&format!("{text:?} begins with neither http:// nor https://"))),
    }
}
