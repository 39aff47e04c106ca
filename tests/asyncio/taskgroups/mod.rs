//! `test_taskgroups.py`: here what a group does with its children, in the folder's other files what a
//! cancel of its parent does, what groups in groups do, and how groups may not be used.
//!
//! Where Python's exceptions are `BaseException`s, a child or body here panics, or returns another `Err`.

mod misuse;
mod nested;
mod parent_cancelled;

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use wheelhouse::sync::Event;
use wheelhouse::{
    GroupClosed, GroupError, JoinError, TaskGroup, catch_cancel, sleep, spawn, task_group, time,
    try_spawn, try_task_group, yield_now,
};

use crate::common::{Trace, fixed, me, ms, run};

/// What is raised: `ZeroDivisionError` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exc {
    ZeroDivision,
    My,
    MyBase,
    Runtime,
    Type,
    Value,
}

use Exc::{My, MyBase, Runtime, Type, Value, ZeroDivision};

impl fmt::Display for Exc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Error for Exc {}

/// `get_error_types`, in order and with those that come twice.
fn errors(error: &GroupError) -> Vec<Exc> {
    let own = |error: &JoinError| *error.downcast_ref::<Exc>().expect("one of ours");
    error.errors().iter().map(own).collect()
}

async fn raise_after(n: u64, error: Exc) -> Result<(), Exc> {
    sleep(ms(n)).await;
    Err(error)
}

/// `try: await sleep(n) finally: raise error`.
async fn raise_finally(n: u64, error: Exc) -> Result<(), Exc> {
    let _ = catch_cancel(sleep(ms(n))).await;
    Err(error)
}

async fn returned_after<T>(n: u64, value: T) -> T {
    sleep(ms(n)).await;
    value
}

/// `try: await sleep(n) except CancelledError: trace.note(what); raise`.
async fn noting_cancel(n: u64, trace: &Trace, what: &str) {
    if let Err(cancelled) = catch_cancel(sleep(ms(n))).await {
        trace.note(what);
        cancelled.resume().await;
    }
}

/// Starts a child whose error is the group's.
fn start<T: 'static>(group: &TaskGroup, child: impl Future<Output = Result<T, Exc>> + 'static) {
    group.try_spawn(child).expect("the group is open").detach();
}

#[test]
fn taskgroup_01() {
    run(async {
        let (first, second) = task_group(async |g| {
            let first = g.spawn(returned_after(100, 42)).unwrap();
            (first, g.spawn(returned_after(200, 11)).unwrap())
        })
        .await
        .unwrap();
        assert_eq!(first.outcome().unwrap().unwrap(), 42);
        assert_eq!(second.outcome().unwrap().unwrap(), 11);
    });
}

#[test]
fn taskgroup_02() {
    run(async {
        let (first, second) = task_group(async |g| {
            let first = g.spawn(returned_after(100, 42)).unwrap();
            sleep(ms(150)).await;
            (first, g.spawn(returned_after(200, 11)).unwrap())
        })
        .await
        .unwrap();
        assert_eq!(first.outcome().unwrap().unwrap(), 42);
        assert_eq!(second.outcome().unwrap().unwrap(), 11);
    });
}

#[test]
fn taskgroup_03() {
    run(async {
        let (first, second) = task_group(async |g| {
            let first = g.spawn(returned_after(1000, 42)).unwrap();
            sleep(ms(150)).await;
            first.cancel();
            (first, g.spawn(returned_after(200, 11)).unwrap())
        })
        .await
        .unwrap();
        assert!(first.is_cancelled());
        assert_eq!(second.outcome().unwrap().unwrap(), 11);
    });
}

#[test]
fn taskgroup_04() {
    let trace = fixed(Trace::default());
    run(async {
        let runner = spawn(async {
            let mut sibling = None;
            let ended = task_group(async |g| {
                start(&g, raise_after(100, ZeroDivision));
                let noting = async {
                    noting_cancel(1000, trace, "t2 cancelled").await;
                    trace.note("t2 went on");
                };
                sibling = Some(g.spawn(noting).unwrap());
            })
            .await;
            assert!(sibling.unwrap().is_cancelled());
            ended
        });
        assert_eq!(errors(&runner.await.unwrap().unwrap_err()), [ZeroDivision]);
    });
    trace.expect(&["t2 cancelled"]);
}

