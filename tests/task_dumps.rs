//! What a dump says of the tasks of a loop.

mod common;

use std::rc::Rc;

use common::{forever, ms, run, virtual_loop};
use wheelhouse::sync::Lock;
use wheelhouse::{Activity, Task, catch_cancel, dump_tasks, sleep, yield_now};

fn activities(dump: &wheelhouse::TaskDump) -> Vec<String> {
    let tasks = dump.tasks().iter();
    tasks.map(|report| format!("{}: {}", report.task(), report.activity())).collect()
}

#[test]
fn it_names_every_living_task_and_what_it_is_doing() {
    let seen = run(async {
        let lock = Rc::new(Lock::named("accounts", ()));
        let wants = Rc::clone(&lock);
        let name = |name| Task::builder().name(name);
        let holder = name("holder").spawn(async move {
            let _guard = lock.lock().await;
            sleep(ms(10)).await;
        });
        let waiter = name("waiter").spawn(async move { drop(wants.lock().await) });
        let foreign = name("foreign").spawn(forever());
        yield_now().await;
        let fresh = name("fresh").spawn(async {});
        let joiner = name("joiner").spawn(waiter);
        let seen = activities(&dump_tasks());
        foreign.abort();
        joiner.await.unwrap().unwrap();
        holder.await.unwrap();
        fresh.await.unwrap();
        assert_eq!(activities(&dump_tasks()), ["Task-1: runs"], "who has ended is not listed");
        seen
    });
    let expected = [
        "Task-1: runs",
        "holder: waits for a sleep",
        "waiter: waits for lock `accounts` held by task `holder`",
        "foreign: waits for something unknown to the loop",
        "fresh: is ready to run",
        "joiner: is ready to run",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_host_looks_between_two_turns() {
    let mut event_loop = virtual_loop();
    let stubborn = Task::builder().name("stubborn").spawn_on(&event_loop, async {
        loop {
            let _ = catch_cancel(sleep(ms(1_000))).await;
        }
    });
    event_loop.advance(ms(250));
    let _ = event_loop.run_once(None).unwrap();
    stubborn.cancel();
    stubborn.cancel();
    let _ = event_loop.run_once(None).unwrap();

    let dump = event_loop.dump_tasks();
    let [report] = dump.tasks() else { panic!("{dump}") };
    assert_eq!(report.activity(), &Activity::Waiting(vec!["a sleep".to_owned()]));
    assert_eq!(report.cancelling(), 2);
    let place = report.spawned_at().expect("it does not run");
    assert_eq!(
        dump.to_string(),
        format!(
            "1 task(s) at 0.250 s of loop time\n  task `stubborn` (spawned at {place}) waits for a \
             sleep; 2 request(s) to cancel it so far"
        )
    );
    assert!(place.file().ends_with("task_dumps.rs"));
}

#[test]
#[should_panic(expected = "`dump_tasks` was called outside a running loop")]
fn outside_a_loop_it_says_what_to_do() {
    let _ = dump_tasks();
}
