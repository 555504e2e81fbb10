//! Which of the certificates that are given may be roots. `rustls` takes a root for what its name and key are worth, whatever
//! else it says of itself; here, as with OpenSSL, it has to be one and its limits hold.

use crate::der::{BIT_STRING, INTEGER, OCTET_STRING, Reader, SEQUENCE};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::collections::BTreeMap;
use std::sync::Arc;

const BOOLEAN: u8 = 0x01;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]` and `[3]`, constructed: the version and the extensions of a certificate.
const CONTEXT_0: u8 = 0xa0;
const CONTEXT_3: u8 = 0xa3;
const BASIC_CONSTRAINTS: &[u8] = b"\x55\x1d\x13";
const KEY_USAGE: &[u8] = b"\x55\x1d\x0f";
/// `keyCertSign`, the sixth bit.
const SIGNS_CERTIFICATES: u8 = 0x04;

/// What a root says of itself that bounds what it is trusted with.
#[derive(Debug, PartialEq)]
struct Root {
    /// Seconds since the epoch, both included.
    valid: (i64, i64),
    /// How many authorities may stand between it and a server.
    most_between: usize,
}

/// Trusts a server for any of the roots, each within its limits.
#[derive(Debug)]
pub struct Roots {
    /// By how many authorities may stand between.
    within: Vec<(usize, Arc<WebPkiServerVerifier>)>,
    provider: Arc<CryptoProvider>,
}

impl Roots {
    /// None where a certificate cannot be read. One that is no root is left out; with none left nobody is trusted.
    pub fn of(certificates: Vec<CertificateDer<'static>>, provider: &Arc<CryptoProvider>) -> Option<Self> {
        let now = UnixTime::now().as_secs() as i64;
        let mut stores: BTreeMap<usize, RootCertStore> = BTreeMap::new();
        for certificate in certificates {
            let root = root_of(&certificate);
            let store = match root {
                Some(Root { valid: (from, to), most_between }) if (from..=to).contains(&now) => stores.entry(most_between).or_insert_with(RootCertStore::empty),
                _ => &mut RootCertStore::empty(),
            };
            store.add(certificate).ok()?;
        }
        let verifier = |roots| WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
        let within = stores.into_iter().map(|(most, roots)| Ok((most, verifier(roots)?))).collect::<Result<_, VerifierBuilderError>>().ok()?;
        Some(Self { within, provider: Arc::clone(provider) })
    }
}

impl ServerCertVerifier for Roots {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut last = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        for (most, verifier) in self.within.iter().rev() {
            // They come in the order of the chain: no more of them than the root allows.
            match verifier.verify_server_cert(server, &between[..between.len().min(*most)], name, ocsp, now) {
                Err(error) => last = error,
                trusted => return trusted,
            }
        }
        Err(last)
    }

    fn verify_tls12_signature(&self, message: &[u8], certificate: &CertificateDer<'_>, signed: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(&self, message: &[u8], certificate: &CertificateDer<'_>, signed: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// None for a certificate of whom is no authority.
fn root_of(certificate: &[u8]) -> Option<Root> {
    let mut contents = Reader(Reader(Reader(certificate).only(SEQUENCE)?).expect(SEQUENCE)?);
    contents.expect(CONTEXT_0)?;
    contents.expect(INTEGER)?;
    let _algorithm = contents.expect(SEQUENCE)?;
    let _issuer = contents.expect(SEQUENCE)?;
    let mut validity = Reader(contents.expect(SEQUENCE)?);
    let valid = (seconds_of(validity.next()?)?, seconds_of(validity.next()?)?);
    while !contents.0.is_empty() {
        if let (CONTEXT_3, extensions) = contents.next()? {
            return Some(Root { valid, most_between: most_between(Reader(extensions).only(SEQUENCE)?)? });
        }
    }
    None
}

/// None where the extensions do not make an authority.
fn most_between(extensions: &[u8]) -> Option<usize> {
    let (mut extensions, mut most) = (Reader(extensions), None);
    while !extensions.0.is_empty() {
        let mut extension = Reader(extensions.expect(SEQUENCE)?);
        let name = extension.expect(OBJECT_IDENTIFIER)?;
        let content = match extension.next()? {
            (BOOLEAN, _) => extension.expect(OCTET_STRING)?,
            (OCTET_STRING, content) => content,
            _ => return None,
        };
        match name {
            BASIC_CONSTRAINTS => most = Some(path_length(content)?),
            KEY_USAGE if !signs_certificates(content)? => return None,
            _ => {}
        }
    }
    most
}

fn path_length(constraints: &[u8]) -> Option<usize> {
    let mut constraints = Reader(Reader(constraints).only(SEQUENCE)?);
    if constraints.expect(BOOLEAN)? != [0xff] {
        return None;
    }
    if constraints.0.is_empty() {
        return Some(usize::MAX);
    }
    match constraints.expect(INTEGER)? {
        [length @ 0..=0x7f] => Some(usize::from(*length)),
        _ => None,
    }
}

fn signs_certificates(usage: &[u8]) -> Option<bool> {
    let (_unused, bits) = Reader(usage).only(BIT_STRING)?.split_first()?;
    Some(bits.first().is_some_and(|bits| bits & SIGNS_CERTIFICATES != 0))
}

/// Seconds since the epoch of a time of RFC 5280, which is in UTC and has seconds.
fn seconds_of((tag, text): (u8, &[u8])) -> Option<i64> {
    let digits = str::from_utf8(text).ok()?.strip_suffix('Z').filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let year: i64 = digits[..2].parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, &digits[2..])
        }
        (GENERALIZED_TIME, 14) => (digits[..4].parse().ok()?, &digits[4..]),
        _ => return None,
    };
    let part = |index: usize| rest[2 * index..2 * index + 2].parse::<i64>().ok();
    let (month, day) = (part(0)?, part(1)?);
    (1..=12).contains(&month).then(|| Some(((days_before(year, month, day) * 24 + part(2)?) * 60 + part(3)?) * 60 + part(4)?))?
}

/// Days since the epoch. Years begin in March here, so that the day that comes and goes is the last of one.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::value;

    #[test]
    fn times_are_read_in_both_forms() {
        for (tag, text, seconds) in [
            (UTC_TIME, "700101000000Z", 0),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (UTC_TIME, "500101000000Z", -631_152_000),
            (GENERALIZED_TIME, "20240229120000Z", 1_709_208_000),
            (GENERALIZED_TIME, "20000301000000Z", 951_868_800),
        ] {
            assert_eq!(seconds_of((tag, text.as_bytes())), Some(seconds), "{text}");
        }
        for (tag, text) in [(UTC_TIME, "20240229120000Z"), (GENERALIZED_TIME, "20240229120000"), (UTC_TIME, "241329120000Z"), (UTC_TIME, "7001010000é0Z"), (INTEGER, "700101000000Z")] {
            assert_eq!(seconds_of((tag, text.as_bytes())), None, "{text}");
        }
    }

    fn extension(name: &[u8], content: &[u8]) -> Vec<u8> {
        value(SEQUENCE, &[&value(OBJECT_IDENTIFIER, &[name]), &value(BOOLEAN, &[&[0xff]]), &value(OCTET_STRING, &[content])])
    }

    #[test]
    fn an_authority_says_that_it_is_one() {
        let constraints = |parts: &[&[u8]]| extension(BASIC_CONSTRAINTS, &value(SEQUENCE, parts));
        let usage = |bits: u8| extension(KEY_USAGE, &value(BIT_STRING, &[&[1, bits]]));
        let (yes, no, one) = (value(BOOLEAN, &[&[0xff]]), value(BOOLEAN, &[&[0]]), value(INTEGER, &[&[1]]));
        assert_eq!(most_between(&constraints(&[&yes])), Some(usize::MAX));
        assert_eq!(most_between(&[constraints(&[&yes, &one]), usage(0x06)].concat()), Some(1));
        assert_eq!(most_between(&[constraints(&[&yes]), usage(0x80)].concat()), None);
        assert_eq!(most_between(&constraints(&[&no])), None);
        assert_eq!(most_between(&constraints(&[])), None);
        assert_eq!(most_between(&usage(0x06)), None);
        assert_eq!(most_between(&constraints(&[&yes])[1..]), None);
        assert_eq!(root_of(b"\x30\x03\x02\x01\x01"), None);
    }
}
