//! stdout and stderr: a text is written when the call returns, so that ending at once loses none.

use rquickjs::{Ctx, Function, Object};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;

pub fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> rquickjs::Result<()> {
    native.set("out", Function::new(ctx.clone(), |text: String| write_all(rustix::stdio::stdout(), text.as_bytes()))?)?;
    native.set("err", Function::new(ctx.clone(), |text: String| write_all(rustix::stdio::stderr(), text.as_bytes()))?)
}

/// What nobody reads any more is lost; there is nobody to tell.
pub fn write_all(to: BorrowedFd<'_>, mut rest: &[u8]) {
    while !rest.is_empty() {
        match rustix::io::write(to, rest) {
            Ok(written) => rest = &rest[written..],
            Err(Errno::INTR) => {}
            // A pipe that somebody made non-blocking is full: its reader has to catch up.
            Err(Errno::AGAIN) => {
                let _ = poll(&mut [PollFd::new(&to, PollFlags::OUT)], None);
            }
            Err(_) => return,
        }
    }
}
