//! The descriptors that a loop has, those that a closed loop is offered, and terminals. Transports are streams here.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream as BlockingUnix;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use wheelhouse::io::{PipeReader, PipeWriter, add_reader, add_writer};
use wheelhouse::{EventLoop, yield_now};

use super::alone::alone;
use crate::common::{run, virtual_loop};

/// How many descriptors this process has open, the one that this needs to look among them.
fn open_descriptors() -> usize {
    std::fs::read_dir("/dev/fd").unwrap().count()
}

#[test]
fn internal_fds() {
    let ended = alone("events::descriptors::internal_fds", || {
        let before = open_descriptors();
        let mut event_loop = EventLoop::new().unwrap();
        let with_it = open_descriptors();
        assert!(with_it > before, "the poll and its waker: {before}, {with_it}");
        event_loop.run_until_complete(yield_now()).unwrap();
        assert_eq!(open_descriptors(), with_it, "running takes no more");
        // What outlives the loop holds none of them.
        let handle = event_loop.handle();
        drop(event_loop);
        assert_eq!(open_descriptors(), before, "{handle:?}");
    });
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

/// The message of the panic that `add` ends in.
fn refusal<T: Debug>(add: impl FnOnce() -> T) -> String {
    let raised = catch_unwind(AssertUnwindSafe(add)).unwrap_err();
    *raised.downcast::<String>().expect("it says why")
}

#[test]
fn add_fds_after_closing() {
    let (reader, writer) = BlockingUnix::pair().unwrap();
    drop(virtual_loop());
    // A loop is named by being the one that runs: of a closed one, nothing is left to be named.
    let text = refusal(|| add_reader(&reader, || ()));
    assert!(text.starts_with("`add_reader` was called outside a running loop"), "{text}");
    let text = refusal(|| add_writer(&writer, || ()));
    assert!(text.starts_with("`add_writer` was called outside a running loop"), "{text}");
}

/// A new terminal: who draws it, and who writes to it.
fn terminal() -> (File, File) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let not_ours = i32::try_from(OpenptFlags::NOCTTY.bits()).unwrap();
    let slave = OpenOptions::new().read(true).write(true).custom_flags(not_ours).open(path);
    (master.into(), slave.unwrap())
}

/// Reads exactly as much as `what` is long, without the loop: is it that?
fn expect(mut file: &File, what: &[u8]) {
    let mut heard = vec![0; what.len()];
    file.read_exact(&mut heard).unwrap();
    assert_eq!(heard, what);
}

#[test]
fn read_pty_output() {
    run(async {
        let (master, mut slave) = terminal();
        let reader = PipeReader::from_fd(master).unwrap();
        let mut buf = [0; 16];
        for what in [&b"1"[..], b"2345"] {
            slave.write_all(what).unwrap();
            reader.read_exact(&mut buf[..what.len()]).await.unwrap();
            assert_eq!(&buf[..what.len()], what);
        }
        drop(slave);
        // The end: Linux calls it an error.
        assert_eq!(reader.read(&mut buf).await.unwrap_or(0), 0);
    });
}

#[test]
fn write_pty() {
    run(async {
        let (master, slave) = terminal();
        let writer = PipeWriter::from_fd(slave).unwrap();
        for what in [&b"1"[..], b"2345"] {
            writer.write_all(what).await.unwrap();
            expect(&master, what);
        }
        drop(master);
        writer.write_all(b"6").await.unwrap_err();
    });
}

#[test]
fn bidirectional_pty() {
    run(async {
        let (mut master, slave) = terminal();
        let mut mode = tcgetattr(&slave).unwrap();
        mode.make_raw();
        tcsetattr(&slave, OptionalActions::Flush, &mode).unwrap();
        let reader = PipeReader::from_fd(slave.try_clone().unwrap()).unwrap();
        let writer = PipeWriter::from_fd(slave).unwrap();
        let mut buf = [0; 16];
        for (there, back) in [(&b"1"[..], &b"a"[..]), (b"2345", b"bcde")] {
            writer.write_all(there).await.unwrap();
            expect(&master, there);
            master.write_all(back).unwrap();
            reader.read_exact(&mut buf[..back.len()]).await.unwrap();
            assert_eq!(&buf[..back.len()], back);
        }
        drop(master);
        assert_eq!(reader.read(&mut buf).await.unwrap_or(0), 0);
    });
}
