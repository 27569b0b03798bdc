use super::super::config::{Histograms, MetricsConfig};
use super::super::exposition::Format;
use super::super::fixture::{batch, group, text};
use super::*;
use crate::watch::batch::Batch;
use http_body_util::{BodyExt as _, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::TokioIo;
use model::losses::{Loss, LossCounts};
use model::profile::interval::States;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric, metric::Data};
use std::convert::Infallible;
use std::sync::Mutex;
use tokio::net::TcpListener;

/// No waits that a test would notice.
const AT_ONCE: [Duration; 2] = [Duration::ZERO; 2];

/// The head of a request, and the message in it.
type Received = (Request<()>, ExportMetricsServiceRequest);

/// A collector that gives the answers it was told to, and then accepts all.
struct Collector {
    endpoint: String,
    requests: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Collector {
    async fn start(answers: impl IntoIterator<Item = Response<Full<Bytes>>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/v1/metrics", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        let (received, answers) = (Arc::clone(&requests), Arc::new(Mutex::new(answers)));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = service_fn(|request: Request<Incoming>| async {
                    let (head, body) = request.into_parts();
                    let message = body.collect().await.unwrap().to_bytes();
                    let message = ExportMetricsServiceRequest::decode(message).unwrap();
                    lock(&received).push((Request::from_parts(head, ()), message));
                    Ok::<_, Infallible>(lock(&answers).pop().unwrap_or_default())
                });
                http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.unwrap();
            }
        });
        Self { endpoint, requests, task }
    }

    fn config(&self, more: &str) -> MetricsConfig {
        config(&self.endpoint, more)
    }

    /// The metrics of each request.
    fn received(&self) -> Vec<Vec<Metric>> {
        let requests = lock(&self.requests);
        requests
            .iter()
            .map(|(_, request)| request.resource_metrics[0].scope_metrics[0].metrics.clone())
            .collect()
    }
}

fn config(endpoint: &str, more: &str) -> MetricsConfig {
    let otlp = toml::from_str(&format!("endpoint = \"{endpoint}\"\n{more}")).unwrap();
    MetricsConfig { otlp: Some(otlp), ..MetricsConfig::default() }
}

fn answer(status: StatusCode) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::default()).unwrap()
}

/// Pushes from a machine called `here`.
fn pusher(config: &MetricsConfig) -> Pusher {
    let otlp = config.otlp.as_ref().unwrap();
    Pusher {
        client: Client::new(otlp).unwrap(),
        metrics: Arc::new(Metrics::new(config)),
        resource: Arc::new(resource(otlp, "here")),
    }
}

async fn push(pusher: &Pusher) -> Outcome {
    let request = pusher.prepare(batch(0, &[]).from).await.unwrap();
    let (_goes_on, mut stopped) = watch::channel(());
    pusher.push(&request, &AT_ONCE, &mut stopped).await;
    *lock(&pusher.metrics.pushed.as_ref().unwrap().outcome)
}

fn metric<'a>(metrics: &'a [Metric], name: &str) -> &'a Metric {
    metrics.iter().find(|metric| metric.name == name).unwrap()
}

/// Counts of the processes' blocked times, their sum over the buckets, and the temporality.
fn blocked(metrics: &[Metric]) -> (Vec<(u64, u64)>, AggregationTemporality) {
    let (counts, temporality) = match metric(metrics, "profiler.blocked").data.as_ref().unwrap() {
        Data::ExponentialHistogram(histogram) => {
            let counts = histogram.data_points.iter().map(|point| {
                (
                    point.count,
                    point.zero_count + point.positive.as_ref().unwrap().bucket_counts.iter().sum::<u64>(),
                )
            });
            (counts.collect(), histogram.aggregation_temporality)
        }
        Data::Histogram(histogram) => {
            let counts =
                histogram.data_points.iter().map(|point| (point.count, point.bucket_counts.iter().sum()));
            (counts.collect(), histogram.aggregation_temporality)
        }
        other => panic!("no histogram: {other:?}"),
    };
    (counts, temporality.try_into().unwrap())
}

