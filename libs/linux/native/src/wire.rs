//! One connection, none of whose calls waits longer than the exchange may last.

use crate::errno::name_of;
use crate::refusal::Refusal;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When an exchange has to be over.
#[derive(Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// What is left, which is never nothing: the kernel takes no time at all for no limit.
    pub fn left(self) -> Result<Duration, Errno> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(Errno::TIMEDOUT) } else { Ok(left.max(Duration::from_micros(1))) }
    }

    /// An earlier one, where `time` is less than what is left.
    pub fn within(self, time: Duration) -> Self {
        Self(self.0.min(Instant::now() + time))
    }
}

/// Whether anybody still wants the exchange; whoever does not ends what its thread waits for.
#[derive(Clone, Default)]
pub struct Interest(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_over: bool,
    socket: Option<Arc<OwnedFd>>,
}

impl Interest {
    pub fn end(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_over = true;
        if let Some(socket) = state.socket.take() {
            // One that is not connected yet refuses, and the thread finds that it is over.
            let _ = net::shutdown(socket, Shutdown::Both);
        }
    }

    /// Whoever ended it before there was a connection to shut down is found out here.
    fn check(&self) -> Result<(), Errno> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_over { Err(Errno::CANCELED) } else { Ok(()) }
    }

    fn watch(&self, socket: &Arc<OwnedFd>) -> Result<(), Errno> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_over {
            return Err(Errno::CANCELED);
        }
        state.socket = Some(Arc::clone(socket));
        Ok(())
    }
}

pub struct Wire {
    socket: Arc<OwnedFd>,
    deadline: Deadline,
    interest: Interest,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.interest.0.lock().unwrap_or_else(PoisonError::into_inner).socket = None;
    }
}

impl Wire {
    pub fn to_unix(path: &str, deadline: Deadline, interest: &Interest) -> Result<Self, Errno> {
        let wire = Self::new(AddressFamily::UNIX, deadline, interest)?;
        let address = SocketAddrUnix::new(path)?;
        wire.within_deadline(|socket| net::connect(socket, &address))?;
        Ok(wire)
    }

    pub fn to_tcp(address: SocketAddr, deadline: Deadline, interest: &Interest) -> Result<Self, Errno> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let wire = Self::new(family, deadline, interest)?;
        wire.within_deadline(|socket| net::connect(socket, &SocketAddrAny::from(address)))?;
        sockopt::set_tcp_nodelay(&wire.socket, true)?;
        Ok(wire)
    }

    fn new(family: AddressFamily, deadline: Deadline, interest: &Interest) -> Result<Self, Errno> {
        let socket = Arc::new(net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?);
        interest.watch(&socket)?;
        Ok(Self { socket, deadline, interest: interest.clone() })
    }

    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Sending, connecting and receiving end with the deadline, whichever the call does.
    ///
    /// With a limit of time the kernel interrupts a call of a process that is stopped and goes on; it is made again. One that
    /// connects then waits for the connection that it began, and says that this still goes on when its time is over.
    fn within_deadline<T>(&self, mut call: impl FnMut(&OwnedFd) -> Result<T, Errno>) -> Result<T, Errno> {
        loop {
            self.interest.check()?;
            let left = Some(self.deadline.left()?);
            for direction in [sockopt::Timeout::Send, sockopt::Timeout::Recv] {
                sockopt::set_socket_timeout(self.socket.as_fd(), direction, left)?;
            }
            match call(&self.socket) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN | Errno::INPROGRESS | Errno::ALREADY) => return Err(Errno::TIMEDOUT),
                other => return other,
            }
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.within_deadline(|socket| net::recv(socket, &mut *buffer, RecvFlags::empty()))?.0)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.within_deadline(|socket| net::send(socket, bytes, SendFlags::NOSIGNAL))?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Nobody was reached.
pub fn unreachable(errno: Errno) -> Refusal {
    match errno {
        Errno::TIMEDOUT => timed_out(),
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => Refusal::new("HOST_IO", "the exchange failed").with("errno", name_of(errno)),
        other => Refusal::new("HOST_UNREACHABLE", "nobody answers").with("errno", name_of(other)),
    }
}

pub fn timed_out() -> Refusal {
    Refusal::new("HOST_TIMEOUT", "no answer in time")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{bind, listen};
    use std::os::unix::thread::JoinHandleExt;
    use std::thread::{JoinHandle, sleep, spawn};

    extern "C" fn nothing(_signal: libc::c_int) {}

    /// Interrupts a thread again and again in whatever it waits for.
    fn interrupt<T>(thread: &JoinHandle<T>) {
        // SAFETY: the handler does nothing, and the structure is whole.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as usize;
            libc::sigaction(libc::SIGURG, &raw const action, std::ptr::null_mut());
        }
        for _ in 0..50 {
            // SAFETY: the thread has not been joined.
            unsafe { libc::pthread_kill(thread.as_pthread_t(), libc::SIGURG) };
            sleep(Duration::from_millis(2));
        }
    }

    fn listener(name: &str) -> (OwnedFd, String) {
        let path = std::env::temp_dir().join(format!("wire-{}-{name}", std::process::id())).to_string_lossy().into_owned();
        let _ = std::fs::remove_file(&path);
        let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
        bind(&socket, &SocketAddrUnix::new(path.as_str()).unwrap()).unwrap();
        listen(&socket, 0).unwrap();
        (socket, path)
    }

    fn connected(path: &str) -> Result<Wire, Errno> {
        Wire::to_unix(path, Deadline::after(Duration::from_secs(60)), &Interest::default())
    }

    #[test]
    fn who_is_interrupted_goes_on_connecting_and_reading() {
        let (socket, path) = listener("interrupted");
        let first = connected(&path).unwrap();
        let at = path.clone();
        // Nobody takes the first from the queue, which is full with it.
        let second = spawn(move || {
            let mut byte = [0];
            connected(&at).map(|mut wire| wire.read(&mut byte).map(|_| byte[0]).unwrap())
        });
        interrupt(&second);
        drop(net::accept(&socket).unwrap());
        let peer = net::accept(&socket).unwrap();
        interrupt(&second);
        rustix::io::write(&peer, b"x").unwrap();
        assert_eq!(second.join().unwrap(), Ok(b'x'));
        drop(first);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn who_has_been_given_up_neither_connects_nor_sends() {
        let (_socket, path) = listener("given-up");
        let interest = Interest::default();
        let mut wire = Wire::to_unix(&path, Deadline::after(Duration::from_secs(60)), &interest).unwrap();
        interest.end();
        assert_eq!(wire.write(b"x").map_err(|error| Errno::from_io_error(&error)), Err(Some(Errno::CANCELED)));
        assert_eq!(Wire::to_unix(&path, Deadline::after(Duration::from_secs(60)), &interest).map(drop), Err(Errno::CANCELED));
        std::fs::remove_file(path).unwrap();
    }
}
