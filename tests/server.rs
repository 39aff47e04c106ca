//! Servers: accepting, limits, errors, and the ways to end; over a listener that does as it is told.

mod common;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::error::Error;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use common::{Trace, fixed, is_cancelled, me, ms, run, turns, virtual_loop};
use wheelhouse::net::{Acceptor, Server, Shutdown, start_server};
use wheelhouse::{EventLoop, all_tasks, catch_cancel, sleep, spawn, time};

type AnyError = Box<dyn Error + Send + Sync>;

/// What an accept comes to.
enum Next {
    /// A connection, whose handler is to be busy for so long.
    Connection(Duration),
    Error(io::Error),
}

/// A listener at which things happen at given times.
struct Script {
    nexts: RefCell<VecDeque<(Duration, Next)>>,
    accepted: Cell<u32>,
    trace: Trace,
}

impl Script {
    fn of(trace: &Trace, nexts: impl IntoIterator<Item = (u64, Next)>) -> Script {
        let nexts = nexts.into_iter().map(|(at, next)| (ms(at), next)).collect();
        Script { nexts: RefCell::new(nexts), accepted: Cell::new(0), trace: trace.clone() }
    }
}

impl Acceptor for Script {
    type Stream = Duration;
    type Peer = u32;

    async fn accept(&self) -> io::Result<(Duration, u32)> {
        self.trace.at("accept");
        let Some(at) = self.nexts.borrow().front().map(|(at, _)| *at) else {
            return std::future::pending().await;
        };
        wheelhouse::sleep_until(at).await;
        let (_, next) = self.nexts.borrow_mut().pop_front().expect("it is there");
        match next {
            Next::Error(error) => Err(error),
            Next::Connection(busy) => {
                self.accepted.set(self.accepted.get() + 1);
                Ok((busy, self.accepted.get()))
            }
        }
    }

    fn name_of(peer: &u32) -> String {
        format!("connection {peer}")
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.trace.note("listener closed");
    }
}

fn connection(busy: u64) -> Next {
    Next::Connection(ms(busy))
}

fn out_of_descriptors() -> Next {
    Next::Error(io::Error::from_raw_os_error(24))
}

/// A handler that notes when it begins and how it ends.
fn handler(trace: &Trace) -> impl AsyncFn(Duration, u32) -> Result<(), AnyError> + 'static {
    let trace = trace.clone();
    async move |busy, peer| {
        trace.at(format!("{peer} begins"));
        match catch_cancel(sleep(busy)).await {
            Ok(()) => trace.at(format!("{peer} ends")),
            Err(cancelled) => {
                sleep(ms(1)).await;
                trace.at(format!("{peer} has cleaned up"));
                cancelled.resume().await;
            }
        }
        Ok(())
    }
}

/// A virtual loop, and what its exception handler is told.
fn reporting_loop() -> (EventLoop, &'static RefCell<Vec<String>>) {
    let reports = fixed(RefCell::new(Vec::new()));
    let event_loop = virtual_loop();
    event_loop.set_exception_handler(|context| reports.borrow_mut().push(context.to_string()));
    (event_loop, reports)
}

/// A server with one connection, which is busy for 20 ms.
fn serving_one(trace: &Trace) -> Rc<Server> {
    Rc::new(start_server(Script::of(trace, [(1, connection(20))]), handler(trace)))
}

#[test]
fn every_connection_is_a_named_task_beside_the_others() {
    let trace = Trace::default();
    run({
        let trace = trace.clone();
        async move {
            let script = Script::of(&trace, [(1, connection(5)), (2, connection(1))]);
            let server = start_server(script, handler(&trace));
            sleep(ms(2)).await;
            turns(3).await;
            let names: Vec<String> =
                all_tasks().iter().map(|task| task.name().to_string()).collect();
            assert!(names.contains(&"connection 1".to_owned()), "{names:?}");
            assert_eq!((server.connections(), server.served()), (2, 2));
            sleep(ms(10)).await;
            assert_eq!((server.connections(), server.served()), (0, 2));
            assert_eq!(server.shutdown(ms(0)).await, Shutdown::default());
        }
    });
    trace.expect(&[
        "0 accept",
        "1 accept",
        "1 1 begins",
        "2 accept",
        "2 2 begins",
        "3 2 ends",
        "6 1 ends",
        "listener closed",
    ]);
}

