//! The text that is scraped: OpenMetrics 1.0, or the Prometheus text format for whoever does not ask for that.

mod bounds;
mod labels;

use super::groups::{Groups, Selector, Series};
use super::names::{self, Name, PREFIX, SELECTOR, STATES};
use super::otlp::Outcome;
use super::own::Own;
use super::shape::{Samples, seconds};
use bounds::Canonical;
use labels::Labels;
use model::losses::{Loss, LossCounts};
use model::metric::Metric;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet, prometheus_text, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::Arc;

/// The two forms of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    OpenMetrics,
    Prometheus,
}

impl Format {
    /// The `Content-Type` of it.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
        }
    }
}

/// Everything that is shown, as it was at one moment.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) groups: Arc<Groups>,
    pub(super) lost: LossCounts,
    /// The fate of the data points that were pushed; `None` if nothing is pushed.
    pub(super) pushed: Option<Outcome>,
    pub(super) own: Own,
}

impl Snapshot {
    /// Writes the whole text.
    ///
    /// # Errors
    /// Only those of the writer.
    pub(super) fn write(&self, format: Format, writer: &mut impl fmt::Write) -> fmt::Result {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process(self.own)));
        registry.sub_registry_with_prefix(PREFIX).register_collector(Box::new(self.clone()));
        match format {
            Format::OpenMetrics => text::encode(&mut Canonical::new(writer), &registry),
            Format::Prometheus => prometheus_text::encode(writer, &registry),
        }
    }

    fn selectors(&self) -> impl Iterator<Item = (&str, &Selector)> {
        self.groups.selectors.iter().map(|(name, selector)| (&**name, selector))
    }

    fn series(&self) -> Vec<(Labels, &Series)> {
        let series = self.selectors().flat_map(|(_, selector)| selector.series());
        series.map(|(key, series)| (Labels::of_group(key), series)).collect()
    }

    fn totals(&self) -> Vec<(Labels, &Series)> {
        self.selectors().map(|(name, selector)| (Labels::of_selector(name), &selector.total)).collect()
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        self.encode_series(encoder, str::to_owned, &self.series())?;
        self.encode_series(encoder, |name| format!("{SELECTOR}_{name}"), &self.totals())?;
        self.encode_groups(encoder)?;
        self.encode_losses(encoder)?;
        self.encode_recording(encoder)
    }
}

impl Snapshot {
    /// The series that groups and selectors both have.
    fn encode_series(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name_of: fn(&str) -> String,
        all: &[(Labels, &Series)],
    ) -> fmt::Result {
        let bounds: Vec<f64> = self.groups.shape.bounds().into_iter().map(seconds).collect();
        for metric in Metric::ALL {
            let Name { name, help } = names::histogram(metric);
            let (name, unit) = (name_of(name), Some(&Unit::Seconds));
            let mut family = encoder.encode_descriptor(&name, help, unit, MetricType::Histogram)?;
            for (labels, series) in all {
                let Some(samples) = series.metrics.get(&metric) else { continue };
                encode_histogram(family.encode_family(labels)?, samples, &bounds)?;
            }
        }
        let (name, unit) = (name_of(names::STATE.name), Some(&Unit::Seconds));
        let mut family = encoder.encode_descriptor(&name, names::STATE.help, unit, MetricType::Counter)?;
        for (labels, series) in all {
            for (state, time) in STATES.into_iter().zip(series.states.all()) {
                count(&mut family, &(labels, [("state", state)]), seconds(time))?;
            }
        }
        let name = name_of(names::THREADS.name);
        let mut family = encoder.encode_descriptor(&name, names::THREADS.help, None, MetricType::Gauge)?;
        for (labels, series) in all {
            let Some(threads) = series.threads else { continue };
            family.encode_family(labels)?.encode_gauge(&threads)?;
        }
        Ok(())
    }

