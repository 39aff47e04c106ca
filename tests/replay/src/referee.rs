//! Python as a referee: programs are sent to `recorder.py` and come back as outcomes.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::compare::Difference;
use crate::program::Program;
use crate::run::{Turning, run};
use crate::shrink::shrink;
use crate::trace::Outcome;

/// A running `recorder.py`.
#[derive(Debug)]
pub struct Referee {
    python: PathBuf,
    recorder: Child,
    programs: Option<ChildStdin>,
    results: BufReader<ChildStdout>,
}

impl Referee {
    /// A referee, if this machine has a Python of version 3.13 or later: the one that `REPLAY_PYTHON`
    /// names, one on the path, or one that pyenv keeps.
    #[must_use]
    pub fn find() -> Option<Referee> {
        candidates().into_iter().find(|python| is_recent(python)).and_then(|python| {
            Referee::start(python).inspect_err(|error| eprintln!("recorder.py: {error}")).ok()
        })
    }

    fn start(python: PathBuf) -> io::Result<Referee> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("recorder.py");
        let mut recorder = Command::new(&python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let programs = recorder.stdin.take();
        let results = BufReader::new(recorder.stdout.take().expect("it was piped"));
        Ok(Referee { python, recorder, programs, results })
    }

    /// The Python that runs it.
    #[must_use]
    pub fn python(&self) -> &Path {
        &self.python
    }

    /// Where wheelhouse and Python part over a program.
    ///
    /// # Panics
    ///
    /// If the recorder has ended, which it does when it cannot make sense of a program.
    pub fn difference(&mut self, program: &Program) -> Option<Difference> {
        let theirs = self.record(program).expect("the recorder knows every program");
        Difference::between(&run(program, Turning::ByLoop), &theirs)
    }

    /// A program that differs, made as small as it gets; in words, as it goes into a test's report.
    ///
    /// # Panics
    ///
    /// As [`difference`](Referee::difference).
    #[must_use]
    pub fn smallest(&mut self, program: &Program) -> String {
        let small = shrink(program, |smaller| self.difference(smaller).is_some());
        let Some(difference) = self.difference(&small) else {
            return "this machine's Python agrees with wheelhouse".to_owned();
        };
        let main = serde_json::to_string_pretty(&small.main).expect("programs are JSON");
        format!("the smallest program that differs:\n{main}\n{difference}")
    }

    /// What Python makes of a program.
    ///
    /// # Errors
    ///
    /// If the recorder has ended, which it does when it cannot make sense of a program.
    pub fn record(&mut self, program: &Program) -> io::Result<Outcome> {
        let mut line = serde_json::to_string(program)?;
        line.push('\n');
        self.programs.as_mut().expect("it is open until the drop").write_all(line.as_bytes())?;
        let mut result = String::new();
        self.results.read_line(&mut result)?;
        Ok(serde_json::from_str(&result)?)
    }
}

impl Drop for Referee {
    fn drop(&mut self) {
        // The recorder ends with its input.
        drop(self.programs.take());
        let _ = self.recorder.wait();
    }
}

fn candidates() -> Vec<PathBuf> {
    let named = env::var_os("REPLAY_PYTHON").map(PathBuf::from);
    let on_path =
        ["python3.15", "python3.14", "python3.13", "python3", "python"].map(PathBuf::from);
    named.into_iter().chain(on_path).chain(of_pyenv().unwrap_or_default()).collect()
}

/// Every Python that pyenv has built, whichever of them it has made the default.
fn of_pyenv() -> Option<Vec<PathBuf>> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".pyenv")))?;
    let versions = root.join("versions").read_dir().ok()?;
    Some(versions.flatten().map(|version| version.path().join("bin/python3")).collect())
}

fn is_recent(python: &Path) -> bool {
    let question = "import sys; sys.exit(sys.version_info < (3, 13))";
    let answer = Command::new(python).args(["-c", question]).stderr(Stdio::null()).status();
    answer.is_ok_and(|status| status.success())
}
