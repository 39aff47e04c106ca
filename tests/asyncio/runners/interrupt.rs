//! Ctrl-C while a runner runs. It is for the whole process, and `Runner` listens to it on the first thread only; so
//! each test is a process of its own, with a thread that has the first one's name.

use std::convert::Infallible;
use std::thread;

use wheelhouse::signal::Signal;
use wheelhouse::{RunError, Runner, catch_cancel, current_task, promise, sleep, spawn, yield_now};

use crate::common::ms;
use crate::events::alone::alone;

/// Runs `situation`, alone, as on a process's first thread: it has to end well.
fn on_the_first_thread(test: &str, situation: fn()) {
    let ended = alone(test, move || {
        let first = thread::Builder::new().name("main".to_owned()).spawn(situation).unwrap();
        first.join().unwrap();
        println!("as expected");
    });
    let (out, err) =
        (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && out.ends_with("as expected\n"), "{out}{err}");
}

fn interrupt_self() {
    signal_hook::low_level::raise(Signal::INT.as_raw()).unwrap();
}

async fn spin() -> Infallible {
    loop {
        yield_now().await;
    }
}

#[test]
fn interrupt_call_soon() {
    on_the_first_thread("runners::interrupt::interrupt_call_soon", || {
        let mut runner = Runner::new().unwrap();
        runner.event_loop().call_later(ms(100), interrupt_self);
        let main = async {
            // Of all waits only this one is on nothing.
            let cancelled = catch_cancel(spin()).await.unwrap_err();
            cancelled.resume().await
        };
        let ended = runner.run(main);
        assert!(matches!(ended, Err(RunError::Interrupted)), "{ended:?}");
    });
}

#[test]
fn interrupt_wait() {
    on_the_first_thread("runners::interrupt::interrupt_wait", || {
        let mut runner = Runner::new().unwrap();
        runner.event_loop().call_later(ms(100), interrupt_self);
        let made = runner.run(async { promise::<()>() });
        let (promise, promised) = made.unwrap();
        let awaited = promised.clone();
        let main = async {
            let cancelled = catch_cancel(awaited).await.unwrap_err();
            cancelled.resume().await
        };
        let ended = runner.run(main);
        assert!(matches!(ended, Err(RunError::Interrupted)), "{ended:?}");
        // What it waited for is cancelled with it.
        assert!(promised.is_cancelled() && promise.is_cancelled());
    });
}

#[test]
fn interrupt_cancelled_task() {
    on_the_first_thread("runners::interrupt::interrupt_cancelled_task", || {
        let mut runner = Runner::new().unwrap();
        let main = async {
            let main = current_task().unwrap();
            let subtask = async move {
                yield_now().await;
                main.cancel();
                interrupt_self();
            };
            spawn(subtask).detach();
            let cancelled = catch_cancel(sleep(ms(10_000))).await.unwrap_err();
            // Ctrl-C finds a task that has been cancelled, and has not ended.
            while current_task().unwrap().cancelling() < 2 {
                let _ = catch_cancel(yield_now()).await;
            }
            cancelled.resume().await
        };
        // It was cancelled before; so Ctrl-C is not what ended it.
        let ended = runner.run(main);
        assert!(matches!(ended, Err(RunError::Cancelled(_))), "{ended:?}");
    });
}
