//! HTTP/1.1 as a client speaks it that asks once: one request, one answer, and the end of the connection.

use crate::refusal::Refusal;
use httparse::{EMPTY_HEADER, Status};
use std::io::{self, Read};

/// Of the head of an answer, of a line that begins a chunk, and of what follows the last one.
const MOST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 100;
const MOST_LINE: usize = 1024;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

pub struct Request<'a> {
    pub method: &'a str,
    pub path: &'a str,
    /// Name, and port where it is not that of the protocol.
    pub host: &'a str,
    pub headers: &'a [(String, String)],
    pub body: Option<&'a str>,
}

/// The request as it is sent; refused where a character in it would end a line or a word.
pub fn to_bytes(request: &Request<'_>) -> Result<Vec<u8>, Refusal> {
    let is_path = request.path.starts_with('/') && request.path.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    if !is_path || !request.headers.iter().all(|(name, value)| is_token(name) && is_value(value)) {
        return Err(Refusal::new("HOST_IO", "the request cannot be sent as it is"));
    }
    let mut text = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
    let length = request.body.map(|body| ("content-length".to_owned(), body.len().to_string()));
    let ours = [("host".to_owned(), request.host.to_owned()), ("connection".to_owned(), "close".to_owned())];
    for (name, value) in ours.iter().chain(&length).chain(request.headers.iter().filter(|(name, _)| !is_ours(name))) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(request.body.unwrap_or_default());
    Ok(text.into_bytes())
}

/// What only the one who frames the message may say.
fn is_ours(name: &str) -> bool {
    ["host", "connection", "content-length", "transfer-encoding"].iter().any(|ours| name.eq_ignore_ascii_case(ours))
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The connection failed; `answered` when after the head.
    Connection { error: io::Error, answered: bool },
    /// It ended before anything came.
    Silent,
    Bad,
    TooLarge,
}

/// Reads one answer; interim ones are passed over.
pub fn answer(from: &mut impl Read, most: usize) -> Result<Answer, Failure> {
    let mut stream = Stream { from, buffer: Vec::new(), heard: false, answered: false };
    let (status, headers) = loop {
        let (status, headers) = head(&mut stream)?;
        match status {
            // Nobody asked for another protocol.
            101 => return Err(Failure::Bad),
            100..=199 => {}
            _ => break (status, headers),
        }
    };
    stream.answered = true;
    let body = body(&mut stream, status, &headers, most)?;
    Ok(Answer { status, headers, body })
}

type Headers = Vec<(String, String)>;

fn head<R: Read>(stream: &mut Stream<'_, R>) -> Result<(u16, Headers), Failure> {
    loop {
        let mut headers = [EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = match response.parse(&stream.buffer) {
            _ if stream.buffer.is_empty() => None,
            Ok(Status::Complete(length)) if has_bare_line_feed(&stream.buffer[..length]) => return Err(Failure::Bad),
            Ok(Status::Complete(length)) => {
                let headers = response.headers.iter().map(|it| (it.name.to_ascii_lowercase(), String::from_utf8_lossy(it.value).into_owned()));
                Some((length, response.code.unwrap_or_default(), headers.collect()))
            }
            Ok(Status::Partial) if stream.buffer.len() < MOST_HEAD => None,
            _ => return Err(Failure::Bad),
        };
        if let Some((length, status, headers)) = parsed {
            stream.buffer.drain(..length);
            return Ok((status, headers));
        }
        if !stream.more()? {
            return Err(if stream.heard { Failure::Bad } else { Failure::Silent });
        }
    }
}

/// What one reader takes for the end of a line and another does not.
fn has_bare_line_feed(head: &[u8]) -> bool {
    head.iter().enumerate().any(|(index, byte)| *byte == b'\n' && (index == 0 || head[index - 1] != b'\r'))
}

fn body<R: Read>(stream: &mut Stream<'_, R>, status: u16, headers: &Headers, most: usize) -> Result<Vec<u8>, Failure> {
    let all = |name: &str| headers.iter().filter(|(each, _)| each == name).map(|(_, value)| value.trim()).collect::<Vec<_>>();
    let (codings, lengths) = (all("transfer-encoding"), all("content-length"));
    match (codings.as_slice(), lengths.as_slice()) {
        _ if matches!(status, 204 | 304) => Ok(Vec::new()),
        ([coding], []) if coding.eq_ignore_ascii_case("chunked") => chunks(stream, most),
        ([], [length]) => {
            let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
            let length = length.parse().ok().filter(|_| is_number).ok_or(Failure::Bad)?;
            if length > most { Err(Failure::TooLarge) } else { stream.take(length) }
        }
        ([], []) => stream.rest(most),
        // Two lengths, or two ways to tell one: whoever reads them differently sees two answers.
        _ => Err(Failure::Bad),
    }
}

fn chunks<R: Read>(stream: &mut Stream<'_, R>, most: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    loop {
        let line = stream.line()?;
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
        let size = str::from_utf8(digits).ok().filter(|_| is_number).and_then(|it| usize::from_str_radix(it, 16).ok()).ok_or(Failure::Bad)?;
        if size == 0 {
            return trailers(stream).map(|()| body);
        }
        if size > most - body.len() {
            return Err(Failure::TooLarge);
        }
        body.extend(stream.take(size)?);
        if !stream.line()?.is_empty() {
            return Err(Failure::Bad);
        }
    }
}

