//! `/proc/self/mountinfo` (proc(5)): one line a mount, octal escapes for blanks, no order that could be relied on.
//!
//! Read here and not by the script: a node of many pods has hundreds of lines, and every call of the driver reads them.

use std::collections::HashMap;

#[derive(Debug, PartialEq)]
pub struct Mount {
    /// Where it is seen, symlinks resolved.
    pub target: String,
    /// Path inside the mounted file system that shows at `target`.
    pub root: String,
    pub read_only: bool,
}

struct Line<'a> {
    id: u64,
    parent: u64,
    root: &'a str,
    target: String,
    read_only: bool,
}

/// Those at or below `path`, in the order in which they can be unmounted: what lies on another first, then the newer.
pub fn under(text: &str, path: &str) -> Vec<Mount> {
    // Lines that are not of the documented form are left out: the kernel may add kinds of lines, never change this one.
    let lines: Vec<Line<'_>> = text.lines().filter_map(parse).collect();
    let parents: HashMap<u64, u64> = lines.iter().map(|line| (line.id, line.parent)).collect();
    let below = if path == "/" { "/".to_owned() } else { format!("{path}/") };
    let mut found: Vec<(usize, usize, Line<'_>)> = lines
        .into_iter()
        .enumerate()
        .filter(|(_, line)| line.target == path || line.target.starts_with(&below))
        .map(|(index, line)| (depth_of(line.id, &parents), index, line))
        .collect();
    found.sort_by(|one, other| (other.0, other.1).cmp(&(one.0, one.1)));
    found.into_iter().map(|(_, _, line)| Mount { target: line.target, root: unescaped(line.root), read_only: line.read_only }).collect()
}

/// `36 35 98:0 /root/in/fs /mount/point rw,noatime master:1 - ext3 /dev/root rw`
fn parse(line: &str) -> Option<Line<'_>> {
    let mut words = line.split(' ');
    let (id, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let (_device, root, target, options) = (words.next()?, words.next()?, words.next()?, words.next()?);
    Some(Line { id, parent, root, target: unescaped(target), read_only: options.split(',').any(|option| option == "ro") })
}

/// The kernel writes blank, tab, newline, backslash (and `#`) as three octal digits of each byte.
fn unescaped(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let octal = after.first_chunk::<3>().filter(|it| first == b'\\' && it.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        bytes.push(octal.map_or(first, |it| it.iter().fold(0_u8, |sum, digit| sum.wrapping_mul(8).wrapping_add(digit - b'0'))));
        rest = if octal.is_some() { &after[3..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
        let found: Vec<(String, bool)> = under(text, "/v").into_iter().map(|it| (it.root, it.read_only)).collect();
        assert_eq!(found, [("/b".to_owned(), true), ("/c".to_owned(), false), ("/a".to_owned(), false)]);
        assert_eq!(under(text, "/").len(), 5);
    }

    #[test]
    fn odd_names_come_back_as_they_are_and_odd_lines_are_left_out() {
        let text = "x y z\n\n2 1 8:1 /r\\134\\040s /a\\040b\\011c\\012d\\134e\\134040\\043é ro - ext4 /dev/sda rw\n3 1 8:1\n";
        assert_eq!(under(text, "/a b\tc\nd\\e\\040#é"), [Mount { target: "/a b\tc\nd\\e\\040#é".to_owned(), root: "/r\\ s".to_owned(), read_only: true }]);
    }
}
