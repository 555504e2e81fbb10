//! What the machine refused, on its way to the script: `static/refusals.ts` makes a `HostError` of it.

use crate::errno::name_of;
use rquickjs::{Ctx, Object};
use rustix::io::Errno;

/// A code of the door's contract, a sentence, and facts for `fields`.
#[derive(Debug)]
pub struct Refusal {
    pub code: &'static str,
    pub message: &'static str,
    pub fields: Vec<(&'static str, String)>,
}

impl Refusal {
    pub fn new(code: &'static str, message: &'static str) -> Self {
        Self { code, message, fields: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }
}

/// What the kernel's answer to a call on a file or a mount means at the door.
pub fn code_of(errno: Errno) -> &'static str {
    match errno {
        Errno::EXIST => "HOST_EXISTS",
        Errno::NOENT => "HOST_NOT_FOUND",
        Errno::NOTEMPTY => "HOST_NOT_EMPTY",
        Errno::BUSY => "HOST_BUSY",
        Errno::ACCESS | Errno::PERM | Errno::ROFS => "HOST_DENIED",
        Errno::NOTDIR | Errno::ISDIR | Errno::LOOP | Errno::NXIO => "HOST_WRONG_KIND",
        _ => "HOST_IO",
    }
}

/// A call on a file that the kernel refused.
pub fn file_refusal(path: &str, errno: Errno) -> Refusal {
    Refusal::new(code_of(errno), "the file system refused").with("path", path).with("errno", name_of(errno))
}

/// Another call that the kernel refused.
pub fn call_refusal(call: &str, path: &str, errno: Errno) -> Refusal {
    Refusal::new(code_of(errno), "the kernel refused").with("path", path).with("call", call).with("errno", name_of(errno))
}

/// Hands a result to the script, a refusal as an exception.
pub fn to_script<'js, T>(ctx: &Ctx<'js>, result: Result<T, Refusal>) -> rquickjs::Result<T> {
    result.or_else(|refusal| Err(ctx.throw(to_object(ctx, &refusal)?.into_value())))
}

pub fn to_object<'js>(ctx: &Ctx<'js>, refusal: &Refusal) -> rquickjs::Result<Object<'js>> {
    let fields = Object::new(ctx.clone())?;
    for (name, value) in &refusal.fields {
        fields.set(*name, value.as_str())?;
    }
    let object = Object::new(ctx.clone())?;
    object.set("code", refusal.code)?;
    object.set("message", refusal.message)?;
    object.set("fields", fields)?;
    Ok(object)
}
