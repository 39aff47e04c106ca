//! Mistakes: each is answered by a message that names the call and says what to do instead.
#![allow(clippy::async_yields_async, reason = "tasks are taken out of the loop to be looked at")]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Waker};
use std::time::Duration;

use common::{forever, ms, run, try_run, virtual_loop};
use wheelhouse::{
    ALL_COMPLETED, CancelScope, Cancelled, EmptyWait, EventLoop, JoinError, RunError, Task,
    all_tasks, as_completed, call_at, call_later, call_soon, catch_cancel, current_task, gather,
    interval, promise, shield, sleep, sleep_until, spawn, stop, task_group, time, timeout,
    timeout_at, timeout_with, try_gather, try_spawn, wait, wait_for, yield_now,
};

/// The message of the panic that `code` ends in.
fn panic_of<R>(code: impl FnOnce() -> R) -> String {
    let payload = catch_unwind(AssertUnwindSafe(|| drop(code()))).expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
    }
}

fn poll<F: Future>(future: F) -> bool {
    let future = std::pin::pin!(future);
    future.poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[test]
fn each_call_outside_a_loop_names_itself_and_how_to_start_one() {
    let says = |call: &str, panic: String| {
        let expected = format!(
            "`{call}` was called outside a running loop: call it from a task or callback of one, for \
             example inside `wheelhouse::run(async {{ .. }})`"
        );
        assert_eq!(panic, expected);
    };
    says("spawn", panic_of(|| spawn(async {}).detach()));
    says("spawn", panic_of(|| Task::builder().name("x").spawn(async {}).detach()));
    says("try_spawn", panic_of(|| try_spawn(async { Ok::<_, String>(()) }).detach()));
    says("call_soon", panic_of(|| call_soon(|| ())));
    says("call_later", panic_of(|| call_later(ms(1), || ())));
    says("call_at", panic_of(|| call_at(ms(1), || ())));
    says("time", panic_of(time));
    says("promise", panic_of(promise::<()>));
    says("all_tasks", panic_of(all_tasks));
    says("stop", panic_of(stop));
    says("sleep", panic_of(|| poll(sleep(ms(1)))));
    says("sleep_until", panic_of(|| poll(sleep_until(ms(1)))));
    says("timeout", panic_of(|| poll(timeout(ms(1), forever()))));
    says("timeout", panic_of(|| poll(timeout_at(ms(1), forever()))));
    says("timeout_with", panic_of(|| poll(timeout_with(ms(1), async |_| ()))));
    says("timeout", panic_of(|| poll(wait_for(forever(), ms(1)))));
    says("catch_cancel", panic_of(|| poll(catch_cancel(forever()))));
    says("CancelScope::new", panic_of(CancelScope::new));
    says("CancelScope::new", panic_of(|| CancelScope::with_timeout(ms(1))));
    says("task_group", panic_of(|| poll(task_group(async |_| ()))));
    says("Cancelled::resume", panic_of(|| poll(Cancelled::raise())));
    says("Cancelled::resume", panic_of(|| poll(Cancelled::new().resume())));
}

#[test]
fn what_needs_no_loop_works_without_one() {
    assert!(current_task().is_none());
    assert!(poll(yield_now()) && poll(sleep(Duration::ZERO)));
    assert!(!poll(gather(Vec::<Task<()>>::new())));
    assert!(!poll(try_gather(Vec::<Task<()>>::new())));
}

#[test]
fn a_call_in_a_callback_that_needs_a_task_says_so() {
    let mut event_loop = virtual_loop();
    let reports = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let list = std::rc::Rc::clone(&reports);
    event_loop.set_exception_handler(move |context| list.borrow_mut().push(context.to_string()));
    let line = line!() + 1;
    event_loop.call_soon(|| assert!(poll(Cancelled::raise())));
    event_loop.call_soon(|| assert!(poll(catch_cancel(forever()))));
    event_loop.run_until_complete(common::turns(2)).unwrap();
    assert_eq!(
        reports.take(),
        [
            format!(
                "a callback panicked: `Cancelled::resume` was awaited outside a task: there is nothing to \
                 unwind (asked for at tests/bad_use.rs:{line}:16)"
            ),
            format!(
                "a callback panicked: a scope was polled outside a task of its own loop: spawn a task for \
                 it (asked for at tests/bad_use.rs:{}:16)",
                line + 1
            ),
        ]
    );
}

#[test]
fn a_task_that_awaits_itself_is_told_so() {
    run(async {
        let own = std::rc::Rc::new(std::cell::RefCell::new(None::<Task<()>>));
        let inner = std::rc::Rc::clone(&own);
        own.replace(Some(Task::builder().name("ouroboros").spawn(async move {
            let me = inner.borrow_mut().take().unwrap();
            let refused = me.await.unwrap_err();
            assert!(matches!(refused, JoinError::AwaitsItself(_)));
            assert_eq!(refused.to_string(), "task `ouroboros` awaits itself and would never end");
        })));
        let task = current_task().unwrap();
        assert!(matches!(task.join().await, Err(JoinError::AwaitsItself(_))));
        yield_now().await;
    });
}

#[test]
fn a_task_of_another_loop_is_not_awaited() {
    let other = virtual_loop();
    let task = Task::builder().name("far").spawn_on(&other, forever());
    let refused = run(task).unwrap_err();
    assert!(matches!(refused, JoinError::OtherLoop(_)));
    assert_eq!(
        refused.to_string(),
        "task `far` belongs to another loop: await it on its own loop, or use `spawn_threadsafe`"
    );
}

#[test]
fn an_empty_wait_is_an_error() {
    run(async {
        let nothing = Vec::<Task<()>>::new();
        assert_eq!(wait(nothing, ALL_COMPLETED).await.unwrap_err(), EmptyWait);
        assert_eq!(EmptyWait.to_string(), "`wait` was given no task: it would wait for ever");
    });
}

#[test]
fn an_interval_of_zero_is_refused() {
    let text = panic_of(|| interval(Duration::ZERO));
    assert_eq!(text, "`interval` was given a period of zero: use `yield_now` in a loop");
}

#[test]
fn running_a_loop_inside_a_loop_is_an_error_that_names_the_task() {
    run(async {
        let task = Task::builder().name("eager").spawn(async {
            [
                wheelhouse::run(async {}).unwrap_err().to_string(),
                virtual_loop().run_once(None).unwrap_err().to_string(),
                virtual_loop().run_forever().unwrap_err().to_string(),
            ]
        });
        let texts = task.await.unwrap();
        let text = |call| {
            format!(
                "`{call}` was called inside a running loop, by task `eager`: spawn a task instead"
            )
        };
        assert_eq!(texts, [text("run_until_complete"), text("run_once"), text("run_forever")]);
        let (promise, promised) = promise();
        call_soon(move || {
            let refused = virtual_loop().run_until_complete(async {}).unwrap_err();
            promise.set(refused.to_string()).unwrap();
        });
        assert_eq!(
            promised.await.unwrap(),
            "`run_until_complete` was called inside a running loop, by a callback: spawn a task instead"
        );
    });
}

#[test]
fn a_loop_can_run_again_after_one_that_was_refused() {
    let mut event_loop = virtual_loop();
    let refused = event_loop.run_until_complete(async { virtual_loop().run_once(None).is_err() });
    assert!(refused.unwrap());
    assert_eq!(virtual_loop().run_until_complete(async { 7 }).unwrap(), 7);
    assert_eq!(event_loop.run_until_complete(async { 8 }).unwrap(), 8);
}

#[test]
fn overlong_durations_saturate_and_never_end() {
    let endless = try_run(sleep(Duration::MAX));
    assert!(matches!(endless, Err(RunError::Deadlock(_))), "{endless:?}");
    let endless = try_run(sleep_until(Duration::MAX));
    assert!(matches!(endless, Err(RunError::Deadlock(_))), "{endless:?}");
    run(async {
        sleep(ms(5)).await;
        assert!(timeout(ms(3), sleep(Duration::MAX)).await.is_err());
        assert_eq!(timeout(Duration::MAX, sleep(ms(1))).await, Ok(()));
        assert_eq!(timeout_at(Duration::MAX, async { 7 }).await, Ok(7));
        assert!(call_later(Duration::MAX, || ()).cancel());
        assert!(call_at(Duration::MAX, || ()).cancel());
        let mut beat = interval(Duration::MAX);
        assert_eq!(beat.tick().await, ms(9));
        assert!(timeout(ms(1), beat.tick()).await.is_err());
        let task = spawn(sleep(ms(1)));
        assert_eq!(wait([task], ALL_COMPLETED).timeout(Duration::MAX).await.unwrap().done.len(), 1);
    });
}

#[test]
fn a_shield_polled_after_its_end_says_so() {
    run(async {
        let mut shielded = Box::pin(shield(spawn(async {})));
        shielded.as_mut().await.unwrap();
        let text = panic_of(|| poll(shielded.as_mut()));
        assert_eq!(text, "`shield` was polled after it ended");
    });
}

#[test]
fn a_sleep_moved_to_another_loop_says_so() {
    let mut first = virtual_loop();
    let nap = first
        .run_until_complete(async {
            let mut nap = Box::pin(sleep(ms(5)));
            assert!(futures::poll!(nap.as_mut()).is_pending());
            nap
        })
        .unwrap();
    let mut second = virtual_loop();
    let task = second.spawn(nap);
    let ended = second.run_until_complete(task).unwrap();
    let Err(JoinError::Panicked(panicked)) = ended else { panic!("it cannot sleep there") };
    assert_eq!(panicked.message(), "a sleep was moved to another loop");
    let census = |event_loop: &EventLoop| event_loop.census().timers;
    first.run_until_complete(yield_now()).unwrap();
    assert_eq!((census(&first), census(&second)), (0, 0));
}

#[test]
fn a_gather_refuses_a_task_of_another_loop() {
    let other = virtual_loop();
    let far = Task::builder().name("far").spawn_on(&other, forever());
    let handle = far.handle().clone();
    run(async move {
        let near = spawn(async { sleep(ms(1)).await });
        let all = gather([near.handle().clone(), far.handle().clone()]).await;
        assert!(matches!(all[..], [Ok(()), Err(JoinError::OtherLoop(_))]));
        let refused = try_gather([spawn(async {}), far]).await.unwrap_err();
        assert_eq!(
            refused.to_string().split(':').next().unwrap(),
            "task `far` belongs to another loop"
        );
        yield_now().await;
    });
    assert!(!handle.is_done());
}

#[test]
fn a_wait_leaves_a_task_of_another_loop_pending() {
    let mut other = virtual_loop();
    let far = Task::builder().name("far").spawn_on(&other, async {});
    let handle = far.handle().clone();
    run(async move {
        let near = spawn(async { sleep(ms(1)).await });
        let waited = wait([near, far], ALL_COMPLETED).await.unwrap();
        assert_eq!((waited.done.len(), waited.pending.len()), (1, 1));
        assert_eq!(waited.pending[0].name().to_string(), "far");
    });
    other.run_until_complete(yield_now()).unwrap();
    assert!(handle.is_done());
}

#[test]
fn a_task_of_another_loop_counts_as_completed_at_once() {
    let other = virtual_loop();
    let far = Task::builder().name("far").spawn_on(&other, forever());
    run(async move {
        let near = spawn(async { sleep(ms(1)).await });
        let mut tasks = as_completed([near, far]);
        let refused = tasks.next().await.unwrap().unwrap().await;
        assert!(matches!(refused, Err(JoinError::OtherLoop(_))));
        tasks.next().await.unwrap().unwrap().await.unwrap();
        assert!(tasks.next().await.is_none());
    });
}

#[test]
fn a_cancel_of_a_gather_does_not_reach_another_loop() {
    let other = virtual_loop();
    let far = Task::builder().spawn_on(&other, forever());
    run(async move {
        // The same place in each loop's table of tasks.
        let near = spawn(forever());
        let all = gather([near.handle().clone(), far.handle().clone()]);
        assert!(all.cancel());
        assert!(near.await.unwrap_err().is_cancelled());
        assert!(!current_task().unwrap().is_done());
        assert_eq!((current_task().unwrap().cancelling(), far.cancelling()), (0, 0));
    });
}
