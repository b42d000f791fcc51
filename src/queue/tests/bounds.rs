//! What the queue refuses, and what it forgets.

use super::*;

#[tokio::test]
async fn beyond_its_bounds_the_queue_refuses() {
    let folder = folder();
    let (queue, mut claimed) = open(&folder, 1_000).await;
    let deliveries = (0..101).map(|_| new("many", "")).collect();
    let batch = Batch {
        deliveries,
        ..Batch::default()
    };
    assert!(matches!(
        queue.accept(batch).await,
        Err(QueueError::Full(_))
    ));
    for index in 0..100 {
        accept(&queue, &format!("r-{index}"), "").await;
    }
    let more = Batch {
        deliveries: vec![new("more", "")],
        ..Batch::default()
    };
    assert!(matches!(queue.accept(more).await, Err(QueueError::Full(_))));
    let first = next(&mut claimed).await;
    queue.finish(finish(first, Next::Succeeded)).await;
    settle(&queue).await;
    accept(&queue, "more", "").await;
    let forget = Change::Forget {
        function_id: "fn-1".to_owned(),
    };
    queue.change(forget).await.expect("a queue");
    assert_eq!(queue.open_now(), (0, 0));
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten() {
    let folder = folder();
    let (queue, mut claimed) = open(&folder, 10).await;
    for (request_id, end) in [
        ("well", Next::Succeeded),
        ("badly", Next::Dead(retry::Death::RetriesExhausted)),
    ] {
        accept(&queue, request_id, "").await;
        let delivery = next(&mut claimed).await;
        queue.finish(finish(delivery, end)).await;
    }
    accept(&queue, "waits", "").await;
    settle(&queue).await;
    let forgetful = QueueSettings {
        retention_hours: 0,
        ..SETTINGS
    };
    // Nobody else has heard of the function, so all that has ended goes.
    queue.forget(&forgetful).await.expect("a database");
    assert!(queue.of_request("well").await.expect("readable").is_empty());
    assert!(
        queue
            .of_request("badly")
            .await
            .expect("readable")
            .is_empty()
    );
    assert_eq!(queue.of_request("waits").await.expect("readable").len(), 1);
}
