use super::super::fixture::{batch, group};
use super::super::pem;
use super::*;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const TOKEN: &str = "0123456789abcdef0123456789";

/// A folder with the files that a configuration names, and a server.
struct Site {
    folder: tempfile::TempDir,
    config: MetricsConfig,
}

impl Site {
    fn new() -> Self {
        let config = MetricsConfig { address: "127.0.0.1:0".parse().ok(), ..MetricsConfig::default() };
        Self { folder: tempfile::tempdir().unwrap(), config }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn with_token(mut self, token: &str) -> Self {
        self.config.token = Some(self.private("token", token));
        self
    }

    /// Makes a certificate for localhost in the place of the one before, and returns it.
    fn certify(&mut self) -> CertificateDer<'static> {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        self.config.certificate = Some(self.private("certificate.pem", &cert.pem()));
        self.config.key = Some(self.private("key.pem", &signing_key.serialize_pem()));
        cert.der().clone()
    }

    fn private(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn start(&self) -> Server {
        let metrics = Arc::new(Metrics::new(&self.config));
        metrics.add(&batch(0, &[group("nginx", 3)]));
        Server::start(&self.config, metrics).unwrap()
    }
}

/// Sends a request and returns all that is answered until the connection is closed.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn get(headers: &str) -> String {
    format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

async fn ask(server: &Server, request: &str) -> String {
    exchange(TcpStream::connect(server.address().unwrap()).await.unwrap(), request).await
}

async fn ask_by_tls(server: &Server, trusted: CertificateDer<'static>, request: &str) -> Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted)?;
    let config = ClientConfig::builder_with_provider(pem::provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.address().unwrap()).await?;
    let name = ServerName::try_from("localhost")?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    Ok(exchange(stream, request).await)
}

fn shows_metrics(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200 OK\r\n")
        && answer.contains("\nprofiler_blocked_seconds_count{selector=\"web\",process=\"nginx\"} 3\n")
}

fn is_refused(answer: &str, status: &str) -> bool {
    answer.starts_with(&format!("HTTP/1.1 {status}\r\n")) && !answer.contains("profiler_")
}

async fn ask_socket(path: &Path, request: &str) -> String {
    exchange(UnixStream::connect(path).await.unwrap(), request).await
}

#[tokio::test]
async fn a_loopback_address_shows_the_metrics() {
    let server = Site::new().start();
    let plain = ask(&server, &get("")).await;
    assert!(shows_metrics(&plain), "{plain}");
    assert!(plain.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{plain}");
    let open = ask(&server, &get("Accept: application/openmetrics-text;version=1.0.0\r\n")).await;
    assert!(shows_metrics(&open), "{open}");
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    assert!(open.contains(kind) && open.ends_with("# EOF\n\r\n0\r\n\r\n"), "{open}");
}

#[tokio::test]
async fn a_socket_shows_them_without_the_token_and_is_removed() {
    let mut site = Site::new().with_token(TOKEN);
    let path = site.path("metrics.sock");
    site.config.socket = Some(path.clone());
    let server = site.start();
    assert!(shows_metrics(&ask_socket(&path, &get("")).await));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    assert!(is_refused(&ask(&server, &get("")).await, "401 Unauthorized"));
    drop(server);
    assert!(!path.exists());
}

#[tokio::test]
async fn head_has_no_body_and_other_requests_are_refused() {
    let server = Site::new().start();
    let head = ask(&server, &get("").replace("GET", "HEAD")).await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(is_refused(&ask(&server, &get("").replace("/metrics", "/")).await, "404 Not Found"));
    assert!(is_refused(&ask(&server, &get("").replace("/metrics", "/metrics/x")).await, "404 Not Found"));
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = ask(&server, &get("Content-Length: 0\r\n").replace("GET", method)).await;
        assert!(is_refused(&answer, "405 Method Not Allowed"), "{answer}");
        assert!(answer.contains("allow: GET, HEAD\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_body_is_not_read() {
    let server = Site::new().start();
    // The body never comes: it is not waited for.
    let answer = ask(&server, &get("Content-Length: 1000000\r\n").replace("GET", "POST")).await;
    assert!(is_refused(&answer, "405 Method Not Allowed"), "{answer}");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = Site::new().start();
    let long = format!("X-Long: {}\r\n", "x".repeat(MAX_HEAD_BYTES));
    let answer = ask(&server, &get(&long)).await;
    assert!(is_refused(&answer, "431 Request Header Fields Too Large"), "{answer}");
}

#[tokio::test]
async fn only_the_token_opens_and_a_new_one_counts_after_reload() {
    let site = Site::new().with_token(TOKEN);
    let server = site.start();
    let with = |token: &str| get(&format!("Authorization: Bearer {token}\r\n"));
    assert!(shows_metrics(&ask(&server, &with(TOKEN)).await));
    for wrong in [get(""), with("fedcba98765432100123456789"), with(""), get("Authorization: Basic eDp5\r\n")]
    {
        let answer = ask(&server, &wrong).await;
        assert!(is_refused(&answer, "401 Unauthorized"), "{answer}");
        assert!(answer.contains("www-authenticate: Bearer\r\n"), "{answer}");
        // Nothing else is learnt.
        assert!(is_refused(&ask(&server, &wrong.replace("/metrics", "/x")).await, "401 Unauthorized"));
        assert!(is_refused(&ask(&server, &wrong.replace("GET", "PUT")).await, "401 Unauthorized"));
    }

    let second = TOKEN.replace('0', "z");
    site.private("token", &second);
    assert!(shows_metrics(&ask(&server, &with(TOKEN)).await));
    server.reload().unwrap();
    assert!(shows_metrics(&ask(&server, &with(&second)).await));
    assert!(is_refused(&ask(&server, &with(TOKEN)).await, "401 Unauthorized"));

    // Unusable files change nothing.
    site.private("token", "short");
    let refused = format!("{:#}", server.reload().unwrap_err());
    assert!(refused.contains("cannot take the token in") && !refused.contains("short"), "{refused}");
    assert!(shows_metrics(&ask(&server, &with(&second)).await));
}

#[tokio::test]
async fn tls_shows_them_and_a_new_certificate_counts_after_reload() {
    let mut site = Site::new().with_token(TOKEN);
    let first = site.certify();
    let server = site.start();
    let with_token = get(&format!("Authorization: Bearer {TOKEN}\r\n"));
    assert!(shows_metrics(&ask_by_tls(&server, first.clone(), &with_token).await.unwrap()));
    assert!(is_refused(&ask_by_tls(&server, first.clone(), &get("")).await.unwrap(), "401 Unauthorized"));

    // In clear nothing is answered.
    let mut clear = TcpStream::connect(server.address().unwrap()).await.unwrap();
    clear.write_all(with_token.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The connection may be reset, as what was sent is not read.
    let _ = clear.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"));

    let second = site.certify();
    server.reload().unwrap();
    assert!(shows_metrics(&ask_by_tls(&server, second, &with_token).await.unwrap()));
    assert!(ask_by_tls(&server, first, &with_token).await.is_err());
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_at_the_start() {
    let refused = |config: &MetricsConfig| {
        let metrics = Arc::new(Metrics::new(config));
        format!("{:#}", Server::start(config, metrics).err().unwrap())
    };
    let mut site = Site::new();
    site.config.address = "0.0.0.0:0".parse().ok();
    assert!(refused(&site.config).contains("can be reached from other machines"));

    let mut site = Site::new();
    site.certify();
    site.private("key.pem", "nonsense");
    assert!(refused(&site.config).contains("cannot read a private key from"));
    site.private("certificate.pem", "nonsense");
    assert!(refused(&site.config).contains("no certificate (PEM)"));

    let mut site = Site::new();
    site.certify();
    let other = fs::read(site.path("key.pem")).unwrap();
    site.certify();
    fs::write(site.path("key.pem"), other).unwrap();
    assert!(refused(&site.config).contains("are no certificate and its key"));
}

/// Longer than is written ahead of the reader: all of it comes, and nothing stays behind of one that leaves.
#[tokio::test]
async fn a_long_text_is_whole_and_a_reader_may_leave() {
    let mut site = Site::new();
    site.config.max_groups = 1_000;
    let metrics = Arc::new(Metrics::new(&site.config));
    let groups: Vec<_> = (0..1_000).map(|number| group(&format!("process {number}"), 1)).collect();
    metrics.add(&batch(0, &groups));
    let server = Server::start(&site.config, metrics).unwrap();
    for _ in 0..5 {
        let mut leaving = TcpStream::connect(server.address().unwrap()).await.unwrap();
        leaving.write_all(get("").as_bytes()).await.unwrap();
        leaving.read_exact(&mut [0; 100]).await.unwrap();
    }
    // By HTTP 1.0 it comes in one piece.
    let old = get("Accept: application/openmetrics-text\r\n").replace("HTTP/1.1", "HTTP/1.0");
    let answer = ask(&server, &old).await;
    assert!(answer.ends_with("# EOF\n") && answer.len() > 1 << 20, "{} bytes", answer.len());
    let counts = answer.lines().filter(|line| line.starts_with("profiler_blocked_seconds_count{"));
    assert_eq!(counts.count(), 1_000);
}

/// Those that say nothing occupy their places only for a while, which is not waited for here; the rest is served.
#[tokio::test]
async fn silent_connections_leave_room_for_others() {
    let server = Site::new().start();
    let address = server.address().unwrap();
    let mut silent = Vec::new();
    for _ in 1..MAX_CONNECTIONS {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    assert!(shows_metrics(&ask(&server, &get("")).await));
    // One more has to wait, and is served when one of the others leaves.
    silent.push(TcpStream::connect(address).await.unwrap());
    tokio::time::sleep(Duration::from_millis(50)).await;
    silent.pop();
    assert!(shows_metrics(&ask(&server, &get("")).await));
}