#[test]
fn cancel_children_on_child_error() {
    let trace = fixed(Trace::default());
    run(async {
        let runner = spawn(task_group(async |g| {
            for _ in 0..3 {
                start(&g, raise_after(100, ZeroDivision));
            }
            let noting = async {
                noting_cancel(5000, trace, "t2 cancelled").await;
                trace.note("t2 went on");
            };
            g.spawn(noting).unwrap().detach();
            noting_cancel(10_000, trace, "runner cancelled").await;
            trace.note("the body went on");
        }));
        // Python may see fewer on a busy machine.
        assert_eq!(errors(&runner.await.unwrap().unwrap_err()), [ZeroDivision; 3]);
    });
    trace.expect(&["t2 cancelled", "runner cancelled"]);
}

#[test]
fn taskgroup_09() {
    run(async { raising_body(ms(100)).await });
}

#[test]
fn taskgroup_10() {
    run(async { raising_body(ms(0)).await });
}

/// A body that raises after a sleep, or before any await; its children end cancelled.
async fn raising_body(after: Duration) {
    let mut children = None;
    let started = fixed(Cell::new(0));
    let ended = try_task_group(async |g| {
        let child = |n, value| {
            let child = async move {
                started.set(started.get() + 1);
                returned_after(n, value).await
            };
            g.spawn(child).unwrap()
        };
        children = Some([child(1000, 42), child(2000, 11)]);
        if !after.is_zero() {
            sleep(after).await;
        }
        Err::<(), _>(ZeroDivision)
    });
    assert_eq!(errors(&ended.await.unwrap_err()), [ZeroDivision]);
    assert!(children.unwrap().iter().all(|child| child.is_cancelled()));
    assert_eq!(started.get(), if after.is_zero() { 0 } else { 2 });
}

#[test]
fn taskgroup_19() {
    run(async {
        let runner = spawn(try_task_group(async |g| {
            start(&g, raise_after(100, ZeroDivision));
            raise_finally(10_000, My).await
        }));
        let error = runner.await.unwrap().unwrap_err();
        assert_eq!(errors(&error), [ZeroDivision, My]);
    });
}

#[test]
fn taskgroup_20() {
    run(async {
        let runner = spawn(task_group(async |g| {
            start(&g, raise_after(100, ZeroDivision));
            let _ = catch_cancel(sleep(ms(10_000))).await;
            panic!("keyboard interrupt");
        }));
        let ended = runner.await.map(|_: Result<(), GroupError>| "an error of the group");
        let Err(JoinError::Panicked(panicked)) = ended else { panic!("{ended:?}") };
        assert_eq!(panicked.message(), "keyboard interrupt");
    });
}

#[test]
fn taskgroup_20a() {
    run(async {
        let ended = try_task_group(async |g| {
            start(&g, raise_after(100, ZeroDivision));
            raise_finally(10_000, MyBase).await
        });
        assert_eq!(errors(&ended.await.unwrap_err()), [ZeroDivision, MyBase]);
    });
}

#[test]
fn taskgroup_21a() {
    async fn crash_soon() {
        sleep(ms(100)).await;
        panic!("{MyBase}");
    }

    run(async {
        let ended = try_task_group(async |g| {
            g.spawn(crash_soon()).unwrap().detach();
            raise_finally(10_000, Type).await
        });
        let error = ended.await.unwrap_err();
        let [JoinError::Panicked(panicked), last] = error.errors() else { panic!("{error}") };
        assert_eq!(panicked.message(), "MyBase");
        assert_eq!(last.downcast_ref(), Some(&Type));
    });
}

#[test]
fn taskgroup_23() {
    run(async {
        task_group(async |g| {
            for count in 0..10 {
                sleep(ms(100)).await;
                g.spawn(sleep(ms(300))).unwrap().detach();
                if count == 5 {
                    assert!(g.children().len() < 5);
                }
            }
            sleep(ms(1350)).await;
            assert!(g.children().is_empty());
        })
        .await
        .unwrap();
    });
}

