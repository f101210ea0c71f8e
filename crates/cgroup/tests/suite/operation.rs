//! The JSON front, from creation to removal.

use ctr_cgroup::operation;
use serde_json::{Value, json};

use crate::scratch::{Held, fresh_path, v1_layout};

fn run(request: &Value) -> Value {
    serde_json::from_str(&operation(&request.to_string()).unwrap()).unwrap()
}

/// Removes the group whichever way the test ends.
struct Remove(String);

impl Drop for Remove {
    fn drop(&mut self) {
        let _gone = operation(&json!({"op": "remove", "path": self.0}).to_string());
    }
}

#[test]
fn a_group_is_made_set_watched_and_removed() {
    let Some(_) = v1_layout() else { return };
    let path = fresh_path();
    let made = run(
        &json!({"op": "create", "path": path, "resources": {"cpuQuotaUs": 20000, "cpuPeriodUs": 100_000}}),
    );
    let _remove = Remove(path.clone());
    let directories: Vec<&str> = made["directories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d.as_str().unwrap())
        .collect();
    assert!(
        directories
            .iter()
            .all(|d| d.ends_with(&format!("/ctr-ts/{path}"))),
        "{directories:?}"
    );
    assert_eq!(made["written"].as_array().unwrap().len(), 2);

    let set = run(
        &json!({"op": "set", "path": path, "resources": {"pidsLimit": 12}, "raw": {"memory.swappiness": "7"}}),
    );
    let values: Vec<&Value> = set["written"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| &w["value"])
        .collect();
    assert_eq!(values, ["12", "7"]);

    let held = Held::shell("sleep 20");
    run(&json!({"op": "attach", "path": path, "pid": held.pid()}));
    let stat = run(&json!({"op": "stat", "path": path}));
    assert_eq!(stat["pids"], json!([held.pid()]));
    assert_eq!(stat["stats"]["pids"], json!({"current": 1, "limit": 12}));
    assert_eq!(stat["limits"]["cpu.cfs_quota_us"], "20000");
    assert_eq!(stat["limits"]["cpu.cfs_period_us"], "100000");
    assert!(stat["stats"]["cpu"]["throttledUs"].is_u64());

    let tree = run(&json!({"op": "tree"}));
    let node = tree["children"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["name"] == path.as_str())
        .unwrap();
    assert_eq!(node["pids"], 1);
    assert_eq!(node["limits"]["pids.max"], "12");

    drop(held);
    let removed = run(&json!({"op": "remove", "path": path}));
    assert_eq!(removed["removed"], made["directories"]);
    let gone = operation(&json!({"op": "stat", "path": path}).to_string()).unwrap_err();
    assert_eq!(gone.code(), "CGROUP_NOT_FOUND");
}

#[test]
fn the_report_names_version_controllers_and_own_group() {
    let Some(layout) = v1_layout() else { return };
    let report = run(&json!({"op": "report"}));
    assert_eq!(report, serde_json::to_value(layout.report()).unwrap());
    let all = report["hierarchies"].as_array().unwrap();
    let cpu = all
        .iter()
        .find(|h| h["controllers"].as_array().unwrap().contains(&json!("cpu")))
        .unwrap();
    assert_eq!(cpu["interface"], "v1");
    assert_eq!(cpu["enabledForChildren"], cpu["controllers"]);
    assert_eq!(cpu["used"], true);
    assert!(cpu["ownDirectory"].is_string() && cpu["own"].as_str().unwrap().starts_with('/'));
}
