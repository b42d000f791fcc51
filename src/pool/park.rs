//! Forks instances ahead of demand, off every caller's path.

use std::sync::Arc;
use std::time::Duration;

use zygo_wire::control::Purpose;

use super::{Pool, policy};
use crate::instance::Instance;
use crate::packet_socket::PacketSocket;

/// An instance that is not ready by then is given up.
const PARK_TIMEOUT: Duration = Duration::from_secs(10);

impl Pool {
    /// Begins to park as many instances as are missing. Returns at once.
    pub(crate) fn refill(self: &Arc<Self>) {
        let count = self.reserve_for_parking();
        if count > 0 {
            let pool = Arc::clone(self);
            tokio::spawn(async move {
                for _ in 0..count {
                    pool.park_one().await;
                }
            });
        }
    }

    fn reserve_for_parking(&self) -> usize {
        let mut state = self.lock();
        // Ahead of demand comes after demand.
        if state.retired || self.zygote.is_slowed() || !self.capacity.has_to_spare() {
            return 0;
        }
        let floor = state.steering.floor;
        let wanted = policy::to_park(state.snapshot(), self.settings.bounds, floor);
        let count = (0..wanted).take_while(|_| self.capacity.take()).count();
        state.filling += count;
        state.live += count;
        count
    }

    async fn park_one(self: &Arc<Self>) {
        match tokio::time::timeout(PARK_TIMEOUT, self.fork_parked()).await {
            Ok(Some(instance)) => self.add_parked(instance),
            // The next tending tries again.
            _ => {
                self.lock().filling -= 1;
                self.release_room(0);
            }
        }
    }

    async fn fork_parked(&self) -> Option<Instance> {
        let found = self.zygote.get().await.ok()?;
        let (socket, theirs) = PacketSocket::pair().ok()?;
        let process = found.zygote.fork(Purpose::Park, theirs).await.ok()?;
        let mut instance = Instance::new(socket, process, found.zygote);
        instance.wait_parked().await.ok()?;
        Some(instance)
    }
}
