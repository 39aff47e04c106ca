//! Several futures in one task: which of them a request reaches, and what a losing branch hands back.

mod common;

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use common::{Trace, counted, forever, is_cancelled, me, ms, run, turns};
use futures::future::{FutureExt, LocalBoxFuture, select};
use futures::stream::{FuturesUnordered, StreamExt};
use wheelhouse::{
    CancelScope, Cancelled, ScopeHandle, call_at, call_soon, catch_cancel, promise, sleep, spawn,
    task_group, time, timeout, yield_now,
};

/// A scope around `forever`, and what cancels it.
fn scope() -> (LocalBoxFuture<'static, Result<(), Cancelled>>, ScopeHandle) {
    let scope = CancelScope::new();
    let handle = scope.handle();
    (scope.run(forever()).boxed_local(), handle)
}

#[test]
fn a_request_to_the_task_reaches_every_innermost_scope() {
    run(async {
        let task = spawn(async {
            let branch = || async { catch_cancel(forever()).await.is_err() };
            futures::join!(branch(), branch(), catch_cancel(branch()))
        });
        yield_now().await;
        task.cancel();
        // C13: every innermost scope below its aim, and only the innermost ones.
        assert_eq!(task.await.unwrap(), (true, true, Ok(true)));
    });
}

#[test]
fn a_request_reaches_scopes_at_different_depths() {
    run(async {
        let task = spawn(async {
            futures::join!(
                async { catch_cancel(catch_cancel(catch_cancel(forever()))).await },
                async { catch_cancel(forever()).await.is_err() },
                catch_cancel(async {
                    let (a, b) = futures::join!(catch_cancel(forever()), catch_cancel(forever()));
                    a.is_err() && b.is_err()
                }),
            )
        });
        yield_now().await;
        task.cancel();
        let (deep, shallow, forked) = task.await.unwrap();
        // C13.
        assert!(deep.unwrap().unwrap().is_err() && shallow && forked.unwrap());
    });
}

#[test]
fn an_aimed_request_lands_in_its_scope_alone() {
    run(async {
        let (first, handle) = scope();
        let (second, other) = scope();
        call_soon(move || assert!(handle.cancel()));
        call_at(ms(5), move || assert!(other.cancel()));
        let times = futures::join!(first.map(|ended| (ended.is_err(), time())), async {
            (second.await.is_err(), time())
        });
        // C13.
        assert_eq!(times, ((true, ms(0)), (true, ms(5))));
        assert_eq!(me().cancelling(), 0);
    });
}

#[test]
fn timeouts_side_by_side_elapse_each_by_itself() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let limited = |n: u64| {
            let t = t.clone();
            async move {
                let elapsed = timeout(ms(n), forever()).await.is_err();
                t.at(format_args!("{n} elapsed: {elapsed}"));
            }
        };
        futures::join!(limited(3), limited(1), limited(2), async {
            sleep(ms(4)).await;
            t.at("the sleep was left alone");
        });
        // C13.
        assert_eq!(me().cancelling(), 0);
        yield_now().await;
    });
    trace.expect(&[
        "1 1 elapsed: true",
        "2 2 elapsed: true",
        "3 3 elapsed: true",
        "4 the sleep was left alone",
    ]);
}

#[test]
fn requests_pending_for_several_scopes_are_kept_apart() {
    run(async {
        let (first, a) = scope();
        let (second, b) = scope();
        let third = catch_cancel(sleep(ms(1)));
        let all = async {
            futures::join!(
                async {
                    // C13: requested while the task runs, before any of the scopes suspends.
                    a.cancel();
                    b.cancel();
                    first.await.is_err()
                },
                async { second.await.is_err() },
                async { third.await.is_ok() },
            )
        };
        assert_eq!(all.await, (true, true, true));
        assert_eq!(me().cancelling(), 0);
    });
}

