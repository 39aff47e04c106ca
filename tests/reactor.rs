//! Readiness of descriptors: who is woken, in which turn, and what becomes of those that go.
#![cfg(unix)]

mod common;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream as OsStream;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::thread;

use futures::AsyncRead;

use common::{Trace, is_cancelled, ms, run, run_in_turns, turns, virtual_loop};
use wheelhouse::io::{
    AsyncFd, Misplaced, PipeReader, add_reader, add_writer, pipe, remove_reader, remove_writer,
};
use wheelhouse::net::{TcpListener, TcpStream, UnixStream};
use wheelhouse::{
    Census, EventLoop, RunError, call_soon, sleep, spawn, stop, time, timeout, yield_now,
};

/// Two sockets of the standard library that do not block.
fn pair() -> (OsStream, OsStream) {
    let (one, other) = OsStream::pair().unwrap();
    one.set_nonblocking(true).unwrap();
    other.set_nonblocking(true).unwrap();
    (one, other)
}

fn misplaced(error: &std::io::Error) -> Option<Misplaced> {
    error.get_ref()?.downcast_ref().copied()
}

#[test]
fn a_readiness_is_a_handle_first_and_its_waiter_steps_a_turn_later() {
    let turns = run_in_turns(|turns| async move {
        let (mut ours, theirs) = pair();
        let theirs = Rc::new(AsyncFd::read_only(theirs));
        let (fd, seen) = (Rc::clone(&theirs), turns.clone());
        let waiter = spawn(async move {
            fd.readable().await.unwrap().try_io(|mut fd| fd.read(&mut [0; 8])).unwrap().unwrap();
            seen.mark("woken");
        });
        yield_now().await;
        yield_now().await;
        ours.write_all(b"x").unwrap();
        turns.mark("written");
        waiter.await.unwrap();
        turns
    });
    // The next turn asks the OS and runs the handle; the one after steps the waiter.
    assert_eq!(turns.between("written", "woken"), 2);
}

#[test]
fn all_who_wait_for_a_side_are_woken_in_order_of_arrival() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (mut ours, theirs) = pair();
        let theirs = Rc::new(AsyncFd::new(theirs));
        let waiters: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .map(|name| {
                let (fd, t) = (Rc::clone(&theirs), t.clone());
                spawn(async move {
                    drop(fd.readable().await.unwrap());
                    t.note(name);
                })
            })
            .collect();
        turns(2).await;
        waiters[1].cancel();
        ours.write_all(b"x").unwrap();
        for waiter in waiters {
            let _ = waiter.await;
        }
    });
    trace.expect(&["a", "c"]);
}

#[test]
fn who_comes_after_the_first_has_gone_stands_behind_those_who_are_still_there() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (mut ours, theirs) = pair();
        let theirs = Rc::new(AsyncFd::read_only(theirs));
        let waiter = |name| {
            let (fd, t) = (Rc::clone(&theirs), t.clone());
            spawn(async move {
                drop(fd.readable().await.unwrap());
                t.note(name);
            })
        };
        let (first, second, third) = (waiter("first"), waiter("second"), waiter("third"));
        turns(2).await;
        first.cancel();
        turns(2).await;
        let last = waiter("last");
        turns(2).await;
        ours.write_all(b"x").unwrap();
        for waiter in [second, third, last] {
            waiter.await.unwrap();
        }
    });
    trace.expect(&["second", "third", "last"]);
}

#[test]
fn a_waiter_cancelled_after_it_was_woken_leaves_readiness_to_the_next() {
    run(async {
        let (mut ours, theirs) = pair();
        let theirs = Rc::new(AsyncFd::read_only(theirs));
        let victim = Rc::new(RefCell::new(None::<wheelhouse::TaskHandle>));
        let (fd, prey) = (Rc::clone(&theirs), Rc::clone(&victim));
        let hunter = spawn(async move {
            drop(fd.readable().await.unwrap());
            assert!(prey.borrow().as_ref().unwrap().cancel());
        });
        let fd = Rc::clone(&theirs);
        let task = spawn(async move { fd.read_with(|mut fd| fd.read(&mut [0; 8])).await });
        *victim.borrow_mut() = Some(task.handle().clone());
        turns(2).await;
        ours.write_all(b"xyz").unwrap();
        hunter.await.unwrap();
        assert!(is_cancelled(task.await));
        // Rule C6: what was not read is there.
        assert_eq!(theirs.read_with(|mut fd| fd.read(&mut [0; 8])).await.unwrap(), 3);
        victim.take();
    });
}

