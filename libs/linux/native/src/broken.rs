//! How a broken program ends: with one sentence and an exit code of its own, never with the words of a compiler.

use crate::output::write_all;
use std::sync::OnceLock;

/// `EX_SOFTWARE` of sysexits.h. No program of the suite ends with it by itself.
pub const BROKEN: i32 = 70;

/// How the sentence is told, and with which code the process then ends.
pub type Telling = fn(program: &str, sentence: &str) -> i32;

static PROGRAM: OnceLock<(&str, Telling)> = OnceLock::new();

/// On stderr, under the name of the program. Allocates nothing: there may be no memory left.
pub fn on_stderr(program: &str, sentence: &str) -> i32 {
    for part in [program, ": broken: ", sentence, "\n"] {
        write_all(rustix::stdio::stderr(), part.as_bytes());
    }
    BROKEN
}

/// From here on whatever breaks is told in this way, what panics in Rust too.
pub fn tell_by(program: &'static str, telling: Telling) {
    let _ = PROGRAM.set((program, telling));
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|it| format!(" ({}:{})", it.file(), it.line())).unwrap_or_default();
        broken(&format!("{}{place}", panic.payload_as_str().unwrap_or("a part of it panicked")))
    }));
}

/// Tells what broke, and ends the process.
pub fn broken(sentence: &str) -> ! {
    let (program, telling) = PROGRAM.get().copied().unwrap_or(("program", on_stderr));
    end(telling(program, sentence))
}

/// Ends the process at once, whatever its threads wait for. What was written has been written before.
pub fn end(code: i32) -> ! {
    // SAFETY: it does not return, and nothing here relies on being unwound.
    unsafe { libc::_exit(code) }
}
