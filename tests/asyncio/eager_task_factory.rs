//! `test_eager_task_factory.py`: how many tasks a program makes, where none of them is eager.

use wheelhouse::{gather, spawn, task_group};

use crate::common::virtual_loop;

/// How many tasks are made by a program, its main task among them.
fn tasks_of(main: impl Future<Output = u64> + 'static) -> (u64, u64) {
    let mut event_loop = virtual_loop();
    let mut main = event_loop.spawn(main);
    let mut finished = 0;
    while !main.is_done() {
        finished += event_loop.run_once(None).unwrap().finished;
    }
    (main.try_result().unwrap().unwrap(), finished)
}

async fn awaitable_chain(depth: u64) -> u64 {
    match depth {
        0 => 0,
        _ => 1 + Box::pin(awaitable_chain(depth - 1)).await,
    }
}

#[test]
fn awaitables_chain() {
    // An await makes no task.
    assert_eq!(tasks_of(awaitable_chain(100)), (100, 1));
}

async fn in_groups(width: u64, depth: u64) -> u64 {
    if depth > 0 {
        let group = task_group(async |group| {
            for _ in 0..width {
                group.spawn(Box::pin(in_groups(width, depth - 1))).unwrap().detach();
            }
        });
        group.await.unwrap();
    }
    depth
}

#[test]
fn recursive_taskgroups() {
    assert_eq!(tasks_of(in_groups(5, 4)), (4, 1 + 5 + 25 + 125 + 625));
}

async fn in_gathers(width: u64, depth: u64) -> u64 {
    if depth > 0 {
        let tasks = (0..width).map(|_| spawn(Box::pin(in_gathers(width, depth - 1))));
        gather(tasks).await;
    }
    depth
}

#[test]
fn recursive_gather() {
    assert_eq!(tasks_of(in_gathers(5, 4)), (4, 1 + 5 + 25 + 125 + 625));
}
