//! A deadlock report says what each task waits for, and of a lock, who holds it.

mod common;

use common::{fixed, try_run, virtual_loop};
use wheelhouse::sync::{
    Barrier, Condition, Event, Lock, OnceCell, PriorityQueue, Queue, RwLock, Semaphore,
};
use wheelhouse::{RunError, Task};

/// What `main` is reported to wait for, for ever.
#[track_caller]
fn waits_for<T: 'static>(main: impl Future<Output = T> + 'static) -> String {
    match try_run(main) {
        Err(RunError::Deadlock(deadlock)) => deadlock.waiting()[0].waits_for().join(" and "),
        other => panic!("it ended: {:?}", other.err()),
    }
}

#[test]
fn each_primitive() {
    assert_eq!(waits_for(async { Event::new().wait().await }), "an event");
    assert_eq!(waits_for(async { Semaphore::new(0).acquire().await.forget() }), "a permit");
    let rw = fixed(RwLock::new(()));
    let writer = rw.try_write().unwrap();
    assert_eq!(waits_for(async { drop(rw.read().await) }), "a lock to read");
    assert_eq!(waits_for(async { drop(rw.write().await) }), "a lock to write");
    drop(writer);
    assert_eq!(waits_for(async { Queue::<u8>::unbounded().get().await }), "an item of a queue");
    let full = PriorityQueue::new(1);
    full.put_nowait(1).unwrap();
    assert_eq!(waits_for(async move { full.put(2).await }), "room in a queue");
    let unfinished = Queue::unbounded();
    unfinished.put_nowait(1).unwrap();
    assert_eq!(
        waits_for(async move { unfinished.join().await }),
        "the items of a queue to be done"
    );
    let notified = async {
        let condition = Condition::new(());
        condition.wait(&mut condition.lock().await).await;
    };
    assert_eq!(waits_for(notified), "a condition");
    assert_eq!(waits_for(async { Barrier::new(2).wait().await }), "a barrier to be full");
    let cell: &OnceCell<u8> = fixed(OnceCell::new());
    let recursive = cell.get_or_init(async || *cell.get_or_init(async || 1).await);
    assert_eq!(waits_for(recursive), "a value in the making");
}

#[test]
fn a_lock_names_its_holder() {
    let (a, b) = (fixed(Lock::named("a", ())), fixed(Lock::named("b", ())));
    let mut event_loop = virtual_loop();
    let main = async {
        let take = |name: &'static str, first: &'static Lock, second: &'static Lock| {
            Task::builder().name(name).spawn(async move {
                let _first = first.lock().await;
                wheelhouse::yield_now().await;
                let _second = second.lock().await;
            })
        };
        let (one, other) = (take("one", a, b), take("other", b, a));
        one.await.unwrap();
        other.await.unwrap();
    };
    let Err(RunError::Deadlock(deadlock)) = event_loop.run_until_complete(main) else {
        panic!("each has what the other wants")
    };
    let waits: Vec<_> = deadlock.waiting().iter().map(|task| task.waits_for().join("")).collect();
    assert_eq!(
        waits,
        ["task `one`", "lock `b` held by task `other`", "lock `a` held by task `one`"]
    );
}

#[test]
fn a_lock_without_a_name_and_one_whose_holder_is_gone() {
    let lock = fixed(Lock::new(()));
    let main = async {
        wheelhouse::spawn(lock.acquire()).await.unwrap();
        lock.acquire().await;
    };
    assert_eq!(waits_for(main), "a lock held by a task that has ended");
}

#[test]
fn a_lock_that_was_handed_on_names_its_last_holder() {
    let lock = fixed(Lock::new(()));
    let main = async {
        lock.acquire().await;
        let next = Task::builder().name("next").spawn(lock.acquire());
        wheelhouse::yield_now().await;
        lock.release().unwrap();
        let last = Task::builder().name("last").spawn(async {
            lock.acquire().await;
            std::future::pending::<()>().await;
        });
        next.await.unwrap();
        lock.release().unwrap();
        wheelhouse::yield_now().await;
        drop(last);
        lock.acquire().await;
    };
    assert_eq!(waits_for(main), "a lock held by task `last`");
}

/// Each loop knows locks by numbers of its own.
#[test]
fn a_lock_that_is_used_in_one_loop_after_another() {
    let (a, b) = (fixed(Lock::named("a", ())), fixed(Lock::named("b", ())));
    let want_twice = async |lock: &'static Lock| {
        lock.acquire().await;
        lock.acquire().await;
    };
    let wanted = |name: &'static str, locks: [&'static Lock; 2]| {
        waits_for(async move {
            let others = locks.map(|lock| Task::builder().name(name).spawn(want_twice(lock)));
            wheelhouse::yield_now().await;
            locks[1].acquire().await;
            drop(others);
        })
    };
    assert_eq!(wanted("one", [b, a]), "lock `a` held by task `one`");
    [a, b].iter().for_each(|lock| lock.release().unwrap());
    assert_eq!(wanted("two", [a, b]), "lock `b` held by task `two`");
}
