//! Events to JavaScript, one sink per JavaScript environment.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use ctr_container::protocol::{Enforcement, Exit};
use ctr_spec::plan::IdMap;
use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use serde::Serialize;
use serde_json::Value;

use crate::fault::Fault;

/// Weak: a sink alone keeps no Node process alive. Its callers hold a timer while they wait.
type Callback = ThreadsafeFunction<String, (), String, Status, false, true, 0>;

static SINKS: LazyLock<Mutex<HashMap<u32, Arc<Callback>>>> = LazyLock::new(Mutex::default);
static NEXT_SINK: AtomicU32 = AtomicU32::new(1);

/// Who waits for events: a sink and its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub(crate) sink: u32,
    pub(crate) token: u32,
}

/// What happened, `AddonEvent` of addon.ts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Event {
    Ready {
        uid_map: Vec<IdMap>,
        gid_map: Vec<IdMap>,
    },
    Started {
        pid: i32,
        enforcement: Vec<Enforcement>,
    },
    Failed {
        error: Fault,
    },
    Exited {
        #[serde(flatten)]
        exit: Exit,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
    },
    /// Left to its launcher.
    Detached,
    /// Not left; the process goes on as before.
    DetachFailed {
        error: Fault,
    },
    Done {
        result: Value,
    },
}

#[derive(Serialize)]
struct Addressed<'a> {
    token: u32,
    #[serde(flatten)]
    event: &'a Event,
}

impl Event {
    /// The end of a process whose owner died first.
    pub(crate) fn lost() -> Self {
        Self::Exited {
            exit: Exit::default(),
            reason: Some("runtime-lost"),
        }
    }

    fn to_json(&self, token: u32) -> String {
        serde_json::to_string(&Addressed { token, event: self })
            .unwrap_or_else(|_| format!("{{\"token\":{token},\"type\":\"failed\",\"error\":{{\"code\":\"INTERNAL\",\"message\":\"encode an event\"}}}}"))
    }
}

/// Register a callback of the calling environment.
pub(crate) fn attach(callback: &Function<'_, String, ()>) -> napi::Result<u32> {
    let callback: Callback = callback
        .build_threadsafe_function::<String>()
        .callee_handled::<false>()
        .weak::<true>()
        .build()?;
    let sink = NEXT_SINK.fetch_add(1, Ordering::Relaxed);
    sinks().insert(sink, Arc::new(callback));
    Ok(sink)
}

/// Forget a callback whose environment ends.
pub(crate) fn detach(sink: u32) {
    sinks().remove(&sink);
}

/// Hand an event to its environment; one that has ended gets nothing.
pub(crate) fn emit(address: Address, event: &Event) {
    let callback = sinks().get(&address.sink).cloned();
    if let Some(callback) = callback {
        callback.call(
            event.to_json(address.token),
            ThreadsafeFunctionCallMode::NonBlocking,
        );
    }
}

pub(crate) fn fail(address: Address, fault: Fault) {
    emit(address, &Event::Failed { error: fault });
}

fn sinks() -> std::sync::MutexGuard<'static, HashMap<u32, Arc<Callback>>> {
    // The map is consistent after any panic: each change of it is one call.
    SINKS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_by_signal_says_null_for_what_it_has_not() {
        let exit = Exit {
            exit_code: None,
            signal: Some(9),
            oom_killed: true,
        };
        let text = Event::Exited { exit, reason: None }.to_json(7);
        assert_eq!(
            text,
            r#"{"token":7,"type":"exited","exitCode":null,"signal":9,"oomKilled":true}"#
        );
    }

    #[test]
    fn a_lost_owner_is_an_exit_with_a_reason() {
        let text = Event::lost().to_json(1);
        assert_eq!(
            text,
            r#"{"token":1,"type":"exited","exitCode":null,"signal":null,"oomKilled":false,"reason":"runtime-lost"}"#
        );
    }

    #[test]
    fn fields_of_events_are_in_camel_case() {
        let text = Event::Ready {
            uid_map: vec![IdMap {
                container_id: 0,
                host_id: 5,
                size: 1,
            }],
            gid_map: vec![],
        }
        .to_json(1);
        assert_eq!(
            text,
            r#"{"token":1,"type":"ready","uidMap":[{"containerId":0,"hostId":5,"size":1}],"gidMap":[]}"#
        );
    }
}
