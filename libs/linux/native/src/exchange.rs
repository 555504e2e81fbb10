//! Exchanges on threads of their own, so that none holds up the script, a timer or a signal.

use crate::event_loop::{Callback, Shared};
use crate::http::{self, Answer, Failure};
use crate::refusal::{Refusal, to_object, to_script};
use crate::resolver::resolve;
use crate::tls::{self, Client, Trust};
use crate::wire::{Deadline, Interest, Wire, timed_out, unreachable};
use rquickjs::{Array, Ctx, Function, Null, Object, Persistent};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Enough for a handshake, and most of it never touched.
const STACK: usize = 256 * 1024;

pub type Outcome = Result<Answer, Refusal>;

/// Those that run, and the way back from them. Made with the first.
#[derive(Default)]
pub struct Exchanges {
    next: u32,
    running: HashMap<u32, (Callback, Interest)>,
    back: Option<Back>,
}

struct Back {
    finished: Receiver<(u32, Outcome)>,
    sender: Sender<(u32, Outcome)>,
    wake: Arc<OwnedFd>,
}

impl Exchanges {
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// What becomes readable when one is finished.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.back.as_ref().map(|back| back.wake.as_fd())
    }

    /// One that is finished, and whom to tell. Those that were given up tell nobody.
    pub fn finished(&mut self) -> Option<(Callback, Outcome)> {
        let back = self.back.as_ref()?;
        // Emptied first: whoever finishes from here on wakes again.
        let _ = rustix::io::read(&back.wake, &mut [0; 8]);
        while let Ok((number, outcome)) = back.finished.try_recv() {
            if let Some((callback, _)) = self.running.remove(&number) {
                return Some((callback, outcome));
            }
        }
        None
    }

    fn start(&mut self, plan: Plan, callback: Callback) -> Result<u32, Refusal> {
        let failed = |_| Refusal::new("HOST_IO", "no thread for the exchange");
        if self.back.is_none() {
            let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(unreachable)?;
            let (sender, finished) = channel();
            self.back = Some(Back { finished, sender, wake: Arc::new(wake) });
        }
        let Some(back) = &self.back else { return Err(Refusal::new("HOST_IO", "no way back from an exchange")) };
        self.next += 1;
        let (number, sender, wake, interest) = (self.next, back.sender.clone(), Arc::clone(&back.wake), Interest::default());
        let watched = interest.clone();
        std::thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || {
                let outcome = plan.carry_out(&watched);
                if sender.send((number, outcome)).is_ok() {
                    let _ = rustix::io::write(&wake, &1_u64.to_ne_bytes());
                }
            })
            .map_err(failed)?;
        self.running.insert(number, (callback, interest));
        Ok(number)
    }

    fn cancel(&mut self, number: u32) {
        if let Some((_, interest)) = self.running.remove(&number) {
            interest.end();
        }
    }
}

pub fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>, events: &Shared) -> rquickjs::Result<()> {
    let (starts, cancels) = (Rc::clone(events), Rc::clone(events));
    native.set("startExchange", Function::new(ctx.clone(), move |ctx: Ctx<'js>, request: Object<'js>, done: Function<'js>| {
        let plan = to_script(&ctx, Plan::of(&request)?)?;
        let started = starts.borrow_mut().exchanges.start(plan, Persistent::save(&ctx, done));
        to_script(&ctx, started)
    })?)?;
    native.set("cancelExchange", Function::new(ctx.clone(), move |number: u32| cancels.borrow_mut().exchanges.cancel(number))?)
}

/// Calls back with a refusal or an answer.
pub fn tell<'js>(ctx: &Ctx<'js>, callback: Function<'js>, outcome: Outcome) -> rquickjs::Result<()> {
    match outcome {
        Err(refusal) => callback.call((to_object(ctx, &refusal)?, Null)),
        Ok(answer) => {
            let headers = Array::new(ctx.clone())?;
            for (index, (name, value)) in answer.headers.iter().enumerate() {
                headers.set(index, vec![name.as_str(), value.as_str()])?;
            }
            let object = Object::new(ctx.clone())?;
            object.set("status", answer.status)?;
            object.set("headers", headers)?;
            object.set("body", crate::text::decode(&answer.body, false))?;
            callback.call((Null, object))
        }
    }
}

enum Peer {
    Unix,
    Tcp,
    Tls(Trust),
}

/// All that a thread needs to carry out an exchange.
struct Plan {
    peer: Peer,
    host: String,
    port: u16,
    request: Vec<u8>,
    timeout: Duration,
    most: usize,
}

