//! Servers and clients as processes, and what they used.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, io};

use super::Service;
use super::load::{Load, Outcome};
use crate::once::here;

/// A server at work; it ends when this is dropped.
pub(super) struct Running {
    child: Child,
    pub(super) port: u16,
}

impl Running {
    pub(super) fn start(mut command: Command) -> Result<Running, Box<dyn Error>> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is a pipe");
        BufReader::new(stdout).read_line(&mut line)?;
        let Ok(port) = line.trim().parse() else {
            child.kill()?;
            return Err(format!("the server says {line:?}, no port: {}", child.wait()?).into());
        };
        Ok(Running { child, port })
    }

    /// Puts the server under load.
    pub(super) fn load(
        &self,
        service: Service,
        connections: usize,
        bytes: usize,
        time: Duration,
    ) -> Result<Outcome, Box<dyn Error>> {
        let load = Load { service, port: self.port, server: self.id(), connections, bytes, time };
        let arguments = load.arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = here(&arguments)?.stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("the client failed: {}", output.status).into());
        }
        Outcome::parse(&String::from_utf8(output.stdout)?)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended.
    pub(super) fn end(mut self) -> io::Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().map(drop)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It has ended by now, or is ended here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time of all threads of a process, so far.
pub(super) fn cpu_of(process: u32) -> io::Result<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let times = fs::read_to_string(thread?.path().join("schedstat"))?;
        let on_cpu = times.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok());
        nanos += on_cpu.ok_or(io::ErrorKind::InvalidData)?;
    }
    Ok(Duration::from_nanos(nanos))
}

/// A command under `strace`, which writes its counts to a file.
pub(super) fn traced(command: &Command, counts: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-c", "-f", "-q", "-o"]).arg(counts);
    strace.arg(command.get_program()).args(command.get_args());
    strace
}

/// All system calls in such a file.
pub(super) fn calls(counts: &Path) -> Result<f64, Box<dyn Error>> {
    let table = fs::read_to_string(counts)?;
    let rows = table.lines().filter(|row| !row.ends_with("total"));
    let calls = rows.filter_map(|row| {
        let mut columns = row.split_whitespace();
        columns.next()?.parse::<f64>().ok()?;
        columns.nth(2)?.parse::<f64>().ok()
    });
    Ok(calls.sum())
}
