//! Whole programs: from the start of `run` or a `Runner` to the clean end of everything in it.
#![allow(clippy::async_yields_async, reason = "tasks are taken out of the loop to be looked at")]

mod common;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use common::{Trace, forever, me, ms, try_run, turns, virtual_loop};
use wheelhouse::{
    JoinError, RunError, Runner, Task, TaskHandle, call_soon, catch_cancel, gather, promise, sleep,
    spawn, stop, task_group, time, try_spawn, wait, yield_now,
};

fn virtual_runner() -> Runner {
    Runner::with_loop(virtual_loop())
}

#[test]
fn run_gives_the_value_of_main() {
    assert_eq!(wheelhouse::run(async { 6 * 7 }).unwrap(), 42);
    // An error of main is its value: `run` adds nothing to it.
    assert_eq!(wheelhouse::run(async { Err::<(), _>("its own") }).unwrap(), Err("its own"));
}

/// What this process says on standard error when it runs `test` alone, with `ROLE` in its environment.
fn said_by(test: &str) -> String {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", test, "--nocapture"]).env("ROLE", test).output().unwrap();
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_runner_that_is_dropped_inside_a_running_loop_says_so() {
    let test = "a_runner_that_is_dropped_inside_a_running_loop_says_so";
    if std::env::var_os("ROLE").is_some() {
        let mut runner = virtual_runner();
        runner.event_loop().spawn(forever()).detach();
        return wheelhouse::run(async move { drop(runner) }).unwrap();
    }
    let said = said_by(test);
    assert!(said.contains("a runner was dropped inside a running loop"), "{said}");
    assert!(!said.contains("was called inside"), "{said}");
}

#[test]
fn tasks_that_are_left_are_cancelled_and_waited_for() {
    let trace = Trace::default();
    let t = trace.clone();
    wheelhouse::run(async move {
        for name in ["first", "second"] {
            let t = t.clone();
            spawn(async move {
                let _ = catch_cancel(forever()).await;
                turns(3).await;
                t.note(format_args!("{name} cleaned up"));
            })
            .detach();
        }
        yield_now().await;
        t.note("main ends");
    })
    .unwrap();
    trace.expect(&["main ends", "first cleaned up", "second cleaned up"]);
}

#[test]
fn shutdown_is_one_batch_and_then_the_loop_drops_what_is_left() {
    let trace = Trace::default();
    let t = trace.clone();
    let mut runner = virtual_runner();
    runner
        .run(async move {
            let late = t.clone();
            spawn(async move {
                let _ = catch_cancel(forever()).await;
                let guard = late.on_drop("the late one was dropped");
                spawn(async move {
                    let _guard = guard;
                    loop {
                        // It would never end by itself.
                        let caught = catch_cancel(forever()).await;
                        late.note(format_args!("the late one was asked: {}", caught.is_err()));
                    }
                })
                .detach();
                yield_now().await;
            })
            .detach();
            yield_now().await;
        })
        .unwrap();
    // As asyncio: tasks that come while the others end are not asked.
    runner.close().unwrap();
    trace.expect(&["the late one was dropped"]);
}

/// asyncio gathers the tasks: in the next turn the gather hears of the last end, and in the one after it tells of
/// its own.
#[test]
fn the_loop_turns_twice_more_when_the_last_task_has_ended() {
    let steps = Rc::new(Cell::new(0));
    let counted = Rc::clone(&steps);
    let mut runner = virtual_runner();
    runner
        .run(async move {
            spawn(async move {
                let _ = catch_cancel(forever()).await;
                spawn(async move {
                    loop {
                        counted.set(counted.get() + 1);
                        yield_now().await;
                    }
                })
                .detach();
            })
            .detach();
            yield_now().await;
        })
        .unwrap();
    runner.close().unwrap();
    assert_eq!(steps.get(), 2);
}

#[test]
fn shutdown_asks_in_order_of_creation_and_takes_the_loops_time() {
    let trace = Trace::default();
    let t = trace.clone();
    let mut runner = virtual_runner();
    runner
        .run(async move {
            for n in [3, 1, 2] {
                let t = t.clone();
                spawn(async move {
                    let _ = catch_cancel(forever()).await;
                    t.at(format_args!("{n} asked"));
                    sleep(ms(n)).await;
                    t.at(format_args!("{n} ends"));
                })
                .detach();
            }
            yield_now().await;
        })
        .unwrap();
    runner.close().unwrap();
    trace.expect(&["0 3 asked", "0 1 asked", "0 2 asked", "1 1 ends", "2 2 ends", "3 3 ends"]);
}

#[test]
fn a_runner_that_is_dropped_closes() {
    let trace = Trace::default();
    let t = trace.clone();
    let mut runner = virtual_runner();
    runner
        .run(async move {
            spawn(async move {
                let _ = catch_cancel(forever()).await;
                t.note("cleaned up");
            })
            .detach();
            yield_now().await;
        })
        .unwrap();
    drop(runner);
    trace.expect(&["cleaned up"]);
}

#[test]
fn tasks_stay_in_a_runner_between_two_mains() {
    let mut runner = virtual_runner();
    let task = runner
        .run(async {
            spawn(async {
                sleep(ms(5)).await;
                "kept"
            })
        })
        .unwrap();
    assert!(!task.is_done());
    assert_eq!(runner.run(task).unwrap().unwrap(), "kept");
    assert_eq!(runner.event_loop().time(), ms(5));
}

#[test]
fn a_panic_of_main_goes_on_after_the_clean_up() {
    let trace = Trace::default();
    let t = trace.clone();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        wheelhouse::run(async move {
            spawn(async move {
                let _ = catch_cancel(forever()).await;
                yield_now().await;
                t.note("cleaned up");
            })
            .detach();
            yield_now().await;
            panic!("main");
        })
    }));
    assert_eq!(ended.unwrap_err().downcast_ref(), Some(&"main"));
    trace.expect(&["cleaned up"]);
}

