//! One request to a collector, and what became of it.

use super::super::config::OtlpConfig;
use super::super::pem;
use anyhow::{Context as _, Result, bail};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// More than a collector says of what it refused.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// The content type of a request.
const PROTOBUF: &str = "application/x-protobuf";

/// The collector's address and the headers of each request.
pub(super) struct Client {
    endpoint: Uri,
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    timeout: Duration,
}

/// The collector's verdict on a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has taken it, except for so many data points, with its reason.
    Accepted { rejected: u64, reason: String },
    /// It can't now, but may later, after the time it asked for.
    Later { reason: String, after: Option<Duration> },
    /// It will not take it.
    Refused { reason: String },
}

impl Client {
    /// Reads what the configuration names.
    ///
    /// # Errors
    /// If certificates can't be read, or the endpoint can't be one.
    pub(super) fn new(config: &OtlpConfig) -> Result<Self> {
        let host = config.host()?.to_owned();
        let is_tls = config.endpoint.scheme_str() == Some("https");
        let name =
            || ServerName::try_from(host.clone()).with_context(|| format!("{host:?} is no name of a host"));
        let tls = if is_tls { Some((connector(config)?, name()?)) } else { None };
        let port = config.endpoint.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let headers = config.headers()?;
        Ok(Self { endpoint: config.endpoint.clone(), host, port, tls, headers, timeout: config.timeout })
    }

    /// Sends a request, once.
    pub(super) async fn send(&self, message: Bytes) -> Verdict {
        let unreachable = |reason| Verdict::Later { reason, after: None };
        match timeout(self.timeout, self.try_send(message)).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(error)) => unreachable(format!("{error:#}")),
            Err(_) => unreachable(format!("no answer within {:?}", self.timeout)),
        }
    }

    async fn try_send(&self, message: Bytes) -> Result<Verdict> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.context("cannot connect")?;
        match &self.tls {
            None => self.exchange(stream, message).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await.context("cannot speak TLS")?;
                self.exchange(stream, message).await
            }
        }
    }

    /// One connection for each request: between two of them are seconds.
    async fn exchange(&self, stream: impl AsyncRead + AsyncWrite + Unpin, message: Bytes) -> Result<Verdict> {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.context("cannot speak HTTP")?;
        let answered = async {
            let response = sender.send_request(self.request(message)?).await.context("no answer")?;
            verdict(response).await
        };
        // The connection does the work that the other waits for.
        tokio::pin!(answered);
        tokio::pin!(connection);
        tokio::select! {
            verdict = &mut answered => verdict,
            closed = &mut connection => {
                closed.context("the connection broke")?;
                answered.await
            }
        }
    }

    fn request(&self, message: Bytes) -> Result<Request<Full<Bytes>>> {
        let authority = self.endpoint.authority().map_or("", |authority| authority.as_str());
        let path = self.endpoint.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(HOST, authority)
            .header(CONTENT_TYPE, PROTOBUF)
            .header(USER_AGENT, concat!("profiler/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(message))?;
        request.headers_mut().extend(self.headers.iter().cloned());
        Ok(request)
    }
}

fn connector(config: &OtlpConfig) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    match &config.ca {
        Some(path) => {
            for certificate in pem::certificates(path)? {
                roots.add(certificate).with_context(|| format!("cannot trust {}", path.display()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                bail!("this machine trusts no certificates: install ca-certificates, or name some with ca");
            }
        }
    }
    let config = ClientConfig::builder_with_provider(pem::provider())
        .with_safe_default_protocol_versions()
        .context("cannot set up TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// By the OTLP specification: which failures may be tried again.
async fn verdict(response: Response<hyper::body::Incoming>) -> Result<Verdict> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
    let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Ok(match head.status {
        status if status.is_success() => {
            // An answer that can't be read has no objections that could be.
            let answer = ExportMetricsServiceResponse::decode(body).unwrap_or_default();
            let partial = answer.partial_success.unwrap_or_default();
            let rejected = u64::try_from(partial.rejected_data_points).unwrap_or(0);
            Verdict::Accepted { rejected, reason: partial.error_message }
        }
        status @ (StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT) => {
            let after = head.headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
            Verdict::Later { reason: status.to_string(), after: after.map(Duration::from_secs) }
        }
        status => Verdict::Refused { reason: status.to_string() },
    })
}
