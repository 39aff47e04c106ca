//! When things happen, counted in turns of the loop: the ticks measured with `CPython` 3.13, and the rules behind them.

mod common;

use std::time::Duration;

use common::{Trace, Turns, forever, me, ms, run, run_in_turns, turns};
use wheelhouse::{
    ALL_COMPLETED, Cancelled, Task, TaskHandle, as_completed, call_at, call_later, call_soon,
    catch_cancel, gather, promise, shield, sleep, spawn, task_group, timeout, try_gather, wait,
    wait_for, wait_for_task, yield_now,
};

/// Marks its own last step, after `n` bare turns.
fn child(t: &Turns, n: usize) -> Task<()> {
    let t = t.clone();
    spawn(async move {
        turns(n).await;
        t.mark("child ends");
    })
}

/// A task that awaits what it is given and marks how its cancel comes.
fn cancelled_in<F: Future + 'static>(t: &Turns, what: &'static str, body: F) -> Task<()> {
    let t = t.clone();
    spawn(async move {
        if let Err(cancelled) = catch_cancel(body).await {
            t.mark(what);
            cancelled.resume().await;
        }
    })
}

/// The turn in which the timer of `when` runs, told by a callback armed just before.
fn mark_at(t: &Turns, when: Duration, what: &'static str) {
    let t = t.clone();
    call_at(when, move || t.mark(what));
}

#[test]
fn a_bare_yield_and_a_sleep_of_zero_are_one_turn() {
    let t = run_in_turns(async |t| {
        t.mark("yield");
        yield_now().await;
        t.mark("sleep");
        sleep(Duration::ZERO).await;
        t.mark("end");
        t
    });
    // T5.
    assert_eq!((t.between("yield", "sleep"), t.between("sleep", "end")), (1, 1));
}

#[test]
fn a_sleeper_resumes_a_turn_after_its_timer_fired() {
    let t = run_in_turns(async |t| {
        mark_at(&t, ms(5), "fired");
        sleep(ms(5)).await;
        t.mark("resumed");
        t
    });
    // T4.
    assert_eq!(t.between("fired", "resumed"), 1);
}

#[test]
fn a_waiter_of_a_promise_steps_a_turn_after_it_is_set() {
    let t = run_in_turns(async |t| {
        let (promise, promised) = promise();
        let setter = t.clone();
        call_soon(move || {
            setter.mark("set");
            promise.set(()).unwrap();
        });
        promised.await.unwrap();
        t.mark("resumed");
        t
    });
    // T3.
    assert_eq!(t.between("set", "resumed"), 1);
}

#[test]
fn what_is_done_already_does_not_suspend() {
    let t = run_in_turns(async |t| {
        let (promise, promised) = promise();
        promise.set(()).unwrap();
        let [a, b, c, d] = [child(&t, 0), child(&t, 0), child(&t, 0), child(&t, 0)];
        turns(2).await;
        t.mark("before");
        promised.await.unwrap();
        a.await.unwrap();
        shield(b).await.unwrap();
        gather([c]).await.pop().unwrap().unwrap();
        try_gather([d.handle().clone()]).await.unwrap();
        wait_for_task(d, Duration::ZERO).await.unwrap().unwrap();
        assert!(gather(Vec::<TaskHandle>::new()).await.is_empty());
        timeout(ms(5), async {}).await.unwrap();
        catch_cancel(async {}).await.unwrap();
        task_group(async |_| {}).await.unwrap();
        t.mark("after");
        t
    });
    assert_eq!(t.between("before", "after"), 0);
}

#[test]
fn a_task_takes_its_first_step_a_turn_after_its_spawn() {
    let t = run_in_turns(async |t| {
        t.mark("spawn");
        child(&t, 0).await.unwrap();
        t
    });
    // T3.
    assert_eq!(t.between("spawn", "child ends"), 1);
}

#[test]
fn a_joiner_steps_a_turn_after_the_tasks_last_step() {
    let t = run_in_turns(async |t| {
        child(&t, 2).await.unwrap();
        t.mark("joined");
        t
    });
    // T3.
    assert_eq!(t.between("child ends", "joined"), 1);
}

