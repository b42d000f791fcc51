//! The queue on a database of its own, with nobody but the test to run what it hands out.

mod bounds;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::time::now_unix_ms;

const SETTINGS: QueueSettings = QueueSettings {
    rows_max: 100,
    bytes_max: 10_000,
    payload_bytes_max: 1_000,
    attempts_max: 3,
    first_pause_ms: 1,
    age_max_ms: 60_000,
    concurrency: 10,
    retention_hours: 1,
    dead_letter_retention_hours: 1,
    lease_ms: 15_000,
    private_webhooks: false,
    private_sources: false,
    source_root_file: None,
};

type Claimed = UnboundedReceiver<Delivery>;

async fn open(folder: &tempfile::TempDir, most: usize) -> (Arc<Queue>, Claimed) {
    let database = Database::state(folder.path(), None)
        .await
        .expect("a database");
    let limits = Limits(Arc::new(move |_| most));
    Queue::open(database, &SETTINGS, limits)
        .await
        .expect("a queue")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn new(request_id: &str, ordering_key: &str) -> NewDelivery {
    NewDelivery {
        request_id: request_id.to_owned(),
        function_id: "fn-1".to_owned(),
        qualifier: String::new(),
        kind: Kind::Async,
        origin: "test".to_owned(),
        payload: Payload {
            event: "{}".into(),
            body_kind: zygo_wire::data::BodyKind::Text,
            body: "with\0nul".into(),
        },
        ordering_key: ordering_key.to_owned(),
        depth: 0,
        traceparent: String::new(),
        retry: SETTINGS.retry(None, None),
        due_unix_ms: now_unix_ms(),
    }
}

async fn accept(queue: &Queue, request_id: &str, ordering_key: &str) {
    let batch = Batch {
        deliveries: vec![new(request_id, ordering_key)],
        ..Batch::default()
    };
    assert_eq!(queue.accept(batch).await.expect("room"), Accepted::New);
}

async fn next(claimed: &mut Claimed) -> Delivery {
    let next = tokio::time::timeout(Duration::from_secs(20), claimed.recv());
    next.await.expect("something that is due").expect("a queue")
}

fn finish(delivery: Delivery, next: Next) -> Finish {
    Finish {
        attempts: delivery.attempts + 1,
        delivery,
        next,
        status: None,
        error: None,
        followers: Vec::new(),
        lane_pause: None,
    }
}

async fn state(queue: &Queue, request_id: &str) -> (State, u32) {
    let found = queue.of_request(request_id).await.expect("readable");
    (found[0].state, found[0].attempts)
}

/// Waits for what was sent before: the ledger does one thing after the other.
async fn settle(queue: &Queue) {
    let nothing = Change::Remove {
        function_id: "none".to_owned(),
        id: None,
    };
    queue.change(nothing).await.expect("a queue");
}

#[tokio::test]
async fn a_delivery_is_tried_until_it_succeeds_or_dies() {
    let folder = folder();
    let (queue, mut claimed) = open(&folder, 10).await;
    accept(&queue, "one", "").await;
    let first = next(&mut claimed).await;
    assert_eq!(first.new.payload, new("one", "").payload);
    assert_eq!(state(&queue, "one").await, (State::Running, 0));
    queue
        .finish(finish(first, Next::Again(Duration::from_millis(1))))
        .await;
    let second = next(&mut claimed).await;
    assert_eq!(second.attempts, 1);
    queue
        .finish(finish(second, Next::Dead(retry::Death::RetriesExhausted)))
        .await;
    settle(&queue).await;
    assert_eq!(state(&queue, "one").await, (State::Dead, 2));
    assert_eq!(queue.open_now(), (0, 0));
    let letter = queue
        .dead("fn-1", None, 10)
        .await
        .expect("readable")
        .remove(0);
    let change = Change::Redrive {
        function_id: "fn-1".to_owned(),
        id: Some(letter.id),
    };
    assert_eq!(queue.change(change).await.expect("a queue"), 1);
    let third = next(&mut claimed).await;
    assert_eq!((third.attempts, third.new.payload.len()), (0, 10));
    queue.finish(finish(third, Next::Succeeded)).await;
    settle(&queue).await;
    assert_eq!(state(&queue, "one").await, (State::Succeeded, 1));
    assert_eq!(queue.open_now(), (0, 0));
    let counts = queue.counts("fn-1").await.expect("readable");
    assert_eq!(counts, Counts::default());
}

#[tokio::test]
async fn what_ran_when_its_supervisor_was_gone_runs_again_and_its_first_end_is_not_stored() {
    let folder = folder();
    let (queue, mut claimed) = open(&folder, 10).await;
    for request_id in ["runs", "waits"] {
        accept(&queue, request_id, "key").await;
    }
    let lost = next(&mut claimed).await;
    assert_eq!(state(&queue, "waits").await, (State::Held, 0));
    let (after, mut claimed_after) = open(&folder, 10).await;
    assert_eq!(after.open_now().0, 2);
    let again = next(&mut claimed_after).await;
    assert_eq!((again.id, again.attempts), (lost.id, 0));
    queue
        .finish(finish(lost, Next::Dead(retry::Death::Impossible)))
        .await;
    settle(&queue).await;
    assert_eq!(state(&after, "runs").await.0, State::Running);
    after.finish(finish(again, Next::Succeeded)).await;
    let last = next(&mut claimed_after).await;
    assert_eq!(last.new.request_id, "waits");
    after.stop(Duration::from_millis(1)).await;
    assert_eq!(state(&after, "waits").await, (State::Pending, 0));
    assert!(matches!(
        after.accept(Batch::default()).await,
        Err(QueueError::Stopped)
    ));
}

#[tokio::test]
async fn one_lane_runs_so_many_at_a_time_and_a_key_one_after_the_other() {
    let folder = folder();
    let (queue, mut claimed) = open(&folder, 2).await;
    for index in 0..3 {
        accept(&queue, &format!("free-{index}"), "").await;
    }
    let (first, _second) = (next(&mut claimed).await, next(&mut claimed).await);
    settle(&queue).await;
    assert!(claimed.try_recv().is_err(), "two run already");
    queue.finish(finish(first, Next::Succeeded)).await;
    assert_eq!(next(&mut claimed).await.new.request_id, "free-2");

    let folder = self::folder();
    let (queue, mut claimed) = open(&folder, 10).await;
    let deliveries = ["1", "2", "3"]
        .map(|request_id| new(request_id, "same"))
        .into();
    let batch = Batch {
        deliveries,
        ..Batch::default()
    };
    queue.accept(batch).await.expect("room");
    for expected in ["1", "2", "3"] {
        let delivery = next(&mut claimed).await;
        assert_eq!(delivery.new.request_id, expected);
        settle(&queue).await;
        assert!(claimed.try_recv().is_err(), "one at a time");
        // An attempt that fails holds up the others, and death does not.
        queue
            .finish(finish(delivery, Next::Again(Duration::ZERO)))
            .await;
        let again = next(&mut claimed).await;
        assert_eq!(again.new.request_id, expected);
        queue
            .finish(finish(again, Next::Dead(retry::Death::RetriesExhausted)))
            .await;
    }
}

#[tokio::test]
async fn a_request_is_stored_once_and_a_tick_fires_once() {
    let folder = folder();
    let (queue, _claimed) = open(&folder, 1).await;
    let batch = |digest: &str, answer: &str| Batch {
        deliveries: vec![new(answer, "")],
        once: Some(Once {
            key: "key".to_owned(),
            digest: digest.to_owned(),
            answer: answer.to_owned(),
        }),
        tick: None,
    };
    assert_eq!(
        queue.accept(batch("a", "first")).await.expect("room"),
        Accepted::New
    );
    for (digest, is_same_request) in [("a", true), ("b", false)] {
        let earlier = queue.accept(batch(digest, "second")).await.expect("room");
        let answer = "first".to_owned();
        assert_eq!(
            earlier,
            Accepted::Earlier {
                is_same_request,
                answer
            }
        );
    }
    assert!(
        queue
            .of_request("second")
            .await
            .expect("readable")
            .is_empty()
    );
    let tick = |unix_ms, skips_overlap| Batch {
        deliveries: vec![NewDelivery {
            origin: "cron/0".to_owned(),
            ..new(&format!("tick-{unix_ms}"), "")
        }],
        once: None,
        tick: Some(Tick {
            function_id: "fn-1".to_owned(),
            trigger: 0,
            definition: "* * * * *".to_owned(),
            unix_ms,
            skips_overlap,
        }),
    };
    for (batch, expected) in [
        (tick(1_000, true), Accepted::New),
        (tick(1_000, false), Accepted::Passed),
        (tick(900, false), Accepted::Passed),
        (tick(2_000, true), Accepted::Passed),
        (tick(3_000, false), Accepted::New),
    ] {
        assert_eq!(queue.accept(batch).await.expect("room"), expected);
    }
    assert_eq!(queue.open_now().0, 3);
}
