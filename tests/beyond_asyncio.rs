//! What asyncio gets wrong or leaves open, and what happens here: each entry of `docs/beyond-asyncio.md`.

mod common;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use common::{Trace, fixed, forever, is_cancelled, me, ms, run, try_run, turns, virtual_loop};
use wheelhouse::sync::{Condition, Event, PriorityQueue, Queue, Semaphore};
use wheelhouse::{
    ALL_COMPLETED, EventLoop, JoinError, PromiseError, RemoteError, RunError, Runner, Task,
    TaskHandle, all_tasks, as_completed, call_at, call_later, call_soon, catch_cancel, or_raise,
    promise, shield, sleep, spawn, task_group, time, timeout, try_gather, try_spawn, wait,
    wait_for, yield_now,
};

/// What the exception handler is told from now on.
fn listen(event_loop: &EventLoop) -> Rc<RefCell<Vec<String>>> {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let list = Rc::clone(&reports);
    event_loop.set_exception_handler(move |context| list.borrow_mut().push(context.to_string()));
    reports
}

#[test]
fn the_page_lists_each_test_of_this_file_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/beyond-asyncio.md")).unwrap();
    let named: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("*Test:* `")?.split('`').next()).collect();
    let source = include_str!("beyond_asyncio.rs");
    let here: BTreeSet<&str> = source
        .split("#[test]\nfn ")
        .skip(2)
        .map(|test| test.split('(').next().expect("a function's name"))
        .collect();
    assert_eq!(named, here);
}

