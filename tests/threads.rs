//! Other threads talk to a loop: callbacks, tasks, wakes and stops, and what they hear when it is gone.

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use common::{forever, me, ms, turns, virtual_loop};
use wheelhouse::{
    Census, EventLoop, JoinError, LoopHandle, RemoteError, RunError, call_later, call_soon,
    catch_cancel, sleep, spawn, time, yield_now,
};

/// A loop on a thread of its own, until it is stopped.
fn loop_thread() -> (LoopHandle, thread::JoinHandle<Census>) {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        let mut event_loop = EventLoop::new().unwrap();
        sender.send(event_loop.handle()).unwrap();
        event_loop.run_forever().unwrap();
        event_loop.run_until_complete(yield_now()).unwrap();
        event_loop.census()
    });
    (receiver.recv().unwrap(), thread)
}

#[test]
fn callbacks_from_another_thread_run_in_the_order_they_were_sent() {
    let mut event_loop = virtual_loop();
    let handle = event_loop.handle();
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        for n in 0..1000 {
            let sender = sender.clone();
            handle.call_soon_threadsafe(move || sender.send(n).unwrap()).unwrap();
        }
        handle.stop().unwrap();
    });
    event_loop.run_forever().unwrap();
    thread.join().unwrap();
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), (0..1000).collect::<Vec<_>>());
}

