//! A task that awaits tasks is cancelled: requests go through to what is waited for, at any depth.

mod common;

use common::{Trace, forever, is_cancelled, me, ms, run, turns, virtual_loop};
use wheelhouse::{
    JoinError, PromiseError, Task, TaskHandle, call_soon, catch_cancel, gather, promise, sleep,
    spawn, time, timeout, try_gather, try_spawn, yield_now,
};

/// Suppresses the first cancel and returns a value 3 ms after it.
async fn stubborn() -> &'static str {
    let _ = catch_cancel(forever()).await;
    sleep(ms(3)).await;
    "survived"
}

#[test]
fn the_request_reaches_the_child_inside_the_call() {
    run(async {
        let child = spawn(forever());
        let inner = child.handle().clone();
        let parent = spawn(child);
        turns(2).await;
        assert!(parent.cancel());
        // C9: inside the very call.
        assert_eq!((parent.cancelling(), inner.cancelling()), (1, 1));
        assert!(is_cancelled(parent.await));
        assert!(inner.is_cancelled());
    });
}

#[test]
fn the_waiter_waits_until_the_child_has_ended() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (c, p) = (t.clone(), t.clone());
        let child: Task<()> = spawn(async move {
            let Err(cancelled) = catch_cancel(forever()).await else { return };
            sleep(ms(5)).await;
            c.at("child cleaned up");
            cancelled.resume().await;
        });
        let parent = spawn(async move {
            let cancelled = catch_cancel(child).await.is_err();
            p.at(format_args!("parent cancelled: {cancelled}"));
        });
        turns(2).await;
        parent.cancel();
        // C9: the waiter keeps waiting, and then its cancel goes on in its scope.
        parent.await.unwrap();
    });
    trace.expect(&["5 child cleaned up", "5 parent cancelled: true"]);
}

#[test]
fn a_child_that_suppresses_absorbs_the_cancel() {
    run(async {
        let child = spawn(stubborn());
        let parent = spawn(async move {
            let value = child.await.unwrap();
            sleep(ms(1)).await;
            // C9: the waiter goes on, and its count stays as it is.
            (value, me().cancelling(), time())
        });
        turns(2).await;
        parent.cancel();
        assert_eq!(parent.await.unwrap(), ("survived", 1, ms(4)));
    });
}

#[test]
fn a_child_that_fails_over_the_cancel_gives_its_failure() {
    run(async {
        let child: Task<()> = try_spawn(async {
            let _ = catch_cancel(forever()).await;
            Err("broken")
        });
        let parent = spawn(child);
        turns(2).await;
        parent.cancel();
        assert!(matches!(parent.await, Ok(Err(JoinError::Failed(_)))));
    });
}

#[test]
fn a_child_cancelled_by_somebody_else_is_a_plain_error() {
    run(async {
        let child = spawn(forever());
        let inner = child.handle().clone();
        let parent = spawn(async move {
            // C9: nobody cancelled this waiter, so nothing is raised here.
            let plain = catch_cancel(child).await.unwrap();
            is_cancelled(plain)
        });
        turns(2).await;
        inner.cancel();
        assert!(parent.await.unwrap());
    });
}

#[test]
fn the_cancel_goes_on_at_the_await_and_is_no_value_to_be_ignored() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let child = spawn(forever());
        let parent = spawn(async move {
            let _guard = t.on_drop("parent unwound");
            let _ignored = child.await;
            t.note("never");
        });
        turns(2).await;
        parent.cancel();
        // C9.
        assert!(is_cancelled(parent.await));
    });
    trace.expect(&["parent unwound"]);
}

#[test]
fn a_reference_and_a_join_forward_like_the_task_itself() {
    run(async {
        let mut by_reference = spawn(forever());
        let by_handle = spawn(forever());
        let (a, b) = (by_reference.handle().clone(), by_handle.handle().clone());
        let parents = [
            spawn(async move { drop((&mut by_reference).await) }),
            spawn(async move {
                drop(by_handle.join().await);
            }),
        ];
        turns(2).await;
        for parent in parents {
            parent.cancel();
            // C9.
            assert!(is_cancelled(parent.await));
        }
        assert!(a.is_cancelled() && b.is_cancelled());
    });
}

#[test]
fn a_task_kept_by_reference_is_plainly_cancelled_once_its_cancel_was_caught() {
    run(async {
        let task = spawn(async {
            let mut child = spawn(forever());
            assert!(catch_cancel(&mut child).await.is_err());
            // C9, C5: that await is over; a later one is not cancelled again.
            let again = catch_cancel(&mut child).await.unwrap();
            let plain = child.await;
            (is_cancelled(again), is_cancelled(plain))
        });
        turns(2).await;
        task.cancel();
        assert_eq!(task.await.unwrap(), (true, true));
    });
}

