//! Sleeps: arming, resetting, dropping, expiring.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::tasks::{join_all, spawn_many};
use crate::measure::{median, nanos_each, quantile};
use crate::{Laps, Runtime};

/// A place for one sleep. Allocated beforehand, so that only the runtime's own allocations are timed.
pub(super) type Slot<R> = Pin<Box<Option<<R as Runtime>::Sleep>>>;

/// Sleeps polled in one step. A runtime that rations what a task may poll in one step (tokio: 128) would
/// refuse more.
const IN_ONE_STEP: usize = 64;

/// Arms `n` sleeps, which live together; replaces each by another; resets each; drops them all; and arms
/// as many again, now that the runtime's tables have grown.
pub(super) fn live<R: Runtime>(n: usize, mut laps: Laps) -> Laps {
    R::new().run(async move {
        let mut slots = slots::<R>(n);
        laps.start();
        arm_all::<R>(&mut slots).await;
        laps.lap(n);
        arm_all::<R>(&mut slots).await;
        laps.lap(n);
        for_each::<R>(&mut slots, |slot, delay, cx| {
            R::reset(slot.as_mut().as_pin_mut().expect("a sleep is in it"), delay, cx);
        })
        .await;
        laps.lap(n);
        slots.iter_mut().for_each(|slot| slot.set(None));
        laps.lap(n);
        arm_all::<R>(&mut slots).await;
        laps.lap(n);
        laps
    })
}

/// Empty places for `n` sleeps.
pub(super) fn slots<R: Runtime>(n: usize) -> Vec<Slot<R>> {
    (0..n).map(|_| Box::pin(None)).collect()
}

/// Puts a sleep into each slot, and polls it; what was there is dropped first.
pub(super) async fn arm_all<R: Runtime>(slots: &mut [Slot<R>]) {
    for_each::<R>(slots, arm::<R>).await;
}

async fn for_each<R: Runtime>(
    slots: &mut [Slot<R>],
    act: impl Fn(&mut Slot<R>, Duration, &mut Context<'_>),
) {
    let mut rng = Rng::with_seed(1);
    for slots in slots.chunks_mut(IN_ONE_STEP) {
        poll_fn(|cx| {
            slots.iter_mut().for_each(|slot| act(slot, long_delay(&mut rng), cx));
            Poll::Ready(())
        })
        .await;
        R::let_others_run().await;
    }
}

fn arm<R: Runtime>(slot: &mut Slot<R>, delay: Duration, cx: &mut Context<'_>) {
    slot.set(Some(R::sleep(delay)));
    let sleep = slot.as_mut().as_pin_mut().expect("the slot was just filled");
    assert!(sleep.poll(cx).is_pending(), "a sleep ended before its time");
}

/// As a request's timeout: 10 to 70 s, and none of them ever expires.
pub(super) fn long_delay(rng: &mut Rng) -> Duration {
    Duration::from_micros(rng.u64(10_000_000..70_000_000))
}

/// `n` tasks sleep, each once, to times that come 10 us after one another on average. The CPU time counts
/// from when all are armed until all have ended; awaiting the tasks is not in it, and comes too late to
/// delay any of them.
pub(super) fn expire<R: Runtime>(n: usize, mut laps: Laps) -> Laps {
    R::new().run(async move {
        let (lead, spread) = (Duration::from_micros(2 * n as u64), 10_000 * n as u64);
        let (armed, late) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::with_capacity(n))));
        let rng = RefCell::new(Rng::with_seed(2));
        let first = Instant::now() + lead;
        let tasks = spawn_many::<R, _, _>(n, |_| {
            let due = first + Duration::from_nanos(rng.borrow_mut().u64(0..spread));
            sleep_until::<R>(due, Rc::clone(&armed), Rc::clone(&late))
        });
        while armed.get() < n {
            R::let_others_run().await;
        }
        laps.start();
        let end = first + Duration::from_nanos(spread);
        R::sleep(end.saturating_duration_since(Instant::now())).await;
        while late.borrow().len() < n {
            R::sleep(Duration::from_millis(5)).await;
        }
        laps.lap(n);
        join_all::<R, _>(tasks).await;
        laps.note(quantile(&mut late.borrow_mut(), 0.5));
        laps.note(quantile(&mut late.borrow_mut(), 0.99));
        laps
    })
}

async fn sleep_until<R: Runtime>(
    due: Instant,
    armed: Rc<Cell<usize>>,
    late: Rc<RefCell<Vec<f64>>>,
) {
    let sleep = R::sleep(due.saturating_duration_since(Instant::now()));
    armed.set(armed.get() + 1);
    sleep.await;
    late.borrow_mut().push(nanos_each(due.elapsed(), 1));
}

/// `n` sleeps of 300 us, one after the other.
pub(super) fn single<R: Runtime>(n: usize, mut laps: Laps) -> Laps {
    const DELAY: Duration = Duration::from_micros(300);
    R::new().run(async move {
        let mut late = Vec::with_capacity(n);
        for _ in 0..n {
            let due = Instant::now() + DELAY;
            R::sleep(DELAY).await;
            late.push(nanos_each(due.elapsed(), 1));
        }
        laps.note(median(&mut late));
        laps
    })
}