#[test]
fn timeouts_side_by_side_that_expire_in_one_turn_all_elapse() {
    run(async {
        let limited = || timeout(ms(5), forever());
        let (a, b, c) = futures::join!(limited(), limited(), async {
            let nested = timeout(ms(5), async { timeout(ms(5), forever()).await }).await;
            (nested.is_err(), me().cancelling())
        });
        // C11, C13: the count that decides is that of the requests around a scope, not of those beside it.
        assert!(a.is_err() && b.is_err());
        assert_eq!((c, time(), me().cancelling()), ((true, 0), ms(5), 0));
        sleep(ms(1)).await;
    });
}

#[test]
fn a_timeout_entered_beside_an_expired_one_still_tells_an_external_cancel_from_its_own() {
    run(async {
        let task = spawn(async {
            let late = async {
                sleep(ms(5)).await;
                // The other timeout has expired and still counts, until its scope is polled.
                assert_eq!(me().cancelling(), 1);
                catch_cancel(timeout(ms(5), forever())).await.is_err()
            };
            futures::join!(late, timeout(ms(5), async { catch_cancel(forever()).await.is_err() }))
        });
        let handle = task.handle().clone();
        turns(1).await;
        call_at(ms(10), move || assert!(handle.cancel()));
        // C11, C13: both in one turn, so the cancel goes on outwards.
        assert_eq!(task.await.unwrap(), (true, Ok(true)));
    });
}

#[test]
fn a_group_that_fails_beside_an_expired_timeout_renews_no_request() {
    run(async {
        let (ended, elapsed, ()) = futures::join!(
            task_group(async |group| {
                let broken = async {
                    sleep(ms(4)).await;
                    yield_now().await;
                    Err::<(), _>("broken")
                };
                drop(group.try_spawn(broken).unwrap());
                forever().await;
            }),
            timeout(ms(4), async {
                let _ = catch_cancel(forever()).await;
                sleep(ms(1)).await;
                "cleaned up"
            }),
            sleep(ms(9)),
        );
        // C12, C13: the request that counted was aimed beside the group.
        assert!(ended.is_err());
        assert_eq!(elapsed, Ok("cleaned up"));
        assert_eq!((time(), me().cancelling()), (ms(9), 0));
    });
}

#[test]
fn a_delivery_wakes_the_waker_its_scope_was_polled_with() {
    run(async {
        let (canceller, ends) = promise::<()>();
        let branches: FuturesUnordered<LocalBoxFuture<'static, &'static str>> =
            FuturesUnordered::new();
        let (first, handle) = scope();
        let (idle, idle_polls) = counted(forever());
        branches.push(first.map(|_| "cancelled").boxed_local());
        branches.push(idle.map(|()| "never").boxed_local());
        let task = spawn(async move {
            let mut branches = branches;
            branches.next().await
        });
        yield_now().await;
        assert!(handle.cancel());
        // C13: FuturesUnordered polls only what was woken; so the scope's own waker was.
        assert_eq!(task.await.unwrap(), Some("cancelled"));
        assert_eq!(idle_polls.get(), 1);
        canceller.set(()).unwrap();
        ends.await.unwrap();
    });
}

