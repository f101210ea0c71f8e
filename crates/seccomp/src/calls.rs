//! A filter's rules, sorted by call, and which part of the program decides each.

use std::collections::BTreeMap;

use ctr_spec::seccomp::{Action, ArgCondition, Filter};
use libseccomp::ScmpArch;

use crate::numbers::{self, Number};

/// What the rules say to one call: tried in order, the first whose conditions all hold decides,
/// else the filter's default.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Branches(Vec<Branch>);

/// One rule as far as it concerns one call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Branch {
    pub(crate) args: Vec<ArgCondition>,
    pub(crate) action: Action,
}

/// The rules by the name of the call, each reduced to what can decide.
pub(crate) fn by_name(filter: &Filter) -> BTreeMap<&str, Branches> {
    let mut calls: BTreeMap<&str, Branches> = BTreeMap::new();
    for rule in &filter.rules {
        for name in &rule.names {
            calls.entry(name).or_default().push(Branch {
                args: rule.args.clone(),
                action: rule.action,
            });
        }
    }
    for branches in calls.values_mut() {
        branches.drop_what_the_default_says(filter.default_action);
    }
    calls
}

impl Branches {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Branch> {
        self.0.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every way through ends in a branch, so that the default is never reached.
    pub(crate) fn is_total(&self) -> bool {
        self.0.last().is_some_and(|branch| branch.args.is_empty())
    }

    /// Adds a branch unless an earlier one always decides.
    fn push(&mut self, branch: Branch) {
        if !self.is_total() && !self.0.contains(&branch) {
            self.0.push(branch);
        }
    }

    fn drop_what_the_default_says(&mut self, default: Action) {
        while self.0.last().is_some_and(|branch| branch.action == default) {
            self.0.pop();
        }
    }

    /// Whether libseccomp, which keeps no order among the rules of a call, says the same.
    fn fits_library(&self) -> bool {
        match self.0.as_slice() {
            [only] => only.args.len() <= 1,
            [first, rest @ ..] => {
                first.args.len() == 1
                    && rest
                        .iter()
                        .all(|branch| branch.args.len() == 1 && branch.action == first.action)
            }
            [] => true,
        }
    }

    /// Whether the call is decided by the prologue rather than by libseccomp.
    pub(crate) fn belongs_to_prologue(&self, name: &str) -> bool {
        let native = numbers::find(name, ScmpArch::native());
        !self.is_empty()
            && (!self.fits_library() || matches!(native, None | Some(Number::Table(_))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ctr_spec::seccomp::{Comparison, Rule};

    const ALLOW: Action = Action::Allow;
    const REFUSE: Action = Action::Errno(1);

    fn arg(index: u32, value: u64) -> ArgCondition {
        ArgCondition {
            index,
            op: Comparison::Equal,
            value,
            value_two: 0,
        }
    }

    /// The branches of `read` under rules of (conditions, action) and a refusing default.
    fn branches(rules: &[(&[ArgCondition], Action)]) -> Branches {
        let rules = rules
            .iter()
            .map(|(args, action)| Rule {
                names: vec!["read".into()],
                action: *action,
                args: args.to_vec(),
                reason: String::new(),
            })
            .collect();
        let filter = Filter {
            default_action: REFUSE,
            architectures: Vec::new(),
            flags: Vec::new(),
            rules,
        };
        by_name(&filter).remove("read").unwrap_or_default()
    }

    #[test]
    fn what_cannot_decide_is_dropped() {
        let all: &[ArgCondition] = &[];
        assert_eq!(
            branches(&[(all, ALLOW), (all, REFUSE), (&[arg(0, 1)], REFUSE)])
                .0
                .len(),
            1
        );
        assert!(branches(&[(&[arg(0, 1)], REFUSE), (all, REFUSE)]).is_empty());
        assert_eq!(branches(&[(&[arg(0, 1)], REFUSE), (all, ALLOW)]).0.len(), 2);
    }

    #[test]
    fn only_rules_without_an_order_go_to_the_library() {
        let all: &[ArgCondition] = &[];
        let fits = |rules: &[(&[ArgCondition], Action)]| branches(rules).fits_library();
        assert!(fits(&[(all, ALLOW)]));
        assert!(fits(&[(&[arg(0, 1)], ALLOW), (&[arg(0, 2)], ALLOW)]));
        assert!(!fits(&[(&[arg(0, 1)], REFUSE), (all, ALLOW)]));
        assert!(!fits(&[
            (&[arg(0, 1)], ALLOW),
            (&[arg(0, 2)], Action::Trap)
        ]));
        assert!(!fits(&[
            (&[arg(0, 1), arg(1, 2)], ALLOW),
            (&[arg(1, 3)], ALLOW)
        ]));
    }

    #[test]
    fn calls_without_a_library_number_are_ours() {
        let allowed = branches(&[(&[], ALLOW)]);
        assert!(allowed.belongs_to_prologue("mseal"));
        assert!(!allowed.belongs_to_prologue("read"));
    }
}
