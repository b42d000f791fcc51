//! Why a configuration cannot be used.

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key is unknown, or a value has the wrong type.
    #[error("{0}")]
    Malformed(#[from] Box<figment::Error>),
    /// A value is out of range.
    #[error("{key} must be {rule}")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The folder of the runtimes cannot be found.
    #[error("the folder of this program is unknown; set runtime_dir")]
    NoRuntimeDir(#[source] std::io::Error),
}