#[test]
fn a_timeout_gives_a_wait_up_and_a_later_one_works() {
    run(async {
        let (mut ours, theirs) = pair();
        let theirs = AsyncFd::new(theirs);
        assert!(timeout(ms(50), theirs.readable()).await.is_err());
        assert_eq!(time(), ms(50));
        ours.write_all(b"x").unwrap();
        let guard = theirs.readable().await.unwrap();
        guard.clear_ready().unwrap();
        // The socket is readable still, but that was told before.
        assert!(timeout(ms(50), theirs.readable()).await.is_err());
    });
}

#[test]
fn a_polled_read_that_was_given_up_and_told_all_the_same_leaves_no_wait_behind() {
    run(async {
        let (mut ours, theirs) = pair();
        let mut theirs = UnixStream::from_std(theirs).unwrap();
        let mut byte = [0];
        let read = poll_fn(|cx| Pin::new(&mut theirs).poll_read(cx, &mut byte));
        assert!(timeout(ms(50), read).await.is_err());
        ours.write_all(b"xy").unwrap();
        sleep(ms(50)).await;
        for expected in [*b"x", *b"y"] {
            let read = poll_fn(|cx| Pin::new(&mut theirs).poll_read(cx, &mut byte));
            assert_eq!((read.await.unwrap(), byte), (1, expected));
        }
    });
}

#[test]
fn a_guard_clears_readiness_on_would_block_only() {
    run(async {
        let (mut ours, theirs) = pair();
        let theirs = AsyncFd::new(theirs);
        ours.write_all(b"x").unwrap();
        let guard = theirs.readable().await.unwrap();
        let mut buf = [0; 8];
        assert_eq!(guard.try_io(|mut fd| fd.read(&mut buf)).unwrap().unwrap(), 1);
        drop(guard);
        // Nobody has seen that it is empty.
        let guard = timeout(ms(5), theirs.readable()).await.unwrap().unwrap();
        assert!(guard.try_io(|mut fd| fd.read(&mut buf)).is_err());
        drop(guard);
        assert!(timeout(ms(5), theirs.readable()).await.is_err());
        assert_eq!(
            theirs.writable().await.unwrap().get_ref().as_raw_fd(),
            theirs.get_ref().as_raw_fd()
        );
    });
}

