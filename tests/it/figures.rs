//! Records of invocations, figures and costs; and that they say the same, also after a kill.

use std::time::Duration;

use serde_json::{Value, json};

use crate::exposition::Exposition;
use crate::language::{Language, in_every_language};
use crate::observed::writing;
use crate::platform::Platform;
use crate::processes;
use crate::wait::{wait_for, wait_until};

const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn figures_have_the_specifications_fields_and_add_up() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = platform.deploy(language, &writing(language), &json!({"memory": 128}));
        for _ in 0..7 {
            platform.invoke(&function, &json!({"who": "x"})).expect(200);
        }
        let failed = platform.invoke(&function, &json!({"who": "x", "fail": true}));
        assert_eq!(failed.problem(502), "handler_error");
        let path = format!("/functions/{function}");
        let body = platform.get(&format!("{path}/metrics")).expect(200).json();
        let figures = &body["metrics"];
        assert_eq!(
            (&figures["invocations"], &figures["errors"]),
            (&json!(8), &json!(1))
        );
        assert_eq!(
            (&figures["successRate"], &figures["errorRate"]),
            (&json!(87.5), &json!(12.5))
        );
        assert_eq!(figures["errorsByKind"], json!({"handler_error": 1}));
        let starts = figures["startKinds"].as_object().expect("kinds");
        assert_eq!(starts.values().filter_map(Value::as_u64).sum::<u64>(), 8);
        for field in [
            "coldStarts",
            "avgDuration",
            "avgColdStartDuration",
            "p50Duration",
            "p95Duration",
            "p99Duration",
            "coldStartRate",
            "totalCost",
            "billedMs",
            "avgMemoryMb",
            "cpuMs",
            "gbSeconds",
        ] {
            assert!(
                figures[field].as_f64().is_some_and(|value| value >= 0.0),
                "{field} in {figures}"
            );
        }
        assert!(figures["p95Duration"].as_f64() >= figures["p50Duration"].as_f64());
        check_sums(platform.as_ref(), &path, figures);
    });
}

/// Records, sums by day, and the counters of now say the same.
fn check_sums(platform: &Platform, path: &str, figures: &Value) {
    let records = wait_for("the records", DEADLINE, || {
        let page = platform
            .get(&format!("{path}/invocations"))
            .expect(200)
            .json();
        let records = page["invocations"].as_array().expect("a list").clone();
        (records.len() == 8).then_some(records)
    });
    let sum: u64 = records
        .iter()
        .filter_map(|record| record["billedMs"].as_u64())
        .sum();
    assert_eq!(figures["billedMs"], sum);
    let bill = platform.get(&format!("{path}/cost")).expect(200).json();
    assert_eq!(bill["mbMs"], sum * 128);
    assert_eq!(bill["days"][0]["billedMs"], sum);
    assert_eq!(bill["total"], figures["totalCost"]);
    let window = platform
        .get(&format!("{path}/metrics?window=1h"))
        .expect(200)
        .json();
    assert_eq!(window["metrics"]["invocations"], 8);
    let series = platform
        .get(&format!("{path}/metrics/series?since=1h&step=1m"))
        .expect(200)
        .json();
    let points = series["points"].as_array().expect("points").iter();
    assert_eq!(
        points
            .filter_map(|point| point["invocations"].as_u64())
            .sum::<u64>(),
        8
    );
    assert_eq!(
        platform
            .get(&format!("{path}/metrics?window=x"))
            .problem(400),
        "malformed_request"
    );
}

