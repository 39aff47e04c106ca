//! Every example prints what `tests/examples/` says, and the same when it is run again.
//!
//! To write the expected texts anew, after a look at what has changed:
//!
//! ```text
//! EXAMPLES=rewrite cargo test --test examples
//! ```

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::{env, fs};

use rustix::process::{Pid, Signal, kill_process};

/// One line says how to run it, one what is shown, and so on: the header that every rung has.
const HEADER: [&str; 4] = ["Shows:", "In asyncio:", "Prints:", "Read next:"];

/// One idea a file: a reader should see it all at once.
const LINES_AT_MOST: usize = 110;

#[test]
fn every_example_prints_what_is_expected() {
    for name in names("examples", "rs").into_iter().filter(|name| !is_left_out(name)) {
        let printed = run(&name);
        assert_eq!(run(&name), printed, "{name} printed something else when it was run again");
        hold_to(&name, &printed);
    }
}

#[test]
fn ctrl_c_ends_the_shutdown_example_as_a_term_does() {
    let name = "31_graceful_shutdown";
    let printed = run_until_told_to_stop(name, Signal::INT);
    hold_to(name, &printed.replace("SIGINT", "SIGTERM"));
}

#[test]
fn every_expected_text_has_its_example() {
    let (examples, texts) = (names("examples", "rs"), names("tests/examples", "txt"));
    assert_eq!(texts.difference(&examples).collect::<Vec<_>>(), [] as [&String; 0]);
}

#[test]
fn every_rung_of_the_ladder_is_numbered_short_and_names_the_next() {
    let names: Vec<String> = names("examples", "rs").into_iter().collect();
    let rungs: Vec<&String> = names.iter().filter(|name| *name != "tour").collect();
    for (number, name) in (1..).zip(&rungs) {
        assert!(name.starts_with(&format!("{number:02}_")), "{name} is rung number {number}");
        let text = fs::read_to_string(root().join("examples").join(format!("{name}.rs"))).unwrap();
        let lines = text.lines().count();
        assert!(lines <= LINES_AT_MOST, "{name} has {lines} lines");
        let command = format!("--example {name}");
        for part in HEADER.into_iter().chain([command.as_str()]) {
            assert!(text.contains(part), "the header of {name} does not say {part:?}");
        }
        let next = text.split("Read next:").nth(1).unwrap().lines().next().unwrap();
        let named = rungs.get(number).map_or("docs/", |next| next.as_str());
        assert!(next.contains(named), "{name} names {next:?} as the next, not {named}");
    }
}

/// What an example prints. It must end by itself, and well; one that waits for a signal gets it.
fn run(name: &str) -> String {
    if name == "31_graceful_shutdown" {
        return run_until_told_to_stop(name, Signal::TERM);
    }
    let output = Command::new(program(name)).arg("--virtual").output().expect("it can be run");
    text_of(name, output)
}

/// What an example prints that is sent a signal as soon as it has printed its first line.
fn run_until_told_to_stop(name: &str, signal: Signal) -> String {
    let mut command = Command::new(program(name));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut printed = String::new();
    lines.read_line(&mut printed).expect("it prints text");
    kill_process(Pid::from_child(&child), signal).expect("it still runs");
    lines.read_to_string(&mut printed).expect("it prints text");
    let rest = child.wait_with_output().expect("it ends");
    printed + &text_of(name, rest)
}

fn text_of(name: &str, output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} ended with {}:\n{errors}", output.status);
    assert_eq!(errors, "", "{name} wrote to its standard error");
    String::from_utf8(output.stdout).expect("it prints text")
}

/// Compares with the expected text, or writes that anew.
fn hold_to(name: &str, printed: &str) {
    let file = root().join("tests/examples").join(format!("{name}.txt"));
    if env::var_os("EXAMPLES").is_some_and(|wish| wish == "rewrite") {
        return fs::write(&file, printed).expect("the text can be written");
    }
    let Ok(expected) = fs::read_to_string(&file) else {
        panic!("{} is missing; EXAMPLES=rewrite writes it:\n{printed}", file.display());
    };
    assert_eq!(printed, expected, "{name} prints something else than {}", file.display());
}

/// The files in a folder with this ending, without it.
fn names(folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder is there");
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension() == Some(OsStr::new(ending)))
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The example's program, which lies beside that of this test. `cargo test` has built it; but
/// `cargo test --test examples` builds tests only, so Cargo is asked once more.
fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let this = env::current_exe().expect("a test knows its own program");
        let profile = this.parent().and_then(Path::parent).expect("<profile>/deps/<this>");
        build_examples(profile.file_name().expect("a profile has a name"));
        profile.join("examples")
    });
    folder.join(name).with_extension(env::consts::EXE_EXTENSION)
}

/// Is it left out here, for it needs a feature that this test was built without? `.ci/run` has them on.
fn is_left_out(name: &str) -> bool {
    name == "28_cron" && !cfg!(feature = "cron")
}

fn build_examples(profile_folder: &OsStr) {
    let profile = if profile_folder == "debug" { OsStr::new("dev") } else { profile_folder };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--examples", "--profile"]).arg(profile);
    if cfg!(feature = "cron") {
        cargo.args(["--features", "cron"]);
    }
    let built = cargo.current_dir(root()).stdout(Stdio::null()).status();
    assert!(built.expect("Cargo can be run").success(), "the examples do not compile");
}
