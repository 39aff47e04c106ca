//! asyncio and uvloop, if this machine has them: `asyncio_peer.py` and `asyncio_echo.py`, run by a Python that
//! is found here.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Peer, Workload, workloads};

/// A Python that can run the workloads.
#[derive(Clone, Debug)]
pub(crate) struct Python(PathBuf);

/// Python does this many fewer operations, so that it takes no longer than the others.
const FEWER: usize = 20;

impl Python {
    /// The one that `BENCHES_PYTHON` names, or that of the path, if it is of version 3.11 or later.
    pub(crate) fn find() -> Option<Python> {
        let named = std::env::var_os("BENCHES_PYTHON").map(PathBuf::from);
        let candidates = named.into_iter().chain(["python3.13", "python3"].map(PathBuf::from));
        candidates.map(Python).find(|python| python.says("import asyncio; asyncio.timeout"))
    }

    /// Whether these statements run.
    fn says(&self, statements: &str) -> bool {
        let output = Command::new(&self.0).args(["-c", statements]).output();
        output.is_ok_and(|output| output.status.success())
    }

    /// asyncio, and uvloop if it is installed.
    pub(crate) fn loops(&self) -> Vec<&'static str> {
        let uvloop = self.says("import uvloop").then_some("uvloop");
        std::iter::once("asyncio").chain(uvloop).collect()
    }

    /// Its loops as peers.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        let peer =
            |name| Peer { name, workloads: workloads::of_python(), python: Some(self.clone()) };
        self.loops().into_iter().map(peer).collect()
    }

    /// Runs a workload on a loop.
    pub(crate) fn workload(&self, loop_name: &str, workload: &Workload) -> Command {
        let n = (workload.n / FEWER).to_string();
        self.script("asyncio_peer.py", &[loop_name, workload.name, &n])
    }

    /// Echoes on a loop.
    pub(crate) fn server(&self, loop_name: &str) -> Command {
        self.script("asyncio_echo.py", &[loop_name])
    }

    fn script(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.0);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).args(arguments);
        command
    }

    /// What `--version` says.
    pub(crate) fn version(&self) -> Option<String> {
        let output = Command::new(&self.0).arg("--version").output().ok()?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    }
}
