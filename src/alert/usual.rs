//! What telemetry has kept of the time before: the last hour by minute, once at the start, and the last seven days by day,
//! once a day.

use std::collections::HashMap;
use std::sync::Arc;

use super::DAY_MS;
use super::recent::Recent;
use super::rules::WINDOW_MS_MAX;
use crate::store::StoreError;
use crate::telemetry::{MINUTE_MS, Telemetry};

/// So many days before this one tell what is usual.
const DAYS: i64 = 7;
const HOURS_PER_DAY: f64 = 24.0;

/// The last hour of every function, from the figures by minute on. To be called before anything is invoked, so that
/// nothing is counted twice.
pub(super) async fn recent(
    telemetry: &Telemetry,
    now_unix_ms: i64,
) -> Result<HashMap<Arc<str>, Recent>, StoreError> {
    let live = telemetry.intake().all();
    let known = live.into_iter().map(|(id, live)| {
        let recent = Recent::new(&live.figures(), now_unix_ms);
        (id, recent)
    });
    let mut known: HashMap<Arc<str>, Recent> = known.collect();
    let from = now_unix_ms - i64::try_from(WINDOW_MS_MAX).unwrap_or(i64::MAX);
    for (id, point) in telemetry.minutes_of_each(from).await? {
        let (start, end) = (point.start_unix_ms, point.start_unix_ms + MINUTE_MS);
        if let Some(recent) = known.get_mut(id.as_str()) {
            recent.add_earlier(start, end.min(now_unix_ms), &point.figures);
        }
    }
    Ok(known)
}

/// What an hour of each function usually costs, as it was found out last.
#[derive(Debug, Default)]
pub(super) struct Usual {
    day: i64,
}

impl Usual {
    /// In USD, by function; `None` when that has been said today already. This day itself is left out, so that what is
    /// unusual does not make itself usual.
    pub(super) async fn renewed(
        &mut self,
        telemetry: &Telemetry,
        now_unix_ms: i64,
    ) -> Result<Option<HashMap<Arc<str>, f64>>, StoreError> {
        let today = now_unix_ms.div_euclid(DAY_MS);
        if self.day == today {
            return Ok(None);
        }
        let first = (today - DAYS) * DAY_MS;
        let mut costs: Vec<(Arc<str>, i64, f64)> = Vec::new();
        for (id, point) in telemetry.days_of_each(first).await? {
            let day = point.start_unix_ms.div_euclid(DAY_MS);
            if day < today {
                let cost = point.figures.billed().cost().total();
                costs.push((id.into(), day, cost));
            }
        }
        self.day = today;
        Ok(Some(means(&costs, today)))
    }
}

/// The mean hour of each function, from its first one of these days on.
fn means(costs: &[(Arc<str>, i64, f64)], today: i64) -> HashMap<Arc<str>, f64> {
    let mut sums: HashMap<Arc<str>, (i64, f64)> = HashMap::new();
    for (id, day, cost) in costs {
        let (first, sum) = sums.entry(Arc::clone(id)).or_insert((*day, 0.0));
        *first = (*first).min(*day);
        *sum += cost;
    }
    let mean = |(id, (first, sum)): (Arc<str>, (i64, f64))| {
        let days = i32::try_from(today - first).unwrap_or(i32::MAX).max(1);
        (id, sum / (f64::from(days) * HOURS_PER_DAY))
    };
    sums.into_iter().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_hour_is_that_of_the_days_since_the_first() {
        let costs = [("old", 93, 7.0), ("old", 99, 161.0), ("new", 99, 24.0)]
            .map(|(id, day, cost)| (Arc::from(id), day, cost));
        let means = means(&costs, 100);
        assert!((means["old"] - 1.0).abs() < 1e-9);
        assert!((means["new"] - 1.0).abs() < 1e-9);
        assert_eq!(means.get("none"), None);
    }
}
