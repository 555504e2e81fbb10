//! Memory runs out in one way only: with a sentence, and with the exit code of a broken program.

use crate::broken::broken;
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;

/// What the engine may hold. The SIA needs a tenth of it; what grows beyond is a defect, better told than swapped.
pub const SCRIPT_LIMIT: usize = 48 * 1024 * 1024;

/// The system's allocator, which says so when it has nothing left instead of aborting.
struct Telling;

#[global_allocator]
static TELLING: Telling = Telling;

fn told(place: *mut u8) -> *mut u8 {
    if place.is_null() {
        broken("out of memory");
    }
    place
}

// SAFETY: every call is handed on to the system's allocator as it came; where that fails the process ends.
unsafe impl GlobalAlloc for Telling {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for the caller.
        told(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for the caller.
        told(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as for the caller.
        told(unsafe { System.realloc(place, layout, size) })
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as for the caller.
        unsafe { System.dealloc(place, layout) }
    }
}

/// What stands before each piece: its length, with this.
const HEADER: usize = size_of::<usize>();
/// What is asked of the kernel at once. It is given in a single call, where touching it would be a page fault for each 4 KiB.
const BLOCK: usize = 128 * 1024;
/// What is longer comes from the C library, which gives it back to the kernel when it is returned.
const LONGEST: usize = 16 * 1024;
const SHORTEST_BITS: u32 = 6;
/// Eight lengths from each power of two to the next, and those up to the shortest.
const LENGTHS: usize = 8 * (LONGEST.ilog2() - SHORTEST_BITS) as usize + 1;

/// What the engine allocates from. A script cannot catch that its memory is used up, and go on with half of its work done.
///
/// The engine has an allocator of its own for what is small, and asks for 4 KiB at a time; a program may end a millisecond after it
/// began. So pieces are cut from blocks one after the other, and a piece that comes back is kept for the next of its length.
pub struct ScriptMemory {
    used: usize,
    block: *mut u8,
    left: usize,
    /// By length: the last that came back, each with the one before it where it begins.
    returned: [*mut u8; LENGTHS],
}

impl Default for ScriptMemory {
    fn default() -> Self {
        Self { used: 0, block: ptr::null_mut(), left: 0, returned: [ptr::null_mut(); LENGTHS] }
    }
}

/// The place of a length in the list of all, and the length that is really given.
fn fitting(length: usize) -> (usize, usize) {
    if length <= 1 << SHORTEST_BITS {
        return (0, 1 << SHORTEST_BITS);
    }
    let bits = (length - 1).ilog2();
    let step = (length - 1) >> (bits - 3);
    (((bits - SHORTEST_BITS) as usize * 8 + (step & 7)) + 1, (step + 1) << (bits - 3))
}

impl ScriptMemory {
    fn granted(&mut self, place: *mut u8, length: usize) -> *mut u8 {
        if place.is_null() {
            broken("out of memory");
        }
        self.used += length;
        if self.used > SCRIPT_LIMIT {
            broken("out of memory: the script needs more than it may have");
        }
        // SAFETY: the place is at least as long as was asked for, which is longer than the header, and aligned for it.
        unsafe {
            place.cast::<usize>().write(length);
            place.add(HEADER)
        }
    }

