//! Whose fault an error is. Each module has its own error type; what they share is this answer.

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
