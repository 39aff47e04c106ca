//! Random trees of tasks, scopes and combinators, with random cancels at random times, held to what must
//! be true of every program.

mod common;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use proptest::prelude::*;
use wheelhouse::{
    ALL_COMPLETED, Census, EventLoop, ExceptionContext, FIRST_COMPLETED, FIRST_EXCEPTION,
    JoinError, ReturnWhen, Task, TaskHandle, as_completed, call_later, call_soon, catch_cancel,
    current_task, gather, shield, sleep, spawn, task_group, time, timeout, try_spawn, wait,
    wait_for_task, yield_now,
};

use common::{ms, virtual_loop};

/// One statement of a program.
#[derive(Clone, Debug)]
enum Op {
    Sleep(u8),
    Yield,
    Panic,
    CancelSelf,
    Uncancel,
    /// A scope; `true` re-raises what it caught, after a clean-up that awaits.
    Scope(Vec<Op>, bool),
    Timeout(u8, Vec<Op>),
    Group(Vec<Vec<Op>>, Vec<Op>),
    Gather(Vec<Vec<Op>>),
    Wait(Vec<Vec<Op>>, u8, Option<u8>),
    AsCompleted(Vec<Vec<Op>>),
    Join(Vec<Op>),
    WaitFor(u8, Vec<Op>),
    /// Waits, shielded, for a task that nothing else cancels.
    Shield(u8),
    Detach(Vec<Op>),
}

#[derive(Clone, Debug)]
struct Program {
    main: Vec<Op>,
    /// At this millisecond, cancel the task of this number (modulo how many there are).
    cancels: Vec<(u8, u8)>,
    /// Whether the cancel is an abort.
    aborts: Vec<bool>,
}

/// A block of one to three statements, nested at most `depth` deep.
fn ops(depth: u32) -> BoxedStrategy<Vec<Op>> {
    let leaf = prop_oneof![
        6 => (0u8..9).prop_map(Op::Sleep),
        2 => Just(Op::Yield),
        1 => Just(Op::Panic),
        1 => Just(Op::CancelSelf),
        1 => Just(Op::Uncancel),
        1 => (1u8..9).prop_map(Op::Shield),
    ];
    if depth == 0 {
        return prop::collection::vec(leaf, 1..3).boxed();
    }
    let body = || ops(depth - 1);
    let children = || prop::collection::vec(ops(depth - 1), 0..3);
    let nested = prop_oneof![
        (body(), any::<bool>()).prop_map(|(body, resume)| Op::Scope(body, resume)),
        (0u8..9, body()).prop_map(|(limit, body)| Op::Timeout(limit, body)),
        (children(), body()).prop_map(|(tasks, body)| Op::Group(tasks, body)),
        children().prop_map(Op::Gather),
        (children(), 0u8..3, prop::option::of(0u8..9)).prop_map(|(t, m, l)| Op::Wait(t, m, l)),
        children().prop_map(Op::AsCompleted),
        body().prop_map(Op::Join),
        (0u8..9, body()).prop_map(|(limit, body)| Op::WaitFor(limit, body)),
        body().prop_map(Op::Detach),
    ];
    prop::collection::vec(prop_oneof![2 => leaf, 3 => nested], 1..4).boxed()
}

fn programs() -> impl Strategy<Value = Program> {
    let cancels = prop::collection::vec((0u8..20, any::<u8>()), 0..8);
    let aborts = prop::collection::vec(prop::bool::weighted(0.1), 8);
    (ops(3), cancels, aborts).prop_map(|(main, cancels, aborts)| Program { main, cancels, aborts })
}

/// What a run of a program is held to.
#[derive(Default)]
struct Ledger {
    trace: RefCell<Vec<String>>,
    tasks: RefCell<Vec<TaskHandle>>,
    /// Done callbacks that ran, per task.
    ends: RefCell<Vec<u32>>,
    values_made: Cell<u32>,
    values_dropped: Cell<u32>,
    shields_begun: Cell<u32>,
    shields_done: Cell<u32>,
    /// Reports that should not be.
    broken: RefCell<Vec<String>>,
}

impl Ledger {
    fn note(&self, what: impl std::fmt::Display) {
        let task = current_task().map_or("-".to_owned(), |task| task.name().to_string());
        self.trace.borrow_mut().push(format!("{} {task} {what}", time().as_millis()));
    }

    fn value(self: &Rc<Self>) -> Value {
        self.values_made.set(self.values_made.get() + 1);
        Value { ledger: Rc::clone(self), dropped: false }
    }

