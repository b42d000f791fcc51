//! The memory of this process as the kernel sees it: fewer pages to copy make a faster fork. Knows nothing of Ruby.

use std::ops::Range;

/// From this much private memory on, small pages are joined into large ones. Below, the copies that this makes of
/// memory shared with the language zygote cost more than faster forks bring.
const JOIN_FROM_KIB: usize = 48 * 1024;

/// Length of a large page on the machines that this runs on.
const LARGE_PAGE_LEN: usize = 2 * 1024 * 1024;

/// `MADV_COLLAPSE`, which Linux has since 6.1.
const MADV_COLLAPSE: i32 = 25;

/// Gives free memory back to the system.
pub(crate) fn give_back_free() {
    // SAFETY: the allocator's own function; it takes any number.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Hands out, for good, the free pieces that lie between used memory. New allocations then come from one fresh stretch
/// instead of a hundred shared pages, each of which an instance would have to copy. Costs little, because free memory
/// is not written to but for its headers.
pub(crate) fn bury_free_pieces() {
    const LARGE: [usize; 8] = [65_536, 32_768, 16_384, 8_192, 6_144, 4_096, 3_072, 2_048];
    let small = (24..=1_528).rev().step_by(16);
    // SAFETY: only asks the allocator for its figures.
    let (free_at_end, end) = unsafe { (libc::mallinfo2().keepcost, libc::sbrk(0) as usize) };
    let fresh = end.saturating_sub(free_at_end);
    for size in LARGE.into_iter().chain(small) {
        // SAFETY: memory is allocated and either kept for ever or freed once; it is not accessed.
        unsafe {
            loop {
                let piece = libc::malloc(size);
                if piece.is_null() || piece as usize >= fresh {
                    libc::free(piece);
                    break;
                }
            }
        }
    }
}

/// Joins small pages of private memory into large ones, which a fork copies twenty times as fast, when there are many.
/// On a kernel that cannot, nothing changes.
pub(crate) fn make_large() {
    let Some(resident) = private_resident_kib() else {
        return;
    };
    if resident < JOIN_FROM_KIB {
        return;
    }
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    forbid_large_pages(false);
    for range in maps.lines().filter_map(private_range) {
        // SAFETY: changes how the kernel keeps these pages, not what is in them; a refusal changes nothing.
        unsafe {
            libc::madvise(range.start as *mut libc::c_void, range.len(), MADV_COLLAPSE);
        }
    }
    forbid_large_pages(true);
}

/// Ruby forbids large pages to its process when it starts, lest the system makes some on its own and a small write
/// after a fork costs much memory.
fn forbid_large_pages(forbidden: bool) {
    // SAFETY: a switch of this process; the unused arguments must be zero.
    unsafe {
        libc::prctl(
            libc::PR_SET_THP_DISABLE,
            libc::c_ulong::from(forbidden),
            0,
            0,
            0,
        );
    }
}

fn private_resident_kib() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = statm
        .split_ascii_whitespace()
        .skip(1)
        .map_while(|field| field.parse::<usize>().ok());
    let (resident, shared) = (pages.next()?, pages.next()?);
    Some(resident.saturating_sub(shared) * 4)
}

/// The addresses of a line of `/proc/self/maps`, when it is writable memory without a file, and large enough.
fn private_range(line: &str) -> Option<Range<usize>> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let is_writable = fields.next()? == "rw-p";
    let is_anonymous = fields.nth(2)? == "0" && fields.next().is_none_or(|name| name == "[heap]");
    let address = |text| usize::from_str_radix(text, 16).ok();
    let range = address(start)?..address(end)?;
    (is_writable && is_anonymous && range.len() >= LARGE_PAGE_LEN).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::private_range;

    #[test]
    fn finds_private_memory_of_some_size() {
        let cases = [
            (
                "7f0000000000-7f0000400000 rw-p 00000000 00:00 0 ",
                Some(0x7f00_0000_0000..0x7f00_0040_0000),
            ),
            (
                "55d000000000-55d000900000 rw-p 00000000 00:00 0    [heap]",
                Some(0x55d0_0000_0000..0x55d0_0090_0000),
            ),
            ("7f0000000000-7f0000001000 rw-p 00000000 00:00 0 ", None),
            ("7f0000000000-7f0000400000 r--p 00000000 00:00 0 ", None),
            (
                "7f0000000000-7f0000400000 rw-p 00000000 fe:01 77   /lib/x.so",
                None,
            ),
            (
                "7ffc00000000-7ffc00800000 rw-p 00000000 00:00 0    [stack]",
                None,
            ),
            ("nonsense", None),
        ];
        for (line, expected) in cases {
            assert_eq!(private_range(line), expected, "{line}");
        }
    }
}
