//! UTF-8, which the engine itself has no objects for.

use crate::bytes::Bytes;
use rquickjs::{Ctx, Function, Object};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> rquickjs::Result<()> {
    native.set("encode", Function::new(ctx.clone(), |text: String| Bytes(text.into_bytes()))?)?;
    native.set("decode", Function::new(ctx.clone(), |bytes: Bytes, fatal: bool| decode(&bytes.0, fatal))?)
}

/// None where the bytes are no UTF-8 and `fatal` asks for nothing else; a byte order mark is left out.
pub fn decode(bytes: &[u8], fatal: bool) -> Option<String> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if fatal { str::from_utf8(bytes).ok().map(str::to_owned) } else { Some(String::from_utf8_lossy(bytes).into_owned()) }
}