    /// Registers a task: it must end exactly once.
    fn watch(self: &Rc<Self>, task: &TaskHandle) {
        let number = self.tasks.borrow().len();
        self.tasks.borrow_mut().push(task.clone());
        self.ends.borrow_mut().push(0);
        let ledger = Rc::clone(self);
        task.add_done_callback(move |task| {
            ledger.ends.borrow_mut()[number] += 1;
            if let Some(Err(JoinError::Panicked(panicked))) = task.ending() {
                ledger.judge_text(panicked.message());
            }
            ledger.note(format!("end {}: {:?}", task.name(), task.ending().as_ref().map(kind)));
        });
    }
}

fn kind<T>(ended: &Result<T, JoinError>) -> &'static str {
    match ended {
        Ok(_) => "finished",
        Err(JoinError::Cancelled(_)) => "cancelled",
        Err(_) => "failed",
    }
}

/// Something whose drop is counted, and must come once.
struct Value {
    ledger: Rc<Ledger>,
    dropped: bool,
}

impl Drop for Value {
    fn drop(&mut self) {
        assert!(!std::mem::replace(&mut self.dropped, true), "a value was dropped twice");
        self.ledger.values_dropped.set(self.ledger.values_dropped.get() + 1);
    }
}

fn start(ledger: &Rc<Ledger>, body: Vec<Op>) -> Task<Value> {
    let own = Rc::clone(ledger);
    let task = spawn(async move {
        block(&own, body).await;
        own.value()
    });
    ledger.watch(task.handle());
    task
}

fn start_all(ledger: &Rc<Ledger>, bodies: Vec<Vec<Op>>) -> Vec<Task<Value>> {
    bodies.into_iter().map(|body| start(ledger, body)).collect()
}

fn block<'a>(ledger: &'a Rc<Ledger>, ops: Vec<Op>) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async move {
        let _value = ledger.value();
        for op in ops {
            statement(ledger, op).await;
        }
    })
}

async fn statement(ledger: &Rc<Ledger>, op: Op) {
    match op {
        Op::Sleep(n) => {
            let until = time() + ms(n.into());
            sleep(ms(n.into())).await;
            assert!(time() >= until, "a sleep ended early");
        }
        Op::Yield => yield_now().await,
        Op::Panic => std::panic::resume_unwind(Box::new("a panic of the program")),
        Op::CancelSelf => drop(current_task().map(|task| task.cancel())),
        Op::Uncancel => drop(current_task().map(|task| task.uncancel())),
        Op::Scope(body, resume) => scope(ledger, body, resume).await,
        Op::Timeout(limit, body) => {
            let deadline = time() + ms(limit.into());
            let ended = timeout(ms(limit.into()), block(ledger, body)).await;
            assert!(ended.is_ok() || time() >= deadline, "a timeout fired early");
            ledger.note(format!("timeout {ended:?}"));
        }
        Op::Group(children, body) => group(ledger, children, body).await,
        Op::Gather(bodies) => {
            let mut tasks = start_all(ledger, bodies);
            let ended = gather(&mut tasks).await;
            assert!(tasks.iter().all(|task| task.is_done()), "a gather ended before its tasks");
            ledger.note(format!("gathered {}", ended.iter().filter(|one| one.is_ok()).count()));
        }
        Op::Wait(bodies, mode, limit) => {
            let tasks = start_all(ledger, bodies);
            let limit = limit.map(|n| ms(n.into()));
            match wait(tasks, mode_of(mode)).timeout(limit).await {
                Ok(waited) => ledger.note(format!("waited {}", waited.done.len())),
                Err(empty) => ledger.note(empty),
            }
        }
        Op::AsCompleted(bodies) => {
            let mut tasks = as_completed(start_all(ledger, bodies));
            while let Some(task) = tasks.next().await {
                ledger.note(format!("next {}", task.expect("there is no limit").name()));
            }
        }
        Op::Join(body) => {
            let ended = start(ledger, body).await;
            ledger.note(format!("joined {}", kind(&ended)));
        }
        Op::WaitFor(limit, body) => {
            let ended = wait_for_task(start(ledger, body), ms(limit.into())).await;
            ledger.note(format!("waited for {}", ended.is_ok()));
        }
        Op::Shield(n) => shielded(ledger, n).await,
        Op::Detach(body) => start(ledger, body).detach(),
    }
}

async fn scope(ledger: &Rc<Ledger>, body: Vec<Op>, resume: bool) {
    let token = Rc::new(());
    let inside = Rc::clone(&token);
    let ended = catch_cancel(async {
        let _inside = inside;
        block(ledger, body).await;
    })
    .await;
    let Err(cancelled) = ended else { return };
    assert_eq!(Rc::strong_count(&token), 1, "a body outlived its delivery");
    ledger.note("caught");
    yield_now().await;
    if resume {
        cancelled.resume().await;
    }
}

