//! `flock(2)` on a file or directory: the kernel's own lock, which ends with the process that holds it.

use crate::files::absolute;
use crate::refusal::{Refusal, call_refusal, file_refusal, to_script};
use rquickjs::{Ctx, Function, Object};
use rustix::fd::OwnedFd;
use rustix::fs::{self, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Those that are held, by the number that the script knows them under.
#[derive(Default)]
struct Held {
    next: u32,
    files: HashMap<u32, OwnedFd>,
}

pub fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> rquickjs::Result<()> {
    let held = Rc::new(RefCell::new(Held::default()));
    let unlocking = Rc::clone(&held);
    native.set("tryLock", Function::new(ctx.clone(), move |ctx: Ctx<'js>, path: String, exclusive: bool| {
        let Some(file) = to_script(&ctx, try_lock(&path, exclusive))? else { return Ok(None) };
        let mut held = held.borrow_mut();
        held.next += 1;
        let number = held.next;
        held.files.insert(number, file);
        Ok::<_, rquickjs::Error>(Some(number))
    })?)?;
    native.set("unlock", Function::new(ctx.clone(), move |number: u32| {
        unlocking.borrow_mut().files.remove(&number);
    })?)
}

fn try_lock(path: &str, exclusive: bool) -> Result<Option<OwnedFd>, Refusal> {
    absolute(path)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = fs::open(path, flags, Mode::empty()).map_err(|errno| file_refusal(path, errno))?;
    let kind = if exclusive { FlockOperation::NonBlockingLockExclusive } else { FlockOperation::NonBlockingLockShared };
    match fs::flock(&file, kind) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::AGAIN) => Ok(None),
        Err(errno) => Err(call_refusal("flock", path, errno)),
    }
}
