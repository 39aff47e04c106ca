//! Random programs, as strategies: what fails is made smaller by proptest itself.
//!
//! A strategy knows nothing of the rest of the program, so it leaves names open: `@7` says "one of what
//! can stand here, the seventh if there are as many". `names.rs` fills them in when the program is whole.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use replay::program::{Block, Catch, Child, Name, NewTask, Program, Stmt, Value, WaitMode};

use crate::{contend, names, perturb};

pub(crate) fn program() -> impl Strategy<Value = Program> {
    let main = prop_oneof![
        2 => meddled_with(),
        1 => contend::contended(),
        1 => perturb::perturbed(),
    ];
    main.prop_map(|main| names::complete(&main.into()))
}

/// The program that a seed stands for.
pub(crate) fn seeded(seed: u64) -> Program {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let drawn = program().new_tree(&mut runner).expect("no strategy here refuses anything");
    Program { seed, ..drawn.current() }
}

/// A main task that starts a few others and then, within a few milliseconds, meddles with them.
fn meddled_with() -> impl Strategy<Value = Vec<Stmt>> {
    let start = vec(new_task(statement()).prop_map(Stmt::Spawn), 1..3);
    let act = (start, vec(meddling(), 1..4)).prop_map(|(start, meddle)| [start, meddle].concat());
    (vec(act, 1..4), vec(statement(), 0..3)).prop_map(|(acts, last)| [acts.concat(), last].concat())
}

/// What main does to the tasks it has started, and to what they wait for.
fn meddling() -> BoxedStrategy<Stmt> {
    prop_oneof![
        6 => ms().prop_map(|ms| Stmt::Sleep { ms }),
        3 => open().prop_map(|task| Stmt::Cancel { task }),
        4 => callback_statement(),
    ]
    .boxed()
}

/// A statement with something around it that catches its errors.
pub(crate) fn guard(statement: Stmt) -> Stmt {
    let body = [statement].into();
    Stmt::Try { body, catch: Catch::Error, handler: [].into(), reraise: false }
}

fn mostly_guarded(statement: impl Strategy<Value = Stmt> + 'static) -> BoxedStrategy<Stmt> {
    (statement, prop::bool::weighted(0.8))
        .prop_map(|(statement, guarded)| if guarded { guard(statement) } else { statement })
        .boxed()
}

/// Milliseconds: few different ones, so that deadlines coincide.
fn ms() -> impl Strategy<Value = u64> {
    select(vec![0, 0, 0, 1, 1, 2, 2, 3, 5, 8])
}

pub(crate) fn limit() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![9 => ms().prop_map(Some), 1 => Just(None)]
}

fn value() -> impl Strategy<Value = Value> {
    (0..9i64).prop_map(Some)
}

/// A name that is still open.
pub(crate) fn open() -> impl Strategy<Value = Name> {
    (0..16u8).prop_map(|choice| format!("@{choice}").into())
}

fn one_of(names: &'static [&'static str]) -> impl Strategy<Value = Name> {
    select(names).prop_map(Name::from)
}

pub(crate) fn error() -> impl Strategy<Value = Name> {
    one_of(&["E1", "E2", "E3"])
}

fn event() -> impl Strategy<Value = Name> {
    one_of(&["e0", "e1"])
}

fn queue() -> impl Strategy<Value = Name> {
    one_of(&["q0", "q1", "q2"])
}

fn raw_sem() -> impl Strategy<Value = Name> {
    one_of(&["S0", "B0"])
}

fn fut() -> impl Strategy<Value = Name> {
    one_of(&["f0", "f1"])
}

/// What callbacks may do, and tasks, too.
fn callback_statement() -> BoxedStrategy<Stmt> {
    let quiet = prop_oneof![
        1 => Just(Stmt::Log { label: "@0".into() }),
        6 => open().prop_map(|task| Stmt::Cancel { task }),
        4 => event().prop_map(|event| Stmt::EventSet { event }),
        1 => event().prop_map(|event| Stmt::EventClear { event }),
        1 => fut().prop_map(|fut| Stmt::FutCancel { fut }),
        1 => (queue(), any::<bool>())
            .prop_map(|(queue, immediate)| Stmt::Shutdown { queue, immediate }),
        1 => Just(Stmt::SemRelease { sem: "S0".into() }),
        1 => open().prop_map(|name| Stmt::CancelHandle { name }),
    ];
    prop_oneof![3 => quiet, 2 => raising_statement()].boxed()
}

