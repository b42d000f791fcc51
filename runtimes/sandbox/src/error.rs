//! Which layer could not be had, in which step, and what the system said.

use std::io;

use zygo_wire::Layer;

/// A layer that could not be applied.
#[derive(Debug, thiserror::Error)]
#[error("the layer `{}` cannot be applied: {step}: {source}", layer.name())]
pub struct LayerError {
    /// Which layer.
    pub layer: Layer,
    /// What was tried.
    step: String,
    source: io::Error,
}

impl LayerError {
    /// An error of a step.
    pub fn new(layer: Layer, step: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self {
            layer,
            step: step.into(),
            source: source.into(),
        }
    }
}

/// Names the step that failed.
pub(crate) trait Step<T> {
    /// Makes the failure one of this layer and step.
    fn step(self, layer: Layer, step: impl Into<String>) -> Result<T, LayerError>;
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn step(self, layer: Layer, step: impl Into<String>) -> Result<T, LayerError> {
        self.map_err(|error| LayerError::new(layer, step, error))
    }
}