#[test]
fn a_pending_request_wakes_the_waker_of_the_scope_too() {
    run(async {
        let mut branches: FuturesUnordered<LocalBoxFuture<'static, bool>> = FuturesUnordered::new();
        branches.push(async { catch_cancel(forever()).await.is_err() }.boxed_local());
        branches.push(
            async {
                yield_now().await;
                true
            }
            .boxed_local(),
        );
        let (body, polls) = counted(async move {
            let mut caught = 0;
            while let Some(one) = branches.next().await {
                caught += usize::from(one);
            }
            caught
        });
        let task = spawn(body);
        yield_now().await;
        // Queued by its yield, so the request is pending until its step.
        task.cancel();
        assert_eq!(task.await.unwrap(), 2);
        // C13: and no extra step appeared.
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn a_request_goes_through_a_shared_future_to_whoever_polls_it() {
    run(async {
        let shared = async { catch_cancel(forever()).await.is_err() }.boxed_local().shared();
        let task = spawn(shared.clone());
        let other = spawn(shared);
        turns(2).await;
        // C13: the scope stands in the task that polled it last, and its waker tells both.
        other.cancel();
        assert!(task.await.unwrap());
        assert!(other.await.unwrap());
    });
}

#[test]
fn where_one_scope_holds_several_waits_each_is_offered_the_request() {
    run(async {
        let (a, b) = (spawn(forever()), spawn(forever()));
        let (inner_a, inner_b) = (a.handle().clone(), b.handle().clone());
        let task =
            spawn(async move { catch_cancel(async { futures::join!(a, b) }).await.is_err() });
        turns(2).await;
        task.cancel();
        // C13: both forwarded, inside the call.
        assert_eq!((inner_a.cancelling(), inner_b.cancelling()), (1, 1));
        assert!(task.await.unwrap());
    });
}

#[test]
fn if_any_wait_gives_up_the_body_goes_at_once() {
    run(async {
        let child = spawn(async {
            let _ = catch_cancel(forever()).await;
            sleep(ms(50)).await;
        });
        let handle = child.handle().clone();
        let task = spawn(async move {
            let caught =
                catch_cancel(async { futures::join!(child, sleep(ms(90))) }).await.is_err();
            (caught, time())
        });
        turns(2).await;
        task.cancel();
        // C13: the child was asked, but is not waited for.
        assert_eq!(handle.cancelling(), 1);
        assert_eq!(task.await.unwrap(), (true, ms(0)));
        handle.join().await.unwrap();
    });
}

#[test]
fn if_every_wait_forwards_the_body_stays_until_one_has_ended_cancelled() {
    run(async {
        let slow = spawn(async {
            let _ = catch_cancel(forever()).await;
            sleep(ms(5)).await;
        });
        let slower = spawn(async {
            let _ = catch_cancel(forever()).await;
            sleep(ms(9)).await;
            Cancelled::raise().await
        });
        let task = spawn(async move {
            let caught = catch_cancel(async { futures::join!(slow, slower) }).await.is_err();
            (caught, time())
        });
        turns(2).await;
        task.cancel();
        assert_eq!(task.await.unwrap(), (true, ms(9)));
    });
}

#[test]
fn a_losing_branch_hands_a_request_aimed_further_out_back() {
    run(async {
        let (promise, promised) = promise::<()>();
        let task = spawn(async move {
            let outer = catch_cancel(async {
                // Both branches are woken in one turn; the first ends the select before the scope in
                // the second has had its poll.
                let inner = catch_cancel(forever()).boxed_local();
                let quick = async {
                    promised.await.unwrap();
                }
                .boxed_local();
                select(quick, inner).await;
                // C13: its request goes back to the scope around, and is due at its next suspension.
                yield_now().await;
                "never"
            });
            (outer.await.is_err(), me().cancelling())
        });
        yield_now().await;
        promise.set(()).unwrap();
        // The promise's wait refuses, being complete; the scope beside it takes the request.
        task.cancel();
        assert_eq!(task.await.unwrap(), (true, 1));
    });
}

#[test]
fn a_losing_branch_takes_a_request_aimed_at_itself_with_it() {
    run(async {
        let (promise, promised) = promise::<()>();
        let (inner, handle) = scope();
        let task = spawn(async move {
            select(promised, inner).await;
            let after = me().cancelling();
            // C13: nothing is left to hit these.
            yield_now().await;
            sleep(ms(1)).await;
            after
        });
        yield_now().await;
        promise.set(()).unwrap();
        assert!(handle.cancel());
        assert_eq!(task.await.unwrap(), 0);
    });
}

#[test]
fn a_losing_branch_leaves_nothing_of_its_own_request_where_others_still_count() {
    run(async {
        let (promise, promised) = promise::<()>();
        let (inner, handle) = scope();
        let task = spawn(async move {
            // A request that was delivered and suppressed, and counts for good.
            let _ = catch_cancel(forever()).await;
            select(promised, inner).await;
            // C13: the scope's own request is not handed back, and hits neither of these.
            yield_now().await;
            sleep(ms(1)).await;
            me().cancelling()
        });
        yield_now().await;
        task.cancel();
        turns(2).await;
        promise.set(()).unwrap();
        assert!(handle.cancel());
        assert_eq!(task.await.unwrap(), 1);
    });
}

#[test]
fn a_timeout_that_lost_a_select_after_it_expired_takes_its_request_back() {
    run(async {
        let (promise, promised) = promise::<()>();
        call_at(ms(5), move || promise.set(()).unwrap());
        let limited = timeout(ms(5), forever()).boxed_local();
        select(promised, limited).await;
        // C13: a timeout uncancels in its Drop.
        assert_eq!((time(), me().cancelling()), (ms(5), 0));
        sleep(ms(1)).await;
    });
}

#[test]
fn a_dropped_resume_withdraws_its_raise() {
    run(async {
        let raised = catch_cancel(async {
            let raise = Cancelled::raise().boxed_local();
            let quick = std::future::ready(7);
            // The raise is polled first, and then loses.
            match futures::future::select(raise, quick).await {
                futures::future::Either::Left(_) => unreachable!("a raise never ends"),
                futures::future::Either::Right((seven, _)) => seven,
            }
        });
        // C13.
        assert_eq!(raised.await, Ok(7));
        let mut raise = Cancelled::raise().boxed_local();
        let polled = catch_cancel(std::future::poll_fn(|cx| {
            assert!(raise.as_mut().poll(cx).is_pending());
            raise = Cancelled::raise().boxed_local();
            std::task::Poll::Ready(())
        }));
        polled.await.unwrap();
        yield_now().await;
    });
}

#[test]
fn a_dropped_resume_does_not_end_the_body_it_was_dropped_in() {
    run(async {
        let body = catch_cancel(async {
            select(Cancelled::raise().boxed_local(), std::future::ready(())).await;
            // C13: withdrawn, although this suspends in the poll that raised.
            yield_now().await;
            sleep(ms(1)).await;
            "whole"
        });
        assert_eq!(body.await, Ok("whole"));
    });
}

#[test]
fn a_raise_that_outlives_its_scope_does_not_reach_the_next() {
    run(async {
        let mut raise: Pin<Box<dyn Future<Output = std::convert::Infallible>>> =
            Box::pin(async { Cancelled::raise().await });
        let first = catch_cancel(async {
            raise.as_mut().await;
        });
        assert!(first.await.is_err());
        let next = catch_cancel(sleep(ms(1)));
        assert_eq!(next.await, Ok(()));
        drop(raise);
    });
}

#[test]
fn a_branch_that_resumes_takes_the_whole_body_with_it() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let task = spawn(async move {
            let branches = async {
                futures::join!(
                    async {
                        let Err(cancelled) = catch_cancel(forever()).await else { return };
                        cancelled.resume().await;
                    },
                    async {
                        let _guard = t.on_drop("the other branch's clean-up was cut off");
                        let _ = catch_cancel(forever()).await;
                        sleep(ms(5)).await;
                        t.note("never");
                    },
                )
            };
            catch_cancel(branches).await.is_err()
        });
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap());
    });
    trace.expect(&["the other branch's clean-up was cut off"]);
}

