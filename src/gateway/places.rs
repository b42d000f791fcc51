//! Places for connections: so many in all, and so many for one address, so that no caller alone takes them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All places.
#[derive(Debug, Clone)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    count: u32,
    each: u32,
    taken: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// A connection's place.
#[derive(Debug)]
pub(super) struct Place {
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, u32>>>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// So many in all, and so many for each address.
    pub(super) fn new(count: u32, each: u32) -> Self {
        let free = Arc::new(Semaphore::new(count as usize));
        Self {
            free,
            count,
            each,
            taken: Arc::default(),
        }
    }

    /// A place for whoever comes next, once there is one.
    pub(super) async fn any(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// Gives the place to an address, unless it has its share.
    pub(super) fn give(&self, permit: OwnedSemaphorePermit, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_insert(0);
        if *count >= self.each {
            return None;
        }
        *count += 1;
        drop(taken);
        let taken = Arc::clone(&self.taken);
        Some(Place {
            address,
            taken,
            _permit: permit,
        })
    }

    /// Resolves when all places are free.
    pub(super) async fn all_free(&self) {
        let _ = self.free.acquire_many(self.count).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_address_gets_its_share_and_others_theirs() {
        let places = Places::new(5, 2);
        let [first, second] =
            ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap());
        let mapped = "::ffff:192.0.2.1".parse::<IpAddr>().unwrap();
        let mut held = Vec::new();
        for (address, granted) in [
            (first, true),
            (mapped, true),
            (first, false),
            (second, true),
        ] {
            let permit = places.any().await.unwrap();
            let place = places.give(permit, address);
            assert_eq!(place.is_some(), granted, "{address}");
            held.extend(place);
        }
        assert_eq!(places.free.available_permits(), 2);
        drop(held);
        places.all_free().await;
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