#[test]
fn timers_of_one_deadline_fire_in_the_order_of_arming() {
    let trace = fixed(Trace::default());
    run(async move {
        let taken_back: Vec<_> = (0..200).map(|_| call_at(ms(5), || unreachable!())).collect();
        for n in 0..10 {
            call_at(ms(5), move || trace.note(n));
        }
        taken_back.iter().for_each(|timer| assert!(timer.cancel()));
        sleep(ms(6)).await;
    });
    trace.expect(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
}

#[test]
fn tasks_come_in_the_order_they_were_given_or_made() {
    let trace = fixed(Trace::default());
    run(async move {
        let tasks: Vec<_> = (0..20).map(|n| spawn(async move { n })).collect();
        let all: Vec<_> = all_tasks().iter().skip(1).map(TaskHandle::id).collect();
        assert_eq!(all, tasks.iter().map(|task| task.id()).collect::<Vec<_>>());
        let done = wait(tasks, ALL_COMPLETED).await.unwrap().done;
        let mut series = as_completed(done);
        for n in 0..20 {
            assert_eq!(series.next().await.unwrap().unwrap().await.unwrap(), n);
        }
        let group = task_group(async |group| {
            for n in 0..5 {
                let child = async move {
                    let _ = catch_cancel(forever()).await;
                    trace.note(n);
                };
                group.spawn(child).unwrap().detach();
            }
            yield_now().await;
            group.try_spawn(async { Err::<(), _>("broken") }).unwrap().detach();
            forever().await;
        });
        assert!(group.await.is_err());
    });
    trace.expect(&["0", "1", "2", "3", "4"]);
}

#[test]
fn equal_items_leave_a_priority_queue_in_the_order_they_came() {
    #[derive(PartialEq, Eq)]
    struct Job(u8, &'static str);
    impl Ord for Job {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.0.cmp(&other.0)
        }
    }
    impl PartialOrd for Job {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    let queue = PriorityQueue::unbounded();
    for job in [Job(2, "a"), Job(1, "b"), Job(2, "c"), Job(1, "d"), Job(2, "e"), Job(1, "f")] {
        assert!(queue.put_nowait(job).is_ok());
    }
    let names: Vec<_> = (0..6).map(|_| queue.get_nowait().ok().map(|job| job.1)).collect();
    assert_eq!(names, ["b", "d", "f", "a", "c", "e"].map(Some));
}

#[test]
fn a_delay_is_never_nan_negative_or_too_long() {
    assert!(Duration::try_from_secs_f64(f64::NAN).is_err());
    assert!(Duration::try_from_secs_f64(-1.0).is_err());
    run(async {
        assert!(timeout(ms(5), sleep(Duration::MAX)).await.is_err());
        // A time that has passed is the next turn.
        call_at(ms(1), || ());
        turns(2).await;
        assert_eq!(time(), ms(5));
    });
}

#[test]
fn a_timer_that_is_taken_back_is_gone_at_once() {
    let event_loop = virtual_loop();
    for _ in 0..10_000 {
        assert!(event_loop.call_later(ms(60_000), || ()).cancel());
    }
    assert_eq!(event_loop.census().timers, 0);
}

#[test]
fn a_task_cancelled_by_somebody_else_does_not_look_like_a_cancel_of_ours() {
    run(async {
        let task = spawn(forever());
        let handle = task.handle().clone();
        call_soon(move || assert!(handle.cancel()));
        assert!(matches!(task.await, Err(JoinError::Cancelled(_))));
        assert_eq!(me().cancelling(), 0);
        // To go along with it is a choice.
        let task = spawn(forever());
        task.cancel();
        assert!(catch_cancel(or_raise(task.await)).await.is_err());
    });
}

#[test]
fn a_task_that_suppresses_every_cancel_can_be_ended() {
    let mut runner = Runner::with_loop(virtual_loop());
    let stubborn = async {
        loop {
            let _ = catch_cancel(forever()).await;
        }
    };
    let task: Task<()> = runner.event_loop().spawn(stubborn);
    runner.run(turns(2)).unwrap();
    assert!(task.cancel());
    runner.run(turns(2)).unwrap();
    assert!(!task.is_done());
    assert!(task.abort());
    runner.run(turns(2)).unwrap();
    assert!(task.is_cancelled());
    runner.close().unwrap();
}

#[test]
fn a_task_that_awaits_itself_is_told_and_others_still_can() {
    run(async {
        let own = Rc::new(RefCell::new(None));
        let inside = Rc::clone(&own);
        let task = spawn(async move {
            yield_now().await;
            let me: wheelhouse::TaskHandle = inside.take().unwrap();
            let refused = me.join().await;
            assert!(matches!(refused, Err(JoinError::AwaitsItself(_))));
            7
        });
        own.replace(Some(task.handle().clone()));
        assert_eq!(task.await.unwrap(), 7);
    });
}

#[test]
fn a_cancel_goes_through_a_hundred_thousand_awaits_without_a_stack() {
    run(async {
        let mut task = spawn(forever());
        for _ in 0..100_000 {
            let awaited = task;
            task = spawn(async move { or_raise(awaited.await).await.map_or((), |()| ()) });
        }
        turns(2).await;
        assert!(task.cancel());
        assert!(is_cancelled(task.await));
    });
}

#[test]
fn what_a_cancelled_waiter_had_coming_goes_to_the_next() {
    run(async {
        let queue: &Queue<u8> = fixed(Queue::unbounded());
        let [first, second] = [(), ()].map(|()| spawn(wait_for(queue.get(), ms(1000))));
        turns(2).await;
        queue.put_nowait(7).unwrap();
        assert!(first.cancel(), "woken, but not yet there");
        assert!(is_cancelled(first.await));
        assert_eq!(second.await.unwrap(), Ok(Ok(7)));

        let semaphore = fixed(Semaphore::new(1));
        let permit = semaphore.acquire().await;
        let [first, second] = [(), ()].map(|()| spawn(async { drop(semaphore.acquire().await) }));
        turns(2).await;
        drop(permit);
        assert!(first.cancel());
        assert!(is_cancelled(first.await));
        second.await.unwrap();
    });
}

#[test]
fn a_notification_of_a_cancelled_waiter_wakes_another() {
    run(async {
        let condition = fixed(Condition::new(()));
        let waiter = || {
            spawn(async {
                let mut guard = condition.lock().await;
                condition.wait(&mut guard).await;
                drop(guard);
            })
        };
        let [first, second] = [waiter(), waiter()];
        turns(3).await;
        let guard = condition.lock().await;
        condition.notify(1).unwrap();
        drop(guard);
        assert!(first.cancel());
        assert!(is_cancelled(first.await));
        second.await.unwrap();
    });
}

#[test]
fn a_timeout_and_a_cancel_in_one_turn_are_a_cancel() {
    run(async {
        let task = spawn(timeout(ms(5), forever()));
        let handle = task.handle().clone();
        call_at(ms(5), move || assert!(handle.cancel()));
        assert!(is_cancelled(task.await));
        assert_eq!(time(), ms(5));
    });
}

#[test]
fn a_result_and_a_timeout_in_one_turn_lose_nothing() {
    run(async {
        let queue: &Queue<u8> = fixed(Queue::unbounded());
        call_at(ms(5), || queue.put_nowait(7).unwrap());
        let ended = wait_for(queue.get(), ms(5)).await;
        // Either it came out, or it is still there.
        let kept = queue.get_nowait().ok();
        assert_eq!(ended.ok().map(Result::unwrap).or(kept), Some(7));
    });
}

#[test]
fn a_group_that_failed_hands_the_cancel_from_outside_on() {
    run(async {
        let task = spawn(async {
            let group = task_group(async |group| {
                let child = async {
                    let _ = catch_cancel(forever()).await;
                    Err::<(), _>("broken")
                };
                group.try_spawn(child).unwrap().detach();
                forever().await;
            });
            assert!(group.await.is_err());
            sleep(ms(1000)).await;
        });
        turns(3).await;
        task.cancel();
        assert!(is_cancelled(task.await));
        assert_eq!(time(), ms(0));
    });
}

#[test]
fn a_detached_or_shielded_task_is_not_lost() {
    let trace = fixed(Trace::default());
    run(async {
        spawn(async {
            sleep(ms(5)).await;
            trace.at("detached");
        })
        .detach();
        let shielded = shield(spawn(async {
            sleep(ms(6)).await;
            trace.at("shielded");
        }));
        assert!(timeout(ms(1), shielded).await.is_err());
        sleep(ms(10)).await;
    });
    trace.expect(&["5 detached", "6 shielded"]);
}

#[test]
fn a_failure_that_nobody_looks_at_is_told_when_the_last_handle_goes() {
    let mut event_loop = virtual_loop();
    let reports = listen(&event_loop);
    let task = Task::builder().try_spawn_on(&event_loop, async { Err::<(), _>("broken") });
    event_loop.run_until_complete(turns(2)).unwrap();
    assert_eq!(reports.borrow().len(), 0, "somebody may still look");
    drop(task);
    let reports = reports.take();
    assert!(reports.len() == 1 && reports[0].contains("broken"), "{reports:?}");
}

#[test]
fn a_shielded_failure_that_came_too_late_is_told() {
    let mut event_loop = virtual_loop();
    let reports = listen(&event_loop);
    let main = async {
        let inner = try_spawn(async {
            sleep(ms(5)).await;
            Err::<(), _>("too late")
        });
        assert!(timeout(ms(1), shield(inner)).await.is_err());
        sleep(ms(10)).await;
    };
    event_loop.run_until_complete(main).unwrap();
    let reports = reports.take();
    assert!(reports.len() == 1 && reports[0].contains("too late"), "{reports:?}");
}

#[test]
fn what_a_gather_leaves_behind_runs_on_and_can_be_had() {
    run(async {
        let slow = try_spawn(async {
            sleep(ms(5)).await;
            Err::<(), _>("the second")
        });
        let second = slow.handle().clone();
        let first = try_spawn(async { Err::<(), _>("the first") });
        let error = try_gather([first, slow]).await.unwrap_err();
        assert!(error.to_string().contains("the first"));
        assert!(!second.is_done());
        assert!(second.join().await.unwrap_err().to_string().contains("the second"));
    });
}

#[test]
fn a_panic_ends_no_turn_in_the_middle() {
    let trace = fixed(Trace::default());
    let mut event_loop = virtual_loop();
    let reports = listen(&event_loop);
    event_loop.call_soon(|| panic!("a callback"));
    let task = event_loop.spawn(async { panic!("a task") as () });
    event_loop.call_soon(|| trace.note("the rest of the turn"));
    let _ = event_loop.run_once(None).unwrap();
    trace.expect(&["the rest of the turn"]);
    assert_eq!(reports.borrow().len(), 1);
    assert!(matches!(task.outcome(), Some(Err(JoinError::Panicked(_)))));
}

#[test]
fn a_loop_that_goes_takes_its_tasks_with_it_and_says_so() {
    let trace = fixed(Trace::default());
    let mut event_loop = virtual_loop();
    let task = event_loop.spawn(async {
        let _guard = trace.on_drop("cleaned up");
        forever().await;
    });
    event_loop.run_until_complete(turns(2)).unwrap();
    drop(event_loop);
    trace.expect(&["cleaned up"]);
    assert!(matches!(task.ending(), Some(Err(JoinError::LoopClosed(_)))));
}

#[test]
fn a_program_that_can_never_go_on_is_an_error() {
    let ended = try_run(async { Event::new().wait().await });
    let Err(RunError::Deadlock(deadlock)) = ended else { panic!("{ended:?}") };
    assert_eq!(deadlock.waiting().len(), 1);
}

#[test]
fn a_thread_that_would_wait_for_itself_is_told() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let main = async move {
        let remote = handle.spawn_threadsafe(|| async { 7 }).unwrap();
        assert!(matches!(remote.block(), Err(RemoteError::OnLoopThread)));
    };
    event_loop.run_until_complete(main).unwrap();
}

#[test]
fn a_promise_that_nobody_can_keep_any_more_is_broken() {
    run(async {
        let (promise, promised) = promise::<u8>();
        call_later(ms(5), move || drop(promise));
        assert!(matches!(promised.await, Err(PromiseError::Dropped)));
        assert_eq!(time(), ms(5));
    });
}

#[test]
fn a_primitive_serves_one_loop_after_another() {
    let event = fixed(Event::new());
    for _ in 0..2 {
        event.clear();
        run(async {
            call_later(ms(1), || event.set());
            event.wait().await;
        });
    }
}