/// Is this the test's own process? If not, runs the test there: other tests open descriptors, too.
fn alone(test: &str) -> bool {
    if std::env::var_os("ALONE").is_some() {
        return true;
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let ran = child.args(["--exact", test]).env("ALONE", "1").output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    false
}

#[test]
fn a_descriptor_number_that_is_used_again_is_another_source() {
    if !alone("a_descriptor_number_that_is_used_again_is_another_source") {
        return;
    }
    run(async {
        let mut numbers = Vec::new();
        for n in 0..20u8 {
            let (mut ours, theirs) = pair();
            let theirs = AsyncFd::new(theirs);
            numbers.push(theirs.get_ref().as_raw_fd());
            // Registered and ready, with an event that nobody waits for.
            assert!(timeout(ms(1), theirs.readable()).await.is_err());
            ours.write_all(&[n]).unwrap();
            if n % 2 == 0 {
                let mut buf = [0; 8];
                let read = theirs.read_with(|mut fd| fd.read(&mut buf)).await.unwrap();
                assert_eq!(buf[..read], [n]);
            }
        }
        numbers.dedup();
        assert_eq!(numbers.len(), 1, "the system gives the lowest number out");
    });
}

#[test]
fn an_event_of_a_source_that_went_is_told_to_nobody() {
    run(async {
        let (mut ours, theirs) = pair();
        let kept = theirs.try_clone().unwrap();
        let first = AsyncFd::new(theirs);
        assert!(timeout(ms(1), first.readable()).await.is_err());
        // A duplicate keeps the socket open. Forgetting the owner's registration would leave it in the poll.
        drop(first);
        let (_other, quiet) = pair();
        let quiet = AsyncFd::new(quiet);
        assert!(timeout(ms(1), quiet.readable()).await.is_err());
        ours.write_all(b"x").unwrap();
        assert!(timeout(ms(1), quiet.readable()).await.is_err());
        drop(kept);
    });
}

#[test]
fn an_event_fetched_before_its_source_went_finds_nobody() {
    run(async {
        let (mut ours, theirs) = pair();
        let first = AsyncFd::new(theirs);
        assert!(timeout(ms(1), first.readable()).await.is_err());
        let first = Rc::new(RefCell::new(Some(first)));
        // The reader's handle is queued behind the callback that drops it.
        let (mut trigger, watched) = pair();
        let hand = Rc::clone(&first);
        let watched = Rc::new(watched);
        let fd = Rc::clone(&watched);
        add_reader(&*watched, move || {
            let _ = (&*fd).read(&mut [0; 8]).unwrap();
            drop(hand.take());
        })
        .unwrap();
        trigger.write_all(b"x").unwrap();
        ours.write_all(b"x").unwrap();
        sleep(ms(1)).await;
        assert!(first.borrow().is_none());
        assert!(remove_reader(&*watched));
    });
}

#[test]
fn a_storm_of_wakes_does_not_starve_a_descriptor() {
    run(async {
        let (mut ours, theirs) = pair();
        let theirs = AsyncFd::new(theirs);
        let over = Rc::new(Cell::new(false));
        let storm: Vec<_> = (0..10)
            .map(|_| {
                let over = Rc::clone(&over);
                spawn(async move {
                    let mut turns = 0;
                    while !over.get() {
                        yield_now().await;
                        turns += 1;
                        assert!(turns < 1000, "the descriptor starves");
                    }
                })
            })
            .collect();
        yield_now().await;
        ours.write_all(b"x").unwrap();
        theirs.read_with(|mut fd| fd.read(&mut [0; 8])).await.unwrap();
        over.set(true);
        for task in storm {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_source_that_is_always_ready_does_not_starve_the_others() {
    run(async {
        let (reader, writer) = pipe().unwrap();
        let beat = Rc::new(Cell::new(0));
        let count = Rc::clone(&beat);
        let ticker = spawn(async move {
            loop {
                count.set(count.get() + 1);
                yield_now().await;
            }
        });
        // Neither side ever has to wait.
        for _ in 0..1000 {
            writer.write_all(b"x").await.unwrap();
            reader.read_exact(&mut [0]).await.unwrap();
        }
        assert!((10..40).contains(&beat.get()), "{} turns for 2000 operations", beat.get());
        ticker.cancel();
        assert!(is_cancelled(ticker.await));
    });
}

#[test]
fn what_never_waits_is_never_registered() {
    let mut event_loop = virtual_loop();
    let (one, other) = event_loop
        .run_until_complete(async {
            let (one, other) = UnixStream::pair().unwrap();
            one.write_all(b"x").await.unwrap();
            other.read_exact(&mut [0]).await.unwrap();
            (one, other)
        })
        .unwrap();
    assert_eq!(event_loop.census().sources, 0);
    let ((), other) = event_loop
        .run_until_complete(async move {
            let reader = spawn(async move {
                other.read_exact(&mut [0]).await.unwrap();
                other
            });
            yield_now().await;
            one.write_all(b"x").await.unwrap();
            ((), reader.await.unwrap())
        })
        .unwrap();
    assert_eq!(event_loop.census().sources, 1);
    drop(other);
    // Outside of its loop it is given back by mail.
    let _ = event_loop.run_once(Some(ms(0))).unwrap();
    assert_eq!(event_loop.census(), Census::default());
}

#[test]
fn a_socket_is_dropped_on_another_thread_and_given_back() {
    let mut event_loop = virtual_loop();
    let stream = event_loop
        .run_until_complete(async {
            let (one, other) = UnixStream::pair().unwrap();
            assert!(timeout(ms(1), one.read(&mut [0])).await.is_err());
            drop(other);
            one
        })
        .unwrap();
    assert_eq!(event_loop.census().sources, 1);
    thread::spawn(move || drop(stream)).join().unwrap();
    let _ = event_loop.run_once(Some(ms(0))).unwrap();
    assert_eq!(event_loop.census(), Census::default());
}

#[test]
#[expect(clippy::async_yields_async, reason = "the read goes to another thread unfinished")]
fn a_read_that_waits_is_dropped_on_another_thread_and_given_back() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let mut event_loop = virtual_loop();
    let read = event_loop
        .run_until_complete(async {
            let (one, other) = UnixStream::pair().unwrap();
            let mut read = is_send(Box::pin(async move {
                let _other = other;
                one.read(&mut [0]).await
            }));
            let polled = poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            read
        })
        .unwrap();
    assert_eq!((event_loop.census().sources, event_loop.census().waits), (1, 1));
    thread::spawn(move || drop(read)).join().unwrap();
    let _ = event_loop.run_once(Some(ms(0))).unwrap();
    assert_eq!(event_loop.census(), Census::default());
}

#[test]
fn a_socket_that_must_wait_where_it_cannot_says_so() {
    let (one, _other) = UnixStream::pair().unwrap();
    let (mut first, mut second) = (virtual_loop(), virtual_loop());
    let one = Rc::new(one);
    let reading = Rc::clone(&one);
    let early = first.run_until_complete(async move {
        timeout(ms(1), async move { reading.read(&mut [0]).await.map(drop) }).await.is_err()
    });
    assert!(early.unwrap());
    let reading = Rc::clone(&one);
    let wrong = second.run_until_complete(async move { reading.read(&mut [0]).await });
    let wrong = wrong.unwrap().unwrap_err();
    assert_eq!(misplaced(&wrong), Some(Misplaced::OtherLoop { what: "UnixStream" }));
    drop(first);
    let reading = Rc::clone(&one);
    let gone = second.run_until_complete(async move { reading.read(&mut [0]).await });
    let gone = gone.unwrap().unwrap_err();
    assert_eq!(misplaced(&gone), Some(Misplaced::LoopClosed { what: "UnixStream" }));
    assert!(gone.to_string().contains("has been dropped"));

    let (lone, _other) = UnixStream::pair().unwrap();
    let outside = futures::executor::block_on(lone.read(&mut [0])).unwrap_err();
    assert_eq!(misplaced(&outside), Some(Misplaced::NoLoop { what: "UnixStream" }));
    assert_eq!(lone.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_reader_callback_runs_for_as_long_as_there_is_something_to_read() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (mut ours, theirs) = pair();
        let theirs = Rc::new(theirs);
        let (fd, note) = (Rc::clone(&theirs), t.clone());
        let watch = add_reader(&*theirs, move || {
            let mut byte = [0];
            let read = (&*fd).read(&mut byte).unwrap();
            note.note(format!("{:?}", &byte[..read]));
        })
        .unwrap();
        ours.write_all(&[1, 2, 3]).unwrap();
        sleep(ms(1)).await;
        ours.write_all(&[4]).unwrap();
        sleep(ms(1)).await;
        assert!(watch.is_active() && watch.cancel() && !watch.cancel());
        ours.write_all(&[5]).unwrap();
        sleep(ms(1)).await;
    });
    trace.expect(&["[1]", "[2]", "[3]", "[4]"]);
}

#[test]
fn adding_a_callback_again_replaces_it_and_removing_tells_whether_one_was_there() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (mut ours, theirs) = pair();
        let theirs = Rc::new(theirs);
        assert!(!remove_reader(&*theirs));
        let dropped = t.on_drop("the first is dropped");
        let first = add_reader(&*theirs, move || {
            panic!("replaced, {}", {
                let _ = &dropped;
                1
            })
        })
        .unwrap();
        let (fd, note) = (Rc::clone(&theirs), t.clone());
        let second = add_reader(&*theirs, move || {
            let _ = (&*fd).read(&mut [0; 8]).unwrap();
            note.note("the second");
        })
        .unwrap();
        assert!(!first.is_active() && !first.cancel() && second.is_active());
        let (wrote, note) = (Rc::clone(&theirs), t.clone());
        add_writer(&*theirs, move || {
            note.note("writable");
            assert!(remove_writer(&*wrote));
        })
        .unwrap();
        ours.write_all(b"x").unwrap();
        sleep(ms(1)).await;
        assert!(!remove_writer(&*theirs));
        assert!(remove_reader(&*theirs) && !remove_reader(&*theirs));
    });
    trace.expect(&["the first is dropped", "the second", "writable"]);
}

