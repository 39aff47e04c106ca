//! Fills in the names that the strategies leave open, so that a program is well-formed.
//!
//! Tasks are numbered in the order of the text. A statement of one task waits only for tasks with higher
//! numbers, so nothing ever waits in a circle; to cancel, any task will do.

use replay::program::{Block, Objects, Program};
use serde_json::{Value as Json, json};

/// A whole program around a main block with open names.
pub(crate) fn complete(main: &Block) -> Program {
    let mut main = serde_json::to_value(main).expect("statements are JSON");
    let mut count = Counts::default();
    number(&mut main, &mut count);
    resolve_list(&mut main, &Around::default(), &count);
    let main = serde_json::from_value(main).expect("names are strings");
    Program { version: 1, seed: 0, mode: "live".to_owned(), objects: objects(), main }
}

/// One set of objects serves all programs.
fn objects() -> Objects {
    let objects = json!({
        "events": ["e0", "e1"],
        "locks": ["L0", "L1", "R0"],
        "sems": {
            "S0": {"value": 1}, "S1": {"value": 1}, "B0": {"value": 1, "bounded": true},
        },
        "queues": {
            "q0": {"kind": "fifo", "max": 1},
            "q1": {"kind": "lifo", "max": 2},
            "q2": {"kind": "priority", "max": 0},
        },
        "conds": ["c0"],
        "barriers": {"b0": 2},
        "futs": ["f0", "f1"],
    });
    serde_json::from_value(objects).expect("declarations")
}

/// How many names were given.
#[derive(Default)]
struct Counts {
    tasks: usize,
    others: usize,
    handles: usize,
}

/// Names every task, handle, timeout and group, in the order of the text.
fn number(json: &mut Json, count: &mut Counts) {
    if let Json::Array(items) = json {
        items.iter_mut().for_each(|item| number(item, count));
    }
    let Json::Object(fields) = json else { return };
    let op = fields.get("op").and_then(Json::as_str).unwrap_or("task").to_owned();
    if let Some(name) = fields.get_mut("name") {
        *name = match op.as_str() {
            "task" | "spawn" | "tg_spawn" => {
                Json::from(format!("t{}", increment(&mut count.tasks)))
            }
            "call_soon" | "call_later" => Json::from(format!("h{}", increment(&mut count.handles))),
            _ => Json::from(format!("n{}", increment(&mut count.others))),
        };
    }
    if let Some(label) = fields.get_mut("label") {
        *label = Json::from(format!("l{}", increment(&mut count.others)));
    }
    fields.values_mut().for_each(|field| number(field, count));
}

fn increment(count: &mut usize) -> usize {
    *count += 1;
    *count
}

/// What a statement can refer to.
#[derive(Clone, Default)]
struct Around {
    /// The number of the task it belongs to.
    task: usize,
    timeouts: Vec<String>,
    groups: Vec<String>,
    conds: Vec<String>,
    /// It stands in the last block of a `finally`, where nothing returns.
    last: bool,
}

/// Replaces what cannot stand where it does by something that can.
fn resolve_list(json: &mut Json, around: &Around, count: &Counts) {
    for item in json.as_array_mut().expect("a block or children") {
        resolve(item, around, count);
    }
}

fn resolve(statement: &mut Json, around: &Around, count: &Counts) {
    let op = statement["op"].as_str().unwrap_or("task").to_owned();
    let mut inside = around.clone();
    match op.as_str() {
        "return" if around.last => *statement = json!({"op": "uncancel"}),
        "cancel" | "add_done_callback" => {
            statement["task"] = any_task(&statement["task"], count);
        }
        "cancel_handle" => {
            let handle = choice(&statement["name"]) % (count.handles + 1);
            statement["name"] = Json::from(format!("h{handle}"));
        }
        "await" | "shield" | "wait_for" => {
            let mut of = vec![statement["of"].take()];
            existing(&mut of, around, count);
            match of.pop() {
                Some(of) => statement["of"] = of,
                None => *statement = json!({"op": "sleep", "ms": 0}),
            }
        }
        "gather" | "wait" | "as_completed" => {
            let children = statement["children"].as_array_mut().expect("children");
            existing(children, around, count);
            if op != "gather" {
                let all = std::mem::take(children);
                children.extend(all.into_iter().enumerate().filter_map(distinct()));
            }
        }
        "reschedule" => enclosing(statement, "timeout", &around.timeouts),
        "tg_spawn" => enclosing(statement, "group", &around.groups),
        "cond_wait" => enclosing(statement, "cond", &around.conds),
        "timeout" => inside.timeouts.push(text(&statement["name"])),
        "task_group" => inside.groups.push(text(&statement["name"])),
        "cond" if around.conds.is_empty() => inside.conds.push(text(&statement["cond"])),
        // A task that takes the same lock twice waits for itself: legal, but once is enough.
        "cond" => *statement = json!({"op": "sem", "sem": "S1", "body": statement["body"]}),
        _ => {}
    }
    descend(statement, around, &inside, count);
}

/// The blocks of a statement, each with what it finds around it.
fn descend(statement: &mut Json, around: &Around, inside: &Around, count: &Counts) {
    let is_task = matches!(statement["op"].as_str(), None | Some("spawn" | "tg_spawn"));
    let Json::Object(fields) = statement else { return };
    let number = fields.get("name").map(|name| text(name).trim_start_matches('t').parse());
    let inside = match number {
        Some(Ok(task)) if is_task => {
            Around { task, groups: inside.groups.clone(), ..Around::default() }
        }
        _ => inside.clone(),
    };
    for (key, field) in fields {
        match key.as_str() {
            "body" | "children" => resolve_list(field, &inside, count),
            "handler" => resolve_list(field, around, count),
            "final" => resolve_list(field, &Around { last: true, ..around.clone() }, count),
            "of" => resolve(field, around, count),
            _ => {}
        }
    }
}

/// Gives children that exist already a number that their waiter may wait for; drops them if there is none.
fn existing(children: &mut Vec<Json>, around: &Around, count: &Counts) {
    let later = count.tasks - around.task;
    children.retain(|child| child["body"].is_array() || later > 0);
    for child in children.iter_mut().filter(|child| !child["body"].is_array()) {
        let task = around.task + 1 + choice(&child["task"]) % later;
        child["task"] = Json::from(format!("t{task}"));
    }
}

/// Drops children that came before.
fn distinct() -> impl FnMut((usize, Json)) -> Option<Json> {
    let mut seen = Vec::new();
    move |(_, child)| {
        let name = child.get("task").or_else(|| child.get("name")).cloned();
        let new = !seen.contains(&name);
        seen.push(name);
        new.then_some(child)
    }
}

fn any_task(open: &Json, count: &Counts) -> Json {
    match choice(open) % (count.tasks + 1) {
        0 => Json::from("main"),
        task => Json::from(format!("t{task}")),
    }
}

/// Names one of the enclosing blocks, or lets the statement do something else.
fn enclosing(statement: &mut Json, field: &str, names: &[String]) {
    if !names.is_empty() {
        let name = &names[choice(&statement[field]) % names.len()];
        statement[field] = Json::from(name.as_str());
    } else if statement["op"] == "tg_spawn" {
        *statement = json!({"op": "spawn", "name": statement["name"], "body": statement["body"]});
    } else {
        *statement = json!({"op": "sleep", "ms": 0});
    }
}

fn choice(open: &Json) -> usize {
    text(open).trim_start_matches('@').parse().unwrap_or(0)
}

fn text(json: &Json) -> String {
    json.as_str().expect("a name").to_owned()
}
