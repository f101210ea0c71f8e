//! A filter in words.

use std::fmt;

use serde::Serialize;

use super::{Action, ArgCondition, Comparison, Filter};

/// One rule as `explain` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedRule {
    /// What happens, for example `allow` or `fail with EPERM`.
    pub action: String,
    /// The calls, sorted.
    pub calls: Vec<String>,
    /// What must hold, for example `arg0 == 16`.
    pub conditions: Vec<String>,
    /// Why.
    pub reason: String,
}

impl Filter {
    /// The rules in words, in the order in which they are tried, closed by the default.
    #[must_use]
    pub fn explain(&self) -> Vec<ExplainedRule> {
        let mut explained: Vec<ExplainedRule> = self
            .rules
            .iter()
            .map(|rule| {
                let mut calls = rule.names.clone();
                calls.sort();
                ExplainedRule {
                    action: rule.action.to_string(),
                    calls,
                    conditions: rule.args.iter().map(ToString::to_string).collect(),
                    reason: rule.reason.clone(),
                }
            })
            .collect();
        explained.push(ExplainedRule {
            action: self.default_action.to_string(),
            calls: Vec::new(),
            conditions: Vec::new(),
            reason: "every other call".to_owned(),
        });
        explained
    }
}

impl fmt::Display for ExplainedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.action)?;
        if !self.calls.is_empty() {
            f.write_str(&self.calls.join(" "))?;
            if !self.conditions.is_empty() {
                write!(f, " if {}", self.conditions.join(" and "))?;
            }
            f.write_str(" - ")?;
        }
        f.write_str(&self.reason)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => f.write_str("allow"),
            Self::Errno(1) => f.write_str("fail with EPERM"),
            Self::Errno(13) => f.write_str("fail with EACCES"),
            Self::Errno(38) => f.write_str("fail with ENOSYS"),
            Self::Errno(errno) => write!(f, "fail with errno {errno}"),
            Self::KillProcess => f.write_str("kill the process"),
            Self::KillThread => f.write_str("kill the thread"),
            Self::Trap => f.write_str("send SIGSYS"),
            Self::Trace(value) => write!(f, "ask the tracer ({value})"),
            Self::Log => f.write_str("allow and log"),
            Self::Notify => f.write_str("ask the supervisor"),
        }
    }
}

impl fmt::Display for ArgCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            index,
            op,
            value,
            value_two,
        } = self;
        let sign = match op {
            Comparison::NotEqual => "!=",
            Comparison::LessThan => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Equal => "==",
            Comparison::GreaterOrEqual => ">=",
            Comparison::GreaterThan => ">",
            Comparison::MaskedEqual => {
                return write!(f, "arg{index} & {value:#x} == {value_two:#x}");
            }
        };
        write!(f, "arg{index} {sign} {value}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Rule, default_policy};
    use super::*;

    #[test]
    fn a_rule_reads_as_a_sentence() {
        let filter = Filter {
            default_action: Action::Errno(1),
            architectures: Vec::new(),
            flags: Vec::new(),
            rules: vec![Rule {
                names: vec!["clone".into()],
                action: Action::Allow,
                args: vec![ArgCondition {
                    index: 0,
                    op: Comparison::MaskedEqual,
                    value: 0x30,
                    value_two: 0,
                }],
                reason: "threads".into(),
            }],
        };
        let lines: Vec<String> = filter.explain().iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "allow: clone if arg0 & 0x30 == 0x0 - threads",
                "fail with EPERM: every other call"
            ]
        );
    }

    #[test]
    fn every_rule_of_the_default_policy_is_explained() {
        let filter = default_policy::resolve(u64::MAX);
        assert_eq!(filter.explain().len(), filter.rules.len() + 1);
        assert!(filter.explain().iter().all(|rule| !rule.reason.is_empty()));
    }
}
