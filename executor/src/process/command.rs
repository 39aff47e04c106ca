//! How a child is started: the standard library's `Command`, with children that can be awaited.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};

use super::child::Child;

/// A program to be started, and how.
///
/// It can be started several times. What is not said is as the standard library has it: the child inherits
/// the environment, the current directory, and standard input, output and error.
#[derive(Debug)]
#[must_use = "it starts nothing until `spawn`, `status` or `output`"]
pub struct Command {
    std: std::process::Command,
    kill_on_drop: bool,
}

impl Command {
    /// A program, by its path or its name; asyncio's `create_subprocess_exec`.
    pub fn new(program: impl AsRef<OsStr>) -> Command {
        Command::from(std::process::Command::new(program))
    }

    /// A line for the shell; asyncio's `create_subprocess_shell`. It must not hold what strangers wrote.
    pub fn shell(line: impl AsRef<OsStr>) -> Command {
        Command::new("/bin/sh").arg("-c").arg(line)
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Command {
        self.std.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        self.std.args(args);
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Command {
        self.std.env(name, value);
        self
    }

    /// Takes a variable out of the environment.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Command {
        self.std.env_remove(name);
        self
    }

    /// Starts from an empty environment.
    pub fn env_clear(mut self) -> Command {
        self.std.env_clear();
        self
    }

    /// Where the child runs.
    pub fn current_dir(mut self, dir: impl AsRef<Path>) -> Command {
        self.std.current_dir(dir);
        self
    }

    /// The child's standard input; [`Stdio::piped`] gives [`Child::stdin`].
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Command {
        self.std.stdin(stdin);
        self
    }

    /// The child's standard output; [`Stdio::piped`] gives [`Child::stdout`].
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Command {
        self.std.stdout(stdout);
        self
    }

    /// The child's standard error; [`Stdio::piped`] gives [`Child::stderr`].
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Command {
        self.std.stderr(stderr);
        self
    }

    /// The process group that the child joins; zero is a group of its own, which Ctrl-C on the terminal
    /// does not reach.
    pub fn process_group(mut self, group: i32) -> Command {
        self.std.process_group(group);
        self
    }

    /// Kills the child when its [`Child`] is dropped before it has ended. Otherwise it runs on then.
    pub fn kill_on_drop(mut self, kill: bool) -> Command {
        self.kill_on_drop = kill;
        self
    }

    /// The standard library's command, for what is not here.
    pub fn as_std(&mut self) -> &mut std::process::Command {
        &mut self.std
    }

    /// Starts the child. That needs no loop; waiting for it does.
    ///
    /// # Errors
    ///
    /// What the operating system says, above all that there is no such program.
    pub fn spawn(&mut self) -> io::Result<Child> {
        Child::new(self.std.spawn()?, self.kill_on_drop)
    }

    /// Starts the child and waits for its end.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Command::spawn) and [`Child::wait`].
    ///
    /// # Cancel safety
    ///
    /// Cancelled, the child runs on, or is killed if [`kill_on_drop`](Command::kill_on_drop) says so.
    pub async fn status(&mut self) -> io::Result<ExitStatus> {
        self.spawn()?.wait().await
    }

    /// Starts the child with pipes for its output and error, and without input; returns what it wrote and how
    /// it ended.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Command::spawn) and [`Child::communicate`].
    ///
    /// # Cancel safety
    ///
    /// As [`status`](Command::status). What it wrote until then is lost.
    pub async fn output(&mut self) -> io::Result<Output> {
        self.std.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.spawn()?.communicate(Vec::new()).await
    }
}

impl From<std::process::Command> for Command {
    fn from(std: std::process::Command) -> Command {
        Command { std, kill_on_drop: false }
    }
}
