//! Random programs about one shared object that several tasks want at once.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use replay::program::{Name, NewTask, Stmt};

use crate::generate::{guard, in_cond, open, statement};

/// Several tasks that wait for the same object; what they wait for, and their cancels, come in the same turn
/// or in neighbouring ones, in any order.
pub(crate) fn contended() -> impl Strategy<Value = Vec<Stmt>> {
    (0..CONTESTED.len()).prop_flat_map(|which| {
        let Contested { first, wait, then, trigger } = CONTESTED[which]();
        let step = prop_oneof![
            3 => Just(Stmt::Sleep { ms: 0 }),
            5 => open().prop_map(|task| Stmt::Cancel { task }),
            5 => select(trigger).prop_map(guard),
            1 => statement(),
        ];
        let body = (vec(Just(Stmt::Sleep { ms: 0 }), 0..2), Just(wait), vec(step.clone(), 0..2));
        let waiter = body.prop_map(move |(before, wait, meddle)| {
            let body = [before, wait, meddle, then.clone()].concat().into();
            Stmt::Spawn(NewTask { name: "@0".into(), body })
        });
        let line_up = vec(Just(Stmt::Sleep { ms: 0 }), 1..3);
        (Just(first), vec(waiter, 2..5), line_up, vec(step, 3..9))
            .prop_map(|(first, waiters, line_up, steps)| [first, waiters, line_up, steps].concat())
    })
}

/// An object that several tasks want.
struct Contested {
    /// What makes them wait.
    first: Vec<Stmt>,
    wait: Vec<Stmt>,
    /// What each does when it has had what it wanted.
    then: Vec<Stmt>,
    /// What lets one of them, or all, go on.
    trigger: Vec<Stmt>,
}

const CONTESTED: [fn() -> Contested; 7] = [
    || {
        let (lock, release) = (Name::from("R0"), Stmt::Release { lock: "R0".into() });
        let take = vec![Stmt::Acquire { lock }];
        let then = vec![guard(release.clone())];
        Contested { first: take.clone(), wait: take, then, trigger: vec![release] }
    },
    || {
        let release = Stmt::SemRelease { sem: "S0".into() };
        let take = vec![Stmt::SemAcquire { sem: "S0".into() }];
        Contested {
            first: take.clone(),
            wait: take,
            then: vec![release.clone()],
            trigger: vec![release],
        }
    },
    || {
        let queue = Name::from("q2");
        let put = |value| Stmt::PutNowait { queue: "q2".into(), value: Some(value) };
        let trigger = vec![put(1), put(2), Stmt::GetNowait { queue: queue.clone() }];
        Contested { first: vec![], wait: vec![Stmt::Get { queue }], then: vec![], trigger }
    },
    || {
        let queue = Name::from("q0");
        let fill = vec![Stmt::Put { queue: queue.clone(), value: Some(0) }];
        let put = vec![Stmt::Put { queue: queue.clone(), value: Some(1) }];
        let immediate = Stmt::Shutdown { queue: queue.clone(), immediate: true };
        let get = Stmt::GetNowait { queue };
        let trigger = vec![get.clone(), get.clone(), get, immediate];
        Contested { first: fill, wait: put, then: vec![], trigger }
    },
    || {
        let notify = |n| in_cond(Stmt::CondNotify { cond: "c0".into(), n });
        Contested {
            first: vec![],
            wait: vec![in_cond(Stmt::CondWait { cond: "@0".into() })],
            then: vec![],
            trigger: vec![notify(Some(1)), notify(Some(2)), notify(None)],
        }
    },
    || {
        let wait = vec![Stmt::BarrierWait { barrier: "b0".into() }];
        let trigger = vec![
            wait[0].clone(),
            Stmt::BarrierReset { barrier: "b0".into() },
            Stmt::BarrierAbort { barrier: "b0".into() },
        ];
        Contested { first: vec![], wait, then: vec![], trigger }
    },
    || {
        let clear = Stmt::EventClear { event: "e0".into() };
        Contested {
            first: vec![],
            wait: vec![Stmt::EventWait { event: "e0".into() }],
            then: vec![],
            trigger: vec![Stmt::EventSet { event: "e0".into() }, clear],
        }
    },
];