#[test]
fn a_task_that_lost_a_select_is_no_longer_reached_by_its_former_waiter() {
    run(async {
        let mut child = spawn(sleep(ms(50)));
        let handle = child.handle().clone();
        let task = spawn(async move {
            select(&mut child, sleep(ms(2)).boxed_local()).await;
            let caught = catch_cancel(forever()).await.is_err();
            let also = {
                // In the same place as the select was: the task is no part of this wait.
                sleep(ms(1)).await;
                handle.cancelling()
            };
            (caught, also, child)
        });
        sleep(ms(5)).await;
        task.cancel();
        let (caught, also, child) = task.await.unwrap();
        // C13.
        assert_eq!((caught, also), (true, 0));
        child.await.unwrap();
    });
}

#[test]
fn a_task_that_lost_a_select_is_not_reached_from_the_same_scope_after_another_step() {
    run(async {
        let child = Rc::new(RefCell::new(Some(spawn(sleep(ms(9))))));
        let handle = child.borrow().as_ref().unwrap().handle().clone();
        let own = Rc::clone(&child);
        let task = spawn(async move {
            let mut child = own.borrow_mut().take().unwrap();
            select(&mut child, yield_now()).await;
            own.borrow_mut().replace(child);
            yield_now().await;
            forever().await;
        });
        turns(5).await;
        task.cancel();
        // C13: left behind, it stands in the task's list and is no part of what is awaited.
        assert_eq!(handle.cancelling(), 0);
        assert!(is_cancelled(task.await));
        let child = child.borrow_mut().take().unwrap();
        child.await.unwrap();
    });
}

