//! Lines that come in on stdin, for the door that the contract suite asks through. No shipped file has this.

use crate::event_loop::{Callback, Shared};
use rquickjs::{Ctx, Function, Object, Persistent};
use rustix::fs::Mode;
use rustix::stdio::stdin;
use std::rc::Rc;

#[derive(Default)]
pub struct Pipe {
    on_line: Option<Callback>,
    buffer: Vec<u8>,
    has_ended: bool,
}

impl Pipe {
    pub fn is_open(&self) -> bool {
        self.on_line.is_some() && !self.has_ended
    }

    pub fn callback(&self) -> Option<Callback> {
        self.on_line.clone()
    }

    /// A whole line that is there already.
    pub fn line(&mut self) -> Option<String> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        let rest = self.buffer.split_off(end + 1);
        let line = std::mem::replace(&mut self.buffer, rest);
        Some(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    /// Reads what is there; to be called when there is something.
    pub fn fill(&mut self) {
        let mut part = [0; 64 * 1024];
        match rustix::io::read(stdin(), &mut part) {
            Ok(0) | Err(_) => self.has_ended = true,
            Ok(length) => self.buffer.extend_from_slice(&part[..length]),
        }
    }
}

pub fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>, events: &Shared) -> rquickjs::Result<()> {
    let lines = Rc::clone(events);
    native.set("onLine", Function::new(ctx.clone(), move |ctx: Ctx<'js>, callback: Function<'js>| {
        lines.borrow_mut().pipe.on_line = Some(Persistent::save(&ctx, callback));
    })?)?;
    native.set("umask", Function::new(ctx.clone(), |mask: u32| rustix::process::umask(Mode::from_raw_mode(mask)).as_raw_mode())?)
}