#[test]
fn a_callback_that_closes_its_descriptor_is_forgotten() {
    if !alone("a_callback_that_closes_its_descriptor_is_forgotten") {
        return;
    }
    run(async {
        let (mut ours, theirs) = pair();
        let number = theirs.as_raw_fd();
        let hand = Rc::new(RefCell::new(Some(theirs)));
        let held = Rc::clone(&hand);
        let watch = add_reader(held.borrow().as_ref().unwrap(), move || drop(hand.take())).unwrap();
        ours.write_all(b"x").unwrap();
        sleep(ms(1)).await;
        assert!(!watch.is_active());
        // Another descriptor under its number is watched as if nothing had been.
        let (ours, theirs) = pair();
        let (mut ours, theirs) =
            if theirs.as_raw_fd() == number { (ours, theirs) } else { (theirs, ours) };
        assert_eq!(theirs.as_raw_fd(), number);
        let theirs = Rc::new(theirs);
        let read = Rc::new(Cell::new(0));
        let (fd, count) = (Rc::clone(&theirs), Rc::clone(&read));
        add_reader(&*theirs, move || count.set(count.get() + (&*fd).read(&mut [0; 8]).unwrap()))
            .unwrap();
        ours.write_all(b"abc").unwrap();
        sleep(ms(1)).await;
        assert_eq!(read.get(), 3);
        assert!(remove_reader(&*theirs));
    });
}