#[test]
fn a_cancel_is_delivered_in_the_turn_after_it() {
    let t = run_in_turns(async |t| {
        let sleeper = cancelled_in(&t, "sleeper", sleep(ms(5)));
        let foreign = cancelled_in(&t, "foreign", forever());
        turns(1).await;
        t.mark("cancel");
        assert!(sleeper.cancel() && foreign.cancel());
        assert!(sleeper.await.is_err() && foreign.await.is_err());
        t
    });
    assert_eq!((t.between("cancel", "sleeper"), t.between("cancel", "foreign")), (1, 1));
}

#[test]
fn a_cancel_of_a_bare_yielder_is_delivered_in_the_turn_after_it() {
    let t = run_in_turns(async |t| {
        let yielder = cancelled_in(&t, "yielder", turns(99));
        turns(3).await;
        t.mark("cancel");
        yielder.cancel();
        assert!(yielder.await.is_err());
        t
    });
    assert_eq!(t.between("cancel", "yielder"), 1);
}

#[test]
fn a_forwarded_cancel_reaches_the_child_after_one_turn_and_the_waiter_after_two() {
    let t = run_in_turns(async |t| {
        let child = cancelled_in(&t, "child", sleep(ms(5)));
        let parent = cancelled_in(&t, "parent", child);
        turns(2).await;
        t.mark("cancel");
        parent.cancel();
        assert!(parent.await.is_err());
        t
    });
    assert_eq!((t.between("cancel", "child"), t.between("cancel", "parent")), (1, 2));
}

#[test]
fn a_gather_resumes_two_turns_after_its_last_child() {
    let t = run_in_turns(async |t| {
        let quick = spawn(async {});
        let _ = gather([quick, child(&t, 3)]).await;
        t.mark("gathered");
        t
    });
    // T5.
    assert_eq!(t.between("child ends", "gathered"), 2);
}

#[test]
fn a_cancelled_gather_reaches_the_children_after_one_turn_and_the_waiter_after_three() {
    let t = run_in_turns(async |t| {
        let child = cancelled_in(&t, "child", sleep(ms(5)));
        let parent = cancelled_in(&t, "parent", gather([child]));
        turns(2).await;
        t.mark("cancel");
        parent.cancel();
        assert!(parent.await.is_err());
        t
    });
    // T5.
    assert_eq!((t.between("cancel", "child"), t.between("cancel", "parent")), (1, 3));
}

#[test]
fn a_wait_resumes_two_turns_after_the_child_that_decides() {
    let t = run_in_turns(async |t| {
        let _ = wait([child(&t, 2)], ALL_COMPLETED).await;
        t.mark("waited");
        t
    });
    // T5.
    assert_eq!(t.between("child ends", "waited"), 2);
}

#[test]
fn a_wait_for_what_is_done_already_costs_two_turns_all_the_same() {
    let t = run_in_turns(async |t| {
        let task = child(&t, 0);
        turns(2).await;
        t.mark("wait");
        let _ = wait([task], ALL_COMPLETED).await;
        t.mark("waited");
        t
    });
    // T5.
    assert_eq!(t.between("wait", "waited"), 2);
}

#[test]
fn a_wait_without_time_costs_two_turns() {
    let t = run_in_turns(async |t| {
        let task = spawn(turns(9));
        t.mark("wait");
        let waited = wait([task], ALL_COMPLETED).timeout(Duration::ZERO).await.unwrap();
        t.mark("waited");
        waited.pending.into_iter().for_each(Task::detach);
        t
    });
    assert_eq!(t.between("wait", "waited"), 2);
}

#[test]
fn wait_for_a_task_resumes_a_turn_after_it_and_for_a_future_in_the_same() {
    let t = run_in_turns(async |t| {
        wait_for_task(child(&t, 2), ms(5)).await.unwrap().unwrap();
        t.mark("task");
        wait_for(
            async {
                yield_now().await;
                t.mark("future ends");
            },
            ms(5),
        )
        .await
        .unwrap();
        t.mark("future");
        t
    });
    assert_eq!((t.between("child ends", "task"), t.between("future ends", "future")), (1, 0));
}

