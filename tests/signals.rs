//! Signals: received by tasks and callbacks, shared by loops, coalesced in a storm. What ends a process
//! happens in a child. Ctrl-C has a file of its own.
#![cfg(target_os = "linux")]

mod common;
#[path = "common/child.rs"]
mod own_child;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Barrier};
use std::thread;

use common::{Trace, counted, forever, is_cancelled, ms, run, turns, virtual_loop};
use own_child::{Actor, open_fds, role};
use rustix::process::Signal as Raw;
use wheelhouse::signal::{
    Signal, SignalError, add_signal_handler, ctrl_c, once, remove_signal_handler, signals,
};
use wheelhouse::{EventLoop, catch_cancel, current_task, sleep, spawn, time, timeout, yield_now};

/// On this very thread, so that it has come when this returns.
fn raise(signal: Raw) {
    signal_hook::low_level::raise(signal.as_raw()).unwrap();
}

#[test]
fn a_task_receives_the_signals_that_it_listens_to() {
    run(async {
        let mut listener = signals(&[Signal::USR1, Signal::ALRM]).unwrap();
        raise(Raw::ALARM);
        assert_eq!(listener.recv().await.unwrap(), Signal::ALRM);
        let later = spawn(async { raise(Raw::USR1) });
        assert_eq!(listener.recv().await.unwrap(), Signal::USR1);
        later.await.unwrap();
        assert_eq!(listener.try_recv(), None);
    });
}

#[test]
fn a_signal_that_comes_again_before_it_was_received_is_received_once() {
    run(async {
        let mut listener = signals(&[Signal::HUP]).unwrap();
        for _ in 0..1000 {
            raise(Raw::HUP);
        }
        assert_eq!(listener.recv().await.unwrap(), Signal::HUP);
        assert_eq!(listener.try_recv(), None);
        raise(Raw::HUP);
        assert_eq!(listener.recv().await.unwrap(), Signal::HUP);
    });
}

#[test]
fn a_cancelled_receiver_loses_no_signal() {
    run(async {
        let mut listener = signals(&[Signal::USR2]).unwrap();
        let waiter = spawn(async move {
            let cut = catch_cancel(listener.recv()).await;
            (cut.is_err(), listener.recv().await.unwrap())
        });
        turns(2).await;
        waiter.cancel();
        raise(Raw::USR2);
        assert_eq!(waiter.await.unwrap(), (true, Signal::USR2));
    });
}

#[test]
fn a_receiver_that_has_heard_all_there_was_rests() {
    run(async {
        let mut listener = signals(&[Signal::from_raw(23)]).unwrap();
        let (receiver, polls) = counted(async move {
            listener.recv().await.unwrap();
            listener.recv().await.unwrap();
        });
        let receiver = spawn(receiver);
        turns(2).await;
        raise(Raw::URG);
        // The operating system is asked, and the first signal received.
        sleep(ms(5)).await;
        let before = polls.get();
        turns(300).await;
        assert_eq!(polls.get(), before);
        raise(Raw::URG);
        receiver.await.unwrap();
    });
}

#[test]
fn once_waits_for_one_signal_from_its_call_on() {
    run(async {
        let come = once(Signal::CONT);
        raise(Raw::CONT);
        come.await.unwrap();
        assert!(timeout(ms(5), once(Signal::CONT)).await.is_err());
    });
}

#[test]
fn each_of_two_loops_in_two_threads_hears_a_signal() {
    let listening = Arc::new(Barrier::new(3));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let listening = Arc::clone(&listening);
            thread::spawn(move || {
                run(async move {
                    let come = once(Signal::WINCH);
                    listening.wait();
                    come.await.unwrap();
                });
            })
        })
        .collect();
    listening.wait();
    raise(Raw::WINCH);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_handler_runs_as_a_callback_of_the_loop() {
    // What a handler holds need not be Send; and it may take itself away.
    let trace = Trace::default();
    let noted = trace.clone();
    run(async move {
        let come = Rc::new(Cell::new(0));
        let count = Rc::clone(&come);
        add_signal_handler(Signal::QUIT, move || panic!("replaced")).unwrap();
        add_signal_handler(Signal::QUIT, move || {
            count.set(count.get() + 1);
            noted.note(format!("come {} at {:?}", count.get(), time()));
            assert_eq!(current_task().map(|task| task.id()), None);
            if count.get() == 2 {
                assert!(remove_signal_handler(Signal::QUIT));
            }
        })
        .unwrap();
        for n in 1..=2 {
            raise(Raw::QUIT);
            while come.get() < n {
                yield_now().await;
            }
        }
        assert!(!remove_signal_handler(Signal::QUIT));
    });
    trace.expect(&["come 1 at 0ns", "come 2 at 0ns"]);
}

