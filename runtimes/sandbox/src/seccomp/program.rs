//! Assembles a table into a program for the kernel's classic BPF machine.
//!
//! ```text
//!  other processor's call, x32 call ─► kill
//!  number ─ binary search ─► allow │ EPERM │ ENOSYS │ the rules of that number
//! ```
//! Not with seccompiler's own compiler, of which only instructions and `apply` are used here. That one knows one answer
//! beside "allow", so "no such system call" would be a second filter; and it compares number by number: the kernel tries
//! a new filter with every number there is, for its cache of what is always allowed, so the length of that way is paid by
//! every process that takes a filter, and by each call with a condition. The same lists made 1,600 instructions there, and
//! 0.65 ms for a process to take them; here they make 440, and 0.1 ms.

use seccompiler::sock_filter;

use super::SeccompError;
use super::decision::{Decision, Rule, Test};
use super::table::Table;

/// Loads a word of what is known about the call.
const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

// `struct seccomp_data`: number, processor, instruction pointer, arguments of 8 bytes, the low half first.
const NUMBER: u32 = 0;
const PROCESSOR: u32 = 4;
const ARGUMENTS: u32 = 16;
const ARGUMENT_LEN: u32 = 8;

/// Numbers of a 32-bit program begin here on x86-64; nothing else is that large.
const X32: u32 = 0x4000_0000;

#[cfg(target_arch = "x86_64")]
const THIS_PROCESSOR: Option<u32> = Some(0xc000_003e);
#[cfg(target_arch = "aarch64")]
const THIS_PROCESSOR: Option<u32> = Some(0xc000_00b7);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const THIS_PROCESSOR: Option<u32> = None;

/// Makes the program.
pub(super) fn assemble(table: &Table) -> Result<Vec<sock_filter>, SeccompError> {
    let processor = THIS_PROCESSOR.ok_or(SeccompError::Processor)?;
    let mut program = vec![
        instruction(LOAD, PROCESSOR),
        jump(JUMP_IF_EQUAL, processor, 1, 0),
        instruction(RETURN, libc::SECCOMP_RET_KILL_PROCESS),
        instruction(LOAD, NUMBER),
        jump(JUMP_IF_AT_LEAST, X32, 0, 1),
        instruction(RETURN, libc::SECCOMP_RET_KILL_PROCESS),
    ];
    program.extend(search(&table.stretches())?);
    Ok(program)
}

/// Finds the stretch in which the loaded number lies. Every path ends with an answer, so pieces can stand in any order.
fn search(stretches: &[(i32, &Decision)]) -> Result<Vec<sock_filter>, SeccompError> {
    if let [(number, decision)] = stretches {
        return answer(decision).ok_or(SeccompError::TooLong(*number));
    }
    let (below, above) = stretches.split_at(stretches.len() / 2);
    let first = above[0].0.cast_unsigned();
    let below = search(below)?;
    let mut code = match u8::try_from(below.len()) {
        Ok(distance) => vec![jump(JUMP_IF_AT_LEAST, first, distance, 0)],
        Err(_) => vec![
            jump(JUMP_IF_AT_LEAST, first, 0, 1),
            instruction(JUMP, u32::try_from(below.len()).unwrap_or(u32::MAX)),
        ],
    };
    code.extend(below);
    code.extend(search(above)?);
    Ok(code)
}

/// `None` when a jump would be too long.
fn answer(decision: &Decision) -> Option<Vec<sock_filter>> {
    let mut code = Vec::new();
    if let Decision::AllowIf(rules) = decision {
        for rule in rules {
            code.extend(try_rule(rule)?);
        }
    }
    let last = match decision {
        Decision::Allow => libc::SECCOMP_RET_ALLOW,
        Decision::AllowIf(_) | Decision::Deny => errno(libc::EPERM),
        Decision::Absent => errno(libc::ENOSYS),
    };
    code.push(instruction(RETURN, last));
    Some(code)
}

/// Allows the call, or goes on behind the rule. Made from its end, where the distances are known.
fn try_rule(rule: &Rule) -> Option<Vec<sock_filter>> {
    let mut code = vec![instruction(RETURN, libc::SECCOMP_RET_ALLOW)];
    for test in rule.tests.iter().rev() {
        let mut longer = try_test(test, code.len())?;
        longer.extend(code);
        code = longer;
    }
    Some(code)
}

/// Goes on behind itself when the test holds, and `rest` instructions further when it does not.
fn try_test(test: &Test, rest: usize) -> Option<Vec<sock_filter>> {
    let offset = ARGUMENTS + u32::from(test.index) * ARGUMENT_LEN;
    let mut code = vec![instruction(LOAD, offset)];
    if test.mask != u32::MAX {
        code.push(instruction(AND, test.mask));
    }
    for (done, value) in test.values.iter().enumerate() {
        let behind = test.values.len() - done - 1;
        let (when_equal, when_not) = match (test.is_one_of, behind) {
            (true, 0) => (0, rest),
            (true, _) => (behind, 0),
            (false, _) => (behind + rest, 0),
        };
        let (when_equal, when_not) = (u8::try_from(when_equal).ok()?, u8::try_from(when_not).ok()?);
        code.push(jump(JUMP_IF_EQUAL, *value, when_equal, when_not));
    }
    Some(code)
}