#[test]
fn an_expired_wait_for_costs_one_turn_in_place_and_two_for_a_task() {
    let t = run_in_turns(async |t| {
        mark_at(&t, ms(5), "fired for a promise");
        let (_promise, promised) = promise::<()>();
        assert!(wait_for(promised, ms(5)).await.is_err());
        t.mark("promise");
        let task = spawn(sleep(ms(500)));
        mark_at(&t, ms(10), "fired for a task");
        assert!(wait_for_task(task, ms(5)).await.is_err());
        t.mark("task");
        t
    });
    assert_eq!(t.between("fired for a promise", "promise"), 1);
    assert_eq!(t.between("fired for a task", "task"), 2);
}

#[test]
fn wait_for_a_task_without_time_costs_three_turns() {
    let t = run_in_turns(async |t| {
        let task = spawn(forever());
        t.mark("call");
        assert!(wait_for_task(task, Duration::ZERO).await.is_err());
        t.mark("elapsed");
        t
    });
    assert_eq!(t.between("call", "elapsed"), 3);
}

#[test]
fn wait_for_a_future_without_time_costs_three_turns() {
    let t = run_in_turns(async |t| {
        t.mark("call");
        assert!(wait_for(forever(), Duration::ZERO).await.is_err());
        t.mark("elapsed");
        t
    });
    assert_eq!(t.between("call", "elapsed"), 3);
}

#[test]
fn an_expired_timeout_is_left_a_turn_after_its_timer_fired() {
    let t = run_in_turns(async |t| {
        mark_at(&t, ms(5), "fired");
        assert!(timeout(ms(5), sleep(ms(50))).await.is_err());
        t.mark("elapsed");
        t
    });
    assert_eq!(t.between("fired", "elapsed"), 1);
}

#[test]
fn a_timeout_of_zero_is_left_two_turns_after_it_was_entered() {
    let t = run_in_turns(async |t| {
        t.mark("entered");
        assert!(timeout(Duration::ZERO, sleep(ms(50))).await.is_err());
        t.mark("elapsed");
        t
    });
    assert_eq!(t.between("entered", "elapsed"), 2);
}

#[test]
fn a_shield_resumes_two_turns_after_its_task_and_one_after_its_own_cancel() {
    let t = run_in_turns(async |t| {
        shield(child(&t, 2)).await.unwrap();
        t.mark("shield");

        let inner = spawn(sleep(ms(1)));
        let waiter = cancelled_in(&t, "waiter", shield(inner));
        turns(2).await;
        t.mark("cancel the waiter");
        waiter.cancel();
        assert!(waiter.await.is_err());

        let inner = cancelled_in(&t, "inner ends", forever());
        let handle = inner.handle().clone();
        call_soon(move || {
            call_soon(move || assert!(handle.cancel()));
        });
        assert!(shield(inner).await.is_err());
        t.mark("inner was cancelled");
        sleep(ms(2)).await;
        t
    });
    // T5.
    assert_eq!(t.between("child ends", "shield"), 2);
    assert_eq!(t.between("cancel the waiter", "waiter"), 1);
    assert_eq!(t.between("inner ends", "inner was cancelled"), 2);
}

#[test]
fn a_group_is_left_two_turns_after_its_last_child() {
    let t = run_in_turns(async |t| {
        let inner = t.clone();
        task_group(async |group| {
            let child = async move {
                turns(3).await;
                inner.mark("child ends");
            };
            group.spawn(child).unwrap().detach();
        })
        .await
        .unwrap();
        t.mark("left");
        t
    });
    // T5.
    assert_eq!(t.between("child ends", "left"), 2);
}

#[test]
fn a_failing_child_cancels_sibling_and_body_after_two_turns() {
    let t = run_in_turns(async |t| {
        let (failing, sibling) = (t.clone(), t.clone());
        let ended = task_group(async |group| {
            let broken = async move {
                turns(3).await;
                failing.mark("fails");
                Err::<(), _>("broken")
            };
            drop(group.try_spawn(broken).unwrap());
            let sleeper = async move {
                let _ = catch_cancel(forever()).await;
                sibling.mark("sibling");
            };
            group.spawn(sleeper).unwrap().detach();
            let _ = catch_cancel(forever()).await;
            t.mark("body");
        });
        assert!(ended.await.is_err());
        t
    });
    // T5.
    assert_eq!((t.between("fails", "sibling"), t.between("fails", "body")), (2, 2));
}

