//! The command line.

use std::fmt;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Options {
    /// Measure, and print a table.
    Table {
        /// Only workloads, or rows, whose names contain this.
        only: String,
        /// How often everything is run.
        rounds: usize,
    },
    /// Run one workload on one runtime once: for a profiler.
    Once {
        /// The workload's name.
        workload: String,
        /// The runtime's name.
        runtime: String,
        /// How many operations; the workload's own number if not given.
        n: Option<usize>,
    },
}

/// The command line was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage;

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("usage: [--only SUBSTRING] [--rounds N]\n")?;
        f.write_str("       --once WORKLOAD RUNTIME [N]")
    }
}

impl std::error::Error for Usage {}

impl Options {
    /// Reads the arguments behind the program's name.
    ///
    /// # Errors
    ///
    /// [`Usage`], if they are not understood.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Usage> {
        let (mut only, mut rounds) = (String::new(), 7);
        while let Some(option) = arguments.next() {
            match option.as_str() {
                "--only" => only = arguments.next().ok_or(Usage)?,
                "--rounds" => rounds = number(&arguments.next().ok_or(Usage)?)?.max(1),
                "--once" => return Options::parse_once(arguments),
                _ => return Err(Usage),
            }
        }
        Ok(Options::Table { only, rounds })
    }

    fn parse_once(mut arguments: impl Iterator<Item = String>) -> Result<Options, Usage> {
        let (Some(workload), Some(runtime)) = (arguments.next(), arguments.next()) else {
            return Err(Usage);
        };
        let n = arguments.next().as_deref().map(number).transpose()?;
        Ok(Options::Once { workload, runtime, n })
    }
}

fn number(text: &str) -> Result<usize, Usage> {
    text.parse().map_err(|_| Usage)
}
