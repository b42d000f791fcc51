//! What an invocation leaves behind, looked for by the next one: in the same process it is found, in a fresh one nothing.

use serde_json::json;

use super::table::Report;
use crate::language::in_every_language;
use crate::platform::Platform;

const ROUNDS: usize = 10;

#[test]
fn a_fresh_process_finds_nothing_of_the_invocation_before() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let mut report = Report::default();
        let code = language.handler("leaves");
        let found = |function: &str| platform.invoke(function, &json!("look")).handler_body();
        let kept = platform.deploy(language, &code, &json!({"scaling": {"maxInstances": 1}}));
        platform.invoke(&kept, &json!("leave")).expect(200);
        let traces = found(&kept);
        let traces = traces.as_array().expect("a list").len();
        // Whoever finds nothing in the same process proves nothing about another.
        assert!(
            traces >= language.pick(11, 20, 16),
            "{language:?}: {}",
            found(&kept)
        );
        for parked in [0, 1] {
            let settings =
                json!({"isolation": "request", "scaling": {"maxInstances": 1, "parked": parked}});
            let fresh = platform.deploy(language, &code, &settings);
            for _ in 0..ROUNDS {
                platform.invoke(&fresh, &json!("leave")).expect(200);
                let seen = found(&fresh).to_string();
                let claim = format!("{traces} kinds of traces in a fresh process, {parked} parked");
                report.check("F6", language, &claim, &seen, seen == "[]");
            }
        }
        report.finish();
    });
}