#[test]
fn callbacks_of_each_thread_stay_in_order_among_eight() {
    let (handle, thread) = loop_thread();
    let (sender, receiver) = mpsc::channel();
    let start = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let (handle, sender, start) = (handle.clone(), sender.clone(), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                for n in 0..200 {
                    let sender = sender.clone();
                    handle.call_soon_threadsafe(move || sender.send((thread, n)).unwrap()).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    drop(sender);
    let mut next = [0; 8];
    for (thread, n) in receiver {
        assert_eq!(n, std::mem::replace(&mut next[thread], n + 1));
    }
    assert_eq!(next, [200; 8]);
    handle.stop().unwrap();
    assert_eq!(thread.join().unwrap(), Census::default());
}

#[test]
fn a_callback_sent_from_the_loops_own_thread_runs_behind_what_is_ready() {
    let mut event_loop = virtual_loop();
    let handle = event_loop.handle();
    let order = Rc::new(RefCell::new(Vec::new()));
    let soon = Rc::clone(&order);
    let (sender, receiver) = mpsc::channel();
    event_loop
        .run_until_complete(async move {
            handle.call_soon_threadsafe(move || sender.send(()).unwrap()).unwrap();
            call_soon(move || soon.borrow_mut().push(receiver.try_recv().is_ok()));
            turns(2).await;
        })
        .unwrap();
    assert_eq!(*order.borrow(), [false]);
}

#[test]
fn a_task_started_from_another_thread_can_be_blocked_on() {
    let (handle, thread) = loop_thread();
    let task = handle
        .spawn_threadsafe(|| async {
            // The future is made over there and need not be Send.
            let local = Rc::new(7);
            yield_now().await;
            *local
        })
        .unwrap();
    assert_eq!(task.block().unwrap(), 7);
    handle.stop().unwrap();
    assert_eq!(thread.join().unwrap(), Census::default());
}

#[test]
fn a_task_started_from_another_thread_can_be_awaited_in_another_loop() {
    let (handle, thread) = loop_thread();
    let task = handle.spawn_threadsafe(|| async {
        sleep(ms(1)).await;
        "from over there"
    });
    let value = wheelhouse::run(async move { task.unwrap().await.unwrap() }).unwrap();
    assert_eq!(value, "from over there");
    handle.stop().unwrap();
    thread.join().unwrap();
}

#[test]
fn a_remote_task_tells_how_it_ended() {
    let (handle, thread) = loop_thread();
    let panicking = handle.spawn_threadsafe(|| async { panic!("over there") as () }).unwrap();
    match panicking.block().unwrap_err() {
        RemoteError::Task(JoinError::Panicked(panicked)) => {
            assert_eq!(panicked.message(), "over there");
        }
        other => panic!("{other}"),
    }
    let cancelled = handle.spawn_threadsafe(forever).unwrap();
    assert!(!cancelled.is_done());
    cancelled.cancel();
    assert!(matches!(cancelled.block(), Err(RemoteError::Task(JoinError::Cancelled(_)))));
    handle.stop().unwrap();
    assert_eq!(thread.join().unwrap(), Census::default());
}

#[test]
fn a_remote_task_whose_maker_panics_has_panicked() {
    fn maker() -> std::future::Ready<()> {
        panic!("in the making")
    }
    let (handle, thread) = loop_thread();
    let task = handle.spawn_threadsafe(maker).unwrap();
    match task.block().unwrap_err() {
        RemoteError::Task(JoinError::Panicked(panicked)) => {
            assert_eq!(panicked.message(), "in the making");
        }
        other => panic!("{other}"),
    }
    handle.stop().unwrap();
    thread.join().unwrap();
}

#[test]
fn a_remote_task_knows_where_it_was_spawned() {
    let mut event_loop = virtual_loop();
    let handle = event_loop.handle();
    let line = line!() + 1;
    let task = handle.spawn_threadsafe(forever).unwrap();
    event_loop.run_until_complete(turns(3)).unwrap();
    let place = event_loop.all_tasks()[0].spawned_at().unwrap();
    assert_eq!((place.file(), place.line()), ("tests/threads.rs", line));
    drop(task);
}

#[test]
fn a_remote_task_cancelled_before_its_loop_runs_never_starts() {
    let mut event_loop = virtual_loop();
    let handle = event_loop.handle();
    let task = handle.spawn_threadsafe(|| async { panic!("it started") as () }).unwrap();
    task.cancel();
    event_loop.run_until_complete(turns(3)).unwrap();
    assert!(task.is_done());
    assert!(matches!(task.block(), Err(RemoteError::Task(JoinError::Cancelled(_)))));
}

#[test]
fn a_remote_cancel_is_a_request_that_the_task_may_catch() {
    let (handle, thread) = loop_thread();
    let (sender, started) = mpsc::channel();
    let task = handle
        .spawn_threadsafe(|| async move {
            call_soon(move || sender.send(()).unwrap());
            let caught = catch_cancel(forever()).await.is_err();
            (caught, me().cancelling())
        })
        .unwrap();
    started.recv().unwrap();
    task.cancel();
    assert_eq!(task.block().unwrap(), (true, 1));
    handle.stop().unwrap();
    thread.join().unwrap();
}

#[test]
fn a_cancel_that_comes_after_the_end_hits_no_later_task() {
    let mut event_loop = virtual_loop();
    let handle = event_loop.handle();
    let first = handle.spawn_threadsafe(|| async {}).unwrap();
    event_loop.run_until_complete(turns(4)).unwrap();
    assert!(first.is_done());
    // The slot of the first task is the next one's.
    let next = event_loop.spawn(async {
        turns(5).await;
        "unharmed"
    });
    first.cancel();
    assert_eq!(event_loop.run_until_done(next).unwrap(), "unharmed");
    first.block().unwrap();
}

#[test]
fn a_dropped_remote_task_is_detached() {
    let (handle, thread) = loop_thread();
    let (sender, receiver) = mpsc::channel();
    drop(handle.spawn_threadsafe(|| async move {
        yield_now().await;
        sender.send("ran").unwrap();
    }));
    assert_eq!(receiver.recv().unwrap(), "ran");
    handle.stop().unwrap();
    thread.join().unwrap();
}

#[test]
fn blocking_for_a_while_gives_the_task_back_until_it_has_ended() {
    let (handle, thread) = loop_thread();
    let task = handle.spawn_threadsafe(forever).unwrap();
    let task = task.block_timeout(Duration::ZERO).expect_err("it runs for ever");
    let task = task.block_timeout(ms(1)).expect_err("it runs for ever");
    task.cancel();
    let ended = task.block_timeout(Duration::MAX).expect("it ends");
    let Err(RemoteError::Task(error)) = ended else { panic!("{ended:?}") };
    assert!(error.is_cancelled());
    handle.stop().unwrap();
    thread.join().unwrap();
}

#[test]
fn blocking_on_the_loops_own_thread_is_an_error_at_once() {
    let mut event_loop = virtual_loop();
    let handle = event_loop.handle();
    event_loop
        .run_until_complete(async move {
            let task = handle.spawn_threadsafe(forever).unwrap();
            let refused = task.block().unwrap_err();
            assert!(matches!(refused, RemoteError::OnLoopThread));
            assert_eq!(
                refused.to_string(),
                "`RemoteTask::block` on the loop's own thread would wait for itself: await it"
            );
            let task = handle.spawn_threadsafe(forever).unwrap();
            let refused = task.block_timeout(Duration::MAX).expect("at once").unwrap_err();
            assert!(matches!(refused, RemoteError::OnLoopThread));
            let awaited = handle.spawn_threadsafe(|| async { 7 }).unwrap();
            assert_eq!(awaited.await.unwrap(), 7);
            wheelhouse::all_tasks()[1].cancel();
            turns(3).await;
        })
        .unwrap();
}

#[test]
fn after_the_loop_is_gone_each_call_is_an_error_that_says_so() {
    let event_loop = virtual_loop();
    let handle = event_loop.handle();
    let task = handle.spawn_threadsafe(|| async { 7 }).unwrap();
    assert!(!handle.is_closed());
    drop(event_loop);
    assert!(handle.is_closed());
    let text = |call| format!("`{call}`: the loop has been dropped");
    let soon = handle.call_soon_threadsafe(|| ()).unwrap_err();
    assert_eq!(soon.to_string(), text("call_soon_threadsafe"));
    let spawned = handle.spawn_threadsafe(|| async {}).err().unwrap();
    assert_eq!(spawned.to_string(), text("spawn_threadsafe"));
    assert_eq!(handle.stop().unwrap_err().to_string(), text("stop"));
    // Neither started nor lost: whoever blocks is told.
    task.cancel();
    let lost = task.block().unwrap_err();
    assert!(matches!(lost, RemoteError::LoopClosed));
    assert_eq!(lost.to_string(), "the loop was dropped before the task was done");
}

#[test]
fn a_remote_task_that_ends_with_its_loop_is_told_to_who_blocks() {
    let mut event_loop = virtual_loop();
    let handle = event_loop.handle();
    let task = handle.spawn_threadsafe(forever).unwrap();
    event_loop.run_until_complete(turns(3)).unwrap();
    let blocked = thread::spawn(move || task.block());
    drop(event_loop);
    assert!(matches!(blocked.join().unwrap(), Err(RemoteError::LoopClosed)));
}

#[test]
fn a_virtual_clock_does_not_jump_while_somebody_outside_could_wake_the_loop() {
    let mut event_loop = virtual_loop();
    let handle = event_loop.handle();
    let (sender, receiver) = mpsc::channel();
    let (ask, asked) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        asked.recv().unwrap();
        handle.call_soon_threadsafe(move || sender.send(time()).unwrap()).unwrap();
        // The handle goes here, and with it the last outsider.
    });
    let slept = event_loop.run_until_complete(async move {
        call_soon(move || ask.send(()).unwrap());
        sleep(ms(50)).await;
        time()
    });
    assert_eq!(slept.unwrap(), ms(50));
    assert_eq!(receiver.recv().unwrap(), ms(0));
    thread.join().unwrap();
}

