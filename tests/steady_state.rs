//! What a loop allocates once it has been as busy before: one cell for each task, and nothing for a yield, a
//! sleep, a wake, a cancel, or a wait at a primitive.

mod common;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use allocation_counter::measure;
use common::{ms, virtual_loop};
use wheelhouse::sync::{Event, Lock, Queue, Semaphore};
use wheelhouse::{EventLoop, Sleep, Task, gather, sleep, spawn, timeout, yield_now};

const TASKS: u64 = 50;

/// Allocations of so many turns of a loop, after as many to get used to what it does.
fn allocations_in(turns: usize, start: impl FnOnce(&EventLoop)) -> u64 {
    let mut event_loop = virtual_loop();
    start(&event_loop);
    let mut run = || {
        for _ in 0..turns {
            let _ = event_loop.run_once(None).expect("the loop turns");
        }
    };
    run();
    measure(run).count_total
}

/// Starts many tasks that do the same for ever.
fn forever<F: Future<Output = ()> + 'static>(
    event_loop: &EventLoop,
    round: impl Fn(u64) -> F + Clone + 'static,
) {
    for i in 0..TASKS {
        let round = round.clone();
        event_loop
            .spawn(async move {
                loop {
                    round(i).await;
                }
            })
            .detach();
    }
}

#[test]
fn a_yield_allocates_nothing() {
    let allocations = allocations_in(200, |event_loop| forever(event_loop, |_| yield_now()));
    assert_eq!(allocations, 0);
}

#[test]
fn a_sleep_allocates_nothing() {
    let allocations = allocations_in(20_000, |event_loop| {
        forever(event_loop, |i| sleep(Duration::from_micros(900 + 37 * i)));
    });
    assert_eq!(allocations, 0);
}

#[test]
fn a_timeout_that_does_not_fire_allocates_nothing() {
    let allocations = allocations_in(2_000, |event_loop| {
        forever(event_loop, |_| async {
            timeout(ms(5000), yield_now()).await.expect("it does not fire");
        });
    });
    assert_eq!(allocations, 0);
}

