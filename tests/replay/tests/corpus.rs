//! Replays recorded programs: no Python is needed.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use replay::program::Program;
use replay::{Difference, Outcome, Referee, Turning, run};
use serde::Deserialize;

#[derive(Deserialize)]
struct Recorded {
    program: Program,
    result: Outcome,
}

fn corpus() -> impl Iterator<Item = Recorded> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/generated.jsonl.gz");
    let file = File::open(path).expect("the corpus is part of the repository");
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    lines.map(|line| serde_json::from_str(&line.expect("gzip")).expect("a recorded program"))
}

/// The program, made as small as it gets if there is a Python to ask about smaller ones.
fn shrunk(program: &Program) -> String {
    if let Some(mut referee) = Referee::find() {
        return referee.smallest(program);
    }
    let json = serde_json::to_string(program).expect("programs are JSON");
    format!("not shrunk, since there is no Python 3.13 to ask:\n{json}")
}

#[test]
fn recorded_programs_do_what_they_did_in_cpython() {
    let mut replayed = 0;
    let mut different = Vec::new();
    for Recorded { program, result } in corpus() {
        replayed += 1;
        if let Some(difference) = Difference::between(&run(&program, Turning::ByLoop), &result) {
            different.push((program, difference));
        }
    }
    assert_eq!(replayed, 3000);
    println!("{replayed} recorded programs compared, none set aside");
    if let Some((program, difference)) = different.first() {
        panic!(
            "{} of {replayed} programs differ; the first is seed {} ({}):\n{difference}\n{}",
            different.len(),
            program.seed,
            program.mode,
            shrunk(program),
        );
    }
}

#[test]
fn the_recorder_says_of_recorded_programs_what_is_recorded() {
    let Some(mut referee) = Referee::find() else {
        eprintln!("SKIPPED: there is no Python 3.13 or later to record with");
        return;
    };
    for Recorded { program, result } in corpus().step_by(3) {
        let recorded = referee.record(&program).expect("the recorder knows every program");
        assert_eq!(Difference::between(&recorded, &result), None, "seed {}", program.seed);
    }
}

#[test]
fn a_loop_that_is_turned_by_hand_does_the_same() {
    for Recorded { program, .. } in corpus() {
        let by_hand = run(&program, Turning::ByHand).without_turns();
        assert_eq!(run(&program, Turning::ByLoop), by_hand, "seed {}", program.seed);
    }
}
