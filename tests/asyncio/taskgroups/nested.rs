//! Groups in groups.

use super::*;

/// An outer and an inner group, each with a child that fails after so many milliseconds.
async fn crashing(outer: u64, inner: u64) -> GroupError {
    let runner = spawn(try_task_group(async move |first| {
        start(&first, raise_after(outer, Value));
        task_group(async |second| start(&second, raise_after(inner, Value))).await
    }));
    runner.await.unwrap().unwrap_err()
}

#[test]
fn taskgroup_13() {
    run(async { assert_eq!(errors(&crashing(100, 10_000).await), [Value]) });
}

#[test]
fn taskgroup_14() {
    run(async {
        let error = crashing(10_000, 100).await;
        let [inner] = error.errors() else { panic!("{error}") };
        assert_eq!(errors(inner.downcast_ref().unwrap()), [Value]);
    });
}

#[test]
fn nested_groups_both_cancelled() {
    run(async {
        let outer = task_group(async |outer| {
            let inner = task_group(async |inner| {
                start(&inner, raise_after(0, Runtime));
                start(&outer, raise_after(0, Value));
            });
            assert_eq!(errors(&inner.await.unwrap_err()), [Runtime]);
            assert_eq!(me().cancelling(), 1);
        });
        assert_eq!(errors(&outer.await.unwrap_err()), [Value]);
        assert_eq!(me().cancelling(), 0);
    });
}
