//! What the exception handler hears, and what is printed where there is none.

use std::cell::RefCell;
use std::process::{Command, Stdio};
use std::rc::Rc;

use wheelhouse::{
    EventLoop, call_later, call_soon, default_exception_handler, sleep, stop, try_spawn,
};

use crate::common::{ms, turns, virtual_loop};

fn zero_error() {
    panic!("division by zero");
}

/// Set for a process that is to do what its test is about, instead of looking at it from outside.
const INSIDE: &str = "WHEELHOUSE_TEST_INSIDE";

/// This binary once more, with the test of that name only; `None` in there.
fn from_outside(test: &str) -> Option<Command> {
    if std::env::var_os(INSIDE).is_some() {
        return None;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let test = format!("base_events::exceptions::{test}");
    command.args([&test, "--exact", "--nocapture"]).env(INSIDE, "yes");
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    Some(command)
}

/// The lines that a loop without a handler of its own prints.
fn printed(mut command: Command) -> Vec<String> {
    let output = command.output().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stderr).unwrap();
    lines.lines().filter(|line| line.starts_with("wheelhouse: ")).map(str::to_owned).collect()
}

#[test]
fn default_exc_handler_callback() {
    if let Some(command) = from_outside("default_exc_handler_callback") {
        let lines = printed(command);
        let start =
            "wheelhouse: a callback panicked: division by zero (asked for at tests/asyncio/";
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines.iter().all(|line| line.starts_with(start)), "{lines:?}");
        return;
    }
    let mut event_loop = virtual_loop();
    event_loop.call_soon(zero_error);
    event_loop.call_later(ms(10), zero_error);
    event_loop.call_later(ms(11), stop);
    event_loop.run_forever().unwrap();
}

#[test]
fn default_exc_handler_coro() {
    if let Some(command) = from_outside("default_exc_handler_coro") {
        let lines = printed(command);
        let start = "wheelhouse: a task's failure was never looked at: task `Task-2` failed: \
                     division by zero (spawned at tests/asyncio/";
        assert!(lines.len() == 1 && lines[0].starts_with(start), "{lines:?}");
        return;
    }
    let main = async {
        let zero_error = async {
            sleep(ms(10)).await;
            Err::<(), _>("division by zero")
        };
        let task = try_spawn(zero_error);
        task.add_done_callback(|_| stop());
        drop(task);
        sleep(ms(1000)).await;
    };
    assert!(virtual_loop().run_until_complete(main).is_err());
}

#[test]
fn set_exc_handler_custom() {
    if let Some(command) = from_outside("set_exc_handler_custom") {
        // The second of the two went to the default handler.
        assert_eq!(printed(command).len(), 1);
        return;
    }
    let mut event_loop = virtual_loop();
    let reports = Rc::new(RefCell::new(Vec::new()));
    let list = Rc::clone(&reports);
    let line = line!() + 7;
    event_loop.set_exception_handler(move |context| {
        let payload = context.panic.expect("a panic's").downcast_ref::<&str>().copied();
        let place = context.called_at.expect("a callback's").line();
        list.borrow_mut().push((context.message.to_owned(), payload, place));
    });
    let mut run_loop = || {
        event_loop.call_soon(zero_error);
        let _ = event_loop.run_once(None).unwrap();
    };
    run_loop();
    let expected = ("a callback panicked".to_owned(), Some("division by zero"), line);
    assert_eq!(reports.take(), [expected]);
    event_loop.set_exception_handler(default_exception_handler);
    event_loop.call_soon(zero_error);
    let _ = event_loop.run_once(None).unwrap();
    assert_eq!(reports.take(), []);
}

#[test]
fn set_exc_handler_broken() {
    if let Some(command) = from_outside("set_exc_handler_broken") {
        let lines = printed(command);
        let start = "wheelhouse: the exception handler panicked over: a callback panicked: \
                     division by zero (asked for at ";
        assert!(lines.len() == 1 && lines[0].starts_with(start), "{lines:?}");
        return;
    }
    let mut event_loop = virtual_loop();
    event_loop.set_exception_handler(|_| panic!("spam"));
    call_soon_and_go_on(&mut event_loop);
}

/// A callback panics, and the loop goes on.
fn call_soon_and_go_on(event_loop: &mut EventLoop) {
    let main = async {
        call_soon(zero_error);
        call_later(ms(1), zero_error).cancel();
        turns(3).await;
        7
    };
    assert_eq!(event_loop.run_until_complete(main).unwrap(), 7);
}

#[test]
fn default_exc_handler_broken() {
    if let Some(mut command) = from_outside("default_exc_handler_broken") {
        // It can print nothing: nobody reads.
        let mut child = command.spawn().unwrap();
        drop(child.stderr.take());
        assert!(child.wait().unwrap().success());
        return;
    }
    // Until its reader is gone for sure.
    while std::io::Write::write(&mut std::io::stderr(), b"\n").is_ok() {}
    let mut event_loop = virtual_loop();
    call_soon_and_go_on(&mut event_loop);
    event_loop.set_exception_handler(|_| panic!("ham"));
    call_soon_and_go_on(&mut event_loop);
}
