//! How much an archive may become while it is unpacked, counted on what really comes out of it: what it says about
//! itself may be a lie.

use std::cell::Cell;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{FILES_MAX, UNPACKED_LEN_MAX, refused};
use crate::function::manifest::ManifestError;

/// An archive that unpacks to more times its length is refused,
const RATIO_MAX: u64 = 200;
/// unless that is no more than this: a few repeated lines make no bomb.
const RATIO_FREE_LEN: u64 = 1024 * 1024;
/// What the format itself may take besides contents: two blocks of a tar archive for each file.
const FRAME_LEN_MAX: u64 = FILES_MAX as u64 * 1024;
/// Unpacking that takes longer is ended.
const TIME_MAX: Duration = Duration::from_secs(30);

/// What is left of it.
#[derive(Debug)]
pub(super) struct Budget {
    room: Cell<u64>,
    is_ratio: bool,
    entries: Cell<usize>,
    deadline: Instant,
    spent: Cell<Option<Spent>>,
}

/// What was used up first.
#[derive(Debug, Clone, Copy)]
enum Spent {
    Bytes,
    Time,
}

impl Budget {
    /// For an archive of so many bytes.
    pub(super) fn new(packed_len: usize) -> Self {
        Self::until(packed_len, Instant::now() + TIME_MAX)
    }

    fn until(packed_len: usize, deadline: Instant) -> Self {
        let by_ratio = packed_len as u64 * RATIO_MAX + RATIO_FREE_LEN;
        let most = UNPACKED_LEN_MAX + FRAME_LEN_MAX;
        Self {
            room: Cell::new(by_ratio.min(most)),
            is_ratio: by_ratio < most,
            entries: Cell::new(0),
            deadline,
            spent: Cell::new(None),
        }
    }

    /// One more entry of the archive, whatever it is.
    pub(super) fn entry(&self) -> Result<(), ManifestError> {
        self.entries.set(self.entries.get() + 1);
        check_count(self.entries.get())
    }

    /// A reader whose bytes are counted.
    pub(super) fn bound<R: Read>(&self, inner: R) -> Bounded<'_, R> {
        Bounded {
            inner,
            budget: self,
        }
    }

    /// All that comes out of an entry.
    pub(super) fn read(&self, name: &str, entry: impl Read) -> Result<Bytes, ManifestError> {
        let mut content = Vec::new();
        let read = self.bound(entry).read_to_end(&mut content);
        let what = format!("`{}` cannot be unpacked", name.escape_debug());
        read.map_err(|error| self.explain(&what, &error))?;
        Ok(Bytes::from(content))
    }

    /// Why reading failed: for lack of something here, or for the archive's own reasons.
    pub(super) fn explain(&self, what: &str, error: &io::Error) -> ManifestError {
        let seconds = TIME_MAX.as_secs();
        refused(match self.spent.get() {
            Some(Spent::Time) => {
                format!("the archive takes longer than {seconds} s to unpack")
            }
            Some(Spent::Bytes) if self.is_ratio => {
                format!("the archive unpacks to more than {RATIO_MAX} times its length")
            }
            Some(Spent::Bytes) => super::too_large_text(),
            None => format!("{what}: {error}"),
        })
    }

    fn spend(&self, spent: Spent) -> io::Error {
        self.spent.set(Some(spent));
        io::Error::other("too much")
    }
}

/// Whether an archive may have so many entries.
pub(super) fn check_count(entries: usize) -> Result<(), ManifestError> {
    match entries > FILES_MAX {
        true => Err(refused(format!(
            "the archive has more than {FILES_MAX} entries"
        ))),
        false => Ok(()),
    }
}

/// Reads as long as there is room and time.
#[derive(Debug)]
pub(super) struct Bounded<'a, R> {
    inner: R,
    budget: &'a Budget,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if Instant::now() >= self.budget.deadline {
            return Err(self.budget.spend(Spent::Time));
        }
        let len = self.inner.read(buffer)?;
        let left = self.budget.room.get().checked_sub(len as u64);
        self.budget
            .room
            .set(left.ok_or_else(|| self.budget.spend(Spent::Bytes))?);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_is_bounded_by_the_archives_length_and_by_time() {
        let budget = Budget::new(1_000);
        let enough = RATIO_FREE_LEN + 1_000 * RATIO_MAX;
        let most = budget.read("a", io::repeat(0).take(enough)).expect("fits");
        assert_eq!(most.len() as u64, enough);
        let error = budget.read("b", io::repeat(0)).expect_err("no room left");
        assert!(error.message.contains("200 times"), "{error}");
        let error = Budget::new(usize::MAX / 1_000)
            .read("c", io::repeat(0))
            .expect_err("endless");
        assert!(error.message.contains("250 MiB"), "{error}");
        let late = Budget::until(1_000, Instant::now());
        let error = late.read("d", &b"x"[..]).expect_err("too late");
        assert!(error.message.contains("30 s"), "{error}");
    }
}