#[test]
fn a_failed_group_is_left_after_two_turns_and_after_four_with_a_sleeping_sibling() {
    let group = |siblings: usize| {
        run_in_turns(async move |t| {
            let failing = t.clone();
            let ended = task_group(async |group| {
                let broken = async move {
                    turns(3).await;
                    failing.mark("fails");
                    Err::<(), _>("broken")
                };
                drop(group.try_spawn(broken).unwrap());
                for _ in 0..siblings {
                    group.spawn(sleep(ms(5))).unwrap().detach();
                }
            })
            .await;
            assert!(ended.is_err());
            t.mark("left");
            t.between("fails", "left")
        })
    };
    // T5.
    assert_eq!((group(0), group(1), group(5)), (2, 4, 4));
}

#[test]
fn as_completed_gives_a_task_two_turns_after_its_end() {
    let t = run_in_turns(async |t| {
        let mut tasks = as_completed([child(&t, 3)]);
        assert!(tasks.next().await.is_some());
        t.mark("item");
        t
    });
    // T5.
    assert_eq!(t.between("child ends", "item"), 2);
}

#[test]
fn a_done_callback_runs_a_turn_after_the_end_or_after_it_was_added() {
    let t = run_in_turns(async |t| {
        let task = child(&t, 2);
        let early = t.clone();
        task.add_done_callback(move |_| early.mark("early callback"));
        turns(5).await;
        t.mark("added");
        let late = t.clone();
        task.add_done_callback(move |_| late.mark("late callback"));
        turns(2).await;
        t
    });
    // T3.
    assert_eq!(t.between("child ends", "early callback"), 1);
    assert_eq!(t.between("added", "late callback"), 1);
}

#[test]
fn call_soon_and_call_later_of_zero_run_in_the_next_turn() {
    let t = run_in_turns(async |t| {
        t.mark("called");
        let (soon, later) = (t.clone(), t.clone());
        call_soon(move || soon.mark("soon"));
        call_later(Duration::ZERO, move || later.mark("later"));
        turns(3).await;
        t
    });
    assert_eq!((t.between("called", "soon"), t.between("called", "later")), (1, 1));
}

#[test]
fn a_self_cancel_raises_after_a_turn_in_a_sleep_and_in_a_bare_yield() {
    let t = run_in_turns(async |t| {
        for (what, body) in [
            ("sleep", Box::pin(sleep(ms(5))) as std::pin::Pin<Box<dyn Future<Output = ()>>>),
            ("yield", Box::pin(yield_now())),
        ] {
            let inner = t.clone();
            spawn(async move {
                inner.mark(if what == "sleep" { "before sleep" } else { "before yield" });
                me().cancel();
                assert!(catch_cancel(body).await.is_err());
                inner.mark(what);
            })
            .await
            .unwrap();
        }
        t
    });
    assert_eq!((t.between("before sleep", "sleep"), t.between("before yield", "yield")), (1, 1));
}

#[test]
fn a_raise_takes_no_turn() {
    let t = run_in_turns(async |t| {
        t.mark("before");
        let _ = catch_cancel(catch_cancel(async { Cancelled::raise().await })).await;
        t.mark("after");
        t
    });
    assert_eq!(t.between("before", "after"), 0);
}

#[test]
fn what_a_handle_adds_runs_in_the_next_turn() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (a, b, c) = (t.clone(), t.clone(), t.clone());
        call_soon(move || {
            a.note("first");
            let again = a.clone();
            call_soon(move || again.note("added by the first"));
        });
        call_soon(move || b.note("second"));
        call_soon(move || c.note("third"));
        turns(3).await;
    });
    // T1, T2.
    trace.expect(&["first", "second", "third", "added by the first"]);
}

#[test]
fn timers_that_are_due_run_behind_what_is_ready_and_in_the_same_turn() {
    let t = run_in_turns(async |t| {
        let (a, b, c) = (t.clone(), t.clone(), t.clone());
        call_later(Duration::ZERO, move || a.mark("timer"));
        call_soon(move || {
            b.mark("soon");
            assert!(b.is_marked("soon") && !b.is_marked("timer"));
            call_soon(move || c.mark("next"));
        });
        turns(4).await;
        t
    });
    // T1, T4.
    assert_eq!((t.between("soon", "timer"), t.between("timer", "next")), (0, 1));
}