#[test]
fn the_platforms_figures_come_as_json_and_for_prometheus() {
    let platform = Platform::start(&[]);
    let function = platform.deploy(Language::Ruby, &writing(Language::Ruby), &json!({}));
    for fail in [false, true, false] {
        platform.invoke(&function, &json!({"who": "x", "fail": fail}));
    }
    let json = platform.get("/metrics").expect(200).json();
    assert_eq!(json["platform"]["invocations"], 3);
    assert_eq!(json["functions"][0]["metrics"]["errors"], 1);
    let text = platform.get("/metrics/prometheus").expect(200);
    assert!(
        text.header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let text = Exposition::read(&text.text());
    let of = format!("function=\"{function}\"");
    let outcome = |outcome: &str| {
        let labels = format!("{of},version=\"1\",trigger=\"http\",outcome=\"{outcome}\"");
        text.value("zygo_invocations_total", &labels)
    };
    assert_eq!((outcome("ok"), outcome("handler_error")), (2.0, 1.0));
    for counted in [
        "zygo_invocation_duration_seconds",
        "zygo_queue_wait_seconds",
    ] {
        assert_eq!(
            text.value(&format!("{counted}_count"), &of),
            3.0,
            "{counted}"
        );
        assert!(text.value(&format!("{counted}_bucket"), &format!("le=\"0.0001\",{of}")) <= 3.0);
    }
    for (kind, count) in [("forked", 1.0), ("warm", 2.0)] {
        let labels = format!("{of},kind=\"{kind}\"");
        assert_eq!(
            text.value("zygo_start_duration_seconds_count", &labels),
            count
        );
        assert_eq!(text.value("zygo_starts_total", &labels), count);
    }
    for more_than_nothing in [
        "zygo_instance_memory_bytes",
        "zygo_cpu_seconds_total",
        "zygo_cost_total",
    ] {
        assert!(
            text.value(more_than_nothing, &of) > 0.0,
            "{more_than_nothing}"
        );
    }
    assert_eq!(text.value("zygo_inflight", &of), 0.0);
    assert_eq!(text.value("zygo_instances_live", ""), 1.0);
    let build = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert_eq!(text.value("zygo_build_info", &build), 1.0);
    let asked = platform.request_with("GET", "/metrics", &[("accept", "text/plain")], &json!({}));
    assert!(asked.text().ends_with("# EOF\n"));
}

#[test]
fn callers_who_were_sent_away_are_counted_by_the_reason() {
    let platform = Platform::start(&[]);
    let limit = json!({"rateLimit": {"maxRequests": 1, "windowMs": 60_000}});
    let function = platform.deploy(Language::Python, &writing(Language::Python), &limit);
    let statuses = [(); 3].map(|()| platform.invoke(&function, &json!({"who": "x"})).status);
    assert_eq!(statuses, [200, 429, 429]);
    let text = Exposition::read(&platform.get("/metrics/prometheus").expect(200).text());
    let labels = format!("function=\"{function}\",reason=\"rate_limited\"");
    assert_eq!(text.value("zygo_throttles_total", &labels), 2.0);
    let count = format!("function=\"{function}\"");
    assert_eq!(text.value("zygo_queue_wait_seconds_count", &count), 1.0);
}

#[test]
fn the_comparison_is_the_specifications() {
    let platform = Platform::shared();
    assert_compared(&platform, "/cost/comparison");
    let refused = platform.get("/cost/comparison?invocations=18446744073709551615");
    assert_eq!(refused.problem(400), "malformed_request");
}

/// The specification's table: a million invocations of 256 MB and 100 ms.
#[track_caller]
pub(crate) fn assert_compared(platform: &Platform, path: &str) {
    let body = platform.get(path).expect(200).json();
    let costs: Vec<(&str, f64)> = body["providers"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| Some((one["provider"].as_str()?, one["cost"].as_f64()?)))
        .collect();
    let expected = [
        ("Zygo", 0.62),
        ("AWS Lambda", 0.62),
        ("Google Cloud Functions", 0.80),
        ("Azure Functions", 0.60),
    ];
    assert_eq!(costs, expected);
}

#[test]
fn sums_and_records_agree_after_the_platform_was_killed() {
    let mut first = Platform::start(&[]);
    let function = first.deploy(Language::Python, &writing(Language::Python), &json!({}));
    for _ in 0..500 {
        first.invoke(&function, &json!({"who": "x"})).expect(200);
    }
    // All 500 may have been quicker than the first batch of records; without one there would be nothing to compare.
    let written = format!("/functions/{function}/invocations?limit=1");
    wait_until("the first batch", DEADLINE, || {
        let page = first.get(&written).expect(200).json();
        page["invocations"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    });
    for _ in 0..500 {
        first.invoke(&function, &json!({"who": "x"})).expect(200);
    }
    processes::kill(first.pid());
    first.wait_for_end();
    first.assert_nothing_left();
    let second = Platform::start_on(first.data(), &[]);
    let path = format!("/functions/{function}");
    let restored = second.get(&format!("{path}/metrics")).expect(200).json()["metrics"].take();
    let count = restored["invocations"].as_u64().expect("a count");
    assert!((1..=1000).contains(&count), "a moment may be lost: {count}");
    second.invoke(&function, &json!({"who": "x"})).expect(200);
    let records = || {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = second
                .get(&format!("{path}/invocations?limit=1000{cursor}"))
                .expect(200)
                .json();
            all.extend(page["invocations"].as_array().expect("a list").clone());
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    };
    let expected = usize::try_from(count + 1).expect("few");
    wait_until("the record", DEADLINE, || records().len() == expected);
    let sum: u64 = records()
        .iter()
        .filter_map(|record| record["billedMs"].as_u64())
        .sum();
    let figures = second.get(&format!("{path}/metrics")).expect(200).json()["metrics"].take();
    assert_eq!(
        (&figures["invocations"], &figures["billedMs"]),
        (&json!(count + 1), &json!(sum))
    );
    let bill = second.get(&format!("{path}/cost")).expect(200).json();
    assert_eq!(bill["billedMs"], sum);
}
