//! Names of hosts to addresses: `/etc/hosts`, then the servers of `/etc/resolv.conf` (RFC 1035).
//!
//! The C library's own resolver loads code of the machine it runs on into this file, which has to need none, and knows
//! no deadline.

use crate::errno::name_of;
use crate::refusal::Refusal;
use crate::wire::{Deadline, timed_out};
use ring::rand::{SecureRandom, SystemRandom};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

const PORT: u16 = 53;
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_INTERNET: u16 = 1;
const HEADER: usize = 12;
/// As many as the C library asks, and as many names as it tries.
const MOST_SERVERS: usize = 3;
const MOST_SEARCHED: usize = 32;

/// What `/etc/resolv.conf` says.
#[derive(Debug, PartialEq)]
struct Configuration {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    /// A name with as many dots is tried as it is before it is searched for.
    dots: usize,
    timeout: Duration,
    attempts: u32,
}

/// All addresses of a name, in the order in which they are to be tried; at least one.
pub fn resolve(host: &str, deadline: Deadline) -> Result<Vec<IpAddr>, Refusal> {
    let literal = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = literal.parse() {
        return Ok(vec![address]);
    }
    let known = in_hosts(&text_of("/etc/hosts"), host);
    if !known.is_empty() {
        return Ok(known);
    }
    if host.trim_end_matches('.').eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    ask(host, &Configuration::parse(&text_of("/etc/resolv.conf")), deadline)
}

/// A comment in another encoding does not make the rest unreadable.
fn text_of(path: &str) -> String {
    std::fs::read(path).map(|content| String::from_utf8_lossy(&content).into_owned()).unwrap_or_default()
}

fn in_hosts(hosts: &str, name: &str) -> Vec<IpAddr> {
    let wanted = name.trim_end_matches('.');
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default().split_whitespace());
    lines.filter_map(|mut words| words.next()?.parse().ok().filter(|_| words.any(|word| word.eq_ignore_ascii_case(wanted)))).collect()
}

impl Configuration {
    fn parse(text: &str) -> Self {
        let mut found = Self { servers: Vec::new(), search: Vec::new(), dots: 1, timeout: Duration::from_secs(5), attempts: 2 };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => found.servers.extend(words.next().and_then(|it| it.parse::<IpAddr>().ok()).map(|it| SocketAddr::new(it, PORT))),
                Some("search" | "domain") => found.search = words.take(MOST_SEARCHED).map(|it| it.trim_matches('.').to_owned()).collect(),
                Some("options") => words.for_each(|word| found.option(word)),
                _ => {}
            }
        }
        found.servers.truncate(MOST_SERVERS);
        if found.servers.is_empty() {
            found.servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), PORT));
        }
        found
    }

    fn option(&mut self, word: &str) {
        match word.split_once(':').and_then(|(name, value)| Some((name, value.parse::<u32>().ok()?))) {
            Some(("ndots", dots)) => self.dots = dots.min(15) as usize,
            Some(("timeout", seconds)) => self.timeout = Duration::from_secs(u64::from(seconds.clamp(1, 30))),
            Some(("attempts", times)) => self.attempts = times.clamp(1, 5),
            _ => {}
        }
    }

    /// The absolute names that a name may stand for, in order.
    fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let mut names: Vec<String> = self.search.iter().map(|domain| format!("{name}.{domain}")).collect();
        let place = if name.matches('.').count() >= self.dots { 0 } else { names.len() };
        names.insert(place, name.to_owned());
        names
    }
}

/// What a server says of a name.
enum Answer {
    Addresses(Vec<IpAddr>),
    /// There is no such name, or it has no address.
    Nothing,
    /// Somebody else, or somebody later, may know.
    NotNow,
}

fn ask(host: &str, configuration: &Configuration, deadline: Deadline) -> Result<Vec<IpAddr>, Refusal> {
    let mut is_certain = true;
    for name in configuration.candidates(host) {
        match ask_for(&name, configuration, deadline)? {
            Answer::Addresses(addresses) => return Ok(addresses),
            Answer::Nothing => {}
            Answer::NotNow => is_certain = false,
        }
    }
    let errno = if is_certain { "ENOTFOUND" } else { "EAI_AGAIN" };
    Err(Refusal::new("HOST_UNREACHABLE", "the name of the peer has no address").with("errno", errno))
}

