//! What the targets share: sums of archives put right, and files looked at by other eyes than the platform's.

pub mod archive;
pub mod folder;
pub mod percent;