#[test]
fn beyond_the_limit_nobody_accepts_until_a_connection_has_ended() {
    let trace = Trace::default();
    run({
        let trace = trace.clone();
        async move {
            let script =
                Script::of(&trace, [(1, connection(5)), (1, connection(5)), (1, connection(1))]);
            let server = Server::builder().max_connections(2).start(script, handler(&trace));
            sleep(ms(20)).await;
            server.close();
            server.wait_closed().await;
        }
    });
    trace.expect(&[
        "0 accept",
        "1 accept",
        "1 1 begins",
        "1 2 begins",
        "6 1 ends",
        "6 2 ends",
        "6 accept",
        "6 accept",
        "6 3 begins",
        "7 3 ends",
        "listener closed",
    ]);
}

#[test]
fn a_shutdown_waits_for_connections_and_cancels_those_that_are_late() {
    let trace = Trace::default();
    run({
        let trace = trace.clone();
        async move {
            let script = Script::of(&trace, [(1, connection(5)), (1, connection(100))]);
            let server = start_server(script, handler(&trace));
            sleep(ms(3)).await;
            let ended = server.shutdown(ms(10)).await;
            assert_eq!((ended.finished, ended.cancelled), (1, 1));
            assert_eq!((server.is_serving(), server.connections(), time()), (false, 0, ms(14)));
        }
    });
    trace.expect(&[
        "0 accept",
        "1 accept",
        "1 1 begins",
        "1 accept",
        "1 2 begins",
        "listener closed",
        "6 1 ends",
        "14 2 has cleaned up",
    ]);
}

#[test]
fn when_a_shutdown_returns_the_listener_is_closed_even_if_nobody_had_come() {
    let trace = fixed(Trace::default());
    run(async {
        let server = start_server(Script::of(trace, []), handler(trace));
        turns(2).await;
        assert_eq!(server.shutdown(ms(0)).await, Shutdown::default());
        trace.note("shut down");
    });
    trace.expect(&["0 accept", "listener closed", "shut down"]);
}

#[test]
fn a_handler_can_wait_for_the_server_to_close() {
    run(async {
        let trace = fixed(Trace::default());
        let builder = Server::builder().name("front door");
        let closing = builder.closing();
        let script = Script::of(trace, [(1, connection(0))]);
        let server = builder.start(script, async move |_, _| {
            closing.wait().await;
            trace.at("told");
            Ok::<_, io::Error>(())
        });
        sleep(ms(5)).await;
        assert!(server.is_serving());
        let ended = server.shutdown(ms(1000)).await;
        assert_eq!((ended.finished, ended.cancelled, time()), (1, 0, ms(5)));
        assert!(trace.take().contains(&"5 told".to_owned()));
    });
}

#[test]
fn close_clients_asks_and_abort_clients_does_not() {
    let trace = Trace::default();
    run({
        let trace = trace.clone();
        async move {
            for abort in [false, true] {
                let at = u64::try_from(time().as_millis()).unwrap();
                let script = Script::of(&trace, [(at, connection(100))]);
                let server = start_server(script, handler(&trace));
                sleep(ms(3)).await;
                if abort {
                    server.abort_clients();
                } else {
                    server.close_clients();
                }
                assert!(server.is_serving(), "the server itself goes on");
                server.close();
                server.wait_closed().await;
            }
        }
    });
    let lines = trace.take();
    let cleaned: Vec<_> = lines.iter().filter(|line| line.ends_with("cleaned up")).collect();
    assert_eq!(cleaned, ["4 1 has cleaned up"], "{lines:#?}");
}

#[test]
fn a_handler_that_fails_or_panics_ends_its_own_connection_alone() {
    let (mut event_loop, reports) = reporting_loop();
    let trace = fixed(Trace::default());
    event_loop
        .run_until_complete(async {
            let script =
                Script::of(trace, [(1, connection(0)), (2, connection(0)), (3, connection(0))]);
            let server = start_server(script, async |_, peer| match peer {
                1 => Err("no such page"),
                2 => panic!("oh no"),
                _ => {
                    trace.at("served");
                    Ok(())
                }
            });
            sleep(ms(10)).await;
            assert_eq!((server.served(), server.connections()), (3, 0));
            let _ = server.shutdown(ms(0)).await;
        })
        .unwrap();
    assert!(trace.take().contains(&"3 served".to_owned()));
    let reports = reports.borrow();
    assert!(
        reports[0].contains("connection 1") && reports[0].contains("no such page"),
        "{reports:?}"
    );
    assert!(reports[1].contains("connection 2") && reports[1].contains("oh no"), "{reports:?}");
    assert_eq!(reports.len(), 2);
}

