//! `replay --jsonl < programs`: one program a line in, one result a line out.

use std::io::{self, BufRead, Write};

use replay::program::Program;
use replay::{Turning, run};
use serde::Deserialize;

/// A line: a program, or a program with the result that it is known to have.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Recorded { program: Program },
    Bare(Program),
}

fn main() -> io::Result<()> {
    let options: Vec<String> = std::env::args().skip(1).collect();
    let known = |option: &String| matches!(option.as_str(), "--jsonl" | "--iter");
    if let Some(unknown) = options.iter().find(|option| !known(option)) {
        eprintln!(
            "unknown option `{unknown}`; usage: replay --jsonl [--iter] < programs > results"
        );
        std::process::exit(2);
    }
    let turning = match options.iter().any(|option| option == "--iter") {
        true => Turning::ByHand,
        false => Turning::ByLoop,
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let (Line::Recorded { program } | Line::Bare(program)) = serde_json::from_str(&line)?;
        serde_json::to_writer(&mut out, &run(&program, turning))?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
