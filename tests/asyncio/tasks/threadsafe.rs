//! `run_coroutine_threadsafe`, which is `spawn_threadsafe` here. These run on the real clock, since another
//! thread is in play.

use std::thread;
use std::time::Duration;

use wheelhouse::{
    EventLoop, JoinError, LoopHandle, RemoteError, RemoteTask, current_task, sleep, yield_now,
};

use super::run_briefly;
use crate::common::ms;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Well,
    InAPanic,
    Cancelled,
}

async fn add(a: u8, b: u8, ends: Ends) -> u8 {
    sleep(ms(5)).await;
    assert!(ends != Ends::InAPanic, "Fail!");
    if ends == Ends::Cancelled {
        current_task().unwrap().cancel();
        yield_now().await;
    }
    a + b
}

fn submit(handle: &LoopHandle, ends: Ends) -> RemoteTask<u8> {
    handle.spawn_threadsafe(move || add(1, 2, ends)).unwrap()
}

/// Runs `target` on a thread beside a loop that runs until it is done.
fn beside_a_loop<R: Send + 'static>(
    target: impl FnOnce(&LoopHandle) -> R + Send + 'static,
) -> (R, EventLoop) {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let thread = thread::spawn(move || {
        let result = target(&handle);
        handle.stop().unwrap();
        result
    });
    event_loop.run_forever().unwrap();
    (thread.join().unwrap(), event_loop)
}

#[test]
fn run_coroutine_threadsafe() {
    let (sum, _) = beside_a_loop(|handle| submit(handle, Ends::Well).block().unwrap());
    assert_eq!(sum, 3);
}

#[test]
fn run_coroutine_threadsafe_with_exception() {
    let (ended, _) = beside_a_loop(|handle| submit(handle, Ends::InAPanic).block());
    let Err(RemoteError::Task(JoinError::Panicked(panicked))) = ended else { panic!("{ended:?}") };
    assert_eq!(panicked.message(), "Fail!");
}

#[test]
fn run_coroutine_threadsafe_with_timeout() {
    let (late, mut event_loop) = beside_a_loop(|handle| {
        let task = handle.spawn_threadsafe(std::future::pending::<u8>).unwrap();
        let task = task.block_timeout(Duration::ZERO).expect_err("it runs for ever");
        task.cancel();
        task
    });
    run_briefly(&mut event_loop);
    assert_eq!(event_loop.all_tasks(), []);
    assert!(late.is_done());
    let Err(RemoteError::Task(error)) = late.block() else { panic!("it was cancelled") };
    assert!(error.is_cancelled());
}

#[test]
fn run_coroutine_threadsafe_task_cancelled() {
    let (ended, _) = beside_a_loop(|handle| submit(handle, Ends::Cancelled).block());
    let Err(RemoteError::Task(error)) = ended else { panic!("{ended:?}") };
    assert!(error.is_cancelled());
}

#[test]
fn run_coroutine_threadsafe_task_factory_exception() {
    let (ended, event_loop) = beside_a_loop(|handle| {
        let make = || -> std::future::Ready<u8> { panic!("a name error") };
        handle.spawn_threadsafe(make).unwrap().block()
    });
    let Err(RemoteError::Task(JoinError::Panicked(panicked))) = ended else { panic!("{ended:?}") };
    assert_eq!(panicked.message(), "a name error");
    assert_eq!(event_loop.all_tasks(), []);
}
