//! Random programs about one combinator, cancelled while what it waits for ends.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use replay::program::{Catch, NewTask, Stmt};

use crate::generate::{error, limit, open, scopes, tasks};

/// Tasks that each wait for a few short-lived others in one of the ways there are, and look at their own
/// requests afterwards; they are cancelled in the very turns in which the others end.
pub(crate) fn perturbed() -> impl Strategy<Value = Vec<Stmt>> {
    let waiter = (combinator(), any::<bool>()).prop_map(|(combinator, reraise)| {
        let body = [combinator].into();
        let handler = [Stmt::Cancelling].into();
        let guarded = Stmt::Try { body, catch: Catch::Any, handler, reraise };
        let body = [guarded, Stmt::Sleep { ms: 0 }, Stmt::Cancelling].into();
        Stmt::Spawn(NewTask { name: "@0".into(), body })
    });
    let step = prop_oneof![
        6 => Just(Stmt::Sleep { ms: 0 }),
        1 => Just(Stmt::Sleep { ms: 1 }),
        4 => open().prop_map(|task| Stmt::Cancel { task }),
    ];
    (vec(waiter, 1..3), vec(step, 3..10)).prop_map(|(waiters, steps)| [waiters, steps].concat())
}

fn combinator() -> BoxedStrategy<Stmt> {
    let simple = moment();
    let nested = prop_oneof![
        6 => simple.clone(),
        1 => tasks(&simple),
        1 => scopes(&simple),
    ]
    .boxed();
    prop_oneof![tasks(&nested), scopes(&nested), limited(tasks(&nested))].boxed()
}

fn limited(statement: BoxedStrategy<Stmt>) -> BoxedStrategy<Stmt> {
    (limit(), statement)
        .prop_map(|(ms, statement)| Stmt::Timeout {
            name: "@0".into(),
            ms,
            body: [statement].into(),
        })
        .boxed()
}

/// What a task does in one turn: go on, end, fail, or suppress a cancel.
fn moment() -> BoxedStrategy<Stmt> {
    let suppress = |ms| Stmt::Try {
        body: [Stmt::Sleep { ms }].into(),
        catch: Catch::Cancel,
        handler: [].into(),
        reraise: false,
    };
    prop_oneof![
        8 => Just(Stmt::Sleep { ms: 0 }),
        1 => Just(Stmt::Sleep { ms: 1 }),
        2 => error().prop_map(|error| Stmt::Raise { error }),
        1 => Just(Stmt::Raise { error: "Cancelled".into() }),
        1 => Just(Stmt::Return { value: Some(1) }),
        2 => select(vec![1, 3]).prop_map(suppress),
    ]
    .boxed()
}
