//! `shield`, alone and together with `gather`.

use std::cell::Cell;
use std::rc::Rc;

use ::futures::FutureExt;
use wheelhouse::{
    JoinError, Promise, Task, TaskHandle, gather, promise, shield, spawn, try_spawn, yield_now,
};

use super::run_briefly;
use crate::common::{forever, run, turns, virtual_loop};
use crate::is_cancelled;

/// A task that a promise ends.
fn held() -> (Promise<u8>, Task<u8>) {
    let (promise, promised) = promise();
    (promise, spawn(async { promised.await.unwrap() }))
}

#[test]
fn shield_result() {
    run(async {
        let (promise, inner) = held();
        let outer = shield(inner);
        promise.set(42).unwrap();
        assert_eq!(outer.await.unwrap(), 42);
    });
}

#[test]
fn shield_exception() {
    run(async {
        let (promise, promised) = promise::<u8>();
        let inner = try_spawn(promised);
        let outer = spawn(shield(inner));
        yield_now().await;
        promise.set_err("expected").unwrap();
        let ended = outer.await.unwrap();
        let Err(JoinError::Failed(failed)) = ended else { panic!("{ended:?}") };
        assert_eq!(failed.error().to_string(), "the promised value failed: expected");
    });
}

#[test]
fn shield_cancel_inner() {
    run(async {
        let inner = spawn(forever());
        let handle = inner.handle().clone();
        let outer = spawn(shield(inner));
        yield_now().await;
        handle.cancel();
        assert!(outer.await.unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn shield_cancel_outer() {
    let mut event_loop = virtual_loop();
    let inner = event_loop.spawn(forever());
    let outer = event_loop.spawn(shield(inner.handle().clone()));
    run_briefly(&mut event_loop);
    assert_eq!(event_loop.census().observers, 1);
    outer.cancel();
    run_briefly(&mut event_loop);
    assert!(outer.is_cancelled() && !inner.is_done());
    assert_eq!((inner.cancelling(), event_loop.census().observers), (0, 0));
}

#[test]
fn shield_shortcut() {
    run(async {
        let done = spawn(async { 42 });
        yield_now().await;
        assert_eq!(shield(done).now_or_never().expect("no turn").unwrap(), 42);
    });
}

#[test]
fn shield_effect() {
    run(async {
        let (proof, (promise, promised)) = (Rc::new(Cell::new(0)), promise());
        let count = Rc::clone(&proof);
        let inner = spawn(async move {
            promised.await.unwrap();
            count.set(count.get() + 1);
        });
        let count = Rc::clone(&proof);
        let outer = spawn(async move {
            shield(inner).await.unwrap();
            count.set(count.get() + 100);
        });
        turns(2).await;
        outer.cancel();
        assert!(is_cancelled(outer).await);
        promise.set(()).unwrap();
        turns(2).await;
        assert_eq!(proof.get(), 1);
    });
}

#[test]
fn shield_gather() {
    run(async {
        let ((promise1, child1), (promise2, child2)) = (held(), held());
        let mut parent = spawn(gather([child1, child2]));
        let outer = spawn(shield(parent.handle().clone()));
        turns(2).await;
        outer.cancel();
        assert!(is_cancelled(outer).await);
        promise1.set(1).unwrap();
        promise2.set(2).unwrap();
        let values = (&mut parent).await.unwrap();
        assert_eq!(values.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [1, 2]);
    });
}

#[test]
fn gather_shield() {
    run(async {
        let ((promise1, child1), (promise2, child2)) = (held(), held());
        let inner = [&child1, &child2].map(|child| spawn(shield(child.handle().clone())));
        let handles = [inner[0].handle().clone(), inner[1].handle().clone()];
        let parent = spawn(gather(inner));
        turns(2).await;
        // This cancels the shields, and not what they shield.
        parent.cancel();
        assert!(is_cancelled(parent).await);
        assert!(handles.iter().all(TaskHandle::is_cancelled));
        assert_eq!((child1.cancelling(), child2.cancelling()), (0, 0));
        promise1.set(1).unwrap();
        promise2.set(2).unwrap();
        assert_eq!((child1.await.unwrap(), child2.await.unwrap()), (1, 2));
    });
}

#[test]
fn shield_coroutine_use_running_loop() {
    let mut event_loop = virtual_loop();
    let outer = event_loop.run_until_complete(async { [shield(spawn(async { 42 }))] }).unwrap();
    let [outer] = outer;
    assert_eq!(event_loop.run_until_complete(outer).unwrap().unwrap(), 42);
}
