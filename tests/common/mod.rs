//! What the integration tests share: a virtual loop that must end clean, and a trace.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::cell::RefCell;
use std::fmt::Display;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use wheelhouse::{Census, EventLoop, RunError, time};

/// Milliseconds.
pub fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A loop whose time is virtual.
pub fn virtual_loop() -> EventLoop {
    EventLoop::builder().virtual_clock().build().expect("a loop can be made")
}

/// Runs `main` under virtual time and sees that it leaves nothing in the loop's tables.
pub fn run<F: Future + 'static>(main: F) -> F::Output {
    let mut event_loop = virtual_loop();
    let output = event_loop.run_until_complete(main).expect("main ends by itself");
    assert_eq!(event_loop.census(), Census::default(), "something was left in the loop");
    output
}

/// Runs `main` under virtual time, whatever comes of it.
pub fn try_run<F: Future + 'static>(main: F) -> Result<F::Output, RunError> {
    virtual_loop().run_until_complete(main)
}

/// What happened, in order; clones write to the same trace.
#[derive(Clone, Default)]
pub struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    /// Notes something, with the loop's time in milliseconds in front.
    pub fn at(&self, what: impl Display) {
        self.0.borrow_mut().push(format!("{} {what}", time().as_millis()));
    }

    /// Notes something.
    pub fn note(&self, what: impl Display) {
        self.0.borrow_mut().push(what.to_string());
    }

    /// Notes something when the returned value is dropped.
    pub fn on_drop(&self, what: &'static str) -> NoteOnDrop {
        NoteOnDrop(self.clone(), what)
    }

    /// Takes what was noted so far.
    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }

    /// Asserts that exactly this was noted so far.
    #[track_caller]
    pub fn expect(&self, lines: &[&str]) {
        assert_eq!(self.take(), lines);
    }
}

/// Writes to a [`Trace`] when it is dropped.
pub struct NoteOnDrop(Trace, &'static str);

impl Drop for NoteOnDrop {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}
