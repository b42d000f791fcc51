//! A machine is not the same from one second to the next, so what is compared takes turns in short slices: then the
//! differences mean something.

use anyhow::Result;

use crate::load::Outcome;

/// One slice of each, and again, and again; the slices of each together.
pub(super) fn in_turns<T>(
    turns: &[T],
    slices: u32,
    run: impl Fn(&T) -> Result<Outcome>,
) -> Result<Vec<Outcome>> {
    let mut all: Vec<Outcome> = turns.iter().map(|_| Outcome::default()).collect();
    for _ in 0..slices {
        for (turn, whole) in turns.iter().zip(&mut all) {
            whole.absorb(run(turn)?);
        }
    }
    Ok(all)
}