async fn group(ledger: &Rc<Ledger>, children: Vec<Vec<Op>>, body: Vec<Op>) {
    let inside = Rc::clone(ledger);
    let closing = Closing::default();
    let handles = Rc::clone(&closing.0);
    let ended = task_group(async move |group| {
        for body in children {
            let own = Rc::clone(&inside);
            let Ok(child) = group.spawn(async move { block(&own, body).await }) else { continue };
            inside.watch(child.handle());
            handles.borrow_mut().push(child.handle().clone());
        }
        block(&inside, body).await;
    })
    .await;
    assert!(closing.0.borrow().iter().all(TaskHandle::is_done), "a child outlived its group");
    ledger.note(format!("group {:?}", ended.map_err(|error| error.errors().len())));
}

/// However a group goes, at its end or dropped with its task: two turns later no child of it lives.
#[derive(Default)]
struct Closing(Rc<RefCell<Vec<TaskHandle>>>);

impl Drop for Closing {
    fn drop(&mut self) {
        let children = Rc::clone(&self.0);
        call_soon(move || {
            call_soon(move || {
                let children = children.take();
                assert!(
                    children.iter().all(TaskHandle::is_done),
                    "a child outlived its dropped group"
                );
            });
        });
    }
}

async fn shielded(ledger: &Rc<Ledger>, n: u8) {
    let own = Rc::clone(ledger);
    ledger.shields_begun.set(ledger.shields_begun.get() + 1);
    // Not registered with the ledger: the random cancels must not find it.
    let task = try_spawn(async move {
        sleep(ms(n.into())).await;
        own.shields_done.set(own.shields_done.get() + 1);
        Ok::<(), wheelhouse::BoxError>(())
    });
    drop(shield(task).await);
}

fn mode_of(mode: u8) -> ReturnWhen {
    [FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED][usize::from(mode)]
}

/// Runs a program to its end and beyond: what main left behind gets a hundred milliseconds, and is then
/// cancelled, twice.
fn run(program: &Program) -> (Rc<Ledger>, Census) {
    let ledger = Rc::new(Ledger::default());
    let mut event_loop = virtual_loop();
    let broken = Rc::clone(&ledger);
    event_loop.set_exception_handler(move |context| broken.judge(context));
    run_main(&mut event_loop, program, &ledger);
    for _ in 0..2 {
        // The shielded tasks outlive this; everything else ends by the second cancel at the latest.
        let left = event_loop.run_until_complete(sleep(ms(100)));
        left.expect("sleeping cannot fail");
        for task in &*ledger.tasks.borrow() {
            task.cancel();
        }
    }
    event_loop.run_until_complete(sleep(ms(1000))).expect("sleeping cannot fail");
    let unfinished = event_loop.all_tasks();
    assert!(unfinished.is_empty(), "never ended: {unfinished:?}");
    ledger.tasks.take();
    let census = event_loop.census();
    (ledger, census)
}

fn run_main(event_loop: &mut EventLoop, program: &Program, ledger: &Rc<Ledger>) {
    let (own, program) = (Rc::clone(ledger), program.clone());
    let main = event_loop.run_until_complete(async move {
        for (&(at, which), &abort) in program.cancels.iter().zip(&program.aborts) {
            let own = Rc::clone(&own);
            call_later(ms(at.into()), move || cancel_one(&own, which, abort));
        }
        start(&own, program.main).join().await
    });
    ledger.note_outside(format!("main {:?}", main.as_ref().map(kind)));
}

impl Ledger {
    /// A panic of the program is no news; one of ours is a broken promise.
    fn judge(&self, context: &ExceptionContext<'_>) {
        self.judge_text(&context.to_string());
    }

    fn judge_text(&self, text: &str) {
        if !text.contains("a panic of the program") {
            self.broken.borrow_mut().push(text.to_owned());
        }
    }

    fn note_outside(&self, what: String) {
        self.trace.borrow_mut().push(what);
    }
}

fn cancel_one(ledger: &Ledger, which: u8, abort: bool) {
    let tasks = ledger.tasks.borrow().clone();
    let Some(task) = tasks.get(usize::from(which) % tasks.len().max(1)) else { return };
    let accepted = if abort { task.abort() } else { task.cancel() };
    ledger.note(format!("cancel {} abort={abort}: {accepted}", task.name()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn every_program_keeps_its_promises(program in programs()) {
        let (ledger, census) = run(&program);
        prop_assert!(ledger.ends.borrow().iter().all(|&ends| ends == 1), "tasks ended {:?} times", ledger.ends);
        prop_assert_eq!(ledger.values_made.get(), ledger.values_dropped.get());
        prop_assert_eq!(ledger.shields_begun.get(), ledger.shields_done.get());
        prop_assert_eq!(census, Census::default());
        prop_assert!(ledger.broken.borrow().is_empty(), "{:?}", ledger.broken);
    }

    #[test]
    fn the_same_program_gives_the_same_trace(program in programs()) {
        let (first, second) = (run(&program).0, run(&program).0);
        prop_assert_eq!(&*first.trace.borrow(), &*second.trace.borrow());
    }
}