#[test]
fn a_panic_in_a_callback_is_reported_and_the_callback_stays() {
    let mut event_loop = virtual_loop();
    let reports = Rc::new(Cell::new(0));
    let count = Rc::clone(&reports);
    event_loop.set_exception_handler(move |_| count.set(count.get() + 1));
    let (ours, theirs) = pair();
    let (ours, theirs) = (Rc::new(ours), Rc::new(theirs));
    let writer = Rc::clone(&ours);
    event_loop.call_soon(move || {
        let fd = Rc::clone(&theirs);
        add_reader(&*theirs, move || {
            let _ = (&*fd).read(&mut [0]).unwrap();
            panic!("of the callback");
        })
        .unwrap();
        (&*writer).write_all(&[1, 2]).unwrap();
        call_soon(|| {
            spawn(async {
                sleep(ms(1)).await;
                stop();
            })
            .detach();
        });
    });
    event_loop.run_forever().unwrap();
    assert_eq!(reports.get(), 2);
}

#[test]
fn a_regular_file_is_refused() {
    run(async {
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        assert_eq!(add_reader(&file, || ()).unwrap_err().kind(), ErrorKind::PermissionDenied);
        let refused = AsyncFd::new(file).readable().await.map(drop).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    });
}

#[test]
fn what_waits_for_the_outside_only_is_waited_for_under_the_virtual_clock() {
    let (mut ours, theirs) = pair();
    // Another thread, which no clock of ours knows of.
    let writer = thread::spawn(move || ours.write_all(b"x").unwrap());
    run(async move {
        let theirs = AsyncFd::new(theirs);
        assert_eq!(theirs.read_with(|mut fd| fd.read(&mut [0; 8])).await.unwrap(), 1);
        assert_eq!(time(), ms(0));
    });
    writer.join().unwrap();
}

