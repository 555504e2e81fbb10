//! SIGTERM and SIGINT as something to wait for: the first is told, from the second on the system's default applies.

use rustix::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use rustix::io::Errno;
use std::mem::MaybeUninit;

const STOPS: [libc::c_int; 2] = [libc::SIGTERM, libc::SIGINT];

/// Both are blocked and come out of a descriptor, so that no code of ours ever runs inside a handler.
pub struct Signals {
    descriptor: Option<OwnedFd>,
}

impl Signals {
    /// To be called before any thread is started: those inherit what is blocked.
    pub fn block() -> Result<Self, Errno> {
        let set = stops();
        // SAFETY: `set` is initialised; the old mask is not asked for.
        unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
        // SAFETY: `set` is initialised; what comes back is checked before it is used.
        let descriptor = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if descriptor < 0 {
            return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO));
        }
        // SAFETY: the kernel has just opened it, and nobody else knows it.
        Ok(Self { descriptor: Some(unsafe { OwnedFd::from_raw_fd(descriptor) }) })
    }

    /// What becomes readable with the first signal; none after it.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.descriptor.as_ref().map(AsFd::as_fd)
    }

    /// The name of the signal that came, once.
    pub fn take(&mut self) -> Option<&'static str> {
        let descriptor = self.descriptor.as_ref()?;
        let mut told = [0; size_of::<libc::signalfd_siginfo>()];
        let length = rustix::io::read(descriptor, &mut told).ok()?;
        let number = i32::from_ne_bytes(*told.get(..length)?.first_chunk()?);
        self.descriptor = None;
        let set = stops();
        // SAFETY: `set` is initialised; the old mask is not asked for.
        unsafe { libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut()) };
        Some(if number == libc::SIGINT { "SIGINT" } else { "SIGTERM" })
    }
}

fn stops() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set that the other calls and the caller then use.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in STOPS {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        set.assume_init()
    }
}
