//! TLS 1.2 and 1.3 with the roots that are given and no others.

use crate::refusal::Refusal;
use crate::roots::Roots;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, crypto::ring};
use std::sync::Arc;

pub struct Trust {
    pub ca_pem: String,
    pub client: Option<Client>,
}

pub struct Client {
    pub key_pem: String,
    pub cert_pem: String,
}

/// What is wrong with a certificate or key is told, what was in it is not.
fn refused(message: &'static str) -> Refusal {
    Refusal::new("HOST_TLS", message)
}

/// A connection that has not yet begun; the server's name or address is checked against `host`.
pub fn connection(host: &str, trust: &Trust) -> Result<ClientConnection, Refusal> {
    let literal = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    let name = ServerName::try_from(literal.trim_end_matches('.').to_owned()).map_err(|_| refused("the host is neither a name nor an address"))?;
    let unusable = |_| refused("the key or a certificate cannot be used");
    let provider = Arc::new(ring::default_provider());
    let roots = Roots::of(certificates(&trust.ca_pem)?, &provider).ok_or_else(|| refused("a root certificate cannot be used"))?;
    // What is dangerous is to trust too much; `Roots` trusts less than the usual one.
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(roots));
    let mut config = match &trust.client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let key = PrivateKeyDer::from_pem_slice(client.key_pem.as_bytes()).map_err(|_| refused("the key cannot be used"))?;
            builder.with_client_auth_cert(certificates(&client.cert_pem)?, key).map_err(unusable)?
        }
    };
    // Every connection proves itself anew.
    config.resumption = rustls::client::Resumption::disabled();
    ClientConnection::new(Arc::new(config), name).map_err(unusable)
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, Refusal> {
    let found = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().map_err(|_| refused("a certificate is no pem"))?;
    if found.is_empty() { Err(refused("there is no certificate")) } else { Ok(found) }
}
