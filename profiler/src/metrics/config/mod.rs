//! The section `[metrics]` of the daemon's configuration.

mod otlp;

pub use otlp::{Histograms, OtlpConfig, Temporality};

use super::shape::BucketFactor;
use crate::values::duration as parse_duration;
use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Deserializer};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The section with its defaults, to be shown.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// The address at which metrics are scraped, and the number of groups.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// A unix socket to answer on.
    pub socket: Option<PathBuf>,
    /// An address to answer on.
    pub address: Option<SocketAddr>,
    /// The certificate chain for TLS on the address (PEM).
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub key: Option<PathBuf>,
    /// A file with the bearer token that must come with every request to the address.
    pub token: Option<PathBuf>,
    /// Groups of each selector that have series of their own.
    pub max_groups: usize,
    /// The time after its last interval for which a group is shown.
    #[serde(deserialize_with = "duration")]
    pub expire_after: Duration,
    /// The spacing of the histograms' bounds.
    pub bucket_factor: BucketFactor,
    /// The collector that metrics are pushed to.
    pub otlp: Option<OtlpConfig>,
}

impl MetricsConfig {
    const MAX_GROUPS: usize = 500;
    /// Longer than what Prometheus looks back for a series (5 minutes).
    const EXPIRE_AFTER: Duration = Duration::from_mins(15);

    /// Refuses what contradicts itself or would show metrics to the network without protection.
    ///
    /// # Errors
    /// The contradiction, and the remedy.
    pub fn check(&self) -> Result<()> {
        ensure!(self.max_groups > 0, "max_groups is 0: at least one group must have series of its own");
        let has_tls = match (&self.certificate, &self.key) {
            (Some(_), Some(_)) => true,
            (None, None) => false,
            (Some(_), None) => bail!("there is a certificate without its key: add key = \"FILE\""),
            (None, Some(_)) => bail!("there is a key without its certificate: add certificate = \"FILE\""),
        };
        match self.address {
            None => ensure!(
                !has_tls && self.token.is_none(),
                "certificate, key and token are for an address, and there is none: add address = \"IP:PORT\""
            ),
            Some(address) if !address.ip().is_loopback() => ensure!(
                has_tls && self.token.is_some(),
                "{address} can be reached from other machines: that needs certificate, key and token; \
                 or listen on 127.0.0.1 or on a socket"
            ),
            Some(_) => {}
        }
        self.otlp.as_ref().map_or(Ok(()), |otlp| otlp.check().context("otlp"))
    }
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            socket: None,
            address: None,
            certificate: None,
            key: None,
            token: None,
            max_groups: Self::MAX_GROUPS,
            expire_after: Self::EXPIRE_AFTER,
            bucket_factor: BucketFactor::Four,
            otlp: None,
        }
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::examples;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Whole {
        metrics: MetricsConfig,
    }

    fn read(text: &str) -> Result<MetricsConfig> {
        let metrics = toml::from_str::<Whole>(text)?.metrics;
        metrics.check()?;
        Ok(metrics)
    }

    fn refused(text: &str) -> String {
        format!("{:#}", read(&format!("[metrics]\n{text}")).unwrap_err())
    }

    /// Every key is in the text, and where it has a default value that is shown.
    #[test]
    fn the_text_says_what_the_defaults_are() {
        let whole = read(&examples(DEFAULT_TOML)).unwrap();
        let otlp = whole.otlp.as_ref().unwrap();
        assert_eq!(
            otlp,
            &OtlpConfig {
                interval: OtlpConfig::interval(),
                timeout: OtlpConfig::timeout(),
                temporality: Temporality::default(),
                histograms: Histograms::default(),
                scale: OtlpConfig::scale(),
                ..otlp.clone()
            }
        );
        assert!(!otlp.headers.is_empty() && !otlp.resource.is_empty() && otlp.ca.is_some());
        let MetricsConfig { max_groups, expire_after, bucket_factor, .. } = MetricsConfig::default();
        let shown = (whole.max_groups, whole.expire_after, whole.bucket_factor);
        assert_eq!(shown, (max_groups, expire_after, bucket_factor));
        let MetricsConfig { socket, address, certificate, key, token, .. } = whole;
        assert!(
            socket.is_some()
                && address.is_some()
                && certificate.is_some()
                && key.is_some()
                && token.is_some()
        );
    }

    #[test]
    fn the_network_needs_tls_and_a_token() {
        let open = "address = \"0.0.0.0:9843\"\n";
        let tls = "certificate = \"/c\"\nkey = \"/k\"\n";
        let token = "token = \"/t\"\n";
        assert!(refused(open).contains("can be reached from other machines"));
        assert!(refused(&[open, tls].concat()).contains("needs certificate, key and token"));
        assert!(refused(&[open, token].concat()).contains("needs certificate, key and token"));
        assert!(read(&["[metrics]\n", open, tls, token].concat()).is_ok());
        assert!(read("[metrics]\naddress = \"[::1]:9843\"").is_ok());
        assert!(refused(tls).contains("there is none"));
        assert!(refused("address = \"127.0.0.1:1\"\nkey = \"/k\"").contains("without its certificate"));
        assert!(refused("address = \"127.0.0.1:1\"\ncertificate = \"/k\"").contains("without its key"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(refused("max_group = 1").contains("unknown field `max_group`"));
        assert!(refused("max_groups = 0").contains("at least one group"));
        assert!(refused("bucket_factor = 3").contains("it is 2 or 4"));
        assert!(refused("expire_after = \"soon\"").contains("write it like 500ms"));
        let otlp = |rest: &str| refused(&format!("[metrics.otlp]\n{rest}"));
        assert!(otlp("").contains("missing field `endpoint`"));
        assert!(otlp("endpoint = \"localhost:4318\"").contains("neither http:// nor https://"));
        assert!(otlp("endpoint = \"http://localhost:4318\"").contains("has no path"));
        assert!(otlp("endpoint = \"http://h/v1\"\nscale = 7").contains("it is 0 to 6"));
        assert!(otlp("endpoint = \"http://h/v1\"\nca = \"/c\"").contains("https://"));
        let secret = otlp("endpoint = \"https://h/v1\"\nheaders = { key = \"a\\nsecret\" }");
        assert!(secret.contains("the header key") && !secret.contains("secret\""), "{secret}");
        let in_clear = "endpoint = \"http://h/v1\"\nheaders = { key = \"a\" }";
        assert!(otlp(in_clear).contains("for everyone to read"));
        assert!(read(&format!("[metrics.otlp]\n{}", in_clear.replace("//h", "//[::1]:1"))).is_ok());
    }
}
