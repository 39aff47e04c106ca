//! The operations that have a budget. Each runs `n` times in one loop under the virtual clock, so that two
//! runs of the same `n` execute the same instructions.

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wheelhouse::net::UnixStream;
use wheelhouse::sync::{Event, Lock, Queue};
use wheelhouse::{EventLoop, Sleep, Task, call_soon, gather, sleep, spawn, timeout, yield_now};

/// Something the loop is asked to do, `n` times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) run: fn(usize),
}

/// Every operation that has a budget.
pub(crate) const ALL: &[Operation] = &[
    Operation { name: "yield, 1 task", run: |n| virtually(yields(1, n)) },
    Operation { name: "yield, 1000 tasks", run: |n| virtually(yields(1000, n)) },
    Operation { name: "spawn + await", run: |n| virtually(spawn_and_await(n)) },
    Operation { name: "spawn all, await all", run: |n| virtually(spawn_all(n)) },
    Operation { name: "wake along a ring of 1000", run: |n| virtually(ring(1000, n)) },
    Operation { name: "queue, ping-pong", run: |n| virtually(ping_pong(n)) },
    Operation { name: "event, set and waited for", run: |n| virtually(events(n)) },
    Operation { name: "lock, handed over", run: |n| virtually(hand_over(n)) },
    Operation { name: "sleep, armed and dropped", run: |n| virtually(arm_and_drop(n)) },
    Operation { name: "sleep, reset", run: |n| virtually(reset(n)) },
    Operation { name: "sleep, expired", run: |n| virtually(expire(n)) },
    Operation { name: "timeout that does not fire", run: |n| virtually(timeouts(n)) },
    Operation { name: "cancel + join", run: |n| virtually(cancel_and_join(n)) },
    Operation { name: "gather of 10", run: |n| virtually(gathers(n)) },
    Operation { name: "sockets, ping-pong", run: |n| virtually(socket_ping_pong(n)) },
    Operation { name: "call_soon", run: |n| virtually(calls(n)) },
];

/// Runs `main` in a loop that is not dropped: what it would drop is no part of what was done in it.
pub(crate) fn virtually<R: 'static>(main: impl Future<Output = R> + 'static) -> R {
    let mut event_loop = EventLoop::builder().virtual_clock().build().expect("a loop can be made");
    let output = event_loop.run_until_complete(main).expect("main ends by itself");
    std::mem::forget(event_loop);
    output
}

async fn yields(tasks: usize, n: usize) {
    let each = n / tasks;
    join_all((0..tasks).map(|_| {
        spawn(async move {
            for _ in 0..each {
                yield_now().await;
            }
        })
    }))
    .await;
}

async fn spawn_and_await(n: usize) {
    for i in 0..n {
        black_box(spawn(async move { black_box(i) }).await).expect("it ends with a value");
    }
}

async fn spawn_all(n: usize) {
    join_all((0..n).map(|i| spawn(async move { black_box(i) }))).await;
}

/// One token goes round a ring of tasks, each of which wakes the next through its waker.
async fn ring(tasks: usize, n: usize) {
    let ring = Rc::new(RefCell::new(Ring { holder: 0, wakers: vec![None; tasks] }));
    let rounds = n / tasks;
    join_all((0..tasks).map(|me| {
        let ring = Rc::clone(&ring);
        spawn(async move {
            for _ in 0..rounds {
                poll_fn(|cx| ring.borrow_mut().poll_token(me, cx)).await;
                ring.borrow_mut().pass_on(me);
            }
        })
    }))
    .await;
}

struct Ring {
    holder: usize,
    wakers: Vec<Option<Waker>>,
}