/// Statements of callbacks and tasks that raise where it does not suit.
fn raising_statement() -> BoxedStrategy<Stmt> {
    prop_oneof![
        3 => (fut(), value()).prop_map(|(fut, value)| Stmt::FutSet { fut, value }),
        1 => (fut(), error()).prop_map(|(fut, error)| Stmt::FutErr { fut, error }),
        4 => (queue(), value()).prop_map(|(queue, value)| Stmt::PutNowait { queue, value }),
        3 => queue().prop_map(|queue| Stmt::GetNowait { queue }),
        2 => queue().prop_map(|queue| Stmt::TaskDone { queue }),
        2 => Just(Stmt::SemRelease { sem: "B0".into() }),
        2 => Just(Stmt::Release { lock: "R0".into() }),
        1 => error().prop_map(|error| Stmt::Raise { error }),
    ]
    .boxed()
}

fn cond_notify() -> impl Strategy<Value = Stmt> {
    select(vec![Some(1), Some(2), None]).prop_map(|n| Stmt::CondNotify { cond: "c0".into(), n })
}

pub(crate) fn in_cond(statement: Stmt) -> Stmt {
    Stmt::Cond { cond: "c0".into(), body: [statement].into() }
}

/// What tasks do that is no structure of statements.
fn simple_statement() -> BoxedStrategy<Stmt> {
    let core = prop_oneof![
        10 => ms().prop_map(|ms| Stmt::Sleep { ms }),
        2 => Just(Stmt::Log { label: "@0".into() }),
        4 => open().prop_map(|task| Stmt::Cancel { task }),
        2 => Just(Stmt::Uncancel),
        1 => Just(Stmt::Cancelling),
        1 => prop_oneof![3 => error(), 1 => Just("Cancelled".into())]
            .prop_map(|error| Stmt::Raise { error }),
        1 => value().prop_map(|value| Stmt::Return { value }),
        3 => mostly_guarded(fut().prop_map(|fut| Stmt::FutAwait { fut })),
        2 => (open(), limit()).prop_map(|(timeout, ms)| Stmt::Reschedule { timeout, ms }),
    ];
    let waits = prop_oneof![
        4 => event().prop_map(|event| Stmt::EventWait { event }),
        3 => Just(Stmt::Acquire { lock: "R0".into() }),
        3 => raw_sem().prop_map(|sem| Stmt::SemAcquire { sem }),
        1 => queue().prop_map(|queue| Stmt::Join { queue }),
        1 => open().prop_map(|cond| Stmt::CondWait { cond }),
        4 => Just(in_cond(Stmt::CondWait { cond: "@0".into() })),
        3 => cond_notify().prop_map(in_cond),
        1 => Just(Stmt::BarrierAbort { barrier: "b0".into() }),
        1 => Just(Stmt::BarrierReset { barrier: "b0".into() }),
    ];
    let raising = prop_oneof![
        4 => (queue(), value()).prop_map(|(queue, value)| Stmt::Put { queue, value }),
        3 => queue().prop_map(|queue| Stmt::Get { queue }),
        3 => Just(Stmt::BarrierWait { barrier: "b0".into() }),
        1 => cond_notify(),
        5 => raising_statement(),
    ];
    prop_oneof![6 => core, 3 => waits, 3 => mostly_guarded(raising), 1 => callback_statement()]
        .boxed()
}

pub(crate) fn statement() -> BoxedStrategy<Stmt> {
    simple_statement()
        .prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                3 => structure(&inner),
                3 => tasks(&inner),
                2 => scopes(&inner),
                1 => callbacks(&inner),
            ]
        })
        .boxed()
}

fn block(statement: BoxedStrategy<Stmt>, most: usize) -> impl Strategy<Value = Block> {
    vec(statement, 0..=most).prop_map(Block::from)
}

