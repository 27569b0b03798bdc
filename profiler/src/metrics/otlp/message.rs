//! The sums as an OTLP request.
//!
//! The messages are made by hand: the instruments of the OpenTelemetry SDK take single samples, and there is no way to
//! hand them histograms that were counted elsewhere.

use super::super::config::Temporality;
use super::super::groups::{Groups, Series};
use super::super::names::{self, PREFIX, STATES};
use super::super::shape::{Samples, Shape, seconds};
use crate::watch::batch::Key;
use jiff::Timestamp;
use model::losses::{Loss, LossCounts};
use model::metric::Metric as Measured;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
    exponential_histogram_data_point::Buckets, metric::Data, number_data_point::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use std::collections::BTreeMap;

/// The sender: the attributes of the resource.
pub(super) type Attributes = BTreeMap<String, String>;

/// The sums to send, and their temporality.
pub(super) struct Content<'a> {
    pub(super) groups: &'a Groups,
    pub(super) temporality: Temporality,
    /// Since the start, whatever the temporality of the rest.
    pub(super) lost: (LossCounts, Timestamp),
}

impl Content<'_> {
    /// The request; `None` if there is nothing to say yet.
    pub(super) fn request(&self, resource: &Attributes) -> Option<ExportMetricsServiceRequest> {
        let (_, until) = self.groups.window?;
        let mut metrics: Vec<Metric> =
            Measured::ALL.into_iter().filter_map(|metric| self.histogram(metric, until)).collect();
        metrics.push(self.states(until));
        metrics.push(self.threads(until));
        metrics.push(self.losses(until));
        let scope = InstrumentationScope {
            name: PREFIX.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let attributes = resource.iter().map(|(name, value)| text(name, value)).collect();
        Some(ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(Resource { attributes, ..Resource::default() }),
                scope_metrics: vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }],
                ..ResourceMetrics::default()
            }],
        })
    }

    fn series(&self) -> impl Iterator<Item = (&Key, &Series)> {
        self.groups.selectors.values().flat_map(|selector| selector.series())
    }

    fn temporality(&self) -> i32 {
        let temporality = match self.temporality {
            Temporality::Cumulative => AggregationTemporality::Cumulative,
            Temporality::Delta => AggregationTemporality::Delta,
        };
        temporality.into()
    }

    /// Those of a metric; `None` if no group has samples of it.
    fn histogram(&self, metric: Measured, until: Timestamp) -> Option<Metric> {
        let with_samples = self
            .series()
            .filter_map(|(key, series)| Some((key, series, series.metrics.get(&metric)?)))
            .map(|(key, series, samples)| (attributes(key), Window::of(series, until), samples));
        let aggregation_temporality = self.temporality();
        let data = match self.groups.shape {
            Shape::Exponential { scale } => {
                let data_points: Vec<_> = with_samples.map(|point| exponential(point, scale)).collect();
                (!data_points.is_empty()).then_some(Data::ExponentialHistogram(ExponentialHistogram {
                    data_points,
                    aggregation_temporality,
                }))
            }
            Shape::Bounds(_) => {
                let bounds: Vec<f64> = self.groups.shape.bounds().into_iter().map(seconds).collect();
                let data_points: Vec<_> = with_samples.map(|point| explicit(point, &bounds)).collect();
                (!data_points.is_empty())
                    .then_some(Data::Histogram(Histogram { data_points, aggregation_temporality }))
            }
        };
        let name = names::histogram(metric);
        Some(named(name.name, name.help, "s", data?))
    }

    fn states(&self, until: Timestamp) -> Metric {
        let data_points = self
            .series()
            .flat_map(|(key, series)| {
                let window = Window::of(series, until);
                STATES.into_iter().zip(series.states.all()).map(move |(state, time)| {
                    let mut attributes = attributes(key);
                    attributes.push(text("state", state));
                    number(attributes, window, Value::AsDouble(seconds(time)))
                })
            })
            .collect();
        let aggregation_temporality = self.temporality();
        let data = Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic: true });
        named(names::STATE.name, names::STATE.help, "s", data)
    }

    fn threads(&self, until: Timestamp) -> Metric {
        let data_points = self
            .series()
            .filter_map(|(key, series)| {
                let threads = Value::AsInt(series.threads?.try_into().unwrap_or(i64::MAX));
                Some(number(attributes(key), Window { began: until, until }, threads))
            })
            .collect();
        named(names::THREADS.name, names::THREADS.help, "{thread}", Data::Gauge(Gauge { data_points }))
    }

    fn losses(&self, until: Timestamp) -> Metric {
        let (lost, began) = self.lost;
        let window = Window { began: began.min(until), until };
        let data_points = lost
            .only(Loss::OF_INTERVAL)
            .into_iter()
            .map(|(loss, lost)| {
                let lost = Value::AsInt(lost.try_into().unwrap_or(i64::MAX));
                number(vec![text("kind", loss.name())], window, lost)
            })
            .collect();
        let data = Data::Sum(Sum {
            data_points,
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic: true,
        });
        named(names::LOST.name, names::LOST.help, "1", data)
    }
}

