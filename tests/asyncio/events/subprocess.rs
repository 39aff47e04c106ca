//! Child processes. A transport's pipes are streams here; its `close`, which kills a child that runs, is `kill`.

use std::os::unix::process::ExitStatusExt;

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, getpgid, getpgrp};
use wheelhouse::io::PipeReader;
use wheelhouse::process::{Child, Command, Stdio};
use wheelhouse::signal::Signal;

use crate::common::run;

fn piped(command: Command) -> Command {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped())
}

/// `echo.py`: says what it hears, until there is nothing to hear.
fn echo() -> Child {
    piped(Command::new("cat")).spawn().unwrap()
}

/// `echo2.py`: hears four bytes, says them to both sides, and ends.
fn echo2() -> Command {
    let said = r#"heard=$(head -c 4); printf "OUT:$heard"; printf "ERR:$heard" >&2"#;
    piped(Command::shell(said))
}

async fn say(child: &Child, what: &[u8]) {
    child.stdin.as_ref().unwrap().write_all(what).await.unwrap();
}

/// Reads exactly as much as `what` is long: is it that?
async fn expect(pipe: &PipeReader, what: &[u8]) {
    let mut heard = vec![0; what.len()];
    pipe.read_exact(&mut heard).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&heard), String::from_utf8_lossy(what));
}

async fn rest(pipe: &PipeReader) -> String {
    let mut heard = Vec::new();
    pipe.read_to_end(&mut heard).await.unwrap();
    String::from_utf8(heard).unwrap()
}

/// Waits for the end: is it by this signal?
async fn expect_ended_by(mut child: Child, signal: Signal) {
    let status = child.wait().await.unwrap();
    assert_eq!((status.signal(), status.code()), (Some(signal.as_raw()), None));
    // What it held is closed.
    assert_eq!(rest(child.stdout.as_ref().unwrap()).await, "");
}

#[test]
fn subprocess_exec() {
    run(async {
        let mut child = echo();
        say(&child, b"Python The Winner").await;
        expect(child.stdout.as_ref().unwrap(), b"Python The Winner").await;
        child.kill().unwrap();
        expect_ended_by(child, Signal::KILL).await;
    });
}

#[test]
fn subprocess_interactive() {
    run(async {
        let mut child = echo();
        for word in [&b"Python "[..], b"The Winner"] {
            say(&child, word).await;
            expect(child.stdout.as_ref().unwrap(), word).await;
        }
        child.kill().unwrap();
        expect_ended_by(child, Signal::KILL).await;
    });
}

#[test]
fn subprocess_shell() {
    run(async {
        let mut child = piped(Command::shell("echo Python")).spawn().unwrap();
        drop(child.stdin.take());
        assert_eq!(child.wait().await.unwrap().code(), Some(0));
        assert_eq!(rest(child.stdout.as_ref().unwrap()).await, "Python\n");
        assert_eq!(rest(child.stderr.as_ref().unwrap()).await, "");
    });
}

#[test]
fn subprocess_exitcode() {
    run(async {
        assert_eq!(Command::shell("exit 7").status().await.unwrap().code(), Some(7));
    });
}

#[test]
fn subprocess_close_after_finish() {
    run(async {
        let mut child = Command::shell("exit 7").spawn().unwrap();
        assert!(child.stdin.is_none() && child.stdout.is_none() && child.stderr.is_none());
        assert_eq!(child.wait().await.unwrap().code(), Some(7));
        // What is over cannot be killed, and nobody minds.
        child.kill().unwrap();
        assert_eq!(child.id(), None);
        assert_eq!(child.wait().await.unwrap().code(), Some(7));
    });
}

#[test]
fn subprocess_kill() {
    run(async {
        let mut child = echo();
        child.kill().unwrap();
        expect_ended_by(child, Signal::KILL).await;
    });
}

#[test]
fn subprocess_terminate() {
    run(async {
        let mut child = echo();
        child.send_signal(Signal::TERM).unwrap();
        expect_ended_by(child, Signal::TERM).await;
    });
}

#[test]
fn subprocess_send_signal() {
    run(async {
        let mut child = echo();
        // Not HUP: under `nohup` it is ignored, and children inherit that.
        child.send_signal(Signal::USR1).unwrap();
        expect_ended_by(child, Signal::USR1).await;
    });
}

#[test]
fn subprocess_stderr() {
    run(async {
        let mut child = echo2().spawn().unwrap();
        say(&child, b"test").await;
        assert_eq!(child.wait().await.unwrap().code(), Some(0));
        assert_eq!(rest(child.stdout.as_ref().unwrap()).await, "OUT:test");
        assert_eq!(rest(child.stderr.as_ref().unwrap()).await, "ERR:test");
    });
}

#[test]
fn subprocess_stderr_redirect_to_stdout() {
    run(async {
        // `STDOUT` is no constant here: both get the same pipe.
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let same = writer.try_clone().unwrap();
        let mut child = echo2().stdout(writer).stderr(same).spawn().unwrap();
        assert!(child.stderr.is_none());
        say(&child, b"test").await;
        let output = rest(&PipeReader::from_fd(reader).unwrap()).await;
        assert_eq!(output, "OUT:testERR:test");
        assert_eq!(child.wait().await.unwrap().code(), Some(0));
    });
}

/// `echo3.py`: as `echo2`, again and again; it says so if nobody hears its output.
const ECHO3: &str = r#"
    trap '' PIPE
    while heard=$(dd bs=1024 count=1 2>/dev/null); [ -n "$heard" ]; do
        printf "OUT:$heard" 2>/dev/null || printf ERR:BrokenPipe >&2
    done"#;

#[test]
fn subprocess_close_client_stream() {
    run(async {
        let mut child = piped(Command::shell(ECHO3)).spawn().unwrap();
        say(&child, b"test").await;
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        expect(&stdout, b"OUT:test").await;
        drop(stdout);
        say(&child, b"xxx").await;
        expect(&stderr, b"ERR:BrokenPipe").await;
        child.kill().unwrap();
        assert_eq!(child.wait().await.unwrap().signal(), Some(Signal::KILL.as_raw()));
    });
}

#[test]
fn subprocess_wait_no_same_group() {
    run(async {
        let mut child = Command::shell("exit 7").process_group(0).spawn().unwrap();
        let id = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
        assert_eq!(getpgid(Some(id)).unwrap(), id);
        assert_ne!(getpgrp(), id);
        assert_eq!(child.wait().await.unwrap().code(), Some(7));
    });
}
