//! The standard streams, in a process of its own that has pipes or a file for them.
#![cfg(unix)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use wheelhouse::io::{stderr, stdin, stdout};
use wheelhouse::{run, sleep, spawn};

/// What the child does: copies its input to its output, while something else goes on.
fn copy() {
    let before = flags();
    run(async {
        let beats = Rc::new(std::cell::Cell::new(0));
        let count = Rc::clone(&beats);
        spawn(async move {
            loop {
                sleep(Duration::from_millis(1)).await;
                count.set(count.get() + 1);
                if count.get() == 3 {
                    stderr().unwrap().write_all(b"beating\n").await.unwrap();
                }
            }
        })
        .detach();
        let (input, output) = (stdin().unwrap(), stdout().unwrap());
        let mut buf = [0; 10];
        loop {
            match input.read(&mut buf).await.unwrap() {
                0 => break,
                n => output.write_all(&buf[..n]).await.unwrap(),
            }
        }
        stderr().unwrap().write_all(format!("beats: {}", beats.get()).as_bytes()).await.unwrap();
    })
    .unwrap();
    assert_eq!(flags(), before, "the others who share the streams would not expect this");
}

/// The flags of the standard streams.
fn flags() -> Vec<String> {
    (0..3)
        .map(|fd| std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap())
        .map(|info| info.lines().find(|line| line.starts_with("flags")).unwrap().to_owned())
        .collect()
}

fn child() -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "the_standard_streams_do_not_block_the_loop", "--nocapture", "--quiet"]);
    child.env("COPY", "1");
    child
}

#[test]
fn the_standard_streams_do_not_block_the_loop() {
    if std::env::var_os("COPY").is_some() {
        return copy();
    }
    let mut child = child()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // More than a pipe holds, so that the copy has to wait on both its sides.
    let sent = "0123456789abcdef\n".repeat(20_000);
    let writer = std::thread::spawn(move || {
        input.write_all(sent.as_bytes()).unwrap();
        sent
    });
    let output = child.wait_with_output().unwrap();
    let sent = writer.join().unwrap();
    assert!(output.status.success());
    // The test harness writes, too.
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains(&sent));
    assert!(String::from_utf8(output.stderr).unwrap().contains("beats: "));
}

#[test]
fn a_regular_file_and_nothing_at_all_can_be_the_input() {
    let file = std::fs::File::open(std::env::current_exe().unwrap().with_extension("d"));
    let sources = [Stdio::null(), file.map_or(Stdio::null(), Stdio::from)];
    for source in sources {
        let output = child().stdin(source).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Waits until `source` has something to say; a child whose loop is blocked never has.
fn hear(source: &mut impl Read, fd: &impl AsFd) -> Vec<u8> {
    let limit = Timespec { tv_sec: 20, tv_nsec: 0 };
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    assert_eq!(poll(&mut fds, Some(&limit)).unwrap(), 1, "the child is silent");
    let mut bytes = vec![0; 4096];
    // Where a terminal has no other end any more, a read fails.
    let read = source.read(&mut bytes).unwrap_or(0);
    bytes.truncate(read);
    bytes
}

#[test]
fn a_terminal_that_is_silent_does_not_block_the_loop() {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let terminal = openpt(flags).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let end = File::options().read(true).write(true).open(name).unwrap();
    let mut child = child();
    child.stdin(end.try_clone().unwrap()).stdout(end).stderr(Stdio::piped());
    let mut running = child.spawn().unwrap();
    // The child alone has the other end now.
    drop(child);
    let mut stderr = running.stderr.take().unwrap();
    let beating = stderr.as_fd().try_clone_to_owned().unwrap();
    assert_eq!(hear(&mut stderr, &beating), b"beating\n");
    let mut keyboard = File::from(terminal);
    // Control-D at the beginning of a line is the end.
    keyboard.write_all(b"typed\n\x04").unwrap();
    let screen = keyboard.try_clone().unwrap();
    let mut shown = Vec::new();
    loop {
        match hear(&mut keyboard, &screen) {
            bytes if bytes.is_empty() => break,
            bytes => shown.extend(bytes),
        }
    }
    assert!(running.wait().unwrap().success());
    let shown = String::from_utf8(shown).unwrap();
    // By the terminal, and by the child.
    assert_eq!(shown.matches("typed").count(), 2, "{shown}");
}
