//! Bytes on their way in and out of the script.

use rquickjs::{Ctx, FromJs, IntoJs, TypedArray, Value};

/// A copy of its own, so that nothing that a script does to its array is seen in the middle of a call.
pub struct Bytes(pub Vec<u8>);

impl<'js> FromJs<'js> for Bytes {
    fn from_js(ctx: &Ctx<'js>, value: Value<'js>) -> rquickjs::Result<Self> {
        let array = TypedArray::<u8>::from_js(ctx, value)?;
        // SAFETY: no script runs until the bytes have been copied.
        Ok(Self(unsafe { array.as_bytes() }.unwrap_or_default().to_vec()))
    }
}

impl<'js> IntoJs<'js> for Bytes {
    fn into_js(self, ctx: &Ctx<'js>) -> rquickjs::Result<Value<'js>> {
        TypedArray::new(ctx.clone(), self.0)?.into_js(ctx)
    }
}
