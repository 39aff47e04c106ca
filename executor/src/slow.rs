//! Handles that take long, timed and reported: the part of asyncio's debug mode that has its
//! `slow_callback_duration`.

use std::panic::Location;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::clock::InSeconds;
use crate::context::Core;
use crate::error::TaskName;
use crate::observe::ExceptionContext;
use crate::state::{Ready, State};
use crate::turn::run_handle;
use crate::waker::Wakers;

/// Whose code a handle runs, noted before it runs: afterwards a task's slot may be another's.
enum Origin {
    Step(TaskName, Option<&'static Location<'static>>),
    Call(&'static Location<'static>),
    DoneCallback(TaskName),
    #[cfg(feature = "net")]
    Descriptor(std::os::fd::RawFd),
}

/// How handles are run that are to be reported if they take long. By way of a pointer, so that a program which
/// asks for no such reports has nothing of what they take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    limit: Duration,
    run: fn(&Rc<Core>, &mut Wakers, &Ready, Duration),
}

impl Timed {
    pub(crate) fn new(limit: Duration) -> Timed {
        Timed { limit, run: run_timed }
    }

    pub(crate) fn run(self, core: &Rc<Core>, wakers: &mut Wakers, handle: &Ready) {
        (self.run)(core, wakers, handle, self.limit);
    }
}

/// Runs a handle, and reports it if it took `limit` or longer.
fn run_timed(core: &Rc<Core>, wakers: &mut Wakers, handle: &Ready, limit: Duration) {
    let origin = core.peek(|state| state.origin(*handle));
    let started = Instant::now();
    run_handle(core, wakers, handle);
    let took = started.elapsed();
    if let (Some(origin), true) = (origin, took >= limit) {
        report_slow(core, &origin, took);
    }
}

#[cold]
fn report_slow(core: &Core, origin: &Origin, took: Duration) {
    let what = match origin {
        Origin::Step(task, _) => format!("a step of task `{task}`"),
        Origin::Call(_) => "a callback".to_owned(),
        Origin::DoneCallback(task) => format!("a done callback of task `{task}`"),
        #[cfg(feature = "net")]
        Origin::Descriptor(fd) => format!("a callback of fd {fd}"),
    };
    let message = format!("{what} took {}", InSeconds(took));
    let mut context = ExceptionContext::of(&message);
    match *origin {
        Origin::Step(_, at) => context.spawned_at = at,
        Origin::Call(at) => context.called_at = Some(at),
        _ => {}
    }
    core.report(&context);
}

impl State {
    /// `None` for the loop's own handles, and for a callback that was taken back.
    fn origin(&self, handle: Ready) -> Option<Origin> {
        match handle {
            Ready::Step(task) => {
                Some(Origin::Step(self.task_name(task), self.tasks[task].spawned_at()))
            }
            Ready::Call(call) => self.calls.get(call).map(|call| Origin::Call(call.at)),
            Ready::Done(observer) => {
                let task = self.observers.get(observer)?.task;
                Some(Origin::DoneCallback(self.task_name(task)))
            }
            #[cfg(feature = "net")]
            Ready::Io(source, direction) => {
                self.reactor.callback_fd(source, direction).map(Origin::Descriptor)
            }
            Ready::Wait(_) | Ready::Scope(..) | Ready::Job(_) => None,
        }
    }
}