    fn piece(&mut self, length: usize) -> *mut u8 {
        if length > LONGEST {
            // SAFETY: `malloc` takes any size.
            return self.granted(unsafe { libc::malloc(length) }.cast(), length);
        }
        let (index, length) = fitting(length);
        let last = self.returned[index];
        if !last.is_null() {
            // SAFETY: whoever returned the piece has no use for it, and `dealloc` left a pointer where it begins.
            self.returned[index] = unsafe { last.cast::<*mut u8>().read() };
            return self.granted(last, length);
        }
        if self.left < length {
            self.block = block();
            self.left = BLOCK;
        }
        let cut = self.block;
        // SAFETY: that much is left of the block.
        self.block = unsafe { cut.add(length) };
        self.left -= length;
        self.granted(cut, length)
    }
}

/// Zeroes, aligned for any type.
fn block() -> *mut u8 {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE;
    // SAFETY: the kernel chooses a place where nothing is.
    let place = unsafe { libc::mmap(ptr::null_mut(), BLOCK, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if place == libc::MAP_FAILED {
        broken("out of memory");
    }
    place.cast()
}

/// The length of a piece, with its header; the engine is one that trusts what it hands in.
///
/// # Safety
///
/// `place` is what `alloc`, `calloc` or `realloc` gave, and has not been returned.
unsafe fn length_of(place: *mut u8) -> usize {
    // SAFETY: `granted` has written it there.
    unsafe { place.sub(HEADER).cast::<usize>().read() }
}

// SAFETY: pieces are as long as was asked for, aligned for a pointer, and apart from each other until they are returned.
unsafe impl rquickjs::allocator::Allocator for ScriptMemory {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        self.piece(size.saturating_add(HEADER))
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        let size = count.saturating_mul(size);
        let place = self.alloc(size);
        // SAFETY: the piece is that long.
        unsafe { place.write_bytes(0, size) };
        place
    }

    unsafe fn dealloc(&mut self, place: *mut u8) {
        // SAFETY: the caller gives what `alloc`, `calloc` or `realloc` gave.
        let (length, start) = unsafe { (length_of(place), place.sub(HEADER)) };
        self.used -= length;
        if length > LONGEST {
            // SAFETY: a piece of this length came from `malloc` or `realloc`.
            return unsafe { libc::free(start.cast()) };
        }
        let last = &mut self.returned[fitting(length).0];
        // SAFETY: the piece is ours again, and longer than a pointer.
        unsafe { start.cast::<*mut u8>().write(*last) };
        *last = start;
    }

    unsafe fn realloc(&mut self, place: *mut u8, size: usize) -> *mut u8 {
        if place.is_null() {
            return self.alloc(size);
        }
        // SAFETY: the caller gives what `alloc`, `calloc` or `realloc` gave.
        let (had, start) = unsafe { (length_of(place), place.sub(HEADER)) };
        let length = size.saturating_add(HEADER);
        if had > LONGEST && length > LONGEST {
            self.used -= had;
            // SAFETY: a piece of this length came from `malloc` or `realloc`.
            return self.granted(unsafe { libc::realloc(start.cast(), length) }.cast(), length);
        }
        if length <= had && had <= LONGEST {
            return place;
        }
        let moved = self.alloc(size);
        // SAFETY: both are at least as long as the shorter of them, and apart from each other.
        unsafe {
            ptr::copy_nonoverlapping(place, moved, had.min(length) - HEADER);
            self.dealloc(place);
        }
        moved
    }

    unsafe fn usable_size(place: *mut u8) -> usize {
        // SAFETY: the caller gives what `alloc`, `calloc` or `realloc` gave.
        unsafe { length_of(place) - HEADER }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rquickjs::allocator::Allocator;

    #[test]
    fn what_is_given_is_long_enough_and_by_less_than_a_seventh_too_long() {
        let mut before = (0, 1 << SHORTEST_BITS);
        for length in 1..=LONGEST {
            let (index, given) = fitting(length);
            assert!(given >= length && index < LENGTHS);
            assert!(given == 1 << SHORTEST_BITS || (given - length) * 8 < given);
            assert!((index, given) == before || (index, given) > before && index == before.0 + 1);
            assert_eq!(fitting(given), (index, given));
            before = (index, given);
        }
        assert_eq!(before.0, LENGTHS - 1);
    }

    /// Allocates, fills, moves and returns pieces of all lengths in an order without pattern; none may touch another.
    #[test]
    fn pieces_keep_what_is_in_them_until_they_are_returned() {
        let mut memory = ScriptMemory::default();
        let mut held: Vec<(*mut u8, usize, u8)> = Vec::new();
        let mut seed = 1_u32;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as usize % below
        };
        // SAFETY: in all of this, pieces are held until they are returned, and as long as was asked for.
        let holds = |&(place, size, mark): &(*mut u8, usize, u8)| (0..size).all(|at| unsafe { place.add(at).read() } == mark);
        for turn in 0..20_000 {
            let (mark, size) = (turn as u8, if next(8) == 0 { next(3 * LONGEST) } else { next(700) });
            match next(4) {
                0 if !held.is_empty() => {
                    let piece = held.swap_remove(next(held.len()));
                    assert!(holds(&piece));
                    // SAFETY: as above.
                    unsafe { memory.dealloc(piece.0) };
                }
                1 if !held.is_empty() => {
                    let (place, had, old) = held.swap_remove(next(held.len()));
                    // SAFETY: as above.
                    let moved = unsafe { memory.realloc(place, size) };
                    assert!(holds(&(moved, had.min(size), old)));
                    // SAFETY: as above.
                    unsafe { moved.write_bytes(mark, size) };
                    held.push((moved, size, mark));
                }
                2 => {
                    let place = memory.calloc(1, size);
                    assert!(holds(&(place, size, 0)));
                    // SAFETY: as above.
                    unsafe { place.write_bytes(mark, size) };
                    held.push((place, size, mark));
                }
                _ if held.len() < 400 => {
                    let place = memory.alloc(size);
                    // SAFETY: as above.
                    assert!(unsafe { ScriptMemory::usable_size(place) } >= size && (place as usize).is_multiple_of(HEADER));
                    // SAFETY: as above.
                    unsafe { place.write_bytes(mark, size) };
                    held.push((place, size, mark));
                }
                _ => {}
            }
        }
        assert!(held.iter().all(holds));
        // SAFETY: as above.
        held.drain(..).for_each(|(place, ..)| unsafe { memory.dealloc(place) });
        assert_eq!(memory.used, 0);
    }
}
