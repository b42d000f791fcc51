//! An instance while an invocation runs in it, and what becomes of it when nobody waits for the answer any more.

use std::time::Duration;

use tokio::runtime::Handle;

use super::Lease;
use crate::instance::{Instance, InstanceError};

/// A lease in use. Dropped before its end, an instance that has its process alone is killed with what runs in it; one of
/// several seats is held until its handler has ended.
#[derive(Debug)]
pub(crate) struct InUse {
    lease: Option<Lease>,
    /// How long a handler may go on without anybody who waits.
    patience: Duration,
}

impl InUse {
    /// From now on.
    pub(crate) fn new(lease: Lease, patience: Duration) -> Self {
        Self {
            lease: Some(lease),
            patience,
        }
    }

    /// The instance.
    pub(crate) fn instance(&mut self) -> Option<&mut Instance> {
        self.lease.as_mut().map(Lease::instance)
    }

    /// The invocation has ended, in this way.
    pub(crate) fn end<T>(mut self, result: &Result<T, InstanceError>) {
        let is_left = self
            .instance()
            .is_some_and(|instance| instance.is_left_running());
        // Dropping this then sees to it.
        if is_left {
            return;
        }
        if let Some(lease) = self.lease.take() {
            give_back(
                lease,
                result
                    .as_ref()
                    .err()
                    .is_none_or(InstanceError::leaves_instance_usable),
            );
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let Some(mut lease) = self.lease.take() else {
            return;
        };
        let patience = self.patience;
        if let (true, Ok(runtime)) = (lease.instance().is_left_running(), Handle::try_current()) {
            runtime.spawn(async move {
                let is_usable = lease.instance().wait_out(patience).await;
                give_back(lease, is_usable);
            });
        }
    }
}

fn give_back(lease: Lease, is_usable: bool) {
    if is_usable {
        lease.finish();
    } else {
        lease.discard();
    }
}
