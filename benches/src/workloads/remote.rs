//! Wakes that come from another thread, and jobs that go to one.

use std::future::poll_fn;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::measure::nanos_each;
use crate::{Laps, Runtime};

/// A thread calls, a task answers.
#[derive(Default)]
struct Line {
    calls: AtomicUsize,
    answers: AtomicUsize,
    callee: Mutex<Option<Waker>>,
}

impl Line {
    /// Calls, and blocks the thread until the call is answered.
    fn call(&self, number: usize) {
        self.calls.store(number, Ordering::Release);
        let callee = self.callee.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = callee {
            waker.wake();
        }
        while self.answers.load(Ordering::Acquire) < number {
            thread::park();
        }
    }

    /// Ready when the call of that number has come.
    fn poll_called(&self, number: usize, cx: &Context<'_>) -> Poll<()> {
        let mut callee = self.callee.lock().unwrap_or_else(PoisonError::into_inner);
        if self.calls.load(Ordering::Acquire) >= number {
            return Poll::Ready(());
        }
        *callee = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// `n` calls by a thread to a task that is parked, each answered before the next.
pub(super) fn wakes<R: Runtime>(n: usize, mut laps: Laps) -> Laps {
    R::new().run(async move {
        laps.start();
        let line = Arc::new(Line::default());
        let caller = thread::spawn({
            let line = Arc::clone(&line);
            move || time_calls(&line, n)
        });
        for number in 1..=n {
            poll_fn(|cx| line.poll_called(number, cx)).await;
            line.answers.store(number, Ordering::Release);
            caller.thread().unpark();
        }
        let wall = caller.join().expect("the caller does not panic");
        laps.lap(n);
        laps.note(nanos_each(wall, n));
        laps
    })
}

fn time_calls(line: &Line, n: usize) -> Duration {
    let begin = Instant::now();
    (1..=n).for_each(|number| line.call(number));
    begin.elapsed()
}

/// `n` small jobs for another thread, each awaited before the next.
pub(super) fn offloads<R: Runtime>(n: usize, mut laps: Laps) -> Laps {
    R::new().run(async move {
        R::offload(|| ()).await; // starts the thread
        laps.start();
        let begin = Instant::now();
        for i in 0..n {
            assert_eq!(R::offload(move || black_box(i)).await, i);
        }
        let wall = begin.elapsed();
        laps.lap(n);
        laps.note(nanos_each(wall, n));
        laps
    })
}
