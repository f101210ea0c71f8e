//! The program against the meaning of its rules, request by request, in an interpreter of its own.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;

/// What a process asks for.
#[derive(Clone, Copy, Debug)]
struct Request {
    access: i32,
    kind: i32,
    major: u32,
    minor: u32,
}

/// Runs a program as the kernel would; a program that does not end, jumps out of itself or reads a
/// register that was never set fails the test.
fn run(program: &[Instruction], request: Request) -> bool {
    let context = [
        (request.access << 16 | request.kind).cast_unsigned(),
        request.major,
        request.minor,
    ];
    let mut registers: [Option<u32>; 11] = [None; 11];
    let mut at = 0_usize;
    for _ in 0..=program.len() {
        let step = program[at];
        let (to, immediate) = (usize::from(step.to()), step.immediate.cast_unsigned());
        let value = |register: u8| registers[usize::from(register)].expect("set before it is read");
        let mut jump = false;
        match step.code {
            code::LOAD => {
                assert_eq!(step.from(), CONTEXT);
                registers[to] = Some(context[usize::try_from(step.offset / 4).unwrap()]);
            }
            code::SET => registers[to] = Some(immediate),
            code::AND => registers[to] = Some(value(step.to()) & immediate),
            code::SHIFT_RIGHT => registers[to] = Some(value(step.to()) >> immediate),
            code::JUMP => jump = true,
            code::JUMP_IF_NOT_EQUAL => jump = value(step.to()) != immediate,
            code::JUMP_IF_BITS => jump = value(step.to()) & immediate != 0,
            code::EXIT => return value(ANSWER) == 1,
            other => panic!("no such operation: {other:#x}"),
        }
        at += 1;
        if jump {
            at += usize::try_from(step.offset).expect("forward only");
        }
    }
    panic!("the program does not end");
}

/// What the rules mean, said once more without a program: each access by the last rule about it.
fn permits(rules: &[DeviceRule], request: Request) -> bool {
    [MKNOD, READ, WRITE]
        .into_iter()
        .filter(|bit| request.access & bit != 0)
        .all(|bit| {
            let about = |rule: &&DeviceRule| {
                let kind = match rule.kind {
                    Some(DeviceKind::Block) => request.kind == BLOCK,
                    Some(DeviceKind::Char) => request.kind == CHAR,
                    Some(DeviceKind::Fifo) => false,
                    None => true,
                };
                kind && rule.major.is_none_or(|major| major == request.major)
                    && rule.minor.is_none_or(|minor| minor == request.minor)
                    && accesses(rule) & bit != 0
            };
            rules.iter().rfind(about).is_some_and(|rule| rule.allow)
        })
}

/// `+c 1:3 rw` or `-a *:* rwm`.
fn rules(text: &str) -> Vec<DeviceRule> {
    text.split(", ")
        .filter(|rule| !rule.is_empty())
        .map(rule)
        .collect()
}

fn rule(text: &str) -> DeviceRule {
    let words: Vec<&str> = text.split(' ').collect();
    let (sign, kind) = words[0].split_at(1);
    let (major, minor) = words[1].split_once(':').unwrap();
    let number = |text: &str| (text != "*").then(|| text.parse().unwrap());
    DeviceRule {
        allow: sign == "+",
        kind: match kind {
            "b" => Some(DeviceKind::Block),
            "c" => Some(DeviceKind::Char),
            _ => None,
        },
        major: number(major),
        minor: number(minor),
        read: words[2].contains('r'),
        write: words[2].contains('w'),
        mknod: words[2].contains('m'),
    }
}

fn requests() -> Vec<Request> {
    let mut all = Vec::new();
    for access in 1..8 {
        for kind in [BLOCK, CHAR] {
            for major in [0, 1, 8, 136, u32::MAX] {
                for minor in [0, 3, 5, 255, 0x8000_0000] {
                    all.push(Request {
                        access,
                        kind,
                        major,
                        minor,
                    });
                }
            }
        }
    }
    all
}

#[test]
fn every_request_gets_what_the_last_rule_about_it_says() {
    let table = [
        "",
        "-a *:* rwm",
        "+a *:* rwm",
        "-a *:* rwm, +c 1:3 rwm",
        "-a *:* rwm, +c 1:3 r, +c 1:3 w",
        "-a *:* rwm, +c *:* m, +b *:* m, +c 1:3 rwm, +c 136:* rwm",
        "+a *:* rwm, -b *:* w",
        "+a *:* rwm, -c 1:* rm, +c 1:5 r",
        "+c 1:* rwm, -c 1:3 w, +c 1:3 m",
        "-c 1:3 rwm, +a *:* rwm",
        "+a *:* r, +a *:3 w, -b 8:* r",
        "+a *:* rw, -a *:* m, +a *:* m, -a *:0 rwm",
        "+c 4294967295:2147483648 rwm",
        "+b 8:0 rwm, +b 8:0 rwm, -b 8:0 w",
    ];
    for text in table {
        let rules = rules(text);
        let program = assemble(&rules);
        for request in requests() {
            assert_eq!(
                run(&program, request),
                permits(&rules, request),
                "{text:?} {request:?}"
            );
        }
    }
}

#[test]
fn answers_are_those_that_people_expect() {
    let open = |access, major, minor| Request {
        access,
        kind: CHAR,
        major,
        minor,
    };
    let disk = Request {
        access: READ,
        kind: BLOCK,
        major: 8,
        minor: 0,
    };
    let default = rules("-a *:* rwm, +c *:* m, +b *:* m, +c 1:3 rwm");
    let program = assemble(&default);
    assert!(run(&program, open(READ | WRITE, 1, 3)));
    assert!(run(&program, open(MKNOD, 10, 229)));
    assert!(!run(&program, open(READ, 10, 229)));
    assert!(!run(&program, disk));
    assert!(run(
        &program,
        Request {
            access: MKNOD,
            ..disk
        }
    ));
    assert!(!run(&assemble(&rules("+b 8:0 rw, -b 8:* r")), disk));
    assert!(!run(&assemble(&[]), disk));
}

#[test]
fn nothing_is_emitted_that_is_never_reached() {
    let whole = rules("+c 1:3 rwm, -a *:* rwm");
    let program = assemble(&whole);
    assert_eq!(program.len(), 4);
    assert_eq!(program, assemble(&rules("-a *:* rwm")));
}