/// The number of data points in a request.
pub(super) fn data_points(request: &ExportMetricsServiceRequest) -> u64 {
    let points = |metric: &Metric| match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(_)) | None => 0,
    };
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    scopes.flat_map(|scope| &scope.metrics).map(|metric| points(metric) as u64).sum()
}

/// From when to when something was counted.
#[derive(Clone, Copy)]
struct Window {
    began: Timestamp,
    until: Timestamp,
}

impl Window {
    /// The wall clock may have been set back meanwhile; a window that ends before it begins would be refused.
    fn of(series: &Series, until: Timestamp) -> Self {
        Self { began: series.began.min(until), until }
    }
}

/// Since 1970; a clock that is set before that tells nothing, which 0 stands for in OTLP.
fn unix_nano(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond()).unwrap_or(0)
}

type Point<'a> = (Vec<KeyValue>, Window, &'a Samples);

fn exponential((attributes, window, samples): Point<'_>, scale: u8) -> ExponentialHistogramDataPoint {
    let (offset, counts) = samples.buckets();
    ExponentialHistogramDataPoint {
        attributes,
        start_time_unix_nano: unix_nano(window.began),
        time_unix_nano: unix_nano(window.until),
        count: samples.count,
        sum: Some(seconds(samples.sum)),
        scale: scale.into(),
        zero_count: samples.zero,
        positive: Some(Buckets { offset, bucket_counts: counts.to_vec() }),
        min: samples.extremes.map(|(min, _)| seconds(min)),
        max: samples.extremes.map(|(_, max)| seconds(max)),
        ..ExponentialHistogramDataPoint::default()
    }
}

fn explicit((attributes, window, samples): Point<'_>, bounds: &[f64]) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes,
        start_time_unix_nano: unix_nano(window.began),
        time_unix_nano: unix_nano(window.until),
        count: samples.count,
        sum: Some(seconds(samples.sum)),
        bucket_counts: samples.between(bounds.len()).collect(),
        explicit_bounds: bounds.to_vec(),
        min: samples.extremes.map(|(min, _)| seconds(min)),
        max: samples.extremes.map(|(_, max)| seconds(max)),
        ..HistogramDataPoint::default()
    }
}

fn number(attributes: Vec<KeyValue>, window: Window, value: Value) -> NumberDataPoint {
    NumberDataPoint {
        attributes,
        start_time_unix_nano: unix_nano(window.began),
        time_unix_nano: unix_nano(window.until),
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn named(name: &str, description: &str, unit: &str, data: Data) -> Metric {
    Metric {
        name: format!("{PREFIX}.{name}"),
        description: description.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn attributes(key: &Key) -> Vec<KeyValue> {
    let mut attributes = vec![text("selector", &key.selector)];
    attributes.extend(key.process.as_deref().map(|process| text("process", process)));
    attributes.extend(key.pid.map(|pid| attribute("pid", any_value::Value::IntValue(pid.into()))));
    attributes.extend(key.thread.as_deref().map(|thread| text("thread", thread)));
    attributes
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.to_owned()))
}

fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
