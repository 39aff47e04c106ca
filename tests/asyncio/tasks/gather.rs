//! `gather`. Its children are tasks that promises end.

use std::cell::Cell;
use std::rc::Rc;

use ::futures::FutureExt;
use wheelhouse::{
    JoinError, Promise, PromiseError, Promised, Task, TaskHandle, call_soon, gather, promise,
    sleep, spawn, time, try_gather, try_spawn, yield_now,
};

use super::value_of;
use crate::common::{ms, run, turns, virtual_loop};
use crate::{is_cancelled, reports_of};

/// A task that a promise ends: with a value, an error or a cancel.
fn held() -> (Promise<u8>, Task<u8>) {
    let (promise, promised) = promise();
    let task = try_spawn(async {
        match promised.await {
            Err(PromiseError::Cancelled(cancelled)) => cancelled.resume().await,
            ended => ended,
        }
    });
    (promise, task)
}

/// The promises of `N` children, and the children.
fn held_each<const N: usize>() -> ([Promise<u8>; N], [Task<u8>; N]) {
    let mut promises = Vec::new();
    let tasks = [(); N].map(|()| {
        let (promise, task) = held();
        promises.push(promise);
        task
    });
    (promises.try_into().expect("one for each"), tasks)
}

/// Counts the calls of a done callback.
fn count_calls<T: 'static>(task: &Task<T>) -> Rc<Cell<usize>> {
    let calls = Rc::new(Cell::new(0));
    let counter = Rc::clone(&calls);
    task.add_done_callback(move |_| counter.set(counter.get() + 1));
    calls
}

fn error_of<T: std::fmt::Debug>(ended: Result<T, JoinError>) -> String {
    match ended {
        Err(JoinError::Failed(failed)) => failed.error().to_string(),
        _ => panic!("{ended:?} is no failure"),
    }
}

const BOOM: &str = "the promised value failed: boom";

#[test]
fn success() {
    run(async {
        let ([a, b, c], tasks) = held_each();
        let all = spawn(try_gather(tasks));
        let calls = count_calls(&all);
        b.set(1).unwrap();
        a.set(2).unwrap();
        turns(5).await;
        assert_eq!((calls.get(), all.is_done()), (0, false));
        c.set(3).unwrap();
        turns(5).await;
        assert_eq!(calls.get(), 1);
        assert_eq!(all.await.unwrap().unwrap(), [2, 1, 3]);
    });
}

#[test]
fn result_exception_success() {
    run(async {
        let ([a, b, c], tasks) = held_each();
        let all = gather(tasks);
        let calls = Rc::new(Cell::new(0));
        let counter = Rc::clone(&calls);
        all.add_done_callback(move || counter.set(counter.get() + 1));
        b.set(1).unwrap();
        a.set(2).unwrap();
        turns(5).await;
        assert_eq!((calls.get(), all.is_done()), (0, false));
        c.set(3).unwrap();
        turns(5).await;
        assert_eq!(calls.get(), 1);
        let values: Result<Vec<u8>, _> = all.await.into_iter().collect();
        assert_eq!(values.unwrap(), [2, 1, 3]);
    });
}

#[test]
fn one_exception() {
    run(async {
        let ([a, b, c, d, e], tasks) = held_each();
        let all = spawn(try_gather(tasks));
        let calls = count_calls(&all);
        a.set(1).unwrap();
        b.set_err("boom").unwrap();
        turns(5).await;
        assert!(all.is_done());
        assert_eq!(calls.get(), 1);
        assert_eq!(error_of(all.await.unwrap()), BOOM);
        // The others run on, and nobody minds.
        assert!(!c.is_done() && !d.is_done() && !e.is_done());
        c.set(3).unwrap();
        assert!(d.cancel());
        e.set(5).unwrap();
        turns(2).await;
    });
}

#[test]
fn return_exceptions() {
    run(async {
        let ([a, b, c, d], tasks) = held_each();
        let all = spawn(gather(tasks));
        let calls = count_calls(&all);
        b.set(1).unwrap();
        c.set_err("boom").unwrap();
        a.set(3).unwrap();
        turns(5).await;
        assert!(!all.is_done());
        d.set_err("bang").unwrap();
        turns(5).await;
        assert!(all.is_done());
        assert_eq!(calls.get(), 1);
        let [a, b, c, d] = <[_; 4]>::try_from(all.await.unwrap()).unwrap();
        assert_eq!((a.unwrap(), b.unwrap()), (3, 1));
        assert_eq!(error_of(c), BOOM);
        assert_eq!(error_of(d), "the promised value failed: bang");
    });
}

#[test]
fn constructor_empty_sequence_use_running_loop() {
    run(async {
        let nothing = gather(Vec::<Task<u8>>::new());
        assert!(nothing.is_done());
        assert!(nothing.now_or_never().expect("no turn").is_empty());
        let nothing = try_gather(Vec::<Task<u8>>::new());
        assert_eq!(nothing.now_or_never().expect("no turn").unwrap(), []);
    });
}

#[test]
fn constructor_heterogenous_futures() {
    let other = virtual_loop();
    let far = other.spawn(async { 2 });
    run(async {
        let near = spawn(async { 1 });
        let [near, far] = <[_; 2]>::try_from(gather([near, far]).await).unwrap();
        assert_eq!(near.unwrap(), 1);
        assert!(matches!(far, Err(JoinError::OtherLoop(_))));
    });
}

#[test]
fn constructor_homogenous_futures() {
    let mut event_loop = virtual_loop();
    let children = event_loop.run_until_complete(async { held_each::<3>() }).unwrap();
    let (promises, tasks) = children;
    for _ in 0..2 {
        // Outside the loop: it is that of the children.
        let all = gather(&tasks);
        super::run_briefly(&mut event_loop);
        assert!(!all.is_done());
    }
    let all = gather(tasks);
    promises.iter().for_each(|promise| promise.set(7).unwrap());
    let values = event_loop.run_until_complete(all).unwrap();
    assert_eq!(values.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [7, 7, 7]);
}

