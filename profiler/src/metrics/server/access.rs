//! Access control of an address: the bearer token, and TLS.

use super::super::config::MetricsConfig;
use super::super::pem;
use anyhow::{Context as _, Result, ensure};
use hyper::header::HeaderValue;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, pki_types::PrivateKeyDer, pki_types::pem::PemObject as _};

/// The content of the files when they were read.
pub(super) struct Access {
    token: Option<Token>,
    pub(super) tls: Option<TlsAcceptor>,
}

impl Access {
    /// Reads the files.
    ///
    /// # Errors
    /// If one can't be read, or what is in it can't be used.
    pub(super) fn read(config: &MetricsConfig) -> Result<Self> {
        let token = config.token.as_deref().map(Token::read).transpose()?;
        let tls = match (&config.certificate, &config.key) {
            (Some(certificate), Some(key)) => Some(acceptor(certificate, key)?),
            _ => None,
        };
        Ok(Self { token, tls })
    }

    /// True if a request with this `Authorization` may be answered.
    pub(super) fn permits(&self, authorization: Option<&HeaderValue>) -> bool {
        self.token.as_ref().is_none_or(|token| authorization.is_some_and(|given| token.is(given)))
    }
}

/// The token, which is nowhere shown.
struct Token(Box<[u8]>);

impl Token {
    /// Shorter ones could be tried out: 22 characters of Base64 are 128 bits.
    const SHORTEST: usize = 22;
    /// The most bytes of a token: it fits in a request's head with room to spare.
    const LONGEST: u64 = 4096;

    fn read(path: &Path) -> Result<Self> {
        Self::try_read(path).with_context(|| format!("cannot take the token in {}", path.display()))
    }

    fn try_read(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let mode = file.metadata()?.permissions().mode();
        ensure!(mode & 0o007 == 0, "every user can read or write it: chmod o-rwx {}", path.display());
        let mut text = Vec::new();
        file.take(Self::LONGEST + 1).read_to_end(&mut text)?;
        ensure!(text.len() as u64 <= Self::LONGEST, "it is longer than {} bytes", Self::LONGEST);
        let token = text.trim_ascii();
        ensure!(
            token.len() >= Self::SHORTEST,
            "it has fewer than {} characters: make one with `openssl rand -base64 32`",
            Self::SHORTEST
        );
        ensure!(token.iter().all(u8::is_ascii_graphic), "it holds more than a word of visible ASCII");
        Ok(Self(token.into()))
    }

    /// Takes as long for every wrong token of the same length.
    fn is(&self, given: &HeaderValue) -> bool {
        const SCHEME: &[u8] = b"bearer ";
        let Some((scheme, token)) = given.as_bytes().split_at_checked(SCHEME.len()) else { return false };
        scheme.eq_ignore_ascii_case(SCHEME) && token.ct_eq(&self.0).into()
    }
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let chain = pem::certificates(certificate)?;
    let private = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("cannot read a private key from {}", key.display()))?;
    let config = ServerConfig::builder_with_provider(pem::provider())
        .with_safe_default_protocol_versions()
        .context("cannot set up TLS")?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .with_context(|| {
            format!("{} and {} are no certificate and its key", certificate.display(), key.display())
        })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};

    fn token(text: &str, mode: u32) -> Result<Token> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        Token::read(&path)
    }

    fn refused(text: &str, mode: u32) -> String {
        format!("{:#}", token(text, mode).err().unwrap())
    }

    #[test]
    fn only_the_token_is_the_token() {
        let token = token("0123456789abcdef0123456789\n", 0o640).unwrap();
        let is = |text: &str| token.is(&HeaderValue::from_str(text).unwrap());
        assert!(is("Bearer 0123456789abcdef0123456789"));
        assert!(is("bearer 0123456789abcdef0123456789"));
        assert!(!is("Bearer 0123456789abcdef012345678"));
        assert!(!is("Bearer 0123456789abcdef0123456788"));
        assert!(!is("Bearer 0123456789abcdef01234567890"));
        assert!(!is("Basic 0123456789abcdef0123456789"));
        assert!(!is("Bearer "));
        assert!(!is("Bear"));
        assert!(!is(""));
    }

    #[test]
    fn a_token_that_protects_nothing_is_refused() {
        assert!(refused("0123456789abcdef0123456789", 0o644).contains("chmod o-rwx"));
        assert!(refused("short", 0o600).contains("openssl rand"));
        assert!(refused("", 0o600).contains("fewer than 22"));
        assert!(refused("two words of which none is a token", 0o600).contains("more than a word"));
        assert!(refused(&"x".repeat(5000), 0o600).contains("longer than"));
    }

    #[test]
    fn without_a_token_everyone_may_read() {
        let open = Access { token: None, tls: None };
        assert!(open.permits(None));
        let closed = Access { token: token("0123456789abcdef0123456789", 0o600).ok(), tls: None };
        assert!(!closed.permits(None));
    }
}