#[test]
fn a_request_forwarded_by_an_await_that_is_gone_does_not_come_back_in_a_later_one() {
    run(async {
        let mut child = spawn(async {
            let _ = catch_cancel(forever()).await;
            sleep(ms(5)).await;
        });
        let inner = child.handle().clone();
        let task = spawn(async move {
            // Two waits in one scope: the child forwards, the sleep gives up, so the body goes at once.
            let both = catch_cancel(async { futures::join!(&mut child, sleep(ms(50))) }).await;
            assert!(both.is_err());
            // C9: now somebody else cancels the child; that is plain news.
            is_cancelled(catch_cancel(&mut child).await.unwrap())
        });
        turns(2).await;
        task.cancel();
        turns(3).await;
        assert_eq!(inner.cancelling(), 1);
        inner.cancel();
        assert!(task.await.unwrap());
    });
}

fn chain(depth: usize) -> Vec<TaskHandle> {
    let mut handles = Vec::with_capacity(depth);
    let mut last = spawn(forever());
    handles.push(last.handle().clone());
    for _ in 1..depth {
        let inner = last;
        last = spawn(async move { drop(inner.await) });
        handles.push(last.handle().clone());
    }
    handles
}

#[test]
fn a_chain_of_a_hundred_thousand_awaits_forwards_without_a_deep_stack() {
    run(async {
        const DEPTH: usize = 100_000;
        let handles = chain(DEPTH);
        turns(2).await;
        assert!(handles[DEPTH - 1].cancel());
        // C9: through any depth, inside the call.
        assert!(handles.iter().all(|task| task.cancelling() == 1));
        assert!(is_cancelled(handles[DEPTH - 1].join().await));
        assert!(handles.iter().all(TaskHandle::is_cancelled));
    });
}

#[test]
fn a_chain_of_a_hundred_thousand_awaits_can_be_dropped_with_its_loop() {
    let mut event_loop = virtual_loop();
    let handles = event_loop
        .run_until_complete(async {
            let handles = chain(100_000);
            turns(2).await;
            handles
        })
        .unwrap();
    drop(event_loop);
    assert!(handles.iter().all(TaskHandle::is_done));
}

#[test]
fn a_gather_cancelled_by_its_own_call_cancels_its_children_in_order() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let children: Vec<_> = (0..3)
            .map(|n| {
                let t = t.clone();
                spawn(async move {
                    let ended = catch_cancel(std::future::pending::<()>()).await;
                    t.note(format_args!("{n} cancelled: {}", ended.is_err()));
                })
            })
            .collect();
        yield_now().await;
        // C9: depth first and in order, as nested calls would.
        assert!(gather(children.iter().map(|child| child.handle().clone())).cancel());
        for child in children {
            child.await.unwrap();
        }
    });
    trace.expect(&["0 cancelled: true", "1 cancelled: true", "2 cancelled: true"]);
}

#[test]
fn a_gather_forwards_to_every_child_in_order() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let child = |name: &'static str| {
            let t = t.clone();
            spawn(async move {
                let _guard = t.on_drop(name);
                forever().await;
            })
        };
        let children = [child("first"), child("second"), child("third")];
        let parent = spawn(gather(children));
        turns(2).await;
        parent.cancel();
        // C9.
        assert!(is_cancelled(parent.await));
    });
    trace.expect(&["first", "second", "third"]);
}

#[test]
fn a_gather_that_accepted_a_request_ends_cancelled_whatever_the_children_make_of_it() {
    run(async {
        let children = [spawn(stubborn()), spawn(stubborn())];
        let handles: Vec<_> = children.iter().map(|child| child.handle().clone()).collect();
        let parent = spawn(gather(children));
        turns(2).await;
        parent.cancel();
        // C9: once all are done.
        assert!(is_cancelled(parent.await));
        assert_eq!(time(), ms(3));
        assert!(handles.iter().all(|child| child.is_done() && !child.is_cancelled()));
    });
}

#[test]
fn a_try_gather_that_accepted_a_request_ends_cancelled_too() {
    run(async {
        let parent = spawn(try_gather([spawn(stubborn()), spawn(stubborn())]));
        turns(2).await;
        parent.cancel();
        // C9.
        assert!(is_cancelled(parent.await));
        assert_eq!(time(), ms(3));
    });
}

#[test]
fn a_cancelled_try_gather_ends_at_its_first_cancelled_child() {
    run(async {
        let slow = spawn(stubborn());
        let handle = slow.handle().clone();
        let quick = spawn(async {
            forever().await;
            ""
        });
        let parent = spawn(try_gather([slow, quick]));
        turns(2).await;
        parent.cancel();
        // C9: in the failing-fast form.
        assert!(is_cancelled(parent.await));
        assert_eq!(time(), ms(0));
        assert!(!handle.is_done());
        handle.join().await.unwrap();
    });
}

#[test]
fn a_cancelled_try_gather_ends_at_its_first_failed_child_with_that_failure() {
    run(async {
        let failing = try_spawn(async {
            let _ = catch_cancel(forever()).await;
            Err::<&str, _>("broken")
        });
        let slow = spawn(stubborn());
        let parent = spawn(try_gather([slow, failing]));
        turns(2).await;
        parent.cancel();
        // C9: an error wins over the cancel, as in asyncio.
        assert!(matches!(parent.await, Ok(Err(JoinError::Failed(_)))));
        sleep(ms(3)).await;
    });
}

