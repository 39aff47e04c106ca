//! The runner: a program from its start to the end of its last task, as asyncio's `run`.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::{Map, Value as Json};
use wheelhouse::{EventLoop, ExceptionContext, RunError, gather, stop};

use crate::act::Raised;
use crate::program::Program;
use crate::trace::{Outcome, Trace, millis};
use crate::world::{Spawned, World};

/// Who turns the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turning {
    /// The loop itself.
    ByLoop,
    /// The runner, turn by turn, which it can then count.
    ByHand,
}

/// Runs a program.
///
/// # Panics
///
/// If the loop does something that no program can bring about.
#[must_use]
pub fn run(program: &Program, turning: Turning) -> Outcome {
    let event_loop = EventLoop::builder().virtual_clock().build().expect("the system gives a loop");
    let trace = Rc::new(Trace::default());
    let reports = Rc::clone(&trace);
    event_loop.set_exception_handler(move |context| report(&reports, context));
    let world = World::new(&trace, &program.objects);
    let main = world.spawn_main(&event_loop, program.objects.clone(), &program.main);
    let mut runner = Runner { event_loop, trace, turning };
    runner.run_main(&main);
    runner.cancel_all(&world);
    Outcome {
        trace: runner.trace.close(),
        endings: world.tasks().iter().map(|spawned| ending(spawned)).collect::<Map<_, _>>(),
        end_time: millis(runner.event_loop.time()),
        iterations: runner.trace.turn.get(),
    }
}

fn ending(spawned: &Spawned) -> (String, Json) {
    let ending =
        Json::from(vec![Json::from(spawned.outcome()), Json::from(spawned.task.cancelling())]);
    (spawned.name.to_string(), ending)
}

/// The loop's exception handler: programs see what their callbacks raise.
fn report(trace: &Trace, context: &ExceptionContext<'_>) {
    let Some(payload) = context.panic else { return };
    match payload.downcast_ref::<Raised>() {
        Some(raised) => trace.emit(format!("exc_handler={}", raised.name())),
        None => trace.emit(format!("panic: {context}")),
    }
}

struct Runner {
    event_loop: EventLoop,
    trace: Rc<Trace>,
    turning: Turning,
}

impl Runner {
    fn emit(&self, what: impl Into<String>) {
        self.trace.emit_at(self.event_loop.time(), what);
    }

    fn run_main(&mut self, main: &Spawned) {
        let ran = match self.turning {
            Turning::ByLoop => self.event_loop.run_until_done(&main.task).map(drop),
            Turning::ByHand => self.turn_until_done(main),
        };
        self.note_deadlock(&ran);
        if main.task.is_done() {
            self.emit(format!("main_done={}", main.outcome()));
        }
    }

    fn turn_until_done(&mut self, main: &Spawned) -> Result<(), RunError> {
        let done = Rc::new(Cell::new(false));
        let note = Rc::clone(&done);
        let callback = main.task.add_done_callback(move |_| note.set(true));
        let ran = self.turn_until(&done);
        main.task.remove_done_callback(callback);
        ran
    }

    fn turn_until(&mut self, done: &Cell<bool>) -> Result<(), RunError> {
        while !done.get() {
            self.trace.turn.set(Some(self.trace.turn.get().unwrap_or(0) + 1));
            let _ = self.event_loop.run_once(None)?;
        }
        Ok(())
    }

    /// Cancels every task that is left and waits for their ends.
    fn cancel_all(&mut self, world: &World) {
        let alive: Vec<Rc<Spawned>> =
            world.tasks().into_iter().filter(|spawned| !spawned.task.is_done()).collect();
        if alive.is_empty() {
            return;
        }
        let names: Vec<&str> = alive.iter().map(|spawned| &*spawned.name).collect();
        self.emit(format!("cancel_all=[{}]", names.join(",")));
        for spawned in &alive {
            spawned.task.cancel();
        }
        let ran = self.run_until_all_done(&alive);
        if self.note_deadlock(&ran) {
            return;
        }
        for spawned in &alive {
            if let Some(error) = spawned.outcome().strip_prefix("err:") {
                self.emit(format!("shutdown_exc:{}={error}", spawned.name));
            }
        }
    }

    fn run_until_all_done(&mut self, tasks: &[Rc<Spawned>]) -> Result<(), RunError> {
        let all = gather(tasks.iter().map(|spawned| spawned.task.handle().clone()));
        let done = Rc::new(Cell::new(false));
        let note = Rc::clone(&done);
        let turning = self.turning;
        all.add_done_callback(move || {
            note.set(true);
            if turning == Turning::ByLoop {
                stop();
            }
        });
        match turning {
            Turning::ByLoop => self.event_loop.run_forever(),
            Turning::ByHand => self.turn_until(&done),
        }
    }

    fn note_deadlock(&self, ran: &Result<(), RunError>) -> bool {
        let deadlock = matches!(ran, Err(RunError::Deadlock(_)));
        if deadlock {
            self.emit("deadlock");
        }
        deadlock
    }
}
