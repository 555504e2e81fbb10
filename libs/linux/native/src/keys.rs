//! Keys, signatures, digests and chance by `ring`. No key is kept here: the script hands each in again.

use crate::bytes::Bytes;
use crate::der::{BIT_STRING, CONTEXT_1, INTEGER, OCTET_STRING, Reader, SEQUENCE, value};
use crate::refusal::{Refusal, to_script};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{self, EcdsaKeyPair, KeyPair, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm};
use ring::{digest, hmac};
use rquickjs::{Ctx, Function, Object};

/// `{ id-ecPublicKey, prime256v1 }` and its like, the content of an `AlgorithmIdentifier`.
const P256: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const P384: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// A private key whose halves belong together.
#[derive(Debug)]
pub struct PrivateKey {
    algorithm: &'static str,
    pkcs8: Vec<u8>,
    spki: Vec<u8>,
}

pub fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> rquickjs::Result<()> {
    let keys = Object::new(ctx.clone())?;
    keys.set("generate", Function::new(ctx.clone(), |ctx: Ctx<'js>| to_object(&ctx, generate()))?)?;
    keys.set("import", Function::new(ctx.clone(), |ctx: Ctx<'js>, label: String, der: Bytes| {
        to_object(&ctx, import(&label, &der.0))
    })?)?;
    keys.set("sign", Function::new(ctx.clone(), |ctx: Ctx<'js>, pkcs8: Bytes, data: Bytes| {
        to_script(&ctx, sign(&pkcs8.0, &data.0).map(Bytes))
    })?)?;
    keys.set("verify", Function::new(ctx.clone(), |scheme: String, spki: Bytes, data: Bytes, signature: Bytes| {
        verify(&scheme, &spki.0, &data.0, &signature.0).is_some()
    })?)?;
    keys.set("sha256", Function::new(ctx.clone(), |data: Bytes| Bytes(digest::digest(&digest::SHA256, &data.0).as_ref().to_vec()))?)?;
    keys.set("hmacSha256", Function::new(ctx.clone(), |key: Bytes, data: Bytes| {
        Bytes(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key.0), &data.0).as_ref().to_vec())
    })?)?;
    keys.set("randomBytes", Function::new(ctx.clone(), |ctx: Ctx<'js>, length: usize| {
        let mut bytes = vec![0; length];
        let drawn = SystemRandom::new().fill(&mut bytes).map_err(|_| Refusal::new("HOST_IO", "the kernel gives no random bytes"));
        to_script(&ctx, drawn.map(|()| Bytes(bytes)))
    })?)?;
    native.set("keys", keys)
}

fn to_object<'js>(ctx: &Ctx<'js>, key: Result<PrivateKey, Refusal>) -> rquickjs::Result<Object<'js>> {
    let key = to_script(ctx, key)?;
    let object = Object::new(ctx.clone())?;
    object.set("algorithm", key.algorithm)?;
    object.set("pkcs8", Bytes(key.pkcs8))?;
    object.set("spki", Bytes(key.spki))?;
    Ok(object)
}

fn bad(message: &'static str) -> Refusal {
    Refusal::new("HOST_BAD_KEY", message)
}

fn generate() -> Result<PrivateKey, Refusal> {
    let document = EcdsaKeyPair::generate_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
        .map_err(|_| Refusal::new("HOST_IO", "the kernel gives no random bytes"))?;
    import("PRIVATE KEY", document.as_ref())
}

/// `label` is that of the PEM around it.
fn import(label: &str, der: &[u8]) -> Result<PrivateKey, Refusal> {
    let key = match label {
        "PRIVATE KEY" => pkcs8(der),
        "EC PRIVATE KEY" => sec1(der, true),
        "RSA PRIVATE KEY" => Some(rsa(der)),
        _ => None,
    };
    key.unwrap_or_else(|| Err(bad("not a private key of a known form")))
}

/// `PrivateKeyInfo` of RFC 5208, with what RFC 5958 lets follow.
fn pkcs8(der: &[u8]) -> Option<Result<PrivateKey, Refusal>> {
    let mut info = Reader(Reader(der).only(SEQUENCE)?);
    info.expect(INTEGER)?;
    let algorithm = info.expect(SEQUENCE)?;
    let key = info.expect(OCTET_STRING)?;
    match algorithm {
        P256 => sec1(key, false),
        RSA => Some(rsa(key)),
        _ => Some(Err(bad("neither p-256 nor rsa"))),
    }
}