#[test]
fn a_gather_whose_children_are_all_done_accepts_nothing_and_queues_no_step() {
    run(async {
        let (a, b) = (spawn(async {}), spawn(async {}));
        let (body, polls) = common::counted(gather([a, b]));
        let parent = spawn(body);
        let handle = parent.handle().clone();
        // The children end in the next turn, their callbacks run in the turn after; between the two
        // every child is done and the gather is not.
        turns(1).await;
        assert_eq!(handle.cancelling(), 0);
        let canceller = handle.clone();
        call_soon(move || {});
        assert!(canceller.cancel());
        // C9: pending, so it can be taken back, and the gather ends as if nothing had been.
        canceller.uncancel();
        parent.await.unwrap();
        assert!(polls.get() <= 2, "{} polls", polls.get());
    });
}

#[test]
fn a_gather_can_be_cancelled_and_watched_without_a_task_that_awaits_it() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let children = gather([spawn(forever()), spawn(forever())]);
        assert!(!children.is_done());
        let done = t.clone();
        children.add_done_callback(move || done.note("done"));
        turns(1).await;
        assert!(children.cancel());
        turns(3).await;
        assert!(children.is_done() && !children.cancel());
        // It ended cancelled, and raises where it is awaited.
        assert!(catch_cancel(children).await.is_err());
        let empty = gather(Vec::<Task<()>>::new());
        assert!(empty.is_done() && !empty.cancel());
        assert!(empty.await.is_empty());
    });
    trace.expect(&["done"]);
}

#[test]
fn a_child_that_stands_twice_in_a_gather_is_asked_twice() {
    run(async {
        let child = spawn(forever());
        let handle = child.handle().clone();
        let parent = spawn(gather([handle.clone(), handle.clone()]));
        turns(2).await;
        parent.cancel();
        assert_eq!(handle.cancelling(), 2);
        assert!(is_cancelled(parent.await));
    });
}

#[test]
fn a_request_goes_through_gathers_of_gathers() {
    run(async {
        let leaves: Vec<_> = (0..4).map(|_| spawn(forever())).collect();
        let handles: Vec<_> = leaves.iter().map(|leaf| leaf.handle().clone()).collect();
        let mut leaves = leaves.into_iter();
        let pairs: Vec<_> = (0..2)
            .map(|_| spawn(gather([leaves.next().unwrap(), leaves.next().unwrap()])))
            .collect();
        let top = spawn(gather(pairs));
        turns(3).await;
        top.cancel();
        // C9.
        assert!(handles.iter().all(|leaf| leaf.cancelling() == 1));
        assert!(is_cancelled(top.await));
    });
}

#[test]
fn cancelling_one_waiter_of_a_promise_cancels_it_for_all() {
    run(async {
        let (promise, promised) = promise::<u8>();
        let first = spawn(promised.clone());
        let second = spawn(promised.clone());
        turns(2).await;
        first.cancel();
        // C9: as asyncio's bare future.
        assert!(promise.is_done());
        assert!(is_cancelled(first.await));
        assert!(matches!(second.await.unwrap(), Err(PromiseError::Cancelled(_))));
        assert!(promise.set(7).is_err());
        assert!(matches!(promised.await, Err(PromiseError::Cancelled(_))));
    });
}

#[test]
fn a_promise_kept_by_reference_is_plainly_cancelled_once_its_cancel_was_caught() {
    run(async {
        let (promise, mut promised) = promise::<u8>();
        let task = spawn(async move {
            assert!(catch_cancel(&mut promised).await.is_err());
            let again = catch_cancel(&mut promised).await.unwrap();
            assert!(matches!(again, Err(PromiseError::Cancelled(_))));
            matches!(promised.await, Err(PromiseError::Cancelled(_)))
        });
        turns(1).await;
        task.cancel();
        assert!(task.await.unwrap());
        assert!(promise.is_done());
    });
}

#[test]
fn a_running_child_takes_a_forwarded_request_at_its_next_suspension() {
    run(async {
        let parent_of: std::rc::Rc<std::cell::OnceCell<TaskHandle>> = Default::default();
        let to_cancel = std::rc::Rc::clone(&parent_of);
        let child = spawn(async move {
            turns(2).await;
            // The parent awaits this very task: the request comes back to it while it runs.
            to_cancel.get().unwrap().cancel();
            assert_eq!(me().cancelling(), 1);
            catch_cancel(sleep(ms(1))).await.is_err()
        });
        let parent = spawn(child);
        parent_of.set(parent.handle().clone()).unwrap();
        // C9, C2.
        assert!(parent.await.unwrap().unwrap());
    });
}

#[test]
fn a_timeout_forwards_to_the_task_it_limits_and_waits_for_its_end() {
    run(async {
        let mut child = spawn(stubborn());
        // C9, C11.
        assert_eq!(timeout(ms(2), &mut child).await.unwrap().unwrap(), "survived");
        assert_eq!((time(), me().cancelling()), (ms(5), 0));
        yield_now().await;
    });
}
