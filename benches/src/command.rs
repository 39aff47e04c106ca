//! What the programs of this package have in common: their command line.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use crate::{Laps, Peer, run_once};

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Options {
    /// Measure, and print a table.
    Table(Scope),
    /// Run one workload on one runtime once: for a profiler.
    Once {
        /// The workload's name.
        workload: String,
        /// The runtime's name.
        runtime: String,
        /// How many operations; the workload's own number if not given.
        n: Option<usize>,
        /// End the process when so many laps are done.
        end_after: Option<usize>,
    },
}

/// How much is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Only workloads, or rows, whose names contain this.
    pub only: String,
    /// How often everything is run, at least.
    pub rounds: usize,
    /// What takes less than this is run more often.
    pub patience: Duration,
}

impl Scope {
    const ROUNDS: usize = 5;

    /// A short run is soon disturbed, but it costs little to take more of them.
    const PATIENCE: Duration = Duration::from_secs(12);

    /// Everything, as often as it takes for figures to be kept.
    const COMPLETE: Scope =
        Scope { only: String::new(), rounds: Scope::ROUNDS, patience: Scope::PATIENCE };

    /// Reads the arguments of a program that only measures.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Scope, Usage> {
        match Options::parse(arguments)? {
            Options::Table(scope) => Ok(scope),
            Options::Once { .. } => Err(Usage),
        }
    }

    /// Whether what has this name is to be measured.
    pub(crate) fn includes(&self, name: &str) -> bool {
        name.contains(&self.only)
    }

    /// Whether everything is measured, and often enough for the figures to be kept.
    pub(crate) fn is_complete(&self) -> bool {
        self.only.is_empty() && self.rounds >= Scope::ROUNDS
    }
}

/// The command line was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage;

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("usage: [--only SUBSTRING] [--rounds N]\n")?;
        f.write_str("       --once WORKLOAD RUNTIME [N [LAPS]]")
    }
}

impl Error for Usage {}

/// A program that measures: reads the arguments, and calls `table` for what is to be printed, or runs one
/// workload by one of the `peers`.
pub fn run(
    peers: &[Peer],
    table: impl FnOnce(&[Peer], &Scope) -> Result<String, Box<dyn Error>>,
) -> ExitCode {
    let options = Options::parse(std::env::args().skip(1));
    exit_code(options.map_err(Into::into).and_then(|options| match options {
        Options::Table(scope) => table(peers, &scope).map(|table| print!("{table}")),
        Options::Once { workload, runtime, n, end_after } => {
            let laps = end_after.map_or_else(Laps::all, Laps::ending_after);
            run_once(peers, &workload, &runtime, n, laps)
        }
    }))
}

/// What a program ends with; it says what went wrong.
pub(crate) fn exit_code(result: Result<(), Box<dyn Error>>) -> ExitCode {
    result.map_or_else(
        |error| {
            eprintln!("{error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

impl Options {
    /// Reads the arguments behind the program's name.
    ///
    /// # Errors
    ///
    /// [`Usage`], if they are not understood.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Usage> {
        let mut scope = Scope::COMPLETE;
        while let Some(option) = arguments.next() {
            match option.as_str() {
                "--only" => scope.only = arguments.next().ok_or(Usage)?,
                "--rounds" => {
                    scope.rounds = number(&arguments.next().ok_or(Usage)?)?.max(1);
                    scope.patience = Duration::ZERO;
                }
                "--once" => return Options::parse_once(arguments),
                _ => return Err(Usage),
            }
        }
        Ok(Options::Table(scope))
    }

    fn parse_once(mut arguments: impl Iterator<Item = String>) -> Result<Options, Usage> {
        let (Some(workload), Some(runtime)) = (arguments.next(), arguments.next()) else {
            return Err(Usage);
        };
        let n = arguments.next().as_deref().map(number).transpose()?;
        let end_after = arguments.next().as_deref().map(number).transpose()?;
        Ok(Options::Once { workload, runtime, n, end_after })
    }
}

fn number(text: &str) -> Result<usize, Usage> {
    text.parse().map_err(|_| Usage)
}