fn structure(inner: &BoxedStrategy<Stmt>) -> BoxedStrategy<Stmt> {
    let body = || block(inner.clone(), 4);
    let catch = || select(vec![Catch::Cancel, Catch::Cancel, Catch::Error, Catch::Any]);
    prop_oneof![
        3 => (body(), catch(), block(inner.clone(), 2), any::<bool>()).prop_map(
            |(body, catch, handler, reraise)| Stmt::Try { body, catch, handler, reraise }
        ),
        2 => (body(), block(inner.clone(), 2))
            .prop_map(|(body, last)| Stmt::Finally { body, last }),
        1 => (one_of(&["L0", "L1"]), body()).prop_map(|(lock, body)| Stmt::Lock { lock, body }),
        1 => body().prop_map(|body| Stmt::Sem { sem: "S1".into(), body }),
        2 => body().prop_map(|body| Stmt::Cond { cond: "c0".into(), body }),
    ]
    .boxed()
}

fn new_task(inner: BoxedStrategy<Stmt>) -> impl Strategy<Value = NewTask> {
    vec(inner, 1..6).prop_map(|body| NewTask { name: "@0".into(), body: body.into() })
}

fn child(inner: BoxedStrategy<Stmt>) -> impl Strategy<Value = Child> {
    prop_oneof![
        2 => new_task(inner).prop_map(Child::New),
        3 => open().prop_map(|task| Child::Existing { task }),
    ]
}

pub(crate) fn tasks(inner: &BoxedStrategy<Stmt>) -> BoxedStrategy<Stmt> {
    let one = || child(inner.clone());
    let some = || vec(child(inner.clone()), 0..4);
    let mode =
        select(vec![WaitMode::FirstCompleted, WaitMode::FirstException, WaitMode::AllCompleted]);
    prop_oneof![
        4 => new_task(inner.clone()).prop_map(Stmt::Spawn),
        2 => one().prop_map(|of| Stmt::Await { of }),
        1 => one().prop_map(|of| Stmt::Shield { of }),
        2 => (some(), any::<bool>()).prop_map(|(children, return_exceptions)| Stmt::Gather {
            children,
            return_exceptions
        }),
        1 => (some(), mode, limit())
            .prop_map(|(children, mode, timeout)| Stmt::Wait { children, mode, timeout }),
        2 => (limit(), one()).prop_map(|(ms, of)| Stmt::WaitFor { ms, of }),
        1 => (some(), limit())
            .prop_map(|(children, timeout)| Stmt::AsCompleted { children, timeout }),
    ]
    .boxed()
}

pub(crate) fn scopes(inner: &BoxedStrategy<Stmt>) -> BoxedStrategy<Stmt> {
    let body = || block(inner.clone(), 4);
    let children = vec(new_task(inner.clone()), 0..3);
    prop_oneof![
        3 => (limit(), body())
            .prop_map(|(ms, body)| Stmt::Timeout { name: "@0".into(), ms, body }),
        3 => (children, body()).prop_map(|(children, body)| Stmt::TaskGroup {
            name: "@0".into(),
            children,
            body
        }),
        2 => (open(), body())
            .prop_map(|(group, body)| Stmt::TgSpawn { group, name: "@0".into(), body }),
    ]
    .boxed()
}

fn callbacks(inner: &BoxedStrategy<Stmt>) -> BoxedStrategy<Stmt> {
    let statement = || {
        prop_oneof![
            8 => callback_statement(),
            1 => new_task(inner.clone()).prop_map(Stmt::Spawn),
        ]
    };
    let body = || block(statement().boxed(), 2);
    prop_oneof![
        2 => body().prop_map(|body| Stmt::CallSoon { name: "@0".into(), body }),
        2 => (ms(), body())
            .prop_map(|(ms, body)| Stmt::CallLater { name: "@0".into(), ms, body }),
        1 => (open(), body()).prop_map(|(task, body)| Stmt::AddDoneCallback {
            task,
            label: "@0".into(),
            body
        }),
    ]
    .boxed()
}
