//! Machines that cannot have a layer: functions are refused, until the operator has named the layer.

use serde_json::{Value, json};

use super::table::Report;
use super::unusable::{Refused, When, without};
use crate::language::Language;
use crate::platform::{Platform, unique_name};

/// A layer, what a machine lacks that cannot have it, and what is to be named so that functions run there all the same;
/// nothing where the platform needs the same call for something else.
#[rustfmt::skip]
fn machines() -> Vec<(&'static str, Vec<Refused>, &'static str)> {
    let call = |number, error| vec![(number, When::Always, error)];
    let unshare = |flag: i32| vec![(libc::SYS_unshare, When::Bits(0, flag.unsigned_abs()), libc::EPERM)];
    let prctl = |option: i32| (libc::SYS_prctl, When::Is(0, option.unsigned_abs()), libc::EINVAL);
    let limits = vec![(libc::SYS_prlimit64, When::Bits(2, u32::MAX), libc::EPERM)];
    let no_filters = vec![(libc::SYS_seccomp, When::Always, libc::ENOSYS), prctl(libc::PR_SET_SECCOMP)];
    vec![
        ("pid", unshare(libc::CLONE_NEWPID), "pid"),
        ("root", unshare(libc::CLONE_NEWNS), "root,identity"),
        ("root", call(libc::SYS_pivot_root, libc::EPERM), "root,identity"),
        ("root", call(libc::SYS_mount, libc::EPERM), "root,identity"),
        ("network", call(libc::SYS_bpf, libc::EPERM), "network"),
        ("limits", limits, ""),
        ("identity", call(libc::SYS_setresuid, libc::EPERM), "identity"),
        ("identity", call(libc::SYS_setgroups, libc::EPERM), "identity"),
        ("user", unshare(libc::CLONE_NEWUSER), "user"),
        ("capabilities", call(libc::SYS_capset, libc::EPERM), "capabilities"),
        ("capabilities", vec![prctl(libc::PR_SET_NO_NEW_PRIVS)], ""),
        ("landlock", call(libc::SYS_landlock_create_ruleset, libc::ENOSYS), "landlock"),
        ("landlock", call(libc::SYS_landlock_restrict_self, libc::EPERM), "landlock"),
        ("seccomp", no_filters, "seccomp"),
    ]
}

/// What a machine like this answers to a deployment: the status, the code and the explanation.
fn deployment(refused: &[Refused], language: Language, settings: &[(&str, &str)]) -> (u16, Value) {
    without(refused, || {
        let platform = Platform::start(settings);
        let code = json!({"code": language.handler("attacks")});
        let answer = platform.try_deploy(&unique_name(), language.name(), &code);
        (answer.status, answer.json())
    })
}

#[test]
fn an_operator_who_names_the_layer_may_go_without_it() {
    let _turn = crate::turn::take();
    let mut report = Report::default();
    let language = Language::Python;
    for (layer, refused, named) in machines() {
        if named.is_empty() {
            continue;
        }
        let (status, problem) = deployment(&refused, language, &[("ZYGO_INSECURE_WITHOUT", named)]);
        let claim = format!(
            "`{layer}` is unusable (call {}), without {named}: runs",
            refused[0].0
        );
        report.check(
            "S22",
            language,
            &claim,
            &format!("{status} {}", problem["detail"]),
            status == 201,
        );
    }
    report.finish();
}

#[test]
fn a_machine_that_lacks_a_layer_runs_no_functions() {
    let _turn = crate::turn::take();
    let mut report = Report::default();
    for language in crate::language::LANGUAGES {
        for (layer, refused, _) in machines() {
            let (status, problem) = deployment(&refused, language, &[]);
            let claim = format!(
                "`{layer}` is unusable (call {}): refused by name",
                refused[0].0
            );
            let seen = format!("{status} {} {}", problem["code"], problem["detail"]);
            let told = problem["code"] == "isolation_unavailable";
            let named = problem["detail"]
                .to_string()
                .contains(&format!("`{layer}`"));
            report.check(
                "S22",
                language,
                &claim,
                &seen,
                status == 503 && told && named,
            );
        }
    }
    report.finish();
}

/// Every layer can be left out alone.
#[test]
fn functions_run_without_any_one_layer() {
    let _turn = crate::turn::take();
    let mut report = Report::default();
    let all = zygo_wire::Layer::ALL.map(zygo_wire::Layer::name);
    for layer in all {
        for language in crate::language::LANGUAGES {
            // Without a root of its own a function reads its files as the platform's user or not at all.
            let without = match layer {
                "root" => "root,identity",
                other => other,
            };
            let settings = [("ZYGO_INSECURE_WITHOUT", without)];
            let (status, problem) = deployment(&[], language, &settings);
            let seen = format!("{status} {}", problem["detail"]);
            report.check(
                "S22",
                language,
                &format!("without `{layer}`"),
                &seen,
                status == 201,
            );
        }
    }
    report.finish();
}

#[test]
fn where_no_address_can_be_judged_a_function_may_still_reach_nothing() {
    let mut report = Report::default();
    let refused = [(libc::SYS_bpf, When::Always, libc::EPERM)];
    without(&refused, || {
        let platform = Platform::start(&[]);
        let language = Language::Python;
        for (network, status) in [("internet", 503), ("all", 503), ("none", 201)] {
            let settings = json!({"code": language.handler("attacks"), "network": network});
            let answer = platform.try_deploy(&unique_name(), language.name(), &settings);
            report.check(
                "S22",
                language,
                &format!("no programs for control groups, `{network}`"),
                &answer.status.to_string(),
                answer.status == status,
            );
        }
    });
    report.finish();
}
