//! The test binary as a child of itself: for what would end, or upset, the process that the tests run in.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

const ROLE: &str = "WHEELHOUSE_TEST_ROLE";

/// The role that this process has as a child; `None` in the tests themselves.
pub fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

fn this_program() -> PathBuf {
    std::env::current_exe().expect("a path to this program")
}

/// A child with a role.
pub struct Actor {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Actor {
    /// Starts this test binary again, to run nothing but its test `child`, if it is made of tests.
    pub fn start(role: &str) -> Actor {
        Actor::start_by(Command::new(this_program()), role)
    }

    /// The same by a shell that ignores Ctrl-C, and so what it starts does, too.
    pub fn start_ignoring_ctrl_c(role: &str) -> Actor {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' INT; exec \"$0\" \"$@\""]).arg(this_program());
        Actor::start_by(shell, role)
    }

    fn start_by(mut command: Command, role: &str) -> Actor {
        let mut child = command
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts again");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Actor { child, stdin, stdout }
    }

    /// Starts it, waits until it says that it is ready, and lets `act` act on it; then its end.
    pub fn play(role: &str, act: impl FnOnce(&mut Actor)) -> (String, Option<i32>, Option<i32>) {
        let mut actor = Actor::start(role);
        actor.wait_for("ready");
        act(&mut actor);
        actor.end()
    }

    /// Reads its output up to a line that ends so.
    pub fn wait_for(&mut self, line: &str) {
        let mut read = String::new();
        while !read.trim_end().ends_with(line) {
            read.clear();
            let n = self.stdout.read_line(&mut read).expect("text");
            assert!(n > 0, "it ended before it said `{line}`");
        }
    }

    pub fn kill(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        kill_process(Pid::from_raw(pid).expect("a pid"), signal).expect("it lives");
    }

    pub fn say(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().expect("open"), "{line}").expect("it listens");
    }

    /// Waits for its end: the rest of its output, its exit code, the signal that it died of.
    pub fn end(mut self) -> (String, Option<i32>, Option<i32>) {
        drop(self.stdin.take());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        let status = self.child.wait().expect("it ends");
        (rest, status.code(), status.signal())
    }
}

/// The number of file descriptors that this process has open.
pub fn open_fds() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux").count() - 1
}
