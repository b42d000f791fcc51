//! Secrets that one function has in its environment, memory and files, and another one looks for everywhere.

use serde_json::json;

use super::table::{ABSENT, Report};
use super::{deploy, in_native, outcome};
use crate::platform::Platform;

#[test]
fn what_others_planted_is_never_found() {
    let platform = Platform::shared();
    in_native(|language| {
        let mut report = Report::default();
        let token = format!("{language:?}{:016x}", fastrand::u64(..));
        let planted = format!("planted-{token}");
        let settings = json!({"environment": {"OWN": planted}, "secrets": {"KEPT": planted}});
        let victim = deploy(&platform, language, &settings);
        assert_eq!(outcome(&platform, &victim, &json!(["plant", token])), "ok");
        let own = outcome(&platform, &victim, &json!(["grep", token]));
        let in_both = own.contains("memory") && own.contains("/tmp/planted");
        report.check(
            "S6",
            language,
            "the one who planted it finds it",
            &own,
            in_both,
        );
        let attacker = deploy(&platform, language, &json!({}));
        let seen = outcome(&platform, &attacker, &json!(["grep", token]));
        report.note(
            "S6",
            language,
            "everything readable and all memory for another's token",
            &seen,
            &["[]"],
        );
        let seen = outcome(&platform, &attacker, &json!(["read", "/tmp/planted"]));
        report.note("S12", language, "/tmp of another function", &seen, ABSENT);
        platform.delete(&format!("/functions/{victim}"));
        let late = deploy(&platform, language, &json!({}));
        let seen = outcome(&platform, &late, &json!(["grep", token]));
        report.note(
            "F5",
            language,
            "a token of a function that was there before",
            &seen,
            &["[]"],
        );
        report.finish();
    });
}
