//! Smaller programs out of one that shows a difference: statements are left out, one by one, and blocks
//! replaced by their bodies.

use serde_json::Value as Json;

use crate::program::Program;

/// Statements that can go while their body stays.
const WRAPPERS: [&str; 4] = ["try", "finally", "lock", "sem"];

/// The smallest program that can be reached by single steps for which `differs` holds.
pub(crate) fn shrink(program: &Program, mut differs: impl FnMut(&Program) -> bool) -> Program {
    let mut smallest = program.clone();
    while let Some(smaller) = smaller(&smallest).into_iter().find(&mut differs) {
        smallest = smaller;
    }
    smallest
}

/// Every program that is one step smaller, the big steps first.
fn smaller(program: &Program) -> Vec<Program> {
    let json = serde_json::to_value(program).expect("programs are JSON");
    let mut places = Vec::new();
    collect_places(&json["main"], "/main", &mut places);
    let mut programs: Vec<Json> = Vec::new();
    for (list, index) in &places {
        let mut without = json.clone();
        let statement = items(&mut without, list).remove(*index);
        programs.push(without.clone());
        if WRAPPERS.iter().any(|op| statement["op"] == *op) {
            let body = statement["body"].as_array().expect("a body is a block").clone();
            items(&mut without, list).splice(*index..*index, body);
            programs.push(without);
        }
    }
    programs.sort_by_cached_key(|program| program.to_string().len());
    programs.into_iter().filter_map(|program| serde_json::from_value(program).ok()).collect()
}

/// Notes every item of every list of statements or children: the list's place, and the item's index.
fn collect_places(json: &Json, path: &str, places: &mut Vec<(String, usize)>) {
    match json {
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places.push((path.to_owned(), index));
                collect_places(item, &format!("{path}/{index}"), places);
            }
        }
        Json::Object(fields) => {
            for (key, field) in fields {
                collect_places(field, &format!("{path}/{key}"), places);
            }
        }
        _ => {}
    }
}

fn items<'a>(program: &'a mut Json, list: &str) -> &'a mut Vec<Json> {
    program.pointer_mut(list).and_then(Json::as_array_mut).expect("places name lists")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(main: &str) -> Program {
        let text = format!(r#"{{"version":1,"seed":0,"main":{main}}}"#);
        serde_json::from_str(&text).expect("a program")
    }

    #[test]
    fn shrinking_finds_the_one_statement_that_matters() {
        let large = program(
            r#"[{"op":"log","label":"a"},
                {"op":"finally","body":[{"op":"uncancel"},{"op":"log","label":"b"}],"final":[]},
                {"op":"spawn","name":"t1","body":[{"op":"sleep","ms":1}]}]"#,
        );
        let shrunk = shrink(&large, |program| format!("{program:?}").contains("Uncancel"));
        assert_eq!(shrunk, program(r#"[{"op":"uncancel"}]"#));
    }
}