impl Plan {
    fn of(request: &Object<'_>) -> rquickjs::Result<Result<Self, Refusal>> {
        let (kind, host, port): (String, String, u16) = (request.get("kind")?, request.get("host")?, request.get("port")?);
        let peer = match kind.as_str() {
            "unix" => Peer::Unix,
            "tcp" => Peer::Tcp,
            _ => Peer::Tls(trust_of(request)?),
        };
        let (method, path, body): (String, String, Option<String>) = (request.get("method")?, request.get("path")?, request.get("body")?);
        let pairs: Vec<Vec<String>> = request.get("headers")?;
        let headers: Vec<(String, String)> = pairs.into_iter().filter_map(|pair| Some((pair.first()?.clone(), pair.get(1)?.clone()))).collect();
        let authority = match (&peer, port) {
            (Peer::Unix, _) => "localhost".to_owned(),
            (Peer::Tcp, 80) | (Peer::Tls(_), 443) => bracketed(&host),
            _ => format!("{}:{port}", bracketed(&host)),
        };
        let (timeout_ms, most): (f64, f64) = (request.get("timeoutMs")?, request.get("maxBytes")?);
        let timeout = Duration::try_from_secs_f64(timeout_ms.clamp(0.0, 86_400_000.0) / 1e3).unwrap_or_default();
        let sent = http::Request { method: &method, path: &path, host: &authority, headers: &headers, body: body.as_deref() };
        let bytes = http::to_bytes(&sent).map_err(|refusal| refusal.with("peer", peer_name(&peer, &host, port)));
        Ok(bytes.map(|request| Self { peer, host, port, request, timeout, most: most as usize }))
    }

    fn carry_out(self, interest: &Interest) -> Outcome {
        let deadline = Deadline::after(self.timeout);
        let name = peer_name(&self.peer, &self.host, self.port);
        self.exchange(deadline, interest).map_err(|refusal| refusal.with("peer", name))
    }

    fn exchange(&self, deadline: Deadline, interest: &Interest) -> Outcome {
        match &self.peer {
            Peer::Unix => {
                let mut wire = Wire::to_unix(&self.host, deadline, interest).map_err(unreachable)?;
                self.converse(&mut wire)
            }
            Peer::Tcp => self.converse(&mut self.connected(deadline, interest)?),
            Peer::Tls(trust) => {
                // Before anybody is bothered: what is wrong with our own side.
                let connection = tls::connection(&self.host, trust)?;
                self.converse(&mut rustls::StreamOwned::new(connection, self.connected(deadline, interest)?))
            }
        }
    }

    /// To the first of the peer's addresses that answers; each has its share of the time.
    fn connected(&self, deadline: Deadline, interest: &Interest) -> Result<Wire, Refusal> {
        let addresses = resolve(&self.host, deadline)?;
        let mut last = timed_out();
        for (index, address) in addresses.iter().enumerate() {
            let left = deadline.left().map_err(unreachable)?;
            let share = deadline.within(left / (addresses.len() - index) as u32);
            match Wire::to_tcp(SocketAddr::new(*address, self.port), share, interest) {
                Ok(mut wire) => {
                    wire.set_deadline(deadline);
                    return Ok(wire);
                }
                Err(errno) => last = unreachable(errno),
            }
        }
        Err(last)
    }

    fn converse(&self, stream: &mut (impl Read + Write)) -> Outcome {
        let sent = stream.write_all(&self.request).and_then(|()| stream.flush());
        match (sent, http::answer(stream, self.most)) {
            (_, Ok(answer)) => Ok(answer),
            // Why it could not be sent tells more than that no answer came.
            (Err(error), Err(Failure::Silent | Failure::Connection { .. })) => Err(refusal_of(error, false)),
            (_, Err(failure)) => Err(self.refusal(failure)),
        }
    }

    fn refusal(&self, failure: Failure) -> Refusal {
        match failure {
            Failure::Connection { error, answered } => refusal_of(error, answered),
            Failure::Silent => unreachable(Errno::CONNRESET),
            Failure::Bad => bad_answer(),
            Failure::TooLarge => Refusal::new("HOST_TOO_LARGE", "the answer is longer than allowed").with("maxBytes", self.most.to_string()),
        }
    }
}

fn trust_of(request: &Object<'_>) -> rquickjs::Result<Trust> {
    let (key, cert): (Option<String>, Option<String>) = (request.get("keyPem")?, request.get("certPem")?);
    let client = key.zip(cert).map(|(key_pem, cert_pem)| Client { key_pem, cert_pem });
    Ok(Trust { ca_pem: request.get("caPem")?, client })
}

fn refusal_of(error: io::Error, answered: bool) -> Refusal {
    let errno = Errno::from_io_error(&error);
    if errno == Some(Errno::TIMEDOUT) || error.kind() == ErrorKind::TimedOut {
        return timed_out();
    }
    if answered {
        return bad_answer();
    }
    if let Some(reason) = error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>()) {
        return Refusal::new("HOST_TLS", "the peers do not trust each other").with("reason", reason.to_string());
    }
    unreachable(errno.unwrap_or(Errno::CONNRESET))
}

fn bad_answer() -> Refusal {
    Refusal::new("HOST_BAD_ANSWER", "not a whole answer")
}

/// An address of IPv6 in a `host` header has brackets.
fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

fn peer_name(peer: &Peer, host: &str, port: u16) -> String {
    match peer {
        Peer::Unix => host.to_owned(),
        _ => format!("{host}:{port}"),
    }
}
