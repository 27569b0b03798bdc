//! Certificates in files, and the cryptography of TLS.

use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};

/// The certificates of a file, at least one.
///
/// # Errors
/// If it can't be read, or holds none.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let context = || format!("cannot read certificates from {}", path.display());
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).with_context(context)?;
    ensure!(!certificates.is_empty(), "there is no certificate (PEM) in {}", path.display());
    Ok(certificates)
}

/// Named, so that it does not depend on what else of the program uses TLS.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
