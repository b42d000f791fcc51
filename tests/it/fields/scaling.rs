//! What can be wrong with a function's scaling.

use serde_json::json;

use super::Case;

pub(super) fn cases() -> Vec<Case> {
    let refused = [
        (json!({"maxInstances": 0}), 422, "/scaling/maxInstances"),
        (
            json!({"maxInstances": 1_000_000}),
            422,
            "/scaling/maxInstances",
        ),
        (
            json!({"maxInstances": 1, "minInstances": 2}),
            422,
            "/scaling/minInstances",
        ),
        (
            json!({"maxInstances": 1, "parked": 2}),
            422,
            "/scaling/parked",
        ),
        (
            json!({"scaleUpThreshold": 1.5}),
            422,
            "/scaling/scaleUpThreshold",
        ),
        (
            json!({"scaleDownThreshold": -1}),
            422,
            "/scaling/scaleDownThreshold",
        ),
        (json!({"parked": "many"}), 400, "/scaling/parked"),
        (
            json!({"scaleUpThreshold": 0.4, "scaleDownThreshold": 0.5}),
            422,
            "/scaling/scaleDownThreshold",
        ),
        (
            json!({"cooldownPeriod": 86_400_001}),
            422,
            "/scaling/cooldownPeriod",
        ),
        (json!({"preset": "speed"}), 400, "/scaling/preset"),
        (
            json!({"scheduled": [{"schedule": "soon", "duration": 1000, "minInstances": 1}]}),
            422,
            "/scaling/scheduled/0/schedule",
        ),
        (
            json!({"maxInstances": 1, "scheduled": [{"schedule": "0 9 * * *", "duration": 1000, "minInstances": 2}]}),
            422,
            "/scaling/scheduled/0/minInstances",
        ),
        (json!({"unknown": 1}), 400, "/scaling/unknown"),
    ];
    let case = |(value, status, pointer)| ("scaling", value, status, pointer);
    refused.into_iter().map(case).collect()
}