#[test]
fn constructor_use_running_loop() {
    let mut event_loop = virtual_loop();
    let all = event_loop
        .run_until_complete(async { [gather([spawn(async { "abc" }), spawn(async { "abc" })])] });
    let [all] = all.unwrap();
    let values = event_loop.run_until_complete(all).unwrap();
    assert_eq!(values.into_iter().map(Result::unwrap).collect::<Vec<_>>(), ["abc", "abc"]);
}

#[test]
fn one_cancellation() {
    run(async {
        let ([a, b, c, d, e], tasks) = held_each();
        let all = spawn(try_gather(tasks));
        let calls = count_calls(&all);
        a.set(1).unwrap();
        b.cancel();
        turns(5).await;
        assert!(all.is_done() && !all.is_cancelled());
        assert_eq!(calls.get(), 1);
        assert!(all.await.unwrap().unwrap_err().is_cancelled());
        c.set(3).unwrap();
        assert!(d.cancel());
        e.set(5).unwrap();
        turns(2).await;
    });
}

#[test]
fn result_exception_one_cancellation() {
    run(async {
        let ([a, b, c, d, e, f], tasks) = held_each();
        let all = spawn(gather(tasks));
        let calls = count_calls(&all);
        a.set(1).unwrap();
        b.set_err("boom").unwrap();
        c.cancel();
        turns(5).await;
        assert!(!all.is_done());
        d.set(3).unwrap();
        e.cancel();
        f.set_err("bang").unwrap();
        let [a, b, c, d, e, f] = <[_; 6]>::try_from(all.await.unwrap()).unwrap();
        assert_eq!((a.unwrap(), d.unwrap()), (1, 3));
        assert_eq!(error_of(b), BOOM);
        assert_eq!(error_of(f), "the promised value failed: bang");
        assert!(c.unwrap_err().is_cancelled() && e.unwrap_err().is_cancelled());
        yield_now().await;
        assert_eq!(calls.get(), 1);
    });
}

#[test]
fn duplicate_coroutines() {
    run(async {
        let (c, d) = (spawn(async { "abc" }), spawn(async { "def" }));
        let values: Result<Vec<_>, _> = gather([&c, &c, &d, &c]).await.into_iter().collect();
        assert_eq!(values.unwrap(), ["abc", "abc", "def", "abc"]);
    });
}

#[test]
fn cancellation_broadcast() {
    run(async {
        let (proof, (waiter, promised)) = (Rc::new(Cell::new(0)), promise::<()>());
        let children = [(); 2].map(|()| {
            let (promised, count) = (promised.clone(), Rc::clone(&proof));
            spawn(async move {
                value_of(promised).await;
                count.set(count.get() + 1);
            })
        });
        let handles = [children[0].handle().clone(), children[1].handle().clone()];
        let (all, count) = (Rc::new(Cell::new(None)), Rc::clone(&proof));
        let slot = Rc::clone(&all);
        let outer = spawn(async move {
            let mut gathered = gather(children);
            let _ = (&mut gathered).await;
            slot.set(Some(gathered));
            count.set(count.get() + 100);
        });
        turns(2).await;
        assert!(outer.cancel());
        assert!(is_cancelled(outer).await);
        assert!(waiter.is_cancelled());
        assert!(handles.iter().all(TaskHandle::is_cancelled));
        turns(2).await;
        assert!(all.take().is_none());
        assert_eq!(proof.get(), 0);
        let done = gather(handles);
        assert!(done.is_done() && !done.cancel());
    });
}

#[test]
fn exception_marking() {
    let reports = reports_of(async {
        let ((a, first), (b, second)) = (promise(), promise());
        let inner = |promised: Promised<()>| {
            try_spawn(async {
                promised.await.unwrap();
                Err::<(), _>("should not be ignored")
            })
        };
        let outer = spawn(async move { try_gather([inner(first), inner(second)]).await });
        turns(2).await;
        a.set(()).unwrap();
        turns(2).await;
        b.set(()).unwrap();
        assert_eq!(error_of(outer.await.unwrap()), "should not be ignored");
        turns(3).await;
    });
    // The second failure counts as looked at.
    assert_eq!(reports, [""; 0]);
}

#[test]
fn cancel_gather_1() {
    run(async {
        let (promise, child) = held();
        let all = Rc::new(gather([child]));
        yield_now().await;
        let (accepted, handle) = (Rc::new(Cell::new(None)), Rc::clone(&all));
        let answer = Rc::clone(&accepted);
        promise.set(42).unwrap();
        // Runs once the child has ended, and before the gather hears of it.
        call_soon(move || answer.set(Some(handle.cancel())));
        turns(1).await;
        assert_eq!((accepted.get(), all.is_done()), (Some(false), false));
        turns(1).await;
        let all = Rc::into_inner(all).expect("the callback is gone");
        assert_eq!(all.await.remove(0).unwrap(), 42);
    });
}

#[test]
fn cancel_gather_2() {
    run(async {
        for reason in [None, Some("my message"), Some("5")] {
            let start = time();
            let task = spawn(async move {
                while time() - start < ms(1000) {
                    gather([spawn(sleep(ms(50)))]).await;
                }
            });
            sleep(ms(200)).await;
            match reason {
                Some(reason) => task.cancel_with(reason),
                None => task.cancel(),
            };
            let Err(JoinError::Cancelled(error)) = task.await else { panic!("it is cancelled") };
            assert_eq!((error.reason(), time() - start), (reason, ms(200)));
        }
    });
}
