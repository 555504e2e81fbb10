//! What a program waits for, one turn after the other: times, ends of exchanges, and the signal to stop.
//!
//! All of the script runs on one thread. Nothing that it calls waits; whatever does is handed in here with a callback.

use crate::broken::broken;
use crate::clock::monotonic;
#[cfg(feature = "network")]
use crate::exchange::Exchanges;
use crate::signals::Signals;
use rquickjs::{Ctx, Function, Object, Persistent};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

pub type Callback = Persistent<Function<'static>>;

pub struct EventLoop {
    signals: Signals,
    on_stop: Option<Callback>,
    /// By the moment they are due and the order they were asked for.
    timers: BTreeMap<(Duration, u32), Callback>,
    next_timer: u32,
    ended: Option<i32>,
    #[cfg(feature = "network")]
    pub exchanges: Exchanges,
    #[cfg(feature = "pipe")]
    pub pipe: crate::pipe::Pipe,
}

pub type Shared = Rc<RefCell<EventLoop>>;

impl EventLoop {
    pub fn new(signals: Signals) -> Shared {
        Rc::new(RefCell::new(Self {
            signals,
            on_stop: None,
            timers: BTreeMap::new(),
            next_timer: 0,
            ended: None,
            #[cfg(feature = "network")]
            exchanges: Exchanges::default(),
            #[cfg(feature = "pipe")]
            pipe: crate::pipe::Pipe::default(),
        }))
    }

    fn add_timer(&mut self, after_ms: f64, callback: Callback) -> u32 {
        let after = Duration::try_from_secs_f64(after_ms.max(0.0) / 1e3).unwrap_or(Duration::MAX);
        self.next_timer += 1;
        self.timers.insert((monotonic().saturating_add(after), self.next_timer), callback);
        self.next_timer
    }

    fn cancel_timer(&mut self, number: u32) {
        self.timers.retain(|(_, each), _| *each != number);
    }

    fn due(&mut self) -> Option<Callback> {
        let first = self.timers.first_entry()?;
        (first.key().0 <= monotonic()).then(|| first.remove())
    }

    /// Whether anything but a signal can still wake the script.
    fn awaits_something(&self) -> bool {
        #[cfg(feature = "network")]
        if !self.exchanges.is_empty() {
            return true;
        }
        #[cfg(feature = "pipe")]
        if self.pipe.is_open() {
            return true;
        }
        !self.timers.is_empty()
    }

    /// Until something is ready, or the next timer is due.
    fn wait(&mut self) {
        let next = self.timers.keys().next().map(|(due, _)| due.saturating_sub(monotonic()));
        // A wait of years is not asked of the kernel at once.
        let timeout = next.map(|it| it.min(Duration::from_secs(3600))).and_then(|it| Timespec::try_from(it).ok());
        let mut ready: Vec<PollFd<'_>> = Vec::with_capacity(2);
        ready.extend(self.signals.descriptor().map(|it| PollFd::from_borrowed_fd(it, PollFlags::IN)));
        #[cfg(feature = "network")]
        ready.extend(self.exchanges.descriptor().map(|it| PollFd::from_borrowed_fd(it, PollFlags::IN)));
        #[cfg(feature = "pipe")]
        let stdin = rustix::stdio::stdin();
        #[cfg(feature = "pipe")]
        ready.extend(self.pipe.is_open().then(|| PollFd::new(&stdin, PollFlags::IN)));
        // An interrupted wait is a short one.
        let _ = poll(&mut ready, timeout.as_ref());
        #[cfg(feature = "pipe")]
        if self.pipe.is_open() && ready.last().is_some_and(|it| !it.revents().is_empty()) {
            drop(ready);
            self.pipe.fill();
        }
    }
}

pub fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>, events: &Shared) -> rquickjs::Result<()> {
    let (stops, timers, cancels, ends) = (Rc::clone(events), Rc::clone(events), Rc::clone(events), Rc::clone(events));
    native.set("onStop", Function::new(ctx.clone(), move |ctx: Ctx<'js>, callback: Function<'js>| {
        stops.borrow_mut().on_stop = Some(Persistent::save(&ctx, callback));
    })?)?;
    native.set("startTimer", Function::new(ctx.clone(), move |ctx: Ctx<'js>, after_ms: f64, callback: Function<'js>| {
        timers.borrow_mut().add_timer(after_ms, Persistent::save(&ctx, callback))
    })?)?;
    native.set("cancelTimer", Function::new(ctx.clone(), move |number: u32| cancels.borrow_mut().cancel_timer(number))?)?;
    native.set("end", Function::new(ctx.clone(), move |code: i32| ends.borrow_mut().ended = Some(code))?)?;
    native.set("breakDown", Function::new(ctx.clone(), |sentence: String| -> () { broken(&sentence) })?)
}

/// Turns until the script says that it has ended; its exit code.
pub fn run(ctx: &Ctx<'_>, events: &Shared, after_turn: impl Fn()) -> i32 {
    loop {
        while ctx.execute_pending_job() {}
        after_turn();
        if let Some(code) = events.borrow().ended {
            return code;
        }
        if turn(ctx, events) {
            continue;
        }
        if !events.borrow().awaits_something() {
            broken("it waits for what cannot come");
        }
        events.borrow_mut().wait();
    }
}

/// Calls back one who waited for what has come; false when nothing has.
fn turn(ctx: &Ctx<'_>, events: &Shared) -> bool {
    let signal = events.borrow_mut().signals.take();
    if let Some(name) = signal {
        let on_stop = events.borrow_mut().on_stop.take();
        if let Some(callback) = on_stop {
            call(ctx, callback, |function| function.call((name,)));
        }
        return true;
    }
    let due = events.borrow_mut().due();
    if let Some(callback) = due {
        call(ctx, callback, |function| function.call(()));
        return true;
    }
    #[cfg(feature = "network")]
    {
        let finished = events.borrow_mut().exchanges.finished();
        if let Some((callback, outcome)) = finished {
            call(ctx, callback, |function| crate::exchange::tell(ctx, function, outcome));
            return true;
        }
    }
    #[cfg(feature = "pipe")]
    {
        let line = events.borrow_mut().pipe.line();
        let callback = events.borrow().pipe.callback();
        if let (Some(line), Some(callback)) = (line, callback) {
            call(ctx, callback, |function| function.call((line,)));
            return true;
        }
    }
    false
}

fn call<'js>(ctx: &Ctx<'js>, callback: Callback, how: impl FnOnce(Function<'js>) -> rquickjs::Result<()>) {
    if let Err(error) = callback.restore(ctx).and_then(how) {
        broken(&crate::script::sentence_of(ctx, error));
    }
}
