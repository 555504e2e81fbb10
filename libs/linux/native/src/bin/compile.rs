//! Compiles a module of JavaScript to what the engine loads: `compile <name> <from> <to>`. A tool of the build alone.

use rquickjs::{CatchResultExt, Context, Module, Runtime, WriteOptions};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, from, to] = arguments.as_slice() else { return Err("usage: compile <name> <from> <to>".into()) };
    std::fs::write(to, compiled(name, &std::fs::read_to_string(from)?)?)?;
    Ok(())
}

fn compiled(name: &str, source: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    Context::full(&Runtime::new()?)?.with(|ctx| {
        let module = Module::declare(ctx.clone(), name, source).catch(&ctx).map_err(|it| it.to_string())?;
        let options = WriteOptions { strip_source: true, ..WriteOptions::default() };
        Ok(module.write(options).catch(&ctx).map_err(|it| it.to_string())?)
    })
}
