//! The kernel's clocks, in milliseconds.

use rquickjs::{Ctx, Function, Object};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

pub fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> rquickjs::Result<()> {
    native.set("now", Function::new(ctx.clone(), || milliseconds(ClockId::Realtime).floor())?)?;
    native.set("monotonic", Function::new(ctx.clone(), || milliseconds(ClockId::Monotonic))?)
}

fn milliseconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Since some moment of this boot; never goes back.
pub fn monotonic() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}
