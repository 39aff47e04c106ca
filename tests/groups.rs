//! Task groups: children that do not outlive their parent's block, and whose failures come back together.

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::{Trace, forever, me, ms, run, turns};
use wheelhouse::{
    GroupClosed, GroupError, JoinError, TaskGroup, call_soon, catch_cancel, sleep, spawn,
    task_group, time, try_task_group, yield_now,
};

fn is_cancelled<T>(ended: &Result<T, JoinError>) -> bool {
    matches!(ended, Err(JoinError::Cancelled(_)))
}

/// The errors of a group as their own texts.
fn texts(error: &GroupError) -> Vec<String> {
    let text = |error: &JoinError| match error {
        JoinError::Failed(failed) => failed.error().to_string(),
        JoinError::Panicked(panicked) => format!("panic: {}", panicked.message()),
        other => other.to_string(),
    };
    error.errors().iter().map(text).collect()
}

/// A child that fails after `n` milliseconds.
fn failing(group: &TaskGroup, n: u64, text: &'static str) {
    let child = async move {
        sleep(ms(n)).await;
        Err::<(), _>(text)
    };
    drop(group.try_spawn(child).unwrap());
}

#[test]
fn a_group_waits_for_every_child() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let value = task_group(async |group| {
            for n in [3, 1, 2] {
                let t = t.clone();
                let child = async move {
                    sleep(ms(n)).await;
                    t.at(format_args!("child {n}"));
                };
                group.spawn(child).unwrap().detach();
            }
            t.at("body");
            7
        })
        .await;
        // C12.
        t.at("group");
        assert_eq!(value.unwrap(), 7);
    });
    trace.expect(&["0 body", "1 child 1", "2 child 2", "3 child 3", "3 group"]);
}

#[test]
fn the_first_child_that_fails_cancels_its_siblings_and_the_body() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let ended = task_group(async |group| {
            let sibling = t.clone();
            group
                .spawn(async move {
                    let _guard = sibling.on_drop("sibling dropped");
                    forever().await;
                })
                .unwrap()
                .detach();
            failing(&group, 2, "broken");
            let _guard = t.on_drop("body dropped");
            sleep(ms(60)).await;
            "never"
        })
        .await;
        // C12.
        assert_eq!(texts(&ended.unwrap_err()), ["broken"]);
        assert_eq!((time(), me().cancelling()), (ms(2), 0));
        yield_now().await;
    });
    trace.expect(&["sibling dropped", "body dropped"]);
}

#[test]
fn a_panic_of_a_child_is_a_failure_of_the_group() {
    run(async {
        let ended = task_group(async |group| {
            drop(group.spawn(async { panic!("boom") as () }).unwrap());
            forever().await;
        });
        // C12, C17.
        assert_eq!(texts(&ended.await.unwrap_err()), ["panic: boom"]);
    });
}

#[test]
fn a_child_that_is_cancelled_does_not_abort_its_group() {
    run(async {
        let ended = task_group(async |group| {
            let child = group.spawn(forever()).unwrap();
            group.spawn(sleep(ms(3))).unwrap().detach();
            yield_now().await;
            child.cancel();
            sleep(ms(1)).await;
            "body"
        });
        // C12: not one that is cancelled.
        assert_eq!(ended.await.unwrap(), "body");
        assert_eq!(time(), ms(3));
    });
}

#[test]
fn an_err_of_a_child_without_try_is_a_value() {
    run(async {
        let ended = task_group(async |group| {
            let child = group.spawn(async { Err::<(), _>("a value") }).unwrap();
            child.await.unwrap()
        });
        assert_eq!(ended.await.unwrap(), Err("a value"));
    });
}

#[test]
fn an_error_of_the_body_cancels_the_children_and_comes_last() {
    run(async {
        let ended = try_task_group(async |group| {
            let late = async {
                let _ = catch_cancel(forever()).await;
                sleep(ms(2)).await;
                Err::<(), _>("of a child")
            };
            drop(group.try_spawn(late).unwrap());
            turns(1).await;
            Err::<(), _>("of the body")
        });
        // C12: all errors together, the body's last.
        assert_eq!(texts(&ended.await.unwrap_err()), ["of a child", "of the body"]);
        assert_eq!(time(), ms(2));
    });
}

#[test]
fn errors_come_in_the_order_in_which_the_children_failed() {
    run(async {
        let ended = task_group(async |group| {
            for (n, text) in [(3, "third"), (1, "first"), (1, "second")] {
                let child = async move {
                    let _ = catch_cancel(sleep(ms(n))).await;
                    sleep(ms(n)).await;
                    Err::<(), _>(text)
                };
                drop(group.try_spawn(child).unwrap());
            }
        });
        let error = ended.await.unwrap_err();
        assert_eq!(texts(&error), ["first", "second", "third"]);
        let text = error.to_string();
        assert!(
            text.starts_with("3 errors in a task group; [1] task `Task-3` failed: first"),
            "{text}"
        );
    });
}

