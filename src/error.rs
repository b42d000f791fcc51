//! Whose fault an error is, and how its causes are told. Each module has its own error type; what they share is this.

/// Who has to act for an error to go away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Whoever sent the request.
    Caller,
    /// Whoever wrote the function.
    Function,
    /// Whoever runs the platform.
    Platform,
}

/// The error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