/// Data points of a push: of each group a histogram, its states and its threads, and the losses.
fn points(groups: u64) -> u64 {
    (1 + States::COUNT as u64 + 1) * groups + Loss::OF_INTERVAL.len() as u64
}

#[tokio::test]
async fn cumulative_pushes_hold_everything() {
    let collector = Collector::start([]).await;
    let pusher = pusher(&collector.config(""));
    pusher.metrics.add(&batch(0, &[group("a", 3)]));
    push(&pusher).await;
    pusher.metrics.add(&batch(1, &[group("a", 2), group("b", 1)]));
    let outcome = push(&pusher).await;
    let received = collector.received();
    assert_eq!(blocked(&received[0]), (vec![(3, 3)], AggregationTemporality::Cumulative));
    assert_eq!(blocked(&received[1]), (vec![(5, 5), (1, 1)], AggregationTemporality::Cumulative));
    assert_eq!(outcome, Outcome { accepted: points(1) + points(2), dropped: 0 });
}

#[tokio::test]
async fn delta_pushes_hold_what_was_added() {
    let collector = Collector::start([]).await;
    let pusher = pusher(&collector.config("temporality = \"delta\"\nhistograms = \"explicit\""));
    assert_eq!(pusher.metrics.pushed.as_ref().unwrap().temporality, Temporality::Delta);
    pusher.metrics.add(&batch(0, &[group("a", 3)]));
    push(&pusher).await;
    pusher.metrics.add(&batch(1, &[group("a", 2)]));
    pusher.metrics.add(&batch(2, &[group("a", 4)]));
    push(&pusher).await;
    // Nothing was added: there is nothing to push.
    assert!(pusher.prepare(Timestamp::now()).await.is_none());
    let received = collector.received();
    let delta = |count| (vec![(count, count)], AggregationTemporality::Delta);
    assert_eq!(received.iter().map(|metrics| blocked(metrics)).collect::<Vec<_>>(), [delta(3), delta(6)]);
    let Some(Data::Histogram(histogram)) = &metric(&received[1], "profiler.blocked").data else { panic!() };
    let point = &histogram.data_points[0];
    let nanos = |number| u64::try_from(batch(number, &[]).from.as_nanosecond()).unwrap();
    assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (nanos(1), nanos(3)));
    // 1 ms is beyond 4^9 - 1 ns, the fifth bound, and not beyond the sixth.
    assert_eq!(point.bucket_counts.iter().position(|&count| count == 6), Some(5));
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
}

#[tokio::test]
async fn a_request_says_who_sends_it() {
    let collector = Collector::start([]).await;
    let more = "headers = { x-scope = \"team\" }\nresource = { \"service.name\" = \"mine\", zone = \"z\" }";
    let pusher = pusher(&collector.config(more));
    let lost = LossCounts::of([(Loss::MissedProgramRuns, 2)]);
    pusher.metrics.add(&Batch { lost, ..batch(0, &[group("a", 1)]) });
    pusher.metrics.add(&Batch { lost, ..batch(1, &[]) });
    push(&pusher).await;
    let requests = lock(&collector.requests);
    let (head, message) = &requests[0];
    assert_eq!((head.method().as_str(), head.uri().path()), ("POST", "/v1/metrics"));
    assert_eq!(head.headers()["content-type"], "application/x-protobuf");
    assert_eq!(head.headers()["x-scope"], "team");
    let resource = message.resource_metrics[0].resource.as_ref().unwrap();
    let names: Vec<&str> = resource.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    assert_eq!(names, ["host.name", "service.name", "service.version", "zone"]);
    let shown = format!("{:?}", resource.attributes);
    assert!(shown.contains("\"here\"") && shown.contains("\"mine\"") && !shown.contains("\"profiler\""));
    let metrics = &message.resource_metrics[0].scope_metrics[0].metrics;
    assert!(format!("{:?}", metric(metrics, "profiler.lost")).contains("AsInt(4)"));
    assert_eq!(metric(metrics, "profiler.state").unit, "s");
}