#[test]
fn a_cancel_of_the_parent_cancels_the_children_waits_and_goes_on_outwards() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (child, parent) = (t.clone(), t.clone());
        let task = spawn(async move {
            let group = task_group(async |group| {
                let slow = async move {
                    let _ = catch_cancel(forever()).await;
                    sleep(ms(5)).await;
                    child.at("child cleaned up");
                };
                group.spawn(slow).unwrap().detach();
                forever().await;
            });
            let outwards = catch_cancel(group).await;
            parent.at(format_args!("outwards: {}", outwards.is_err()));
            me().cancelling()
        });
        turns(2).await;
        task.cancel();
        // C12.
        assert_eq!(task.await.unwrap(), 1);
    });
    trace.expect(&["5 child cleaned up", "5 outwards: true"]);
}

#[test]
fn a_cancel_of_a_parent_that_waits_for_its_children_does_the_same() {
    run(async {
        let task = spawn(task_group(async |group| {
            group.spawn(forever()).unwrap().detach();
            "the body had ended"
        }));
        turns(3).await;
        task.cancel();
        // C12.
        assert!(is_cancelled(&task.await));
    });
}

#[test]
fn a_body_that_suppresses_a_cancel_leaves_the_group_whole() {
    run(async {
        let task = spawn(task_group(async |group| {
            let child = group.spawn(sleep(ms(4))).unwrap();
            let caught = catch_cancel(forever()).await.is_err();
            child.await.unwrap();
            caught
        }));
        turns(2).await;
        task.cancel();
        assert!(task.await.unwrap().unwrap());
    });
}

#[test]
fn errors_win_over_a_cancel_and_the_request_takes_effect_at_the_next_await() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let task = spawn(async move {
            let ended = task_group(async |group| {
                let failing_on_cancel = async {
                    let _ = catch_cancel(forever()).await;
                    Err::<(), _>("broken")
                };
                drop(group.try_spawn(failing_on_cancel).unwrap());
                forever().await;
            })
            .await;
            // C12: the error is returned ...
            inner.note(texts(&ended.unwrap_err()).join(", "));
            inner.note(me().cancelling());
            // ... and the request is renewed.
            let next = catch_cancel(sleep(ms(5))).await;
            inner.note(format_args!("next await cancelled: {}", next.is_err()));
            inner.note(me().cancelling());
        });
        turns(2).await;
        task.cancel();
        task.await.unwrap();
        assert_eq!(time(), ms(0));
    });
    trace.expect(&["broken", "1", "next await cancelled: true", "1"]);
}

#[test]
fn a_group_that_failed_by_itself_leaves_no_request_behind() {
    run(async {
        let ended = task_group(async |group| {
            failing(&group, 1, "broken");
            forever().await;
        });
        assert!(ended.await.is_err());
        // C12: only a request still counted is renewed.
        sleep(ms(1)).await;
        turns(2).await;
        assert_eq!(me().cancelling(), 0);
    });
}

#[test]
fn requests_during_the_wait_of_an_aborting_group_are_swallowed_but_counted() {
    run(async {
        let task = spawn(async {
            let ended = task_group(async |group| {
                let stubborn = async {
                    while me().cancelling() < 1 {
                        let _ = catch_cancel(forever()).await;
                    }
                    sleep(ms(5)).await;
                };
                group.spawn(stubborn).unwrap().detach();
                failing(&group, 1, "broken");
            })
            .await;
            let counted = me().cancelling();
            let next = catch_cancel(sleep(ms(1))).await.is_err();
            (texts(&ended.unwrap_err()), counted, next, time())
        });
        sleep(ms(3)).await;
        task.cancel();
        task.cancel();
        // C12: the group went on waiting for the stubborn child until 6 ms.
        assert_eq!(task.await.unwrap(), (vec!["broken".to_owned()], 2, true, ms(6)));
    });
}

#[test]
fn spawning_into_an_aborting_or_finished_group_is_an_error_and_drops_the_future() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let escaped = Rc::new(RefCell::new(None));
        let keep = Rc::clone(&escaped);
        let ended = task_group(async |group| {
            keep.replace(Some(group.clone()));
            failing(&group, 1, "broken");
            let _ = catch_cancel(forever()).await;
            let future = t.on_drop("refused while aborting");
            // C12.
            let refused = group.spawn(async move { drop(future) }).unwrap_err();
            assert_eq!(refused, GroupClosed::Aborting);
            t.note(refused);
        });
        assert!(ended.await.is_err());
        let group = escaped.borrow_mut().take().unwrap();
        let future = t.on_drop("refused when finished");
        let refused = group.spawn(async move { drop(future) }).unwrap_err();
        assert_eq!(refused, GroupClosed::Finished);
        t.note(refused);
    });
    trace.expect(&[
        "refused while aborting",
        "nothing can be spawned into a task group that is aborting",
        "refused when finished",
        "nothing can be spawned into a task group that has finished",
    ]);
}

