//! The memory of a zygote as the kernel sees it, made cheap to fork: fewer pages to copy, fewer faults in a child.
//! Knows nothing of engines.
//!
//! A fork copies page tables, about 15 µs for each MB of small pages, and a child that writes to a shared page waits
//! about 2 µs for its copy.

use std::ops::Range;

use libc::{c_int, c_void};

/// From this much private memory on, a function zygote's small pages are joined into large ones. Below, the copies that
/// this makes of memory shared with the language zygote cost more than faster forks bring.
const JOIN_FROM_KIB: usize = 32 * 1024;

/// Length of a large page.
const LARGE_PAGE_LEN: usize = 2 * 1024 * 1024;

/// `MADV_COLLAPSE`, which Linux has since 6.1.
const MADV_COLLAPSE: c_int = 25;

/// Gives free memory back to the system, and fills the holes between living blocks for good: a child's first
/// allocations then lie side by side at the end of the heap. From the holes they would lie all over it, and each would
/// copy a shared page. For a language zygote, whose holes are every later process's.
pub fn settle() {
    /// Larger holes are few, and what is cut from one lies side by side as well.
    const HOLE_LEN_MAX: usize = 64 * 1024;
    const ALIGNMENT: usize = 16;
    give_back_free();
    let end = end_of_blocks();
    let sizes = (2..=HOLE_LEN_MAX / ALIGNMENT)
        .rev()
        .map(|count| count * ALIGNMENT - size_of::<usize>());
    for size in sizes {
        while take_hole(size, end) {}
    }
    give_back_free();
}

/// Gives free memory back to the system.
pub fn give_back_free() {
    // SAFETY: the allocator's own function; it takes any number and leaves living blocks alone.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Takes a block of this size below `end` out of use; whether there was one.
fn take_hole(size: usize, end: usize) -> bool {
    // SAFETY: the block is never accessed; it is kept for ever, or freed once when it lies beyond the holes.
    unsafe {
        let block = libc::malloc(size);
        let is_hole = !block.is_null() && (block as usize) < end;
        if !is_hole {
            libc::free(block);
        }
        is_hole
    }
}

/// Where the heap's unbroken free memory begins.
fn end_of_blocks() -> usize {
    // SAFETY: neither call changes anything.
    let (end, free) = unsafe { (libc::sbrk(0) as usize, libc::mallinfo2().keepcost) };
    end.saturating_sub(free)
}

/// Joins small pages of private memory into large ones, which a fork copies twenty times as fast, when there are many.
/// On a kernel that cannot, nothing changes.
pub(crate) fn join() {
    if private_resident_kib().is_none_or(|resident| resident < JOIN_FROM_KIB) {
        return;
    }
    let was_forbidden = forbid_large_pages(false);
    for mapping in mappings().filter(|mapping| mapping.is_private_memory) {
        let (start, len) = (mapping.range.start as *mut c_void, mapping.range.len());
        // SAFETY: changes how the kernel keeps these pages, not what is in them; a refusal changes nothing.
        unsafe {
            libc::madvise(start, len, MADV_COLLAPSE);
        }
    }
    forbid_large_pages(was_forbidden);
}

/// Ruby forbids large pages to its process, lest the system makes some on its own. Returns what held before.
fn forbid_large_pages(forbidden: bool) -> bool {
    // SAFETY: a switch of this process and its reading; the unused arguments must be zero.
    unsafe {
        let before = libc::prctl(libc::PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1;
        libc::prctl(
            libc::PR_SET_THP_DISABLE,
            libc::c_ulong::from(forbidden),
            0,
            0,
            0,
        );
        before
    }
}

fn private_resident_kib() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = statm
        .split_ascii_whitespace()
        .skip(1)
        .map_while(|field| field.parse::<usize>().ok());
    let (resident, shared) = (pages.next()?, pages.next()?);
    Some(resident.saturating_sub(shared) * rustix::param::page_size() / 1024)
}

/// One line of `/proc/self/maps`.
#[derive(Debug, PartialEq, Eq)]
struct Mapping {
    range: Range<usize>,
    /// Writable memory without a file, large enough for a large page.
    is_private_memory: bool,
}

fn mappings() -> impl Iterator<Item = Mapping> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines()
        .filter_map(mapping)
        .collect::<Vec<_>>()
        .into_iter()
}

fn mapping(line: &str) -> Option<Mapping> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    let range = address(start)?..address(end)?;
    let permissions = fields.next()?;
    let inode = fields.nth(2)?;
    let name = fields.next().unwrap_or_default();
    let is_anonymous = inode == "0" && (name.is_empty() || name == "[heap]");
    let is_private_memory = permissions == "rw-p" && is_anonymous && range.len() >= LARGE_PAGE_LEN;
    Some(Mapping {
        range,
        is_private_memory,
    })
}

#[cfg(test)]
mod tests {
    use super::mapping;

    #[test]
    fn finds_private_memory_of_some_size() {
        let cases = [
            (
                "7f0000000000-7f0000400000 rw-p 00000000 00:00 0 ",
                Some(true),
            ),
            (
                "55d000000000-55d000900000 rw-p 00000000 00:00 0    [heap]",
                Some(true),
            ),
            (
                "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 ",
                Some(false),
            ),
            (
                "7f0000000000-7f0000400000 r--p 00000000 00:00 0 ",
                Some(false),
            ),
            (
                "7f0000000000-7f0000400000 r-xp 00000000 fe:01 77   /lib/x.so",
                Some(false),
            ),
            (
                "7f0000000000-7f0000400000 rw-p 00000000 fe:01 77   /lib/x.so",
                Some(false),
            ),
            (
                "7ffc00000000-7ffc00800000 rw-p 00000000 00:00 0    [stack]",
                Some(false),
            ),
            (
                "7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0    [vdso]",
                Some(false),
            ),
            ("nonsense", None),
        ];
        for (line, expected) in cases {
            let found = mapping(line).map(|mapping| mapping.is_private_memory);
            assert_eq!(found, expected, "{line}");
        }
    }
}