#[test]
fn a_panic_of_main_leaves_a_loop_that_can_be_used_again() {
    let mut event_loop = virtual_loop();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        event_loop.run_until_complete(async { panic!("main") as () })
    }));
    assert!(ended.is_err());
    assert_eq!(event_loop.run_until_complete(async { 7 }).unwrap(), 7);
}

#[test]
fn a_main_that_is_cancelled_is_an_error() {
    let ended = try_run(async {
        me().cancel_with("enough");
        forever().await;
    });
    let Err(RunError::Cancelled(cancelled)) = ended else { panic!("{ended:?}") };
    assert_eq!(cancelled.reason(), Some("enough"));
    let text = RunError::Cancelled(cancelled).to_string();
    assert_eq!(text, "the main task was cancelled: task `Task-1` was cancelled: enough");
}

#[test]
fn an_error_that_is_unwrapped_shows_its_message() {
    let shown = format!("{:?}", RunError::Stopped);
    assert_eq!(shown, "RunError(the loop was stopped before the main task was done)");
}

#[test]
fn a_main_that_is_stopped_is_an_error_and_goes_on_in_the_next_run() {
    let mut event_loop = virtual_loop();
    let main = event_loop.spawn(async {
        stop();
        turns(3).await;
        7
    });
    assert!(matches!(event_loop.run_until_done(&main), Err(RunError::Stopped)));
    assert_eq!(event_loop.run_until_done(main).unwrap(), 7);
}

#[test]
fn a_main_that_fails_is_an_error() {
    let mut event_loop = virtual_loop();
    let main = Task::builder().try_spawn_on(&event_loop, async { Err::<(), _>("broken") });
    let ended = event_loop.run_until_done(main).unwrap_err();
    assert_eq!(ended.to_string(), "task `Task-1` failed: broken");
}

#[test]
fn what_is_ready_in_the_turn_after_mains_end_still_runs() {
    let trace = Trace::default();
    let (a, b) = (trace.clone(), trace.clone());
    let mut event_loop = virtual_loop();
    event_loop
        .run_until_complete(async move {
            call_soon(move || {
                a.note("the turn after");
                call_soon(move || b.note("a turn too late"));
            });
        })
        .unwrap();
    trace.expect(&["the turn after"]);
    event_loop.run_until_complete(yield_now()).unwrap();
    trace.expect(&["a turn too late"]);
}

#[test]
fn failures_during_shutdown_go_to_the_exception_handler() {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let list = Rc::clone(&reports);
    let mut runner = virtual_runner();
    runner
        .event_loop()
        .set_exception_handler(move |context| list.borrow_mut().push(context.to_string()));
    runner
        .run(async {
            let failing = async {
                let _ = catch_cancel(forever()).await;
                Err::<(), _>("at the end")
            };
            Task::builder().name("sore loser").try_spawn(failing).detach();
            spawn(forever()).detach();
            yield_now().await;
        })
        .unwrap();
    runner.close().unwrap();
    assert_eq!(
        *reports.borrow(),
        ["a task failed while the loop was being shut down: task `sore loser` failed: at the end"]
    );
}

#[test]
fn a_task_that_stops_the_loop_during_shutdown_does_not_cut_it_short() {
    let ended = Rc::new(Cell::new(false));
    let note = Rc::clone(&ended);
    let mut runner = virtual_runner();
    runner
        .run(async move {
            spawn(async move {
                let _ = catch_cancel(forever()).await;
                stop();
                sleep(ms(5)).await;
                note.set(true);
            })
            .detach();
            yield_now().await;
        })
        .unwrap();
    runner.close().unwrap();
    assert!(ended.get());
}