#[test]
fn a_wait_can_move_from_one_scope_to_another() {
    run(async {
        let mut nap = sleep(ms(50));
        let first = CancelScope::new();
        let moved_out = first.handle();
        let ended = first
            .run(async {
                assert!(futures::poll!(&mut nap).is_pending());
            })
            .await;
        assert!(ended.is_ok() && !moved_out.cancel());
        let second = CancelScope::new();
        let handle = second.handle();
        call_at(ms(5), move || assert!(handle.cancel()));
        // C13: the wait stands where it was last polled.
        assert!(second.run(&mut nap).await.is_err());
        nap.await;
        assert_eq!(time(), ms(50));
    });
}

#[test]
fn a_wait_can_move_from_one_task_to_another() {
    run(async {
        let mut nap = Box::pin(sleep(ms(9)));
        assert!(futures::poll!(nap.as_mut()).is_pending());
        let sleeper = spawn(async move {
            nap.await;
            time()
        });
        assert_eq!(sleeper.await.unwrap(), ms(9));

        let mut nap = Box::pin(sleep(ms(9)));
        assert!(futures::poll!(nap.as_mut()).is_pending());
        let sleeper = spawn(nap);
        yield_now().await;
        sleeper.cancel();
        // C13: the request finds it in its new task.
        assert!(is_cancelled(sleeper.await));
    });
}

#[test]
fn a_scope_can_move_from_one_task_to_another() {
    run(async {
        let mut inner = Box::pin(catch_cancel(catch_cancel(sleep(ms(50)))));
        assert!(futures::poll!(inner.as_mut()).is_pending());
        let me = me();
        let task = spawn(inner);
        turns(1).await;
        task.cancel();
        assert_eq!(me.cancelling(), 0);
        // C13: its innermost scope catches it there.
        assert!(task.await.unwrap().unwrap().is_err());
    });
}

#[test]
fn a_wait_outlives_the_task_it_was_first_polled_in() {
    run(async {
        let slot = Rc::new(RefCell::new(Some(Box::pin(sleep(ms(9))))));
        let shared = Rc::clone(&slot);
        spawn(async move {
            let mut nap = shared.borrow_mut().take().unwrap();
            assert!(futures::poll!(nap.as_mut()).is_pending());
            shared.borrow_mut().replace(nap);
        })
        .await
        .unwrap();
        let nap = slot.borrow_mut().take().unwrap();
        nap.await;
        assert_eq!(time(), ms(9));
    });
}

#[test]
fn a_group_beside_another_future_is_cancelled_alone() {
    run(async {
        let (ended, ()) = futures::join!(
            task_group(async |group| {
                let broken = async {
                    sleep(ms(2)).await;
                    Err::<(), _>("broken")
                };
                drop(group.try_spawn(broken).unwrap());
                forever().await;
            }),
            sleep(ms(5)),
        );
        // C13: the group's request is aimed at its own scope.
        assert!(ended.is_err());
        assert_eq!((time(), me().cancelling()), (ms(5), 0));
    });
}

#[test]
fn a_timeout_around_a_join_reaches_every_branch() {
    run(async {
        let limited = timeout(ms(5), async {
            futures::join!(async { catch_cancel(forever()).await.is_err() }, async {
                timeout(ms(60), catch_cancel(forever())).await.unwrap().is_err()
            },)
        });
        assert_eq!(limited.await, Ok((true, true)));
        assert_eq!((time(), me().cancelling()), (ms(5), 0));
        assert!(timeout(Duration::ZERO, forever()).await.is_err());
    });
}