/// `ECPrivateKey` of RFC 5915. By itself it has to name its curve.
fn sec1(der: &[u8], names_curve: bool) -> Option<Result<PrivateKey, Refusal>> {
    let mut key = Reader(Reader(der).only(SEQUENCE)?);
    if key.expect(INTEGER)? != [1] {
        return None;
    }
    let scalar = key.expect(OCTET_STRING)?;
    let (mut curve, mut point) = (None, None);
    while !key.0.is_empty() {
        match key.next()? {
            (CONTEXT_1, bits) => point = Some(Reader(bits).only(BIT_STRING)?.strip_prefix(&[0])?),
            (_, named) => curve = Some(named),
        }
    }
    if curve.map_or(names_curve, |named| !P256.ends_with(named)) {
        return Some(Err(bad("neither p-256 nor rsa")));
    }
    Some(point.map_or_else(|| Err(bad("the key lacks its public half")), |point| p256(scalar, point)))
}

fn p256(scalar: &[u8], point: &[u8]) -> Result<PrivateKey, Refusal> {
    EcdsaKeyPair::from_private_key_and_public_key(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, scalar, point, &SystemRandom::new())
        .map_err(|_| bad("the halves of the key do not belong together"))?;
    let public = value(BIT_STRING, &[&[0], point]);
    let inner = value(SEQUENCE, &[&value(INTEGER, &[&[1]]), &value(OCTET_STRING, &[scalar]), &value(CONTEXT_1, &[&public])]);
    Ok(PrivateKey { algorithm: "ec-p256", pkcs8: wrapped(P256, &inner), spki: value(SEQUENCE, &[&value(SEQUENCE, &[P256]), &public]) })
}

/// `RSAPrivateKey` of PKCS#1. `ring` checks that its parts belong together, and takes 2048 to 4096 bits.
fn rsa(der: &[u8]) -> Result<PrivateKey, Refusal> {
    let pair = RsaKeyPair::from_der(der).map_err(|_| bad("no rsa key of 2048 to 4096 bits whose halves belong together"))?;
    let public = value(BIT_STRING, &[&[0], pair.public_key().as_ref()]);
    Ok(PrivateKey { algorithm: "rsa", pkcs8: wrapped(RSA, der), spki: value(SEQUENCE, &[&value(SEQUENCE, &[RSA]), &public]) })
}

fn wrapped(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    value(SEQUENCE, &[&value(INTEGER, &[&[0]]), &value(SEQUENCE, &[algorithm]), &value(OCTET_STRING, &[key])])
}

fn sign(pkcs8: &[u8], data: &[u8]) -> Result<Vec<u8>, Refusal> {
    let random = SystemRandom::new();
    let refused = |_| bad("the key does not sign");
    if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8, &random) {
        return pair.sign(&random, data).map(|made| made.as_ref().to_vec()).map_err(refused);
    }
    let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| bad("the key does not sign"))?;
    let mut made = vec![0; pair.public().modulus_len()];
    pair.sign(&signature::RSA_PKCS1_SHA256, &random, data, &mut made).map_err(refused)?;
    Ok(made)
}

fn verify(scheme: &str, spki: &[u8], data: &[u8], signed: &[u8]) -> Option<()> {
    let mut info = Reader(Reader(spki).only(SEQUENCE)?);
    let algorithm = info.expect(SEQUENCE)?;
    let key = info.expect(BIT_STRING)?.strip_prefix(&[0])?;
    if !info.0.is_empty() {
        return None;
    }
    UnparsedPublicKey::new(verification(scheme, algorithm)?, key).verify(data, signed).ok()
}

fn verification(scheme: &str, algorithm: &[u8]) -> Option<&'static dyn VerificationAlgorithm> {
    match (scheme, algorithm) {
        ("ecdsa-sha256", P256) => Some(&signature::ECDSA_P256_SHA256_ASN1),
        ("ecdsa-sha384", P256) => Some(&signature::ECDSA_P256_SHA384_ASN1),
        ("ecdsa-sha256", P384) => Some(&signature::ECDSA_P384_SHA256_ASN1),
        ("ecdsa-sha384", P384) => Some(&signature::ECDSA_P384_SHA384_ASN1),
        ("rsa-sha256", RSA) => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        ("rsa-sha384", RSA) => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        ("rsa-sha512", RSA) => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        _ => None,
    }
}