#[tokio::test]
async fn what_may_be_taken_later_is_tried_again() {
    let collector =
        Collector::start([answer(StatusCode::SERVICE_UNAVAILABLE), answer(StatusCode::TOO_MANY_REQUESTS)])
            .await;
    let pusher = pusher(&collector.config(""));
    pusher.metrics.add(&batch(0, &[group("a", 1)]));
    assert_eq!(push(&pusher).await, Outcome { accepted: points(1), dropped: 0 });
    assert_eq!(collector.received().len(), 3);
}

#[tokio::test]
async fn what_is_not_taken_is_counted() {
    const REJECTED: u64 = 5;
    let busy = || answer(StatusCode::SERVICE_UNAVAILABLE);
    let partial = ExportMetricsPartialSuccess {
        rejected_data_points: REJECTED as i64,
        error_message: "too old".to_owned(),
    };
    let partial = ExportMetricsServiceResponse { partial_success: Some(partial) };
    let partial = Response::new(Full::from(partial.encode_to_vec()));
    let collector =
        Collector::start([answer(StatusCode::BAD_REQUEST), busy(), busy(), busy(), partial]).await;
    let pusher = pusher(&collector.config(""));
    pusher.metrics.add(&batch(0, &[group("a", 1)]));
    // Refused: not tried again. Busy three times: as often as is tried. Then in part.
    assert_eq!(push(&pusher).await, Outcome { accepted: 0, dropped: points(1) });
    assert_eq!(push(&pusher).await, Outcome { accepted: 0, dropped: 2 * points(1) });
    let dropped = 2 * points(1) + REJECTED;
    assert_eq!(push(&pusher).await, Outcome { accepted: points(1) - REJECTED, dropped });
    assert_eq!(collector.received().len(), 5);
    // It can be seen where metrics are scraped.
    let text = text(&pusher.metrics.snapshot(), Format::OpenMetrics);
    assert!(text.contains(&format!("profiler_otlp_data_points_total{{outcome=\"dropped\"}} {dropped}\n")));
}

#[tokio::test]
async fn a_collector_that_is_not_there_is_a_loss_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/v1/metrics", listener.local_addr().unwrap());
    drop(listener);
    let pusher = pusher(&config(&endpoint, ""));
    pusher.metrics.add(&batch(0, &[group("a", 1)]));
    assert_eq!(push(&pusher).await, Outcome { accepted: 0, dropped: points(1) });
}

#[tokio::test]
async fn the_rest_is_pushed_at_the_end() {
    let collector = Collector::start([]).await;
    let config = collector.config("interval = \"1h\"");
    let metrics = Arc::new(Metrics::new(&config));
    let push = Push::start(config.otlp.as_ref().unwrap(), "here", Arc::clone(&metrics)).unwrap();
    metrics.add(&batch(0, &[group("a", 2)]));
    push.stop().await;
    assert_eq!(blocked(&collector.received()[0]).0, [(2, 2)]);
}

/// The collector asks for a wait that no test would live to see.
#[tokio::test]
async fn the_end_is_not_kept_waiting() {
    let mut busy = answer(StatusCode::SERVICE_UNAVAILABLE);
    busy.headers_mut().insert("retry-after", hyper::header::HeaderValue::from_static("86400"));
    let collector = Collector::start([busy]).await;
    let config = collector.config("interval = \"1ms\"");
    let metrics = Arc::new(Metrics::new(&config));
    metrics.add(&batch(0, &[group("a", 2)]));
    let push = Push::start(config.otlp.as_ref().unwrap(), "here", Arc::clone(&metrics)).unwrap();
    while collector.received().is_empty() {
        tokio::task::yield_now().await;
    }
    push.stop().await;
    // The dropped points were sent once more, with all others, at the end.
    assert_eq!(collector.received().len(), 2);
    let outcome = *lock(&metrics.pushed.as_ref().unwrap().outcome);
    assert_eq!(outcome, Outcome { accepted: points(1), dropped: points(1) });
}

#[test]
fn certificates_that_are_not_there_are_refused() {
    let config = config("https://localhost/v1/metrics", "ca = \"/no/such.pem\"");
    let refused = format!("{:#}", Client::new(config.otlp.as_ref().unwrap()).err().unwrap());
    assert!(refused.contains("/no/such.pem"), "{refused}");
    assert_eq!(config.otlp.unwrap().histograms, Histograms::Exponential);
}