    /// The number of groups, and of those that are not shown by themselves.
    fn encode_groups(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Groups of the selector that have series of their own.";
        let mut family = encoder.encode_descriptor("groups", help, None, MetricType::Gauge)?;
        for (name, selector) in self.selectors() {
            family.encode_family(&Labels::of_selector(name))?.encode_gauge(&selector.groups.len())?;
        }
        let help = "Groups beyond the limit in the last interval, together in process=\"(others)\".";
        let mut family = encoder.encode_descriptor("groups_in_other", help, None, MetricType::Gauge)?;
        for (name, selector) in self.selectors() {
            family.encode_family(&Labels::of_selector(name))?.encode_gauge(&selector.in_other)?;
        }
        let help = "Groups that are gone and whose series ended.";
        let mut family = encoder.encode_descriptor("groups_expired", help, None, MetricType::Counter)?;
        for (name, selector) in self.selectors() {
            count(&mut family, &Labels::of_selector(name), selector.expired)?;
        }
        Ok(())
    }

    fn encode_losses(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Samples that are only in the bucket without a bound, as they were measured without one.";
        let mut family =
            encoder.encode_descriptor("samples_without_bucket", help, None, MetricType::Counter)?;
        for (name, selector) in self.selectors() {
            for (metric, samples) in &selector.total.metrics {
                let labels = (Labels::of_selector(name), [("metric", metric.name())]);
                count(&mut family, &labels, samples.without_bucket)?;
            }
        }
        let Name { name, help } = names::LOST;
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (loss, lost) in self.lost.only(Loss::OF_INTERVAL) {
            count(&mut family, &[("kind", loss.name())], lost)?;
        }
        let Some(pushed) = self.pushed else { return Ok(()) };
        let help = "Data points that were pushed by OTLP, by what became of them.";
        let mut family = encoder.encode_descriptor("otlp_data_points", help, None, MetricType::Counter)?;
        for (outcome, points) in [("accepted", pushed.accepted), ("dropped", pushed.dropped)] {
            count(&mut family, &[("outcome", outcome)], points)?;
        }
        Ok(())
    }

    fn encode_recording(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Intervals that were recorded.";
        let mut intervals = encoder.encode_descriptor("intervals", help, None, MetricType::Counter)?;
        intervals.encode_counter::<NoLabelSet, _, f64>(&self.groups.batches, None)?;
        if let Some((_, until)) = self.groups.window {
            let help = "When the last interval ended, in seconds since 1970.";
            let unit = Some(&Unit::Seconds);
            let name = "last_interval_timestamp";
            let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
            family.encode_gauge(&until.as_duration().as_secs_f64())?;
        }
        let help = "The version of the profiler.";
        let mut family = encoder.encode_descriptor("build", help, None, MetricType::Info)?;
        family.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }
}

fn encode_histogram(mut encoder: MetricEncoder<'_>, samples: &Samples, bounds: &[f64]) -> fmt::Result {
    let bounds = bounds.iter().copied().chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.clone().zip(samples.between(bounds.count() - 1)).collect();
    encoder.encode_histogram::<NoLabelSet>(seconds(samples.sum), samples.count, &buckets, None)
}

fn count(
    family: &mut MetricEncoder<'_>,
    labels: &impl EncodeLabelSet,
    value: impl prometheus_client::encoding::EncodeCounterValue,
) -> fmt::Result {
    const NO_EXEMPLAR: Option<&Exemplar<NoLabelSet, f64>> = None;
    family.encode_family(labels)?.encode_counter(&value, NO_EXEMPLAR)
}

/// This process, under the names that all Prometheus clients use.
#[derive(Debug)]
struct Process(Own);

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(cpu) = self.0.cpu {
            let (help, unit) = ("CPU time of the profiler itself, user and system.", Some(&Unit::Seconds));
            let mut family = encoder.encode_descriptor("process_cpu", help, unit, MetricType::Counter)?;
            family.encode_counter::<NoLabelSet, _, f64>(&seconds(cpu), None)?;
        }
        if let Some(resident) = self.0.resident {
            let (help, unit) = ("Resident memory of the profiler itself.", Some(&Unit::Bytes));
            let name = "process_resident_memory";
            let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
            family.encode_gauge(&resident.0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