#[test]
fn taskgroup_24() {
    run(async {
        task_group(async |g| {
            let own = g.clone();
            let root = async move {
                sleep(ms(100)).await;
                own.spawn(sleep(ms(100))).unwrap().detach();
                own.spawn(sleep(ms(200))).unwrap().detach();
            };
            g.spawn(root).unwrap().detach();
        })
        .await
        .unwrap();
        assert_eq!(time(), ms(300));
    });
}

#[test]
fn taskgroup_25() {
    type Heads = &'static Cell<u32>;

    fn hydra(g: TaskGroup, heads: Heads) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            heads.set(heads.get() + 1);
            sleep(ms(10)).await;
            for _ in 0..2 {
                g.spawn(hydra(g.clone(), heads)).unwrap().detach();
            }
        })
    }

    run(async {
        let heads: Heads = fixed(Cell::new(0));
        let ended = task_group(async |g| {
            g.spawn(hydra(g.clone(), heads)).unwrap().detach();
            let hercules = async {
                while heads.get() < 10 {
                    sleep(ms(15)).await;
                }
                Err::<(), _>(ZeroDivision)
            };
            start(&g, hercules);
        });
        assert_eq!(errors(&ended.await.unwrap_err()), [ZeroDivision]);
        assert!(heads.get() >= 10);
    });
}

#[test]
fn taskgroup_task_name() {
    run(async {
        task_group(async |g| {
            let task = g.spawn_named("yolo", yield_now()).unwrap();
            assert_eq!(task.name().to_string(), "yolo");
        })
        .await
        .unwrap();
    });
}

#[test]
fn taskgroup_no_create_task_after_failure() {
    run(async {
        let ended = task_group(async |g| {
            start(&g, raise_after(1, ZeroDivision));
            let own = g.clone();
            let late = async move {
                assert!(catch_cancel(sleep(ms(1000))).await.is_err());
                let refused = own.try_spawn(raise_after(1, ZeroDivision));
                assert_eq!(refused.unwrap_err(), GroupClosed::Aborting);
            };
            g.spawn(late).unwrap().detach();
        });
        assert_eq!(errors(&ended.await.unwrap_err()), [ZeroDivision]);
    });
}

#[test]
fn taskgroup_context_manager_exit_raises() {
    run(async {
        let main = spawn(async {
            let ended = try_task_group(async |g| {
                start(&g, async { Err::<(), _>(My) });
                raise_finally(1000, My).await
            });
            let error = ended.await.unwrap_err();
            assert_eq!(me().cancelling(), 0);
            assert_eq!(errors(&error), [My, My]);
        });
        main.await.unwrap();
    });
}

#[test]
fn cancelling_level_preserved() {
    run(async {
        let ended = task_group(async |g| start(&g, raise_after(0, Runtime)));
        assert_eq!(errors(&ended.await.unwrap_err()), [Runtime]);
        assert_eq!(me().cancelling(), 0);
    });
}

#[test]
fn error_and_cancel() {
    run(async {
        let event = fixed(Event::new());
        let inner = spawn(async {
            let ended = task_group(async |g| {
                let raise_error = async {
                    event.set();
                    yield_now().await;
                    Err::<(), _>(Runtime)
                };
                start(&g, raise_error);
                sleep(ms(1000)).await;
                unreachable!("the sleep in the group should have been cancelled");
            });
            assert_eq!(errors(&ended.await.unwrap_err()), [Runtime]);
            assert_eq!(me().cancelling(), 1);
            sleep(ms(1000)).await;
            unreachable!("the sleep after the group should have been cancelled");
        });
        event.wait().await;
        assert_eq!(inner.cancelling(), 0);
        inner.cancel();
        assert_eq!(inner.cancelling(), 1);
        let handle = inner.handle().clone();
        assert!(inner.await.unwrap_err().is_cancelled());
        assert!(handle.is_cancelled());
    });
}
