//! The parent is cancelled.

use super::*;

/// Runs `runner` as a task, cancels it `after` so many milliseconds, and gives why it ended.
async fn cancelled_after<F>(after: u64, runner: F) -> JoinError
where
    F: Future<Output = Result<(), GroupError>> + 'static,
{
    let runner = try_spawn(runner);
    sleep(ms(after)).await;
    assert!(!runner.is_done());
    runner.cancel();
    runner.await.unwrap_err()
}

/// The errors of the group that the task ended with.
fn group_errors(error: &JoinError) -> Vec<Exc> {
    errors(error.downcast_ref().expect("an error of a group"))
}

#[test]
fn cancellation() {
    let trace = fixed(Trace::default());
    run(async {
        let runner = task_group(async |g| {
            for _ in 0..5 {
                g.spawn(noting_cancel(5000, trace, "child")).unwrap().detach();
            }
        });
        assert!(cancelled_after(100, runner).await.is_cancelled());
    });
    trace.expect(&["child"; 5]);
}

#[test]
fn taskgroup_07() {
    let trace = fixed(Trace::default());
    run(async {
        let runner = task_group(async |g| {
            for _ in 0..5 {
                g.spawn(noting_cancel(5000, trace, "child")).unwrap().detach();
            }
            noting_cancel(10_000, trace, "body").await;
        });
        assert!(cancelled_after(100, runner).await.is_cancelled());
    });
    trace.expect(&["body", "child", "child", "child", "child", "child"]);
}

#[test]
fn taskgroup_08() {
    run(async {
        let runner = task_group(async |g| {
            for _ in 0..5 {
                start(&g, raise_finally(10_000, ZeroDivision));
            }
            sleep(ms(10_000)).await;
        });
        let error = cancelled_after(100, runner).await;
        assert_eq!(group_errors(&error), [ZeroDivision; 5]);
    });
}

/// A group whose child fails while the body, cancelled, takes its time.
async fn slow_to_react() -> Result<(), GroupError> {
    task_group(async |g| {
        start(&g, raise_after(300, ZeroDivision));
        if let Err(cancelled) = catch_cancel(sleep(ms(10_000))).await {
            sleep(ms(500)).await;
            cancelled.resume().await;
        }
    })
    .await
}

#[test]
fn taskgroup_15() {
    run(async {
        let error = cancelled_after(100, slow_to_react()).await;
        assert_eq!(group_errors(&error), [ZeroDivision]);
    });
}

#[test]
fn taskgroup_16() {
    run(async {
        let runner = async {
            let nested = try_spawn(slow_to_react()).await;
            nested.map_err(|error| error.downcast_ref::<GroupError>().unwrap().clone())
        };
        let error = cancelled_after(100, runner).await;
        assert_eq!(group_errors(&error), [ZeroDivision]);
    });
}

#[test]
fn taskgroup_17() {
    let trace = fixed(Trace::default());
    run(async {
        let runner = task_group(async |_| noting_cancel(10_000, trace, "body").await);
        assert!(cancelled_after(100, runner).await.is_cancelled());
    });
    trace.expect(&["body"]);
}

#[test]
fn taskgroup_18() {
    run(async {
        let runner = try_task_group(async |_| match catch_cancel(sleep(ms(10_000))).await {
            Ok(()) => Ok(()),
            // Not a good idea, but it has to be supported.
            Err(_) => Err(My),
        });
        let error = cancelled_after(100, runner).await;
        assert_eq!(group_errors(&error), [My]);
    });
}

#[test]
fn taskgroup_22() {
    run(async {
        let runner = task_group(async |g| {
            g.spawn(returned_after(1000, 42)).unwrap().detach();
            g.spawn(returned_after(2000, 11)).unwrap().detach();
        });
        assert!(cancelled_after(50, runner).await.is_cancelled());
    });
}

#[test]
fn taskgroup_11() {
    run(async {
        let runner = try_task_group(async |_| inner_of_raising_children().await);
        expect_group_of_groups(&cancelled_after(100, runner).await);
    });
}

#[test]
fn taskgroup_12() {
    run(async {
        let runner = try_task_group(async |outer| {
            outer.spawn(sleep(ms(10_000))).unwrap().detach();
            inner_of_raising_children().await
        });
        expect_group_of_groups(&cancelled_after(100, runner).await);
    });
}

async fn inner_of_raising_children() -> Result<(), GroupError> {
    task_group(async |inner| {
        for _ in 0..5 {
            start(&inner, raise_finally(10_000, ZeroDivision));
        }
        sleep(ms(10_000)).await;
    })
    .await
}

#[track_caller]
fn expect_group_of_groups(error: &JoinError) {
    let outer: &GroupError = error.downcast_ref().expect("an error of a group");
    let [inner] = outer.errors() else { panic!("{outer}") };
    assert_eq!(group_errors(inner), [ZeroDivision; 5]);
}
