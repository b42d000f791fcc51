//! Lines of user code as they come, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::logs::LineView;
use crate::gateway::problem::RequestError;
use crate::platform::Platform;
use crate::telemetry::{Line, Lines, weight};

/// A follower hears of the connection so often, lines or not.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A follower who takes nothing is let go after so long; then it comes again with its cursor.
const FOLLOW_MAX: Duration = Duration::from_secs(3_600);
/// The most lines that a follower who was too slow is given at once.
const CATCH_UP_MAX: usize = 1_000;

/// What there is, and then what comes, as server-sent events. The id of an event is the cursor to go on from.
pub(super) async fn follow(
    platform: &Platform,
    which: Lines,
    limit: usize,
) -> Result<Response, super::Rejection> {
    // First the ear, then the look back: nothing falls between.
    let coming = platform.telemetry().follow();
    let telemetry = Arc::clone(platform.telemetry());
    let resumes = which.from.is_some();
    let found = telemetry.lines(&which, !resumes, limit).await;
    let mut backlog = found.map_err(RequestError::from)?;
    if !resumes {
        backlog.reverse();
    }
    let last = backlog
        .last()
        // A line that was written before this moment may be stored after it.
        .map_or_else(|| which.from.unwrap_or_default() - 1, |line| line.id);
    let following = Following {
        telemetry,
        coming,
        which,
        ready: backlog.into(),
        last,
        ends: tokio::time::Instant::now() + FOLLOW_MAX,
    };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(following.events())
        .keep_alive(keep_alive)
        .into_response())
}

/// One follower.
struct Following {
    telemetry: Arc<crate::telemetry::Telemetry>,
    coming: Receiver<Arc<Vec<Line>>>,
    which: Lines,
    ready: std::collections::VecDeque<Line>,
    /// Id of the last line that is sent or ready.
    last: i64,
    ends: tokio::time::Instant,
}

impl Following {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures_util::stream::unfold(self, async |mut following| {
            let line = following.next().await?;
            let event = Event::default().event("log").id(line.id.to_string());
            let event = event.json_data(LineView::from(line)).unwrap_or_default();
            Some((Ok(event), following))
        })
    }

    async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            match tokio::time::timeout_at(self.ends, self.coming.recv())
                .await
                .ok()?
            {
                Ok(batch) => self.take(&batch),
                Err(RecvError::Lagged(_)) => self.catch_up().await?,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn take(&mut self, batch: &[Line]) {
        let fresh = batch
            .iter()
            .filter(|line| line.id > self.last && fits(line, &self.which));
        self.ready.extend(fresh.cloned());
        self.last = self.ready.back().map_or(self.last, |line| line.id);
    }

    /// The follower was too slow: what it missed comes from the store.
    async fn catch_up(&mut self) -> Option<()> {
        let which = Lines {
            from: Some(self.last + 1),
            ..self.which.clone()
        };
        let missed = self
            .telemetry
            .lines(&which, false, CATCH_UP_MAX)
            .await
            .ok()?;
        self.take(&missed);
        Some(())
    }
}

/// Whether a line is one of those asked for.
fn fits(line: &Line, which: &Lines) -> bool {
    let of_function = which
        .function_id
        .as_deref()
        .is_none_or(|id| *id == *line.function_id);
    let of_request = which
        .request_id
        .as_deref()
        .is_none_or(|id| line.request_id.as_deref() == Some(id));
    let has_text = || {
        let text = which.text.as_deref().map(str::to_lowercase);
        text.is_none_or(|text| line.text.to_lowercase().contains(&text))
    };
    of_function
        && of_request
        && weight(line.level) >= which.weight_min
        && which.version.is_none_or(|version| version == line.version)
        && which.below.is_none_or(|below| line.id < below)
        && has_text()
}
