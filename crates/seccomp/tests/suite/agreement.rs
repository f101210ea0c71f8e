//! Any filter: the compiled program answers as a walk over the rules does.

use ctr_seccomp::compile;
use ctr_spec::seccomp::{Action, ArgCondition, Comparison, Filter, Rule};
use proptest::prelude::*;

use crate::interpreter::{Call, I386, NATIVE, run};
use crate::oracle::{Oracle, value};

/// Known to libseccomp, only to our table, of another architecture, and to nobody.
const NAMES: &[&str] = &[
    "read",
    "write",
    "personality",
    "clone",
    "fchmodat2",
    "mseal",
    "statmount",
    "getxattrat",
    "arm_fadvise64_64",
    "call_of_2040",
];

const VALUES: &[u64] = &[
    0,
    1,
    2,
    3,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    u64::MAX,
];

fn action() -> impl Strategy<Value = Action> {
    prop::sample::select(vec![
        Action::Allow,
        Action::Allow,
        Action::Errno(1),
        Action::Errno(13),
        Action::Trap,
        Action::KillThread,
        Action::Trace(7),
        Action::Log,
    ])
}

fn condition() -> impl Strategy<Value = ArgCondition> {
    let op = prop::sample::select(vec![
        Comparison::NotEqual,
        Comparison::LessThan,
        Comparison::LessOrEqual,
        Comparison::Equal,
        Comparison::GreaterOrEqual,
        Comparison::GreaterThan,
        Comparison::MaskedEqual,
    ]);
    let value = prop::sample::select(VALUES);
    (0_u32..3, op, value.clone(), value).prop_map(|(index, op, value, value_two)| {
        // A masked comparison with bits outside its mask never holds; libseccomp refuses some of
        // those, and no profile means one.
        let value_two = if op == Comparison::MaskedEqual {
            value & value_two
        } else {
            0
        };
        ArgCondition {
            index,
            op,
            value,
            value_two,
        }
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    let names = prop::collection::vec(prop::sample::select(NAMES), 1..3);
    (names, action(), prop::collection::vec(condition(), 0..4)).prop_map(|(names, action, args)| {
        Rule {
            names: names.into_iter().map(str::to_owned).collect(),
            action,
            args,
            reason: String::new(),
        }
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    (action(), prop::collection::vec(rule(), 0..8)).prop_map(|(default_action, rules)| Filter {
        default_action,
        architectures: Vec::new(),
        flags: Vec::new(),
        rules,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_answer_as_the_rules_say(filter in filter()) {
        let program = compile(&filter).unwrap();
        let oracle = Oracle::new(&filter);
        for number in (0..=600).filter(|number| number % 7 == 0).chain([0, 1, 56, 92, 135, 220, 452, 457, 462, 464]) {
            for first in VALUES {
                for (second, third) in [(0, 0), (1, 0x1_0000_0001), (0xffff_ffff, 3), (u64::MAX, 2)] {
                    let call = Call::native(number, [*first, second, third, 0, 0, 0]);
                    prop_assert_eq!(run(&program, call), oracle.expected(call), "{:x?}", call);
                }
            }
        }
    }
}

fn rule_over(name: &str, action: Action, args: Vec<ArgCondition>) -> Rule {
    Rule {
        names: vec![name.to_owned()],
        action,
        args,
        reason: String::new(),
    }
}

#[test]
fn an_architecture_that_the_filter_lists_is_filtered_and_not_killed() {
    if NATIVE == I386 || !cfg!(target_arch = "x86_64") {
        return;
    }
    let first_is_1 = ArgCondition {
        index: 0,
        op: Comparison::Equal,
        value: 1,
        value_two: 0,
    };
    let filter = Filter {
        default_action: Action::Errno(1),
        architectures: vec![
            "SCMP_ARCH_X86_64".into(),
            "SCMP_ARCH_X86".into(),
            "SCMP_ARCH_X32".into(),
        ],
        flags: Vec::new(),
        rules: vec![
            rule_over("getpid", Action::Allow, Vec::new()),
            rule_over("mseal", Action::Allow, Vec::new()),
            // Needs an order, so it is the prologue's.
            rule_over("close", Action::Trap, vec![first_is_1]),
            rule_over("close", Action::Allow, Vec::new()),
        ],
    };
    let program = compile(&filter).unwrap();
    let answer = |architecture, number, first| {
        run(
            &program,
            Call {
                number,
                architecture,
                args: [first, 0, 0, 0, 0, 0],
            },
        )
    };
    // (getpid, close) on i386 are 20 and 6; on x32 39 and 3 with the bit.
    for (architecture, getpid, close, bit) in [
        (NATIVE, 39, 3, 0),
        (I386, 20, 6, 0),
        (NATIVE, 39, 3, 0x4000_0000),
    ] {
        assert_eq!(answer(architecture, bit | getpid, 0), value(Action::Allow));
        assert_eq!(answer(architecture, bit | 462, 0), value(Action::Allow));
        assert_eq!(answer(architecture, bit | close, 0), value(Action::Allow));
        assert_eq!(answer(architecture, bit | close, 1), value(Action::Trap));
        assert_eq!(answer(architecture, bit | 100, 0), value(Action::Errno(1)));
        assert_eq!(answer(architecture, bit | 463, 0), value(Action::Errno(38)));
    }
}

#[test]
fn a_policy_that_allows_or_kills_by_default_also_means_newer_calls() {
    for default_action in [Action::Allow, Action::KillProcess, Action::Log] {
        let rules = vec![rule_over("read", Action::Errno(13), Vec::new())];
        let filter = Filter {
            default_action,
            architectures: Vec::new(),
            flags: Vec::new(),
            rules,
        };
        let program = compile(&filter).unwrap();
        assert_eq!(
            run(&program, Call::native(600, [0; 6])),
            value(default_action)
        );
    }
}

#[test]
fn what_the_kernel_cannot_load_is_refused() {
    let filter = |architectures: &[&str], rules| Filter {
        default_action: Action::Errno(1),
        architectures: architectures
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        flags: Vec::new(),
        rules,
    };
    let error = compile(&filter(&["SCMP_ARCH_PDP11"], Vec::new())).unwrap_err();
    assert_eq!(error.code(), "INVALID_SECCOMP_PROFILE");
    // 1000 alternatives of two conditions each are more than 4096 instructions.
    let alternatives = (0..1000).map(|value| {
        let equal = |index| ArgCondition {
            index,
            op: Comparison::Equal,
            value,
            value_two: 0,
        };
        rule_over("read", Action::Allow, vec![equal(0), equal(1)])
    });
    let error = compile(&filter(&[], alternatives.collect())).unwrap_err();
    assert_eq!(error.code(), "INVALID_SECCOMP_PROFILE");
}
