//! What ends because nobody uses it, or because memory is short.

use serde_json::json;

use super::{DEADLINE, deploy, scaling, start_kind};
use crate::language::in_every_language;
use crate::platform::Platform;
use crate::wait::wait_until;

#[test]
fn what_nobody_uses_ends_when_memory_is_short_and_comes_back_when_it_is_wanted() {
    // No machine has so much to spare.
    let platform = Platform::start(&[("ZYGO_SCALING_MEMORY_RESERVE_PERCENT", "99.99")]);
    in_every_language(|language| {
        let function = deploy(&platform, language, &json!({}));
        let kind = start_kind(&platform, &function);
        assert!(["forked", "booted"].contains(&kind.as_str()), "{kind}");
        let rests = || {
            let processes = &platform.show(&function)["processes"];
            processes["instances"] == 0 && processes["zygotePid"].is_null()
        };
        wait_until("the end of what nobody uses", DEADLINE, rests);
        assert_eq!(start_kind(&platform, &function), "booted");
        let kept = deploy(
            &platform,
            language,
            &json!({"scaling": {"minInstances": 1}}),
        );
        start_kind(&platform, &kept);
        wait_until("the end of what nobody uses", DEADLINE, rests);
        assert_eq!(
            platform.show(&kept)["processes"]["instances"],
            1,
            "its minimum stays"
        );
    });
}

#[test]
fn the_zygote_of_a_function_that_nobody_calls_ends() {
    let settings = [
        ("ZYGO_SCALING_ZYGOTE_IDLE_MS", "500"),
        // So long that the second of two calls finds the instance of the first.
        ("ZYGO_IDLE_TIMEOUT_MS", "3000"),
    ];
    let platform = Platform::start(&settings);
    in_every_language(|language| {
        let function = deploy(&platform, language, &json!({}));
        let rests = || platform.show(&function)["processes"]["zygotePid"].is_null();
        wait_until("the end of the zygote", DEADLINE, rests);
        assert_eq!(start_kind(&platform, &function), "booted");
        assert_eq!(start_kind(&platform, &function), "warm");
        wait_until("the end of the zygote", DEADLINE, rests);
    });
}

#[test]
fn without_scaling_instances_come_with_demand_alone() {
    let platform = Platform::start(&[("ZYGO_SCALING_AUTOMATIC", "false")]);
    in_every_language(|language| {
        let function = deploy(&platform, language, &json!({"isolation": "request"}));
        for _ in 0..12 {
            assert_eq!(start_kind(&platform, &function), "forked");
        }
        let state = scaling(&platform, &function);
        assert_eq!(
            (&state["automatic"], &state["decisions"]),
            (&json!(false), &json!([]))
        );
    });
}