fn ask_for(name: &str, configuration: &Configuration, deadline: Deadline) -> Result<Answer, Refusal> {
    for _ in 0..configuration.attempts {
        for server in &configuration.servers {
            deadline.left().map_err(|_| timed_out())?;
            let pause = deadline.within(configuration.timeout);
            // IPv4 first: where both are there, it is what nearly every cluster routes.
            let four = query(*server, name, TYPE_A, pause)?;
            // A server that keeps silent about IPv6 alone leaves most of the time for the address that is known.
            let patience = if matches!(four, Answer::Addresses(_)) { pause.within(deadline.left().map_err(|_| timed_out())? / 4) } else { pause };
            match (four, query(*server, name, TYPE_AAAA, patience)?) {
                (Answer::Addresses(mut all), Answer::Addresses(more)) => {
                    all.extend(more);
                    return Ok(Answer::Addresses(all));
                }
                (Answer::Addresses(all), _) | (_, Answer::Addresses(all)) => return Ok(Answer::Addresses(all)),
                (Answer::Nothing, Answer::Nothing) => return Ok(Answer::Nothing),
                _ => {}
            }
        }
    }
    Ok(Answer::NotNow)
}

fn query(server: SocketAddr, name: &str, kind: u16, deadline: Deadline) -> Result<Answer, Refusal> {
    let Some(question) = question(name, kind)? else { return Ok(Answer::Nothing) };
    let reply = by_datagram(server, &question, deadline).and_then(|reply| if is_truncated(&reply) { by_stream(server, &question, deadline) } else { Ok(reply) });
    Ok(reply.ok().and_then(|reply| answer_in(&reply, &question, kind)).unwrap_or(Answer::NotNow))
}

/// A query; none for a name that no server can have.
fn question(name: &str, kind: u16) -> Result<Option<Vec<u8>>, Refusal> {
    let mut id = [0; 2];
    SystemRandom::new().fill(&mut id).map_err(|_| Refusal::new("HOST_IO", "the kernel gives no random bytes").with("errno", name_of(rustix::io::Errno::IO)))?;
    // One question, recursion desired.
    let mut message = vec![id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        if label.is_empty() || label.len() > 63 {
            return Ok(None);
        }
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&CLASS_INTERNET.to_be_bytes());
    Ok((message.len() <= HEADER + 255 + 4).then_some(message))
}

fn by_datagram(server: SocketAddr, question: &[u8], deadline: Deadline) -> std::io::Result<Vec<u8>> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    // Connected, so that the kernel takes datagrams of this server alone.
    socket.connect(server)?;
    socket.send(question)?;
    let mut buffer = [0; 4096];
    loop {
        socket.set_read_timeout(Some(deadline.left()?))?;
        let length = match socket.recv(&mut buffer) {
            // This process was stopped and goes on.
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        };
        if belongs_to(&buffer[..length], question) {
            return Ok(buffer[..length].to_vec());
        }
    }
}

fn by_stream(server: SocketAddr, question: &[u8], deadline: Deadline) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, deadline.left()?)?;
    stream.set_write_timeout(Some(deadline.left()?))?;
    stream.write_all(&[&(question.len() as u16).to_be_bytes(), question].concat())?;
    let length: [u8; 2] = read_exactly(&mut stream, 2, deadline)?.try_into().unwrap_or_default();
    let reply = read_exactly(&mut stream, usize::from(u16::from_be_bytes(length)), deadline)?;
    if belongs_to(&reply, question) { Ok(reply) } else { Err(ErrorKind::InvalidData.into()) }
}

