//! How a list of system calls is written.
//!
//! ```text
//!  line      = name [ condition ] "#" why
//!  condition = "never" | "absent" | test { ";" test }
//!  test      = argument ( "in" | "not" | "with" | "without" ) value { "," value }
//! ```
//! `in` and `not` compare with values, `with` and `without` look at bits: all of them set, none of them set. `never` is
//! "operation not permitted", `absent` is "no such system call". A name that stands on several lines is allowed when one of
//! them allows it. Each line says why, because somebody has to judge it. Knows no numbers.

use super::SeccompError;
use super::argument::Argument;
use super::decision::{Decision, Rule, Test};

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Name of the system call.
    pub(super) name: String,
    /// What is decided about it.
    pub(super) decision: Decision,
}

/// Reads a list.
pub(super) fn parse(list: &str, text: &str) -> Result<Vec<Line>, SeccompError> {
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        lines.push(parse_line(line).map_err(|reason| SeccompError::List {
            list: list.to_owned(),
            line: index + 1,
            reason,
        })?);
    }
    Ok(lines)
}

fn parse_line(line: &str) -> Result<Line, String> {
    let (call, why) = line.split_once('#').ok_or("it does not say why")?;
    if why.trim().is_empty() {
        return Err("it does not say why".to_owned());
    }
    let call = call.trim();
    let (name, condition) = call.split_once(char::is_whitespace).unwrap_or((call, ""));
    Ok(Line {
        name: name.to_owned(),
        decision: parse_condition(name, condition.trim())?,
    })
}

fn parse_condition(name: &str, condition: &str) -> Result<Decision, String> {
    match condition {
        "" => Ok(Decision::Allow),
        "never" => Ok(Decision::Deny),
        "absent" => Ok(Decision::Absent),
        tests => {
            let tests = tests.split(';').map(|test| parse_test(name, test));
            let tests = tests.collect::<Result<_, _>>()?;
            Ok(Decision::AllowIf(vec![Rule { tests }]))
        }
    }
}

fn parse_test(name: &str, test: &str) -> Result<Test, String> {
    let words: Vec<&str> = test.split_whitespace().collect();
    let [argument, word, values] = words[..] else {
        return Err(format!("{test:?} is not an argument, a word and values"));
    };
    let argument = Argument::find(name, argument)
        .ok_or_else(|| format!("{name} has no argument {argument} that can be tested"))?;
    let values = values.split(',').map(|value| parse_value(&argument, value));
    let values: Vec<u32> = values.collect::<Result<_, _>>()?;
    let bits = values.iter().fold(0, |all, value| all | value);
    let (mask, is_one_of, values) = match word {
        "in" => (argument.mask, true, values),
        "not" => (argument.mask, false, values),
        "with" => (bits, true, vec![bits]),
        "without" => (bits, true, vec![0]),
        _ => return Err(format!("{word} is none of in, not, with, without")),
    };
    Ok(Test {
        index: argument.index,
        mask,
        is_one_of,
        values,
    })
}

fn parse_value(argument: &Argument, value: &str) -> Result<u32, String> {
    if let Ok(number) = value.parse() {
        return Ok(number);
    }
    let known = argument.values.iter().find(|(name, _)| *name == value);
    known
        .map(|(_, number)| *number)
        .ok_or_else(|| format!("{value} is no known value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Decision {
        let mut lines = parse("test", line).expect("a list");
        assert_eq!(lines.len(), 1, "{line}");
        lines.remove(0).decision
    }

    fn test(index: u8, mask: u32, is_one_of: bool, values: &[u32]) -> Test {
        Test {
            index,
            mask,
            is_one_of,
            values: values.to_vec(),
        }
    }

    #[test]
    fn a_line_is_a_name_a_condition_and_a_reason() {
        assert_eq!(one("read # files"), Decision::Allow);
        assert_eq!(one("clone3 absent # a pointer"), Decision::Absent);
        assert_eq!(one("  seccomp\tnever # only once"), Decision::Deny);
        assert_eq!(parse("test", "\n# a heading\n\n").expect("a list"), []);
    }

    #[test]
    fn conditions_become_tests() {
        let flags = (libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK).cast_unsigned();
        let tests = vec![
            test(0, u32::MAX, true, &[1, 2]),
            test(1, !flags, true, &[1]),
            test(2, u32::MAX, false, &[6]),
        ];
        let line = "socket domain in unix,inet; type in stream; protocol not tcp # why";
        assert_eq!(one(line), Decision::AllowIf(vec![Rule { tests }]));
        let bits = 0x1001_0000;
        for (word, values) in [("with", bits), ("without", 0)] {
            let tests = vec![test(0, bits, true, &[values])];
            let line = format!("clone flags {word} THREAD,NEWUSER # why");
            assert_eq!(one(&line), Decision::AllowIf(vec![Rule { tests }]));
        }
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (line, reason) in [
            ("read", "it does not say why"),
            ("read #  ", "it does not say why"),
            (
                "read fd in 0 # why",
                "read has no argument fd that can be tested",
            ),
            (
                "socket domain in # why",
                "\"domain in\" is not an argument, a word and values",
            ),
            (
                "socket domain is unix # why",
                "is is none of in, not, with, without",
            ),
            ("socket domain in moon # why", "moon is no known value"),
            (
                "socket domain in unix, inet # why",
                "\"domain in unix, inet\" is not an argument, a word and values",
            ),
        ] {
            let error = parse("test", &format!("read # fine\n{line}")).expect_err(line);
            assert_eq!(error.to_string(), format!("list test, line 2: {reason}"));
        }
    }
}
