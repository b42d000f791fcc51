//! How a rollout ends: the candidate is taken back, or becomes current, or the function moves; and what comparing answers tells.

use serde_json::json;

use super::{DEADLINE, failing, roll_out, rollout, staged, version};
use crate::language::in_every_language;
use crate::platform::Platform;
use crate::versions::saying;
use crate::wait::wait_for;

#[test]
fn a_candidate_that_fails_is_taken_back_and_stays_so_after_a_restart() {
    in_every_language(|language| {
        let mut platform = Platform::start(&[]);
        let function = staged(&platform, language, &failing(language));
        let guard = json!({"errorRate": 0.5, "invocations": 5});
        roll_out(
            &platform,
            &function,
            &json!({"version": 2, "percent": 100, "rollback": guard}),
        );
        let state = wait_for("the end of the rollout", DEADLINE, || {
            platform.invoke(&function, &json!({}));
            Some(rollout(&platform, &function)).filter(|state| state["state"] == "rolledBack")
        });
        let reason = state["reason"].as_str().expect("a reason");
        assert!(reason.contains("failed, 100.0 %"), "{reason}");
        assert!((0..10).all(|_| version(&platform, &function, &[]) == 1));
        let path = format!("/functions/{function}/logs?q=rollout");
        let told = wait_for("a line of it", DEADLINE, || {
            let logs = platform.get(&path).expect(200).json();
            logs["logs"]
                .as_array()
                .and_then(|logs| logs.first())
                .cloned()
        });
        assert!(told.to_string().contains("gets no more calls"), "{told}");
        platform.stop();
        let platform = Platform::start_on(platform.data(), &[]);
        let again = rollout(&platform, &function);
        assert_eq!(
            (&again["state"], again["reason"].as_str()),
            (&json!("rolledBack"), Some(reason))
        );
        assert_eq!(version(&platform, &function, &[]), 1);
    });
}

#[test]
fn a_candidate_that_is_slow_is_taken_back() {
    in_every_language(|language| {
        let slow = language.pick(
            "export const handler = () => new Promise((done) => setTimeout(done, 120, 1))",
            "import time\ndef handler(event, context):\n    time.sleep(0.12)\n",
            "def handler(event:, context:)\n  sleep 0.12\nend\n",
        );
        let platform = Platform::shared();
        let function = staged(&platform, language, slow);
        let guard = json!({"p95Ms": 100, "invocations": 5});
        roll_out(
            &platform,
            &function,
            &json!({"version": 2, "percent": 50, "rollback": guard}),
        );
        let state = wait_for("the end of the rollout", DEADLINE, || {
            platform.invoke(&function, &json!({}));
            Some(rollout(&platform, &function)).filter(|state| state["state"] == "rolledBack")
        });
        assert!(
            state["reason"].to_string().contains("100 ms are allowed"),
            "{state}"
        );
        assert_eq!(state["candidate"]["version"], 2);
        assert!(
            state["candidate"]["p95Ms"].as_f64().expect("ms") >= 120.0,
            "{state}"
        );
    });
}

#[test]
fn the_candidate_becomes_current_and_any_move_ends_the_rollout() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = staged(&platform, language, &saying(language, "two"));
        let path = format!("/functions/{function}/rollout");
        assert_eq!(platform.get(&path).problem(404), "rollout_not_found");
        assert_eq!(platform.delete(&path).problem(404), "rollout_not_found");
        let half = json!({"version": 2, "percent": 50});
        roll_out(&platform, &function, &half);
        platform.delete(&path).expect(200);
        assert!((0..20).all(|_| version(&platform, &function, &[]) == 1));
        roll_out(&platform, &function, &half);
        let promoted = platform
            .post(&format!("{path}/promote"), &json!({}))
            .expect(200)
            .json();
        assert_eq!(promoted["function"]["version"], 2);
        assert_eq!(platform.get(&path).problem(404), "rollout_not_found");
        assert!((0..20).all(|_| version(&platform, &function, &[]) == 2));
        let three = json!({"code": saying(language, "three")});
        roll_out(&platform, &function, &json!({"version": 1, "percent": 50}));
        platform
            .put(&format!("/functions/{function}"), &three)
            .expect(200);
        assert_eq!(platform.get(&path).problem(404), "rollout_not_found");
        assert!((0..20).all(|_| version(&platform, &function, &[]) == 3));
    });
}

#[test]
fn answers_of_both_versions_are_compared() {
    in_every_language(|language| {
        let platform = Platform::shared();
        for (other, field) in [
            (saying(language, "one"), None),
            (saying(language, "two"), Some("body")),
            (failing(language), Some("outcome")),
        ] {
            // The very same code would be the same version.
            let other = format!("{other}\n");
            let function = staged(&platform, language, &other);
            let settings = json!({"version": 2, "percent": 0, "shadowPercent": 100});
            roll_out(&platform, &function, &settings);
            for _ in 0..3 {
                assert_eq!(version(&platform, &function, &[]), 1);
            }
            let shadows = wait_for("three comparisons", DEADLINE, || {
                let shadows = rollout(&platform, &function)["shadows"].take();
                let count = |name: &str| shadows[name].as_u64().expect("a count");
                (count("same") + count("different") + count("skipped") == 3).then_some(shadows)
            });
            match field {
                None => assert_eq!(shadows["different"], 0, "{shadows}"),
                Some(field) => {
                    assert_eq!(shadows["same"], 0, "{shadows}");
                    let first = &shadows["differences"][0];
                    assert_eq!(first["field"], field, "{shadows}");
                    assert!(
                        first["requestId"]
                            .as_str()
                            .is_some_and(|id| id.starts_with("req-"))
                    );
                }
            }
        }
    });
}
