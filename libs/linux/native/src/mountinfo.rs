//! `/proc/self/mountinfo` (proc(5)): one line a mount, octal escapes for blanks, no order that could be relied on.
//!
//! Read here and not by the script: a node of many pods has hundreds of lines, of which each costs the kernel two microseconds.

use crate::files::content_of;
use crate::refusal::{Refusal, file_refusal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::{self, Mode, OFlags};
use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::HashMap;

const PATH: &str = "/proc/self/mountinfo";
/// Some hundred thousand mounts.
const MOST: usize = 64 * 1024 * 1024;
const READS: u32 = 5;
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

#[derive(Debug, PartialEq)]
pub struct Mount {
    /// Where it is seen, symlinks resolved.
    pub target: String,
    /// Path inside the mounted file system that shows at `target`.
    pub root: String,
    pub read_only: bool,
}

/// What was read, and the file that tells when it is so no longer.
struct Reading {
    text: String,
    file: OwnedFd,
}

thread_local! {
    static LAST: RefCell<Option<Reading>> = const { RefCell::new(None) };
}

/// Those at or below `path`, in the order in which they can be unmounted: what lies on another first, then the newer.
pub fn under(path: &str) -> Result<Vec<Mount>, Refusal> {
    LAST.with_borrow_mut(|last| {
        if last.as_ref().is_none_or(Reading::is_old) {
            // Having told once that it is old, it would not tell again: a reading that fails must leave none.
            *last = None;
            *last = Some(Reading::new()?);
        }
        Ok(last.as_ref().map(|it| listed(&it.text, path)).unwrap_or_default())
    })
}

/// To be called before something is renamed, which the kernel does not tell: the next look reads again.
pub fn forget() {
    LAST.set(None);
}

impl Reading {
    /// It comes in pieces, between which mounts may come and go: read until none has.
    fn new() -> Result<Self, Refusal> {
        let mut reading = Self::once()?;
        for _ in 1..READS {
            if !reading.is_old() {
                break;
            }
            reading = Self::once()?;
        }
        Ok(reading)
    }

    fn once() -> Result<Self, Refusal> {
        let file = fs::open(PATH, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map_err(|errno| file_refusal(PATH, errno))?;
        let content = content_of(&file, PATH, MOST)?;
        let text = String::from_utf8(content).unwrap_or_else(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
        Ok(Self { text, file })
    }

    /// Whether this namespace has another mount, one less, or one that was changed, since the file was opened or this was last asked (proc(5)).
    fn is_old(&self) -> bool {
        let mut asked = [PollFd::new(&self.file, PollFlags::PRI)];
        poll(&mut asked, Some(&AT_ONCE)).is_err() || asked[0].revents().intersects(PollFlags::PRI | PollFlags::ERR)
    }
}

struct Line<'a> {
    id: u64,
    parent: u64,
    root: &'a str,
    target: Cow<'a, str>,
    options: &'a str,
}

fn listed(text: &str, path: &str) -> Vec<Mount> {
    let below = if path == "/" { "/".to_owned() } else { format!("{path}/") };
    // Lines that are not of the documented form are left out: the kernel may add kinds of lines, never change this one.
    let wanted = |line: &Line<'_>| line.target == path || line.target.starts_with(&below);
    let found: Vec<(usize, Line<'_>)> = text.lines().filter_map(parse).enumerate().filter(|(_, line)| wanted(line)).collect();
    if found.is_empty() {
        return Vec::new();
    }
    let parents: HashMap<u64, u64> = text.lines().filter_map(parse).map(|line| (line.id, line.parent)).collect();
    let mut found: Vec<(usize, usize, Line<'_>)> = found.into_iter().map(|(index, line)| (depth_of(line.id, &parents), index, line)).collect();
    found.sort_by_key(|(depth, index, _)| Reverse((*depth, *index)));
    found.into_iter().map(|(_, _, line)| mount_of(&line)).collect()
}

fn mount_of(line: &Line<'_>) -> Mount {
    Mount {
        target: line.target.clone().into_owned(),
        root: unescaped(line.root).into_owned(),
        read_only: line.options.split(',').any(|option| option == "ro"),
    }
}

/// `36 35 98:0 /root/in/fs /mount/point rw,noatime master:1 - ext3 /dev/root rw`
fn parse(line: &str) -> Option<Line<'_>> {
    let mut words = line.split(' ');
    let (id, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let (_device, root, target, options) = (words.next()?, words.next()?, words.next()?, words.next()?);
    Some(Line { id, parent, root, target: unescaped(target), options })
}

/// The kernel writes blank, tab, newline, backslash (and `#`) as three octal digits of each byte.
fn unescaped(field: &str) -> Cow<'_, str> {
    if !field.contains('\\') {
        return Cow::Borrowed(field);
    }
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let octal = after.first_chunk::<3>().filter(|it| first == b'\\' && it.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        bytes.push(octal.map_or(first, |it| it.iter().fold(0_u8, |sum, digit| sum.wrapping_mul(8).wrapping_add(digit - b'0'))));
        rest = if octal.is_some() { &after[3..] } else { after };
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// How many mounts lie beneath; bounded, because the root of a namespace may name itself as its parent.
fn depth_of(id: u64, parents: &HashMap<u64, u64>) -> usize {
    let mut depth = 0;
    let mut at = id;
    while let Some(&parent) = parents.get(&at).filter(|_| depth < parents.len()) {
        depth += 1;
        if parent == at {
            break;
        }
        at = parent;
    }
    depth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_on_another_comes_first_then_the_newer() {
        let text = "1 1 8:1 / / rw - ext4 /dev/sda rw\n2 1 8:1 /a /v rw - ext4 /dev/sda rw\n3 2 8:1 /b /v ro,nosuid - ext4 /dev/sda rw\n4 1 8:1 /c /v/x rw - ext4 /dev/sda rw\n5 1 8:1 /d /vx rw - ext4 /dev/sda rw\n";
        let found: Vec<(String, bool)> = listed(text, "/v").into_iter().map(|it| (it.root, it.read_only)).collect();
        assert_eq!(found, [("/b".to_owned(), true), ("/c".to_owned(), false), ("/a".to_owned(), false)]);
        assert_eq!(listed(text, "/").len(), 5);
    }

    #[test]
    fn odd_names_come_back_as_they_are_and_odd_lines_are_left_out() {
        let text = "x y z\n\n2 1 8:1 /r\\134\\040s /a\\040b\\011c\\012d\\134e\\134040\\043é ro - ext4 /dev/sda rw\n3 1 8:1\n";
        assert_eq!(listed(text, "/a b\tc\nd\\e\\040#é"), [Mount { target: "/a b\tc\nd\\e\\040#é".to_owned(), root: "/r\\ s".to_owned(), read_only: true }]);
    }
}
