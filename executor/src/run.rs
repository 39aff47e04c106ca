//! `run` and `Runner`: a whole program from start to clean end, as asyncio's `runners`.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;

use crate::cell::{self, AnyValue};
use crate::event_loop::{EventLoop, main_value, stop};
use crate::handle::TaskHandle;
use crate::observe::{ExceptionContext, print};
use crate::run_error::RunError;
#[cfg(feature = "signal")]
use crate::signal::CtrlC;
use crate::task::CellBox;

/// Runs `main` in a fresh loop, as asyncio's `run`: `main` is a task; when it is done every other task is
/// cancelled and waited for, then the jobs of [`offload`](crate::offload) that still run, and the loop is dropped.
///
/// ```
/// let answer = wheelhouse::run(async { 6 * 7 });
/// assert_eq!(answer.unwrap(), 42);
/// ```
///
#[cfg_attr(
    feature = "signal",
    doc = "On the process's first thread, Ctrl-C cancels `main`, so that its clean-up runs; the second one ends the
process. See [`signal`](crate::signal), and [`Runner::without_ctrl_c`] to have it otherwise."
)]
///
/// # Errors
///
/// [`RunError::Interrupted`] if Ctrl-C did that, [`RunError::Cancelled`] if `main` was cancelled else,
/// [`RunError::AlreadyRunning`] inside a running loop of the same thread, [`RunError::Io`] if the operating system
/// refuses a loop.
///
/// # Panics
///
/// A panic of `main` goes on here, after the same clean-up.
#[track_caller]
pub fn run<F>(main: F) -> Result<F::Output, RunError>
where
    F: Future + 'static,
{
    let main = cell::new(main, AnyValue, Location::caller());
    Ok(main_value(run_alone(main)?))
}

/// [`run`], for a future whose type no longer matters.
fn run_alone(main: CellBox) -> Result<CellBox, RunError> {
    let mut runner = Runner::new()?;
    let ended = catch_unwind(AssertUnwindSafe(|| runner.run_main(main)));
    runner.shut_down()?;
    ended.unwrap_or_else(|panic| resume_unwind(panic))
}

/// A loop for several `main`s in turn, with the clean end of [`run`] when it is dropped: asyncio's
/// `Runner`.
#[derive(Debug)]
#[must_use = "a runner runs nothing by itself"]
pub struct Runner {
    event_loop: EventLoop,
    /// The tasks that were left have been cancelled; those that came meanwhile are not.
    closed: bool,
    #[cfg(feature = "signal")]
    ctrl_c: bool,
}

impl Runner {
    /// A runner with a loop on the real clock.
    ///
    /// # Errors
    ///
    /// If the operating system refuses a poll (out of file descriptors, say).
    pub fn new() -> io::Result<Runner> {
        Ok(Runner::with_loop(EventLoop::new()?))
    }

    /// A runner with a loop of your choice.
    pub fn with_loop(event_loop: EventLoop) -> Runner {
        Runner {
            event_loop,
            closed: false,
            #[cfg(feature = "signal")]
            ctrl_c: true,
        }
    }

    /// The loop.
    pub fn event_loop(&mut self) -> &mut EventLoop {
        &mut self.event_loop
    }

    /// Runs `main` until it is done. Other tasks stay in the loop, for the next call.
    ///
    /// # Errors
    ///
    /// As [`EventLoop::run_until_complete`].
    ///
    /// # Panics
    ///
    /// A panic of `main` goes on here.
    #[track_caller]
    pub fn run<F>(&mut self, main: F) -> Result<F::Output, RunError>
    where
        F: Future + 'static,
    {
        let main = cell::new(main, AnyValue, Location::caller());
        Ok(main_value(self.run_main(main)?))
    }

    fn run_main(&mut self, main: CellBox) -> Result<CellBox, RunError> {
        #[cfg(feature = "signal")]
        if self.ctrl_c {
            return self.run_until_ctrl_c(main);
        }
        self.event_loop.run_main(main, |_, _| ())
    }

    /// asyncio's `Runner._on_sigint`, and what its `run` makes of that.
    #[cfg(feature = "signal")]
    fn run_until_ctrl_c(&mut self, main: CellBox) -> Result<CellBox, RunError> {
        let mut ctrl_c = None;
        let ran = self.event_loop.run_main(main, |core, main| ctrl_c = CtrlC::watch(core, main));
        match (ran, ctrl_c) {
            (Err(RunError::Cancelled(_)), Some(ctrl_c)) if ctrl_c.has_cancelled() => {
                Err(RunError::Interrupted)
            }
            (ran, _) => ran,
        }
    }

    /// Leaves Ctrl-C alone. Otherwise, on the process's first thread and the real clock, the first one cancels
    /// the main task, so that its clean-up runs and [`run`](Runner::run) returns
    /// [`RunError::Interrupted`]; and the second ends the process at once. While anything of
    /// [`signal`](crate::signal) listens to Ctrl-C, it is left to that.
    #[cfg(feature = "signal")]
    pub fn without_ctrl_c(mut self) -> Runner {
        self.ctrl_c = false;
        self
    }

    /// Cancels every task that is left and waits for their ends, then for the jobs of
    /// [`offload`](crate::offload), as dropping the runner does; but here a loop that could not do so is an
    /// error. A job that outlasts the limit of its pool is reported to the exception handler.
    ///
    /// # Errors
    ///
    /// [`RunError::Deadlock`] if a task suppressed its cancel and now waits for ever.
    pub fn close(mut self) -> Result<(), RunError> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<(), RunError> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        self.cancel_all_tasks()?;
        self.wait_for_jobs()
    }

    /// asyncio's `shutdown_default_executor`.
    fn wait_for_jobs(&mut self) -> Result<(), RunError> {
        match self.event_loop.core().pool.get().map(Arc::clone) {
            Some(pool) => pool.shut_down(&mut self.event_loop),
            None => Ok(()),
        }
    }

    /// asyncio's `_cancel_all_tasks`: one batch; tasks spawned meanwhile are not cancelled.
    fn cancel_all_tasks(&mut self) -> Result<(), RunError> {
        let tasks = self.event_loop.all_tasks();
        if tasks.is_empty() {
            return Ok(());
        }
        let unfinished = Rc::new(Cell::new(tasks.len()));
        for task in &tasks {
            task.cancel();
            let unfinished = Rc::clone(&unfinished);
            task.add_done_callback(move |_| {
                unfinished.set(unfinished.get() - 1);
                if unfinished.get() == 0 {
                    stop();
                }
            });
        }
        while unfinished.get() > 0 {
            self.event_loop.run_forever()?;
        }
        // asyncio gathers the tasks, and a gather tells of its end a turn later.
        self.event_loop.stop();
        self.event_loop.run_forever()?;
        for error in tasks.iter().filter_map(TaskHandle::failure) {
            let message = "a task failed while the loop was being shut down";
            self.event_loop.report(&ExceptionContext::task_failed(message, &error));
        }
        Ok(())
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The loop's own drop ends the tasks: a second panic here would abort the process.
            return;
        }
        match self.shut_down() {
            Ok(()) => {}
            Err(RunError::AlreadyRunning { .. }) => print(format_args!(
                "a runner was dropped inside a running loop, where its own cannot turn: its tasks are dropped \
                 where they stand, its jobs not waited for; drop it outside"
            )),
            Err(error) => print(format_args!("the runner could not end every task: {error}")),
        }
    }
}