impl Ring {
    fn poll_token(&mut self, me: usize, cx: &Context<'_>) -> Poll<()> {
        if self.holder == me {
            return Poll::Ready(());
        }
        match &mut self.wakers[me] {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    fn pass_on(&mut self, me: usize) {
        self.holder = (me + 1) % self.wakers.len();
        if let Some(waker) = &self.wakers[self.holder] {
            waker.wake_by_ref();
        }
    }
}

async fn ping_pong(n: usize) {
    let (there, back) = (Rc::new(Queue::new(0)), Rc::new(Queue::new(0)));
    let echo = spawn({
        let (there, back) = (Rc::clone(&there), Rc::clone(&back));
        async move {
            for _ in 0..n {
                let item: usize = there.get().await.expect("the queue is open");
                back.put(item).await.expect("the queue is open");
            }
        }
    });
    for i in 0..n {
        there.put(i).await.expect("the queue is open");
        black_box(back.get().await).expect("the queue is open");
    }
    echo.await.expect("it ends with a value");
}

async fn socket_ping_pong(n: usize) {
    let (ours, theirs) = UnixStream::pair().expect("a pair can be made");
    let echo = spawn(async move {
        let mut byte = [0];
        for _ in 0..n {
            theirs.read_exact(&mut byte).await.expect("the other end is open");
            theirs.write_all(&byte).await.expect("the other end is open");
        }
    });
    let mut byte = [0];
    for _ in 0..n {
        ours.write_all(&byte).await.expect("the other end is open");
        ours.read_exact(&mut byte).await.expect("the other end is open");
    }
    echo.await.expect("it ends with a value");
}

async fn events(n: usize) {
    let event = Rc::new(Event::new());
    let setter = spawn({
        let event = Rc::clone(&event);
        async move {
            for _ in 0..n {
                event.set();
                yield_now().await;
            }
        }
    });
    for _ in 0..n {
        event.wait().await;
        event.clear();
    }
    setter.await.expect("it ends with a value");
}

/// Two tasks take turns: each holds the lock over a yield, in which the other comes and waits.
async fn hand_over(n: usize) {
    let lock = Rc::new(Lock::new(0));
    join_all((0..2).map(|_| {
        let lock = Rc::clone(&lock);
        spawn(async move {
            for _ in 0..n / 2 {
                let mut held = lock.lock().await;
                yield_now().await;
                *held += 1;
                drop(held);
                yield_now().await;
            }
        })
    }))
    .await;
}

/// A hundred sleeps live at any time.
async fn arm_and_drop(n: usize) {
    let mut sleeps: Vec<Pin<Box<Option<Sleep>>>> = (0..100).map(|_| Box::pin(None)).collect();
    for round in 0..n / 100 {
        poll_fn(|cx| {
            for (i, slot) in sleeps.iter_mut().enumerate() {
                slot.set(Some(sleep(Duration::from_micros(
                    10_000_000 + (round * 37 + i * 911) as u64,
                ))));
                let sleep = slot.as_mut().as_pin_mut().expect("it was just put there");
                assert!(sleep.poll(cx).is_pending(), "a sleep ended before its time");
            }
            Poll::Ready(())
        })
        .await;
    }
}

async fn reset(n: usize) {
    let mut sleeps: Vec<Pin<Box<Sleep>>> =
        (0..100).map(|i| Box::pin(sleep(Duration::from_secs(i + 1)))).collect();
    poll_fn(|cx| {
        sleeps.iter_mut().for_each(|sleep| assert!(sleep.as_mut().poll(cx).is_pending()));
        Poll::Ready(())
    })
    .await;
    for i in 0..n {
        sleeps[i % 100].reset(Duration::from_micros(10_000_000 + (i * 911 % 7919) as u64));
    }
}

/// A hundred tasks sleep, each to times of its own.
async fn expire(n: usize) {
    join_all((0..100u64).map(|i| {
        spawn(async move {
            for _ in 0..n / 100 {
                sleep(Duration::from_micros(1000 + i * 7)).await;
            }
        })
    }))
    .await;
}

async fn timeouts(n: usize) {
    for _ in 0..n {
        timeout(Duration::from_secs(60), yield_now()).await.expect("it does not fire");
    }
}

/// A hundred parked tasks at a time are cancelled, then awaited.
async fn cancel_and_join(n: usize) {
    for _ in 0..n / 100 {
        let tasks: Vec<Task<()>> = (0..100).map(|_| spawn(pending())).collect();
        yield_now().await;
        tasks.iter().for_each(|task| assert!(task.cancel(), "it lives"));
        for task in tasks {
            assert!(task.await.is_err(), "it was cancelled");
        }
    }
}

async fn gathers(n: usize) {
    for _ in 0..n {
        let tasks = (0..10).map(|i| spawn(async move { black_box(i) }));
        black_box(gather(tasks).await);
    }
}

async fn calls(n: usize) {
    for i in 0..n {
        let _ = call_soon(move || {
            black_box(i);
        });
        yield_now().await;
    }
}

async fn join_all(tasks: impl Iterator<Item = Task<impl Sized + 'static>>) {
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        let joined = pin!(task);
        drop(joined.await);
    }
}
