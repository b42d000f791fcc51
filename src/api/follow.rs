//! Lines of user code as they come, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::watch;

use super::logs::LineView;
use crate::gateway::problem::RequestError;
use crate::platform::Platform;
use crate::telemetry::{Line, Lines, weight};

/// A follower hears of the connection so often, lines or not.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A follower who takes nothing is let go after so long; then it comes again with its cursor.
const FOLLOW_MAX: Duration = Duration::from_secs(3_600);
/// The most lines that are read from the store at a time for a follower who is behind.
const PAGE: usize = 1_000;

/// Where a follower begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    /// With so many of the newest lines.
    Newest(usize),
    /// With everything after the line of this id, which it had.
    After(i64),
}

/// What there is, and then what comes, as server-sent events. The id of an event is the cursor to go on from.
pub(super) async fn follow(
    platform: &Platform,
    which: Lines,
    start: Start,
) -> Result<Response, super::Rejection> {
    let telemetry = Arc::clone(platform.telemetry());
    // First the ear, then the look back: nothing falls between.
    let coming = telemetry.follow();
    let mut ready = Vec::new();
    if let Start::Newest(count) = start {
        let found = telemetry.lines(&which, true, count).await;
        ready = found.map_err(RequestError::from)?;
        ready.reverse();
    }
    let last = match start {
        Start::After(last) => last,
        // A line that was written before this moment may be stored after it.
        Start::Newest(_) => {
            let before = which.from.unwrap_or_default() - 1;
            ready.last().map_or(before, |line| line.id)
        }
    };
    let following = Following {
        parting: telemetry.parting(),
        telemetry,
        coming,
        which,
        ready: ready.into(),
        last,
        is_behind: matches!(start, Start::After(_)),
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
    parting: watch::Receiver<bool>,
    which: Lines,
    ready: std::collections::VecDeque<Line>,
    /// Id of the last line that is sent or ready.
    last: i64,
    /// Whether the store may have lines that it has not had, and that will not come by themselves.
    is_behind: bool,
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
            if self.is_behind {
                self.catch_up().await?;
                continue;
            }
            let come = tokio::select! {
                come = self.coming.recv() => come,
                _ = self.parting.wait_for(|parts| *parts) => return None,
                () = tokio::time::sleep_until(self.ends) => return None,
            };
            match come {
                Ok(batch) => self.take(&batch),
                Err(RecvError::Lagged(_)) => self.is_behind = true,
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

    /// What it missed comes from the store, page by page.
    async fn catch_up(&mut self) -> Option<()> {
        let which = Lines {
            from: Some(self.which.from.unwrap_or(i64::MIN).max(self.last + 1)),
            ..self.which.clone()
        };
        let missed = self.telemetry.lines(&which, false, PAGE).await.ok()?;
        self.is_behind = missed.len() == PAGE;
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
