//! The static home of the door (`libs/host`): a program of the suite, compiled from TypeScript, in a file that needs
//! nothing else on the machine it runs on.
//!
//! Each module is one part of the door. What they have in common with the Node home is the contract in
//! `libs/host/src/testing`, which runs on both.

pub mod broken;
mod bytes;
mod clock;
mod der;
mod errno;
mod event_loop;
#[cfg(feature = "network")]
mod exchange;
mod files;
mod given;
#[cfg(feature = "network")]
mod http;
mod keys;
mod locks;
mod memory;
mod mountinfo;
mod mounts;
pub mod output;
#[cfg(feature = "pipe")]
mod pipe;
mod refusal;
#[cfg(feature = "network")]
mod resolver;
#[cfg(feature = "network")]
mod roots;
mod script;
mod signals;
mod text;
#[cfg(feature = "network")]
mod tls;
#[cfg(feature = "network")]
mod wire;

/// What the sources are, told by whoever builds: cargo compiles anew when it differs, and files of the same times may not be the same.
const _: Option<&str> = option_env!("PALLAS_SOURCE");

/// Runs the program to its end, and this process with it. `telling` says how it is told when the program is broken.
pub fn run(program: &'static str, bytecode: &'static [u8], telling: broken::Telling) -> ! {
    broken::tell_by(program, telling);
    broken::end(script::run(bytecode))
}
