//! What a request is answered.

use super::super::Metrics;
use super::access::Access;
use super::negotiate;
use anyhow::{Context as _, Result};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, VARY, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response, StatusCode};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

/// The path that is answered.
const PATH: &str = "/metrics";

/// Texts that exist at a time, since with thousands of groups each takes tens of MB; further requests wait.
const MAX_TEXTS: usize = 2;

/// Makes the answers.
pub(super) struct Answers {
    metrics: Arc<Metrics>,
    texts: Arc<Semaphore>,
}

/// A text that is being sent.
struct Text {
    text: String,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Answers {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, texts: Arc::new(Semaphore::new(MAX_TEXTS)) }
    }

    /// The answer. Who is not permitted learns nothing else.
    pub(super) async fn to<B>(&self, request: &Request<B>, access: Option<&Access>) -> Response<Full<Bytes>> {
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
        match self.text(format).await {
            Ok(text) => {
                let mut response = Response::new(Full::new(Bytes::from_owner(text)));
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
                headers.insert(VARY, HeaderValue::from_static("accept"));
                response
            }
            Err(error) => {
                tracing::error!("{error:#}");
                refusal(StatusCode::INTERNAL_SERVER_ERROR, None)
            }
        }
    }

    /// Away from the thread on which the intervals are recorded.
    async fn text(&self, format: super::super::exposition::Format) -> Result<Text> {
        let place = Arc::clone(&self.texts).acquire_owned().await?;
        let metrics = Arc::clone(&self.metrics);
        let text = spawn_blocking(move || metrics.snapshot().text(format)).await.context("the metrics")??;
        Ok(Text { text, _place: place })
    }
}

fn refusal(status: StatusCode, header: Option<(HeaderName, &'static str)>) -> Response<Full<Bytes>> {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(format!("{reason}\n"))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.extend(header.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}