fn errno(number: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | number.cast_unsigned()
}

fn instruction(code: u16, k: u32) -> sock_filter {
    jump(code, k, 0, 0)
}

fn jump(code: u16, k: u32, when_true: u8, when_false: u8) -> sock_filter {
    sock_filter {
        code,
        jt: when_true,
        jf: when_false,
        k,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{COMMON, INSTANCE, LISTEN, SUBPROCESS, Verdict, list};
    use super::*;

    /// What the program answers: the kernel's machine, as far as it is used.
    fn run(program: &[sock_filter], processor: u32, number: u32, arguments: &[u64; 6]) -> u32 {
        let mut data = vec![number, processor, 0, 0];
        for argument in arguments {
            data.push(u32::try_from(argument & 0xffff_ffff).expect("the low half"));
            data.push(u32::try_from(argument >> 32).expect("the high half"));
        }
        let (mut at, mut value) = (0, 0);
        loop {
            let step = &program[at];
            at += 1;
            let (when_true, when_false) = (usize::from(step.jt), usize::from(step.jf));
            match step.code {
                LOAD => value = data[step.k as usize / 4],
                AND => value &= step.k,
                JUMP => at += step.k as usize,
                JUMP_IF_EQUAL => {
                    at += if value == step.k {
                        when_true
                    } else {
                        when_false
                    }
                }
                JUMP_IF_AT_LEAST => {
                    at += if value >= step.k {
                        when_true
                    } else {
                        when_false
                    }
                }
                RETURN => return step.k,
                code => panic!("unknown instruction {code:#x}"),
            }
        }
    }

    fn table(lists: &[&str]) -> Table {
        let lines: Vec<_> = lists
            .iter()
            .flat_map(|text| list::parse("test", text).expect("a list"))
            .collect();
        Table::of_zygote(&lines)
    }

    /// Values that make a difference: around every value and mask of the lists.
    fn interesting(table: &Table) -> Vec<u64> {
        let mut values = vec![0, 1, 2, u64::MAX, 1 << 32];
        for (_, decision) in table.stretches() {
            if let Decision::AllowIf(rules) = decision {
                let tests = rules.iter().flat_map(|rule| &rule.tests);
                values.extend(
                    tests
                        .flat_map(|test| &test.values)
                        .map(|value| u64::from(*value)),
                );
            }
        }
        values.sort_unstable();
        values.dedup();
        values
    }

    fn assert_answers(table: &Table, program: &[sock_filter]) {
        let processor = THIS_PROCESSOR.expect("a known processor");
        let values = interesting(table);
        for number in 0..700 {
            for (at, value) in values.iter().enumerate() {
                let second = values[(at * 7 + 3) % values.len()];
                let arguments = [*value, *value, second, *value, second, 0];
                let expected = match table.get(number).verdict(&arguments) {
                    Verdict::Made => libc::SECCOMP_RET_ALLOW,
                    Verdict::NotPermitted => errno(libc::EPERM),
                    Verdict::NoSuchCall => errno(libc::ENOSYS),
                };
                let answer = run(program, processor, number.cast_unsigned(), &arguments);
                assert_eq!(answer, expected, "{number} {arguments:x?}");
            }
        }
    }

    #[test]
    fn the_program_answers_as_the_table_says() {
        for lists in [&[COMMON][..], &[COMMON, LISTEN, SUBPROCESS], &[INSTANCE]] {
            let table = table(lists);
            assert_answers(&table, &assemble(&table).expect("a program"));
        }
    }

    #[test]
    fn calls_of_other_processors_end_the_process() {
        let program = assemble(&table(&[COMMON])).expect("a program");
        let ours = THIS_PROCESSOR.expect("a known processor");
        for (processor, number) in [
            (0x4000_0003, 1),
            (0, 1),
            (ours, X32),
            (ours, X32 | 1),
            (ours, u32::MAX),
        ] {
            let answer = run(&program, processor, number, &[0; 6]);
            assert_eq!(
                answer,
                libc::SECCOMP_RET_KILL_PROCESS,
                "{processor:#x} {number:#x}"
            );
        }
    }

    #[test]
    fn a_rule_longer_than_a_jump_is_refused() {
        let values: Vec<String> = (0..300).map(|value: u32| value.to_string()).collect();
        let line = format!("socket domain in {} # many", values.join(","));
        let error = assemble(&table(&[&line])).expect_err("too long");
        assert!(matches!(error, SeccompError::TooLong(_)), "{error}");
    }

    #[test]
    fn the_search_reaches_what_is_far_away() {
        let values: Vec<String> = (0..200).map(|value: u32| value.to_string()).collect();
        let line = |call| format!("{call} in {} # many", values.join(","));
        let lines = [
            "ioctl request",
            "madvise advice",
            "personality persona",
            "prctl option",
        ]
        .map(line);
        let table = table(&lines.each_ref().map(String::as_str));
        let program = assemble(&table).expect("a program");
        assert!(
            program.iter().any(|step| step.code == JUMP),
            "everything is near"
        );
        assert_answers(&table, &program);
    }
}