fn trailers<R: Read>(stream: &mut Stream<'_, R>) -> Result<(), Failure> {
    for _ in 0..MOST_HEADERS {
        if stream.line()?.is_empty() {
            return Ok(());
        }
    }
    Err(Failure::Bad)
}

struct Stream<'a, R> {
    from: &'a mut R,
    /// What was read and not used yet.
    buffer: Vec<u8>,
    heard: bool,
    answered: bool,
}

impl<R: Read> Stream<'_, R> {
    /// False when no more comes.
    fn more(&mut self) -> Result<bool, Failure> {
        let mut part = [0; 8 * 1024];
        let length = self.from.read(&mut part).map_err(|error| Failure::Connection { error, answered: self.answered })?;
        self.buffer.extend_from_slice(&part[..length]);
        self.heard |= length > 0;
        Ok(length > 0)
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>, Failure> {
        while self.buffer.len() < length {
            if !self.more()? {
                return Err(Failure::Bad);
            }
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Without its end.
    fn line(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|it| it == b"\r\n") {
                let mut line = self.take(end + 2)?;
                line.truncate(end);
                return Ok(line);
            }
            if self.buffer.len() > MOST_LINE || !self.more()? {
                return Err(Failure::Bad);
            }
        }
    }

    fn rest(&mut self, most: usize) -> Result<Vec<u8>, Failure> {
        while self.buffer.len() <= most {
            if !self.more()? {
                return Ok(std::mem::take(&mut self.buffer));
            }
        }
        Err(Failure::TooLarge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, most: usize) -> Result<String, Failure> {
        answer(&mut text.as_bytes(), most).map(|it| String::from_utf8(it.body).unwrap())
    }

    #[test]
    fn an_answer_that_can_be_read_in_two_ways_is_bad() {
        for head in [
            "content-length: 4\r\ncontent-length: 5",
            "content-length: 4\r\ntransfer-encoding: chunked",
            "transfer-encoding: gzip, chunked",
            "content-length: +4",
            "content-length: 4, 4",
            "content-length: 99999999999999999999999",
        ] {
            let text = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n0\r\n\r\n");
            assert!(matches!(read(&text, 100), Err(Failure::Bad)), "{head}");
        }
    }

    #[test]
    fn chunks_are_put_together_with_what_follows_them() {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n4;x=y\r\none \r\n3\r\ntwo\r\n0\r\nx-late: yes\r\n\r\n";
        assert_eq!(read(text, 7).unwrap(), "one two");
        assert!(matches!(read(text, 6), Err(Failure::TooLarge)));
        for (from, to) in [("3\r\ntwo", "-3\r\ntwo"), ("two\r\n", "two!\r\n"), ("0\r\n", "zz\r\n"), ("4;x", "ffffffffffffffffff;x"), ("3\r", " 3\r"), ("3\r", "3 \r")] {
            assert!(matches!(read(&text.replace(from, to), 100), Err(Failure::Bad)), "{to}");
        }
    }

    #[test]
    fn a_head_without_end_is_not_read_for_ever() {
        let text = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(10 * MOST_HEAD));
        assert!(matches!(read(&text, 100), Err(Failure::Bad)));
        assert!(matches!(read("", 100), Err(Failure::Silent)));
        assert!(matches!(read("HTTP/1.1 200 OK\r\nx: y\r\n", 100), Err(Failure::Bad)));
        assert!(matches!(read("HTTP/1.1 103 Early\r\n\r\n", 100), Err(Failure::Bad)));
        assert!(matches!(read("HTTP/1.1 200 OK\r\nx: y\n\r\nbody", 100), Err(Failure::Bad)));
        assert!(matches!(read("HTTP/1.1 200 OK\n\nbody", 100), Err(Failure::Bad)));
        assert!(matches!(read("HTTP/1.1 101 Other\r\n\r\n", 100), Err(Failure::Bad)));
    }

    #[test]
    fn only_the_one_who_frames_a_request_says_how_long_it_is() {
        let headers = [("Content-Length".to_owned(), "999".to_owned()), ("x-a".to_owned(), "b".to_owned())];
        let request = Request { method: "POST", path: "/x", host: "h", headers: &headers, body: Some("é") };
        let text = String::from_utf8(to_bytes(&request).unwrap()).unwrap();
        assert_eq!(text, "POST /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 2\r\nx-a: b\r\n\r\né");
        for path in ["", "x", "/a b", "/a\n"] {
            assert!(to_bytes(&Request { path, ..request }).is_err(), "{path}");
        }
    }
}
