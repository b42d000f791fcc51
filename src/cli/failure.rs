//! How a command can fail: what people read, and what scripts see.

use serde_json::Value;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The command makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The platform refused, or the function failed; the problem as it came.
    #[error("{}", .problem["detail"].as_str().unwrap_or("the platform refused without a reason"))]
    Refused {
        /// The status.
        status: u16,
        /// RFC 9457.
        problem: Value,
    },
    /// Nobody listens there.
    #[error("no platform answers at {0}; start one with `zygo serve`, or set --url or ZYGO_URL")]
    Unreachable(String),
    /// It took too long.
    #[error("the platform did not answer in time")]
    TooSlow,
    /// What came back is not what the API promises.
    #[error("the answer of {0} cannot be understood; is a Zygo platform there?")]
    Strange(String),
    /// Files here cannot be used.
    #[error("{0}")]
    Files(String),
    /// What is there already, or in use, must not be touched.
    #[error("{0}")]
    InTheWay(String),
    /// Something that was to be looked after is not well.
    #[error("{0}")]
    Unwell(String),
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl Failure {
    pub(super) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// The exit code; the command line's help lists them.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Refused { status, .. } => match status {
                404 => 3,
                401 | 403 => 4,
                409 | 412 => 5,
                408 | 504 => 6,
                400 | 422 => 2,
                _ => 1,
            },
            Self::Usage(_) => 2,
            Self::InTheWay(_) => 5,
            Self::TooSlow => 6,
            Self::Unreachable(_) => 7,
            Self::Interrupted => 130,
            Self::Strange(_) | Self::Files(_) | Self::Unwell(_) => 1,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Files(error.to_string())
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        let url = error.url().map(ToString::to_string).unwrap_or_default();
        if error.is_timeout() {
            Self::TooSlow
        } else if error.is_decode() {
            Self::Strange(url)
        } else {
            Self::Unreachable(url)
        }
    }
}
