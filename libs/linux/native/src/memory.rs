//! Memory runs out in one way only: with a sentence, and with the exit code of a broken program.

use crate::broken::broken;
use std::alloc::{GlobalAlloc, Layout, System};

/// What the engine may hold. The SIA needs a tenth of it; what grows beyond is a defect, better told than swapped.
const SCRIPT_LIMIT: usize = 48 * 1024 * 1024;

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

/// What the engine allocates from. A script cannot catch that its memory is used up, and go on with half of its work done.
#[derive(Default)]
pub struct ScriptMemory {
    used: usize,
}

impl ScriptMemory {
    fn granted(&mut self, place: *mut libc::c_void) -> *mut u8 {
        if place.is_null() {
            broken("out of memory");
        }
        // SAFETY: `place` was allocated by the C library and not freed since.
        self.used += unsafe { libc::malloc_usable_size(place) };
        if self.used > SCRIPT_LIMIT {
            broken("out of memory: the script needs more than it may have");
        }
        place.cast()
    }

    fn returned(&mut self, place: *mut u8) {
        // SAFETY: `place` was allocated by the C library and not freed since.
        self.used -= unsafe { libc::malloc_usable_size(place.cast()) };
    }
}

// SAFETY: all memory comes from the C library, aligned for any type and as long as was asked for.
unsafe impl rquickjs::allocator::Allocator for ScriptMemory {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        // SAFETY: `malloc` takes any size; one of nothing would give a null that is no failure.
        let place = unsafe { libc::malloc(size.max(1)) };
        self.granted(place)
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        // SAFETY: as for `alloc`; the C library checks the product.
        let place = unsafe { libc::calloc(count.max(1), size.max(1)) };
        self.granted(place)
    }

    unsafe fn dealloc(&mut self, place: *mut u8) {
        self.returned(place);
        // SAFETY: the caller gives what `alloc`, `calloc` or `realloc` gave.
        unsafe { libc::free(place.cast()) }
    }

    unsafe fn realloc(&mut self, place: *mut u8, size: usize) -> *mut u8 {
        if !place.is_null() {
            self.returned(place);
        }
        // SAFETY: the caller gives what `alloc`, `calloc` or `realloc` gave, or null.
        let moved = unsafe { libc::realloc(place.cast(), size.max(1)) };
        self.granted(moved)
    }

    unsafe fn usable_size(place: *mut u8) -> usize {
        // SAFETY: the caller gives what `alloc`, `calloc` or `realloc` gave.
        unsafe { libc::malloc_usable_size(place.cast()) }
    }
}