#[test]
fn a_task_has_one_entry_in_the_ready_queue() {
    let t = run_in_turns(async |t| {
        let inner = t.clone();
        let (body, polls) = common::counted(async move {
            let waker = std::future::poll_fn(|cx| std::task::Poll::Ready(cx.waker().clone())).await;
            for _ in 0..5 {
                waker.wake_by_ref();
            }
            inner.mark("woken");
            turns(3).await;
            inner.mark("end");
        });
        spawn(body).await.unwrap();
        assert_eq!(polls.get(), 4);
        t
    });
    // T2: five wakes and a yield are one step, so no turn had two of them.
    assert_eq!(t.between("woken", "end"), 3);
}

#[test]
fn done_callbacks_and_joiners_are_queued_in_the_order_they_came() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let task = spawn(turns(3));
        let (a, b, c) = (t.clone(), t.clone(), t.clone());
        task.add_done_callback(move |_| a.note("callback 1"));
        let join = task.join();
        let joiner = spawn(async move {
            let _ = join.await;
            b.note("joiner");
        });
        yield_now().await;
        task.add_done_callback(move |_| c.note("callback 2"));
        task.await.unwrap();
        t.note("awaiter");
        joiner.await.unwrap();
    });
    // T3.
    trace.expect(&["callback 1", "joiner", "callback 2", "awaiter"]);
}

#[test]
fn the_first_joiner_keeps_its_place_ahead_of_callbacks() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let task = spawn(turns(3));
        let (a, b) = (t.clone(), t.clone());
        let join = task.join();
        let joiner = spawn(async move {
            let _ = join.await;
            b.note("joiner");
        });
        yield_now().await;
        task.add_done_callback(move |_| a.note("callback"));
        joiner.await.unwrap();
        yield_now().await;
    });
    // T3.
    trace.expect(&["joiner", "callback"]);
}

#[test]
fn timers_of_one_turn_run_by_deadline_and_then_by_arming() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        for (n, what) in [(3, "3 a"), (1, "1 a"), (3, "3 b"), (2, "2"), (1, "1 b"), (3, "3 c")] {
            let t = t.clone();
            call_later(ms(n), move || t.note(what));
        }
        let sleeper = |n, what: &'static str| {
            let t = t.clone();
            spawn(async move {
                sleep(ms(n)).await;
                t.note(what);
            })
        };
        let all = [sleeper(3, "slept 3"), sleeper(2, "slept 2")];
        let _ = gather(all).await;
    });
    // T4.
    trace.expect(&["1 a", "1 b", "2", "slept 2", "3 a", "3 b", "3 c", "slept 3"]);
}

#[test]
fn a_storm_of_wakes_starves_no_timer_of_a_real_clock() {
    use std::cell::Cell;
    use std::rc::Rc;
    wheelhouse::run(async {
        let rung = Rc::new(Cell::new(false));
        let bell = Rc::clone(&rung);
        let due = call_later(ms(1), move || bell.set(true)).when().unwrap();
        let mut turns_since_due = 0;
        while !rung.get() {
            // T6: looked for at least every 61 handles.
            turns_since_due += usize::from(wheelhouse::time() > due);
            assert!(turns_since_due <= 62, "the timer is {turns_since_due} turns late");
            yield_now().await;
        }
    })
    .unwrap();
}

#[test]
fn a_limit_of_zero_for_as_completed_runs_out_at_once_on_a_busy_real_clock() {
    wheelhouse::run(async {
        turns(3).await;
        for _ in 0..20 {
            let mut late = wheelhouse::as_completed([spawn(forever())]).timeout(Duration::ZERO);
            let next = spawn(async move { late.next().await.unwrap().is_err() });
            turns(4).await;
            assert!(next.is_done(), "the limit was not looked at in the turn after it");
            assert!(next.await.unwrap());
        }
    })
    .unwrap();
}

#[test]
fn call_later_of_zero_runs_in_the_next_turn_of_a_busy_loop_on_a_real_clock() {
    use std::cell::Cell;
    use std::rc::Rc;
    wheelhouse::run(async {
        turns(3).await;
        for _ in 0..20 {
            let rung = Rc::new(Cell::new(false));
            let bell = Rc::clone(&rung);
            call_later(Duration::ZERO, move || bell.set(true));
            turns(2).await;
            // As asyncio's, which looks at its timers in every turn.
            assert!(rung.get());
        }
    })
    .unwrap();
}
