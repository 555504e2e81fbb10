//! What whoever started this process gave it.

use rquickjs::{Ctx, Object};
use std::env;

pub fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> rquickjs::Result<()> {
    let argv: Vec<String> = env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    let variables = Object::new(ctx.clone())?;
    for (name, value) in env::vars_os() {
        variables.set(name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())?;
    }
    native.set("argv", argv)?;
    native.set("env", variables)
}
