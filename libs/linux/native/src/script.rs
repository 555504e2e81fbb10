//! The engine, and the program that is compiled into this file.

use crate::broken::broken;
use crate::event_loop::{self, EventLoop};
use crate::memory::ScriptMemory;
use crate::signals::Signals;
use rquickjs::context::intrinsic::{Date, Json, MapSet, Promise, RegExp, RegExpCompiler, TypedArrays};
use rquickjs::{CatchResultExt, Context, Ctx, Error, Module, Object, Runtime, Value};
use rustix::process::{Resource, getrlimit};
use std::cell::RefCell;
use std::rc::Rc;

/// Deep enough for every script of ours.
const STACK: u64 = 512 * 1024;
/// How much is allocated between two collections; the engine's own choice would be made for browsers.
const GARBAGE: usize = 1024 * 1024;

/// What scripts find besides the language itself. Each of the others (`Proxy`, `eval`, `WeakRef`, …) would be made at every start.
type BuiltIn = (Date, RegExpCompiler, RegExp, Json, MapSet, TypedArrays, Promise);

/// Runs a compiled module to its end; its exit code.
pub fn run(bytecode: &'static [u8]) -> i32 {
    let Ok(signals) = Signals::block() else { broken("signals cannot be waited for") };
    let Ok(runtime) = Runtime::new_with_alloc(ScriptMemory::default()) else { broken("the engine does not start") };
    runtime.set_max_stack_size(stack());
    runtime.set_gc_threshold(GARBAGE);
    let unhandled = Unhandled::watch(&runtime);
    let Ok(context) = Context::custom::<BuiltIn>(&runtime) else { broken("the engine does not start") };
    context.with(|ctx| {
        let events = EventLoop::new(signals);
        if let Err(error) = begin(&ctx, &events, bytecode) {
            broken(&sentence_of(&ctx, error));
        }
        crate::broken::end(event_loop::run(&ctx, &events, || unhandled.check()))
    })
}

/// Far from the end of the stack that the kernel gives, which whoever started this process may have made small.
fn stack() -> usize {
    let given = getrlimit(Resource::Stack).current.unwrap_or(u64::MAX);
    STACK.min(given / 2) as usize
}

fn begin<'js>(ctx: &Ctx<'js>, events: &event_loop::Shared, bytecode: &'static [u8]) -> rquickjs::Result<()> {
    let native = Object::new(ctx.clone())?;
    crate::given::install(ctx, &native)?;
    crate::output::install(ctx, &native)?;
    crate::clock::install(ctx, &native)?;
    crate::text::install(ctx, &native)?;
    crate::files::install(ctx, &native)?;
    crate::locks::install(ctx, &native)?;
    crate::mounts::install(ctx, &native)?;
    crate::keys::install(ctx, &native)?;
    event_loop::install(ctx, &native, events)?;
    #[cfg(feature = "network")]
    crate::exchange::install(ctx, &native, events)?;
    #[cfg(feature = "pipe")]
    crate::pipe::install(ctx, &native, events)?;
    ctx.globals().set("pallasNative", native)?;
    // SAFETY: these bytes were written by the same version of the engine when this file was built.
    let module = unsafe { Module::load(ctx.clone(), bytecode) }?;
    // What it throws later rejects its promise, which `Unhandled` sees.
    module.eval().map(drop)
}

/// One sentence for what a script threw, with the place where it did.
pub fn sentence_of<'js>(ctx: &Ctx<'js>, error: Error) -> String {
    match Err::<(), _>(error).catch(ctx) {
        Err(rquickjs::CaughtError::Exception(it)) => told(it.as_object().as_value()),
        Err(rquickjs::CaughtError::Value(it)) => told(&it),
        Err(rquickjs::CaughtError::Error(it)) => it.to_string(),
        Ok(()) => String::new(),
    }
}

fn told(thrown: &Value<'_>) -> String {
    let Some(object) = thrown.as_object() else { return "a script threw what is no error".to_owned() };
    let text = |name: &str| object.get::<_, Option<String>>(name).ok().flatten().unwrap_or_default();
    let place = text("stack").lines().next().map(|line| format!(" {}", line.trim())).unwrap_or_default();
    format!("{}: {}{place}", text("name"), text("message"))
}

/// Promises that were rejected and that nobody has asked for the reason.
struct Unhandled(Rc<RefCell<Vec<(usize, String)>>>);

impl Unhandled {
    fn watch(runtime: &Runtime) -> Self {
        let open = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&open);
        runtime.set_host_promise_rejection_tracker(Some(Box::new(move |_ctx, promise, reason, is_handled| {
            let place = address_of(&promise);
            let mut seen = seen.borrow_mut();
            seen.retain(|(each, _)| *each != place);
            if !is_handled {
                seen.push((place, told(&reason)));
            }
        })));
        Self(open)
    }

    /// To be called when no job is left that could still ask.
    fn check(&self) {
        if let Some((_, sentence)) = self.0.borrow().first() {
            broken(sentence);
        }
    }
}

/// Tells promises apart as long as they live, which those that nobody has asked do until the next turn.
fn address_of(promise: &Value<'_>) -> usize {
    // SAFETY: only the address is taken; nothing is read through it.
    unsafe { rquickjs::qjs::JS_VALUE_GET_PTR(promise.as_raw()) as usize }
}