#[test]
fn a_shutdown_that_cannot_end_is_an_error_and_drops_the_rest() {
    let trace = Trace::default();
    let t = trace.clone();
    let mut runner = virtual_runner();
    runner
        .run(async move {
            spawn(async move {
                let _guard = t.on_drop("dropped");
                loop {
                    let _ = catch_cancel(forever()).await;
                    t.note("ignored");
                }
            })
            .detach();
            yield_now().await;
        })
        .unwrap();
    assert!(matches!(runner.close(), Err(RunError::Deadlock(_))));
    // Asked once, and not once more by the runner's drop.
    trace.expect(&["ignored", "dropped"]);
}

#[test]
fn a_deadlock_lists_the_tasks_with_name_place_and_what_they_wait_for() {
    let line = line!() + 3;
    let mut event_loop = virtual_loop();
    let ended = event_loop.run_until_complete(async move {
        let sleeper = Task::builder().name("sleeper").spawn(forever());
        let (promise, promised) = promise::<u8>();
        let waiting = Task::builder().name("waiter").spawn(async move {
            let _kept = promise;
            promised.await
        });
        let shared = sleeper.handle().clone();
        Task::builder()
            .name("several")
            .spawn(wait([shared.clone()], wheelhouse::ALL_COMPLETED))
            .detach();
        Task::builder().name("gatherer").spawn(gather([shared, waiting.handle().clone()])).detach();
        Task::builder()
            .name("group")
            .spawn(task_group(async |group| {
                group.spawn_named("child", forever()).unwrap().detach();
            }))
            .detach();
        let _ = waiting.await;
        drop(sleeper);
    });
    let Err(RunError::Deadlock(deadlock)) = ended else { panic!("{ended:?}") };
    let waits: Vec<_> = deadlock
        .waiting()
        .iter()
        .map(|task| (task.task().to_string(), task.waits_for().join(", ")))
        .collect();
    let expected = [
        ("Task-1", "task `waiter`"),
        ("sleeper", ""),
        ("waiter", "a promise that nobody has kept"),
        ("several", "a wait for several tasks"),
        ("gatherer", "a gather of 2 task(s), 2 unfinished"),
        ("group", "the children of a task group"),
        ("child", ""),
    ];
    let expected = expected.map(|(task, waits)| (task.to_owned(), waits.to_owned()));
    assert_eq!(waits, expected);
    let place = deadlock.waiting()[1].spawned_at();
    assert_eq!((place.file(), place.line()), ("tests/run.rs", line));
    let text = deadlock.to_string();
    assert!(text.starts_with("deadlock: 7 task(s) wait and nothing can wake them\n  task `Task-1` (spawned at tests/run.rs:"), "{text}");
    assert!(text.contains("waits for something unknown to the loop"), "{text}");
}

#[test]
fn a_task_spawned_on_a_loop_that_does_not_run_waits_for_it() {
    let mut event_loop = virtual_loop();
    let task = event_loop.spawn(async {
        sleep(ms(5)).await;
        time()
    });
    assert_eq!((task.is_done(), event_loop.all_tasks().len()), (false, 1));
    assert_eq!(event_loop.run_until_done(task).unwrap(), ms(5));
}

#[test]
fn two_loops_in_one_thread_do_not_meet() {
    let (mut first, mut second) = (virtual_loop(), virtual_loop());
    first.run_until_complete(sleep(ms(50))).unwrap();
    assert_eq!((first.time(), second.time()), (ms(50), ms(0)));
    let task = first.spawn(async { 7 });
    second.run_until_complete(turns(5)).unwrap();
    assert!(!task.is_done());
    assert_eq!(first.run_until_done(task).unwrap(), 7);
}

#[test]
fn the_same_program_makes_the_same_trace_every_time() {
    let program = || {
        let trace = Trace::default();
        let t = trace.clone();
        common::run(async move {
            let tasks: Vec<_> = (0..20_u64)
                .map(|n| {
                    let t = t.clone();
                    spawn(async move {
                        for round in 0..5 {
                            sleep(ms((n * 7 + round * 3) % 11)).await;
                            t.at(format_args!("{n}/{round}"));
                        }
                    })
                })
                .collect();
            for end in gather(tasks).await {
                end.unwrap();
            }
        });
        trace.take()
    };
    assert_eq!(program(), program());
}

#[test]
fn names_and_ids_are_given_in_order_of_creation() {
    common::run(async {
        let first = spawn(async {});
        let named = Task::builder().name("named").spawn(async {});
        let third = try_spawn(async { Ok::<_, String>(()) });
        let names = [&first, &named, &third].map(|task: &Task<()>| task.name().to_string());
        assert_eq!(names, ["Task-2", "named", "Task-4"]);
        assert!(me().id() < first.id() && first.id() < named.id() && named.id() < third.id());
        assert_eq!(first.id().to_string(), "#2");
        let all: Vec<_> = wheelhouse::all_tasks().iter().map(TaskHandle::id).collect();
        assert_eq!(all, [me().id(), first.id(), named.id(), third.id()]);
        let ended: Result<Vec<()>, JoinError> = wheelhouse::try_gather([first, named, third]).await;
        assert_eq!(ended.unwrap().len(), 3);
    });
}