#[test]
fn a_panicking_handler_is_reported_and_stays() {
    let mut event_loop = virtual_loop();
    let reports = Rc::new(RefCell::new(Vec::new()));
    let heard = Rc::clone(&reports);
    event_loop.set_exception_handler(move |context| heard.borrow_mut().push(context.to_string()));
    let count = Rc::clone(&reports);
    event_loop
        .run_until_complete(async move {
            add_signal_handler(Signal::from_raw(29), || panic!("in the handler")).unwrap();
            for n in 1..=2 {
                raise(Raw::IO);
                while count.borrow().len() < n {
                    yield_now().await;
                }
            }
        })
        .unwrap();
    assert!(reports.borrow()[0].starts_with("a callback panicked: in the handler"), "{reports:?}");
}

#[test]
fn what_nobody_can_listen_to_is_an_error() {
    run(async {
        for signal in [Signal::KILL, Signal::STOP] {
            assert!(matches!(signals(&[signal]), Err(SignalError::Forbidden(s)) if s == signal));
        }
        let unknown = once(Signal::from_raw(4711)).await.unwrap_err();
        assert_eq!(unknown.to_string(), "there is no signal 4711");
        let refused = add_signal_handler(Signal::KILL, || ()).unwrap_err();
        assert_eq!(refused.to_string(), "nobody can listen to SIGKILL");
    });
}

#[test]
fn a_storm_of_signals_is_survived_and_each_signal_heard() {
    let (said, code, signal) = Actor::play("storm", |actor| {
        for _ in 0..20_000 {
            actor.kill(Raw::USR1);
        }
        actor.kill(Raw::USR2);
    });
    assert_eq!((code, signal), (Some(0), None), "{said}");
}

/// Counts what it hears of the storm; the loop's timers run meanwhile.
fn storm() {
    wheelhouse::run(async {
        let mut listener = signals(&[Signal::USR1, Signal::USR2]).unwrap();
        let beat = spawn(async {
            loop {
                sleep(ms(1)).await;
            }
        });
        println!("ready");
        let mut heard = 0;
        while listener.recv().await.unwrap() != Signal::USR2 {
            heard += 1;
        }
        while listener.try_recv().is_some() {
            heard += 1;
        }
        assert!((1..=20_000).contains(&heard));
        assert!(!beat.is_done());
        // One that another thread has taken, and not handled yet, must not find that nobody listens.
        std::mem::forget(listener);
    })
    .unwrap();
}

#[test]
fn after_the_last_listener_a_signal_does_what_it_did_before() {
    let (_, code, signal) = Actor::play("listened", |actor| actor.kill(Raw::TERM));
    assert_eq!((code, signal), (None, Some(15)));
}

fn listened() {
    wheelhouse::run(async {
        let come = once(Signal::TERM);
        raise(Raw::TERM);
        come.await.unwrap();
        add_signal_handler(Signal::TERM, || ()).unwrap();
        raise(Raw::TERM);
        assert!(remove_signal_handler(Signal::TERM));
        println!("ready");
        forever().await;
    })
    .unwrap();
}

#[test]
fn a_loop_that_is_dropped_closes_all_that_its_listeners_had_open() {
    let (said, code, _) = Actor::play("fds", |_| ());
    assert_eq!(code, Some(0), "{said}");
}

fn fds() {
    println!("ready");
    // The first time, the process takes what it keeps.
    wheelhouse::run(yield_now()).unwrap();
    let before = open_fds();
    let mut event_loop = EventLoop::new().unwrap();
    event_loop
        .run_until_complete(async {
            add_signal_handler(Signal::USR1, || ()).unwrap();
            for signal in [Signal::USR1, Signal::USR2] {
                spawn(once(signal)).detach();
            }
            let waiter = spawn(async { ctrl_c().await.unwrap() });
            turns(3).await;
            waiter.cancel();
            assert!(is_cancelled(waiter.await));
        })
        .unwrap();
    assert!(open_fds() >= before + 6);
    drop(event_loop);
    assert_eq!(open_fds(), before);
}

/// Not a test: what the children of the tests above do.
#[test]
fn child() {
    match role().as_deref() {
        None => {}
        Some("storm") => storm(),
        Some("listened") => listened(),
        Some("fds") => fds(),
        Some(other) => panic!("no such role: {other}"),
    }
}