/// However slowly it comes, until the deadline.
fn read_exactly(stream: &mut TcpStream, length: usize, deadline: Deadline) -> std::io::Result<Vec<u8>> {
    let mut read = Vec::with_capacity(length);
    while read.len() < length {
        stream.set_read_timeout(Some(deadline.left()?))?;
        let mut part = [0; 1024];
        let most = part.len().min(length - read.len());
        match stream.read(&mut part[..most]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => read.extend_from_slice(&part[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Same number, an answer, and the question as it was asked.
fn belongs_to(reply: &[u8], question: &[u8]) -> bool {
    let asked = &question[HEADER..];
    reply.len() >= question.len() && reply[..2] == question[..2] && reply[2] & 0x80 != 0 && reply[HEADER..question.len()].eq_ignore_ascii_case(asked)
}

fn is_truncated(reply: &[u8]) -> bool {
    reply[2] & 0x02 != 0
}

/// None for what cannot be read.
fn answer_in(reply: &[u8], question: &[u8], kind: u16) -> Option<Answer> {
    match reply[3] & 0x0f {
        0 => {}
        3 => return Some(Answer::Nothing),
        _ => return Some(Answer::NotNow),
    }
    let records = u16::from_be_bytes([reply[6], reply[7]]);
    let mut rest = reply.get(question.len()..)?;
    let mut found = Vec::new();
    for _ in 0..records {
        rest = after_name(rest)?;
        let (head, data) = rest.split_first_chunk::<10>()?;
        let (data, next) = data.split_at_checked(usize::from(u16::from_be_bytes([head[8], head[9]])))?;
        rest = next;
        // Names on the way (CNAME) were followed by the server.
        if u16::from_be_bytes([head[0], head[1]]) == kind && u16::from_be_bytes([head[2], head[3]]) == CLASS_INTERNET {
            found.push(address_of(data)?);
        }
    }
    Some(if found.is_empty() { Answer::Nothing } else { Answer::Addresses(found) })
}

fn address_of(data: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(data).map(IpAddr::from).or_else(|_| <[u8; 16]>::try_from(data).map(IpAddr::from)).ok()
}

/// What follows a name, whose end is a zero or a pointer.
fn after_name(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (&length, next) = rest.split_first()?;
        match length {
            0 => return Some(next),
            0xc0.. => return next.get(1..),
            1..=63 => rest = next.get(usize::from(length)..)?,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "search ns.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5 timeout:1 attempts:3\n";

    #[test]
    fn the_configuration_of_a_pod_is_read() {
        let it = Configuration::parse(CLUSTER);
        assert_eq!(it.servers, ["10.96.0.10:53".parse().unwrap()]);
        assert_eq!((it.dots, it.timeout, it.attempts), (5, Duration::from_secs(1), 3));
        assert_eq!(it.candidates("zts.athenz"), ["zts.athenz.ns.svc.cluster.local", "zts.athenz.svc.cluster.local", "zts.athenz.cluster.local", "zts.athenz"]);
        assert_eq!(it.candidates("a.b.c.d.e.f")[0], "a.b.c.d.e.f");
        assert_eq!(it.candidates("zts.athenz."), ["zts.athenz"]);
    }

    #[test]
    fn without_a_configuration_this_machine_is_asked() {
        assert_eq!(Configuration::parse("# nothing\nnameserver nonsense\n").servers, ["127.0.0.1:53".parse().unwrap()]);
    }

    #[test]
    fn hosts_are_found_by_any_of_their_names() {
        let hosts = "127.0.0.1 localhost\n# 10.0.0.1 zts\n10.0.0.2 other zts # here\nfd00::1 ZTS\nnonsense zts\n";
        assert_eq!(in_hosts(hosts, "zts."), ["10.0.0.2".parse::<IpAddr>().unwrap(), "fd00::1".parse().unwrap()]);
        assert!(in_hosts(hosts, "zt").is_empty());
    }

    fn reply(question: &[u8], code: u8, answers: u16, records: &[u8]) -> Vec<u8> {
        let mut message = question.to_vec();
        message[2] |= 0x80;
        message[3] = code;
        message[6..8].copy_from_slice(&answers.to_be_bytes());
        message.extend_from_slice(records);
        message
    }

    #[test]
    fn addresses_are_found_behind_other_names() {
        let asked = question("a.example", TYPE_A).unwrap().unwrap();
        let alias = b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x04\x01b\xc0\x0e";
        let address = b"\x01b\xc0\x0e\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x05";
        let whole = reply(&asked, 0, 2, &[alias.as_slice(), address].concat());
        assert!(belongs_to(&whole, &asked));
        assert!(matches!(answer_in(&whole, &asked, TYPE_A), Some(Answer::Addresses(found)) if found == ["10.0.0.5".parse::<IpAddr>().unwrap()]));
        assert!(answer_in(&whole[..whole.len() - 1], &asked, TYPE_A).is_none());
    }

    #[test]
    fn no_such_name_is_certain_and_a_failure_is_not() {
        let asked = question("a.example", TYPE_AAAA).unwrap().unwrap();
        assert!(matches!(answer_in(&reply(&asked, 3, 0, &[]), &asked, TYPE_AAAA), Some(Answer::Nothing)));
        assert!(matches!(answer_in(&reply(&asked, 0, 0, &[]), &asked, TYPE_AAAA), Some(Answer::Nothing)));
        assert!(matches!(answer_in(&reply(&asked, 2, 0, &[]), &asked, TYPE_AAAA), Some(Answer::NotNow)));
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let asked = question("a.example", TYPE_A).unwrap().unwrap();
        let mut other = reply(&asked, 0, 0, &[]);
        other[HEADER + 1] = b'z';
        assert!(!belongs_to(&other, &asked));
        assert!(!belongs_to(&asked, &asked));
        assert!(question("a..example", TYPE_A).unwrap().is_none());
    }
}