#[test]
fn time_stands_still_while_sockets_of_the_loop_have_something_to_say() {
    run(async {
        let (reader, writer) = pipe().unwrap();
        let echo = spawn(async move {
            for n in 0..10u8 {
                let mut byte = [0];
                reader.read_exact(&mut byte).await.unwrap();
                assert_eq!((byte[0], time()), (n, ms(u64::from(n) * 1000)));
            }
        });
        for n in 0..10 {
            writer.write_all(&[n]).await.unwrap();
            sleep(ms(1000)).await;
        }
        echo.await.unwrap();
    });
}

#[test]
fn a_clock_that_jumps_always_reports_a_deadlock_and_names_the_descriptor() {
    let mut event_loop = EventLoop::builder().virtual_clock().jump_past_handles().build().unwrap();
    let (one, _other) = UnixStream::pair().unwrap();
    let fd = one.as_raw_fd();
    let stuck = event_loop.run_until_complete(async move { one.read(&mut [0]).await });
    let Err(RunError::Deadlock(deadlock)) = stuck else { panic!("{stuck:?}") };
    let waits = deadlock.waiting()[0].waits_for();
    assert_eq!(waits, [format!("readable: UnixStream (fd {fd})")]);
}

#[test]
fn a_loop_that_is_dropped_with_sockets_in_flight_leaves_no_descriptor_open() {
    if !alone("a_loop_that_is_dropped_with_sockets_in_flight_leaves_no_descriptor_open") {
        return;
    }
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = open();
    let mut event_loop = EventLoop::new().unwrap();
    let survivor = event_loop
        .run_until_complete(async {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            for _ in 0..5 {
                let client = TcpStream::connect(address).await.unwrap();
                let (server, _) = listener.accept().await.unwrap();
                spawn(async move { client.read(&mut [0]).await }).detach();
                spawn(async move { server.read(&mut [0]).await }).detach();
            }
            spawn(async move { listener.accept().await.map(drop) }).detach();
            let (reader, writer) = pipe().unwrap();
            let waits = spawn(async move { (reader.read(&mut [0]).await, reader) });
            turns(3).await;
            waits.detach();
            let (one, other) = UnixStream::pair().unwrap();
            spawn(async move { other.read(&mut [0]).await.map(|n| (n, writer)) }).detach();
            turns(3).await;
            // This one is registered, and outlives the loop.
            let (kept, _peer) = UnixStream::pair().unwrap();
            assert!(timeout(ms(1), kept.read(&mut [0])).await.is_err());
            drop(one);
            kept
        })
        .unwrap();
    assert!(open() > before + 10);
    drop(event_loop);
    assert_eq!(open(), before + 1);
    drop(survivor);
    assert_eq!(open(), before);
}

#[test]
fn a_loop_that_is_gone_is_not_kept_open_by_a_socket_of_it() {
    let mut event_loop = EventLoop::new().unwrap();
    let socket = event_loop
        .run_until_complete(async {
            let (reader, writer) = pipe().unwrap();
            let waiting = spawn(async move {
                let _ = reader.read(&mut [0]).await;
                reader
            });
            turns(2).await;
            drop(writer);
            waiting.await.unwrap()
        })
        .unwrap();
    drop(event_loop);
    let again = futures::executor::block_on(socket.read(&mut [0])).unwrap_err();
    assert_eq!(misplaced(&again), Some(Misplaced::LoopClosed { what: "PipeReader" }));
    let fd = OwnedFd::from(socket);
    let reader = PipeReader::from_fd(fd).unwrap();
    run(async move { assert_eq!(reader.read(&mut [0]).await.unwrap(), 0) });
}