/// Allocations of tasks that are polled twice and then begin anew; `poll` has a place for each one's waker, the
/// task's number, its own waker, and whether this is the first of two polls.
fn allocations_of_wakers(poll: fn(&mut [Option<Waker>], usize, &Waker, bool)) -> u64 {
    let wakers: Rc<RefCell<Vec<Option<Waker>>>> = Rc::new(RefCell::new(vec![None; TASKS as usize]));
    allocations_in(200, |event_loop| {
        forever(event_loop, move |i| {
            let (wakers, mut first) = (Rc::clone(&wakers), true);
            poll_fn(move |cx| {
                poll(&mut wakers.borrow_mut(), i as usize, cx.waker(), first);
                if !std::mem::replace(&mut first, false) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
        });
    })
}

/// Fifty wakers are called in each turn, and are kept from poll to poll.
#[test]
fn a_wake_allocates_nothing() {
    let allocations = allocations_of_wakers(|wakers, i, own, _| {
        wakers[(i + 1) % TASKS as usize].as_ref().inspect(|next| next.wake_by_ref());
        wakers[i].get_or_insert_with(|| own.clone());
    });
    assert_eq!(allocations, 0);
}

/// As above, with a clone of the waker for each first poll, which is used up by the wake.
#[test]
fn a_waker_that_is_cloned_and_used_up_allocates_nothing() {
    let allocations = allocations_of_wakers(|wakers, i, own, first| {
        wakers[(i + 1) % TASKS as usize].take().into_iter().for_each(Waker::wake);
        if first {
            wakers[i] = Some(own.clone());
        }
    });
    assert_eq!(allocations, 0);
}

/// A task sets the event in each turn; many wait for it, and are woken.
#[test]
fn an_event_that_is_waited_for_allocates_nothing() {
    let event = common::fixed(Event::new());
    let allocations = allocations_in(2_000, |event_loop| {
        forever(event_loop, move |_| async move {
            event.wait().await;
            yield_now().await;
        });
        forever(event_loop, move |_| async move {
            event.set();
            event.clear();
            yield_now().await;
        });
    });
    assert_eq!(allocations, 0);
}

/// Many wait for items and many for room, each in turn.
#[test]
fn a_queue_that_is_waited_at_allocates_nothing() {
    let queue = common::fixed(Queue::new(3));
    let allocations = allocations_in(2_000, |event_loop| {
        forever(event_loop, move |i| async move {
            queue.put(i).await.expect("the queue is open");
        });
        forever(event_loop, move |_| async move {
            queue.get().await.expect("the queue is open");
        });
    });
    assert_eq!(allocations, 0);
}

/// A lock is taken round by many, and so are two permits.
#[test]
fn a_lock_that_is_waited_for_allocates_nothing() {
    let lock = common::fixed(Lock::new(0));
    let permits = common::fixed(Semaphore::new(2));
    let allocations = allocations_in(2_000, |event_loop| {
        forever(event_loop, move |_| async move {
            let mut rounds = lock.lock().await;
            yield_now().await;
            *rounds += 1;
        });
        forever(event_loop, move |_| async move {
            let _permit = permits.acquire().await;
            yield_now().await;
        });
    });
    assert_eq!(allocations, 0);
}

/// The cells of the tasks; the tasks themselves, what watches them, its callbacks, and the values.
#[test]
fn a_gather_allocates_its_cells_and_four_more() {
    let gathers = common::fixed(Cell::new(0u64));
    let mut allocations = 0;
    let mut gathered = 0;
    let mut event_loop = virtual_loop();
    event_loop
        .spawn(async move {
            loop {
                let values = gather((0..TASKS).map(|i| spawn(async move { i }))).await;
                assert_eq!(values.len() as u64, TASKS);
                gathers.set(gathers.get() + 1);
            }
        })
        .detach();
    for _ in 0..2 {
        let before = gathers.get();
        allocations = measure(|| {
            while gathers.get() < before + 100 {
                let _ = event_loop.run_once(None).expect("the loop turns");
            }
        })
        .count_total;
        gathered = gathers.get() - before;
    }
    assert_eq!(allocations, gathered * (TASKS + 4));
}

#[test]
fn moving_a_sleep_allocates_nothing() {
    common::run(async {
        let mut naps: Vec<Pin<Box<Sleep>>> = (0..TASKS).map(|_| Box::pin(sleep(ms(9)))).collect();
        poll_fn(|cx| {
            naps.iter_mut().for_each(|nap| assert!(nap.as_mut().poll(cx).is_pending()));
            Poll::Ready(())
        })
        .await;
        let mut move_all = || {
            for round in 1..100 {
                naps.iter_mut().for_each(|nap| nap.reset(ms(round)));
            }
        };
        move_all();
        assert_eq!(measure(move_all).count_total, 0);
    });
}

/// Spawned, stepped, cancelled, awaited.
#[test]
fn a_task_that_is_spawned_and_cancelled_allocates_its_cell_and_nothing_else() {
    common::run(async {
        let mut tasks: Vec<Task<()>> = Vec::with_capacity(TASKS as usize);
        let mut handed_over = Vec::with_capacity(TASKS as usize);
        for round in 0..3 {
            let spawned = measure(|| tasks.extend((0..TASKS).map(|_| spawn(pending()))));
            yield_now().await;
            let cancelled = measure(|| tasks.iter().for_each(|task| assert!(task.cancel())));
            yield_now().await;
            handed_over.append(&mut tasks);
            let joined = measure(|| {
                for mut task in handed_over.drain(..) {
                    assert!(task.try_result().is_some_and(|ended| ended.is_err()));
                }
            });
            if round > 0 {
                let counts = [spawned, cancelled, joined].map(|memory| memory.count_total);
                assert_eq!(counts, [TASKS, 0, 0]);
            }
        }
    });
}

#[test]
fn an_await_of_a_task_allocates_nothing_beside_the_cell() {
    let allocations = allocations_in(999, |event_loop| {
        event_loop
            .spawn(async {
                loop {
                    spawn(async {}).await.expect("it ends by itself");
                }
            })
            .detach();
    });
    // A task takes two turns: its step, and that of who awaits it.
    assert!((499..=500).contains(&allocations), "{allocations} allocations for about 500 tasks");
}

/// Twenty thousand handles in each turn.
#[test]
fn a_loop_that_is_always_very_busy_uses_its_room_again() {
    let mut event_loop = virtual_loop();
    for _ in 0..20_000 {
        let forever = async {
            loop {
                yield_now().await;
            }
        };
        event_loop.spawn(forever).detach();
    }
    let mut turns = || {
        for _ in 0..3 {
            let _ = event_loop.run_once(None).expect("the loop turns");
        }
    };
    turns();
    assert_eq!(measure(turns).count_total, 0);
}

/// A hundred thousand handles in one turn, then one in each.
#[test]
fn the_room_of_a_burst_is_given_back() {
    const BURST: usize = 100_000;
    let mut event_loop = virtual_loop();
    (0..BURST).for_each(|_| event_loop.spawn(async {}).detach());
    event_loop
        .spawn(async {
            loop {
                yield_now().await;
            }
        })
        .detach();
    let mut turn = || {
        let _ = event_loop.run_once(None).expect("the loop turns");
    };
    turn();
    let freed = -measure(|| (0..2).for_each(|_| turn())).bytes_current;
    let queued = BURST * size_of::<u64>();
    assert!(usize::try_from(freed).is_ok_and(|freed| freed > queued), "{freed} bytes were freed");
}