#[test]
fn a_virtual_clock_jumps_again_once_the_last_handle_is_gone() {
    let mut event_loop = virtual_loop();
    let handle = event_loop.handle();
    let second = handle.clone();
    let task = event_loop.spawn(sleep(ms(50)));
    for handle in [handle, second] {
        let _ = event_loop.run_once(Some(Duration::ZERO)).unwrap();
        let _ = event_loop.run_once(Some(Duration::from_micros(100))).unwrap();
        // It waited for the outsider, in the host's time, and its own stood still.
        assert_eq!(event_loop.time(), ms(0));
        drop(handle);
    }
    let _ = event_loop.run_once(Some(ms(500))).unwrap();
    assert_eq!(event_loop.time(), ms(50));
    event_loop.run_until_done(task).unwrap();
}

#[test]
fn a_virtual_clock_that_was_told_so_jumps_past_handles() {
    let mut event_loop = EventLoop::builder().virtual_clock().jump_past_handles().build().unwrap();
    let handle = event_loop.handle();
    event_loop.run_until_complete(sleep(ms(50))).unwrap();
    assert_eq!(event_loop.time(), ms(50));
    assert!(matches!(event_loop.run_forever(), Err(RunError::Deadlock(_))));
    drop(handle);
}

#[test]
fn a_parked_loop_is_woken_by_wakers_of_eight_threads() {
    struct Gate(Arc<std::sync::Mutex<(usize, Option<Waker>)>>, usize);
    impl Future for Gate {
        type Output = ();
        fn poll(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            let mut gate = self.0.lock().unwrap();
            if gate.0 >= self.1 {
                return Poll::Ready(());
            }
            gate.1 = Some(cx.waker().clone());
            Poll::Pending
        }
    }
    const WAKES: usize = 200;
    let gates: Vec<_> = (0..8).map(|_| Arc::<std::sync::Mutex<_>>::default()).collect();
    let threads: Vec<_> = gates
        .iter()
        .map(|gate: &Arc<std::sync::Mutex<(usize, Option<Waker>)>>| {
            let gate = Arc::clone(gate);
            thread::spawn(move || {
                for _ in 0..WAKES {
                    let waker = {
                        let mut gate = gate.lock().unwrap();
                        gate.0 += 1;
                        gate.1.take()
                    };
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                    thread::yield_now();
                }
            })
        })
        .collect();
    // On the real clock with nothing else to do: a lost wake-up would hang here.
    wheelhouse::run(async move {
        let tasks = gates.into_iter().map(|gate| {
            spawn(async move {
                for n in 1..=WAKES {
                    Gate(Arc::clone(&gate), n).await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    })
    .unwrap();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_stop_before_the_run_lets_one_turn_through() {
    let mut event_loop = virtual_loop();
    let ran = Rc::new(RefCell::new(Vec::new()));
    let (a, b) = (Rc::clone(&ran), Rc::clone(&ran));
    event_loop.call_soon(move || {
        a.borrow_mut().push("first turn");
        call_soon(move || b.borrow_mut().push("second turn"));
    });
    event_loop.handle().stop().unwrap();
    event_loop.run_forever().unwrap();
    assert_eq!(*ran.borrow(), ["first turn"]);
}

#[test]
fn a_handle_that_goes_lets_a_waiting_virtual_loop_find_its_deadlock() {
    let mut event_loop = virtual_loop();
    let handle = event_loop.handle();
    let thread = thread::spawn(move || drop(handle));
    assert!(matches!(event_loop.run_until_complete(forever()), Err(RunError::Deadlock(_))));
    thread.join().unwrap();
    event_loop.call_soon(|| {
        call_later(ms(1), wheelhouse::stop);
    });
    event_loop.run_forever().unwrap();
}