#[test]
fn without_file_descriptors_it_tries_again_ever_later_and_says_so_once() {
    let (mut event_loop, reports) = reporting_loop();
    let trace = fixed(Trace::default());
    event_loop
        .run_until_complete(async {
            let mut nexts: Vec<_> = (0..12).map(|_| (0, out_of_descriptors())).collect();
            nexts.extend([(0, connection(1)), (0, out_of_descriptors())]);
            let server = start_server(Script::of(trace, nexts), handler(trace));
            sleep(ms(10_000)).await;
            server.close();
            server.wait_closed().await;
        })
        .unwrap();
    let lines = trace.take();
    let accepts: Vec<&str> = lines.iter().filter_map(|line| line.strip_suffix(" accept")).collect();
    let doubling = ["0", "5", "15", "35", "75", "155", "315", "635", "1275"];
    let every_second = ["2275", "3275", "4275"];
    let after_success = ["5275", "5275", "5280"];
    let expected: Vec<&str> = [&doubling[..], &every_second, &after_success[..]].concat();
    assert_eq!(accepts, expected);
    let reports = reports.borrow();
    assert_eq!(reports.len(), 2, "once for each shortage: {reports:?}");
    assert!(reports[0].contains("cannot accept for now"), "{reports:?}");
}

#[test]
fn a_connection_that_went_before_it_was_accepted_is_no_matter() {
    run(async {
        let trace = fixed(Trace::default());
        let gone = || Next::Error(io::ErrorKind::ConnectionAborted.into());
        let script = Script::of(trace, [(0, gone()), (0, gone()), (0, connection(1))]);
        let server = start_server(script, handler(trace));
        sleep(ms(2)).await;
        assert_eq!(server.served(), 1);
        assert_eq!(server.shutdown(ms(0)).await, Shutdown::default());
    });
}

#[test]
fn a_listener_that_fails_for_good_ends_the_server_and_is_reported() {
    let (mut event_loop, reports) = reporting_loop();
    event_loop
        .run_until_complete(async {
            let trace = fixed(Trace::default());
            let broken = Next::Error(io::Error::other("the listener broke"));
            let script = Script::of(trace, [(1, connection(5)), (2, broken)]);
            let server = Server::builder().name("door").start(script, handler(trace));
            server.wait_closed().await;
            assert_eq!((time(), server.is_serving()), (ms(6), false), "the connection ends first");
        })
        .unwrap();
    let reports = reports.borrow();
    assert!(
        reports[0].contains("door") && reports[0].contains("the listener broke"),
        "{reports:?}"
    );
}

#[test]
fn serving_for_ever_ends_with_a_cancel_after_the_connections() {
    run(async {
        let trace = fixed(Trace::default());
        let server = serving_one(trace);
        let serving = spawn({
            let server = Rc::clone(&server);
            async move { server.serve_forever().await }
        });
        sleep(ms(5)).await;
        serving.cancel();
        assert!(is_cancelled(serving.await));
        assert_eq!((time(), server.connections()), (ms(21), 0));
        assert!(trace.take().contains(&"21 1 ends".to_owned()));
    });
}

#[test]
fn waiting_for_the_end_is_not_a_way_to_end_it() {
    run(async {
        let trace = fixed(Trace::default());
        let server = serving_one(trace);
        let waiting = spawn({
            let server = Rc::clone(&server);
            async move { server.wait_closed().await }
        });
        sleep(ms(5)).await;
        waiting.cancel();
        assert!(is_cancelled(waiting.await));
        assert!(server.is_serving());
        assert_eq!(server.connections(), 1);
        let _ = server.shutdown(ms(0)).await;
    });
}

#[test]
fn a_server_runs_on_without_its_handle() {
    run(async {
        let trace = fixed(Trace::default());
        drop(start_server(Script::of(trace, [(3, connection(1))]), handler(trace)));
        sleep(ms(10)).await;
        assert!(trace.take().contains(&"4 1 ends".to_owned()));
        let accepting = all_tasks().into_iter().find(|task| task.id() != me().id()).unwrap();
        accepting.cancel();
        assert!(accepting.join().await.unwrap_err().is_cancelled());
    });
}
