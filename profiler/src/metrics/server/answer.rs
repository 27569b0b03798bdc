//! Answers to requests.

use super::super::Metrics;
use super::access::Access;
use super::negotiate;
use super::text::Text;
use http_body_util::{Either, Full};
use hyper::body::Bytes;
use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, VARY, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response, StatusCode};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The path that is answered.
const PATH: &str = "/metrics";

/// Texts that are written at a time; further requests wait.
const MAX_TEXTS: usize = 2;

/// The body of an answer.
pub(super) type Body = Either<Full<Bytes>, Text>;

/// Makes the answers.
pub(super) struct Answers {
    metrics: Arc<Metrics>,
    texts: Arc<Semaphore>,
}

impl Answers {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, texts: Arc::new(Semaphore::new(MAX_TEXTS)) }
    }

    /// The answer. Who is not permitted learns nothing else.
    pub(super) async fn to<B>(&self, request: &Request<B>, access: Option<&Access>) -> Response<Body> {
        let permitted = access.is_none_or(|access| access.permits(request.headers().get(AUTHORIZATION)));
        if !permitted {
            tracing::info!("a request for metrics without the right token was refused");
            return refusal(StatusCode::UNAUTHORIZED, Some((WWW_AUTHENTICATE, "Bearer")));
        }
        if request.uri().path() != PATH {
            return refusal(StatusCode::NOT_FOUND, None);
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return refusal(StatusCode::METHOD_NOT_ALLOWED, Some((ALLOW, "GET, HEAD")));
        }
        let format = negotiate::format(request.headers());
        let body = match *request.method() {
            Method::HEAD => Either::Left(Full::default()),
            _ => match Arc::clone(&self.texts).acquire_owned().await {
                Ok(place) => {
                    let metrics = Arc::clone(&self.metrics);
                    Either::Right(Text::start(move || metrics.snapshot(), format, place))
                }
                Err(_) => return refusal(StatusCode::SERVICE_UNAVAILABLE, None),
            },
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
        headers.insert(VARY, HeaderValue::from_static("accept"));
        response
    }
}

fn refusal(status: StatusCode, header: Option<(HeaderName, &'static str)>) -> Response<Body> {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(format!("{reason}\n")))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.extend(header.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}
