//! What the integration tests share: a virtual loop that must end clean, and a trace.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use wheelhouse::{
    Census, EventLoop, JoinError, RunError, TaskHandle, current_task, time, yield_now,
};

/// Milliseconds.
pub fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Something for the rest of the program, to be used by any number of tasks.
pub fn fixed<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
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

/// The task that runs right now.
pub fn me() -> TaskHandle {
    current_task().expect("only tasks ask")
}

/// Lets `n` turns of the loop pass.
pub async fn turns(n: usize) {
    for _ in 0..n {
        yield_now().await;
    }
}

/// Did it end cancelled?
pub fn is_cancelled<T>(ended: Result<T, JoinError>) -> bool {
    ended.err().is_some_and(|error| error.is_cancelled())
}

/// Never ready, and of another crate as far as the loop can tell.
pub async fn forever() {
    std::future::pending::<()>().await;
}

/// Runs `main` under virtual time, counting turns: what it is given tells the number of the turn that
/// runs. Everything must end.
pub fn run_in_turns<F: Future + 'static>(main: impl FnOnce(Turns) -> F) -> F::Output {
    let turns = Turns::default();
    let mut event_loop = virtual_loop();
    let mut main = event_loop.spawn(main(turns.clone()));
    while !main.is_done() {
        turns.number.set(turns.number.get() + 1);
        let _ = event_loop.run_once(None).expect("the loop turns");
    }
    main.try_result().expect("it is done").expect("main ends by itself")
}

/// The number of the turn that runs, and marks set in turns.
#[derive(Clone, Default)]
pub struct Turns {
    number: Rc<Cell<u64>>,
    marks: Rc<RefCell<Vec<(&'static str, u64)>>>,
}

impl Turns {
    /// Marks the turn that runs as that of `what`.
    pub fn mark(&self, what: &'static str) {
        self.marks.borrow_mut().push((what, self.number.get()));
    }

    /// Was `what` marked?
    pub fn is_marked(&self, what: &str) -> bool {
        self.marks.borrow().iter().any(|(name, _)| *name == what)
    }

    /// How many turns after `from` the mark `to` was set.
    #[track_caller]
    pub fn between(&self, from: &str, to: &str) -> u64 {
        self.of(to) - self.of(from)
    }

    #[track_caller]
    fn of(&self, what: &str) -> u64 {
        let marks = self.marks.borrow();
        let found = marks.iter().find(|(name, _)| *name == what);
        found.unwrap_or_else(|| panic!("nothing marked {what}: {marks:?}")).1
    }
}

/// A future and the number of its polls.
pub struct Counted<F> {
    future: Pin<Box<F>>,
    polls: Rc<Cell<usize>>,
}

/// Counts the polls of `future`.
pub fn counted<F: Future>(future: F) -> (Counted<F>, Rc<Cell<usize>>) {
    let polls = Rc::new(Cell::new(0));
    (Counted { future: Box::pin(future), polls: Rc::clone(&polls) }, polls)
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.set(self.polls.get() + 1);
        self.future.as_mut().poll(cx)
    }
}