#[test]
fn a_child_may_spawn_siblings_while_the_group_waits() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        task_group(async |group| {
            let own = group.clone();
            let t = t.clone();
            let child = async move {
                sleep(ms(2)).await;
                let sibling = async move {
                    sleep(ms(2)).await;
                    t.at("grandchild");
                };
                own.spawn(sibling).unwrap().detach();
            };
            group.spawn(child).unwrap().detach();
        })
        .await
        .unwrap();
        assert_eq!(time(), ms(4));
    });
    trace.expect(&["4 grandchild"]);
}

#[test]
fn no_child_outlives_a_group_dropped_by_foreign_code() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let child = t.clone();
        let group = task_group(async |group| {
            let stubborn = async move {
                let _guard = child.on_drop("child dropped");
                loop {
                    let _ = catch_cancel(forever()).await;
                }
            };
            group.spawn_named("stubborn", stubborn).unwrap().detach();
            forever().await;
        });
        let mut group = Box::pin(group);
        futures::select_biased! {
            _ = futures::FutureExt::fuse(group.as_mut()) => unreachable!(),
            () = futures::FutureExt::fuse(sleep(ms(2))) => t.at("other branch"),
        }
        // C12, C14: aborted, no scope asked.
        drop(group);
        t.note("dropped the group");
        yield_now().await;
        assert_eq!(wheelhouse::all_tasks().len(), 1);
    });
    trace.expect(&["2 other branch", "dropped the group", "child dropped"]);
}

#[test]
fn a_body_that_panics_takes_its_children_with_it() {
    run(async {
        let task = spawn(task_group(async |group| {
            group.spawn(forever()).unwrap().detach();
            yield_now().await;
            panic!("body");
        }));
        assert!(matches!(task.await, Err(JoinError::Panicked(_))));
        turns(2).await;
        // C12: no child outlives the group.
        assert_eq!(wheelhouse::all_tasks().len(), 1);
    });
}

#[test]
fn a_group_knows_its_children() {
    run(async {
        task_group(async |group| {
            let first = group.spawn_named("first", sleep(ms(1))).unwrap();
            group.try_spawn_named("second", async { Ok::<_, String>(()) }).unwrap().detach();
            let names = |group: &TaskGroup| {
                group.children().iter().map(|child| child.name().to_string()).collect::<Vec<_>>()
            };
            assert_eq!(names(&group), ["first", "second"]);
            first.await.unwrap();
            yield_now().await;
            assert!(names(&group).is_empty());
        })
        .await
        .unwrap();
    });
}

#[test]
fn groups_nest_and_an_inner_failure_is_an_outer_one() {
    run(async {
        let outer = try_task_group(async |outer| {
            let inner = task_group(async |group| {
                failing(&group, 1, "inner");
                forever().await;
            });
            drop(outer.try_spawn(inner).unwrap());
            forever().await;
            Ok::<_, String>(())
        });
        let error = outer.await.unwrap_err();
        let inner = error.errors()[0].downcast_ref::<GroupError>().unwrap();
        assert_eq!(texts(inner), ["inner"]);
        assert_eq!(me().cancelling(), 0);
        yield_now().await;
    });
}

#[test]
fn a_child_that_fails_in_the_turn_of_an_external_cancel_wins_and_the_cancel_is_renewed() {
    run(async move {
        let task = spawn(async move {
            let ended = task_group(async |group| {
                failing(&group, 3, "broken");
                forever().await;
            })
            .await;
            let next = catch_cancel(sleep(ms(9))).await.is_err();
            (texts(&ended.unwrap_err()), me().cancelling(), next)
        });
        let handle = task.handle().clone();
        turns(3).await;
        wheelhouse::call_at(ms(3), move || {
            // Behind the step in which the child fails, before its callback.
            call_soon(move || assert!(handle.cancel()));
        });
        // C12: errors win over a cancel.
        assert_eq!(task.await.unwrap(), (vec!["broken".to_owned()], 1, true));
    });
}

#[test]
fn a_cancel_that_reaches_the_child_before_its_failure_leaves_no_error() {
    run(async move {
        let task = spawn(task_group(async |group| {
            failing(&group, 3, "broken");
            forever().await;
        }));
        let handle = task.handle().clone();
        // Ahead of the child's own timer: the child is cancelled although its sleep is over (C6).
        wheelhouse::call_at(ms(3), move || assert!(handle.cancel()));
        assert!(is_cancelled(&task.await));
    });
}
