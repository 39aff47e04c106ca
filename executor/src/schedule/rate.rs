//! `RateLimiter`: so many in so much time. The limit is a rule that says when the next ones may go; the
//! queue before it is a semaphore of one permit, whose holder waits for that time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use crate::sync::Semaphore;
use crate::{sleep_until, time};

/// Lets so many through in so much time, in order of arrival.
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::{EventLoop, schedule::RateLimiter, time};
///
/// let mut event_loop = EventLoop::builder().virtual_clock().build()?;
/// event_loop.run_until_complete(async {
///     let limiter = RateLimiter::token_bucket(2, Duration::from_secs(1)); // two a second
///     let mut times = Vec::new();
///     for _ in 0..5 {
///         limiter.acquire().await;
///         times.push(time().as_millis());
///     }
///     assert_eq!(times, [0, 0, 500, 1000, 1500]);
/// })?;
/// # Ok::<(), wheelhouse::RunError>(())
/// ```
///
/// It works by reference or in an `Rc`, and counts the time of one loop.
pub struct RateLimiter {
    rule: RefCell<Rule>,
    line: Semaphore,
}

impl RateLimiter {
    /// A bucket of `count` tokens, full at first, into which one comes back every `count`th part of `per`
    /// (rounded up to the nanosecond). After a rest `count` can go at once; in any stretch of time, not more
    /// than `count` and what came back in it.
    ///
    /// # Panics
    ///
    /// If `count` or `per` is zero.
    #[track_caller]
    #[must_use = "a limiter does nothing by itself"]
    pub fn token_bucket(count: u32, per: Duration) -> RateLimiter {
        check(count, per);
        let nanos = per.as_nanos().div_ceil(u128::from(count));
        let each = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        RateLimiter::of(Rule::Bucket { each, burst: count, full_at: Duration::ZERO })
    }

    /// Not more than `count` in any stretch of time that is `per` long.
    ///
    /// # Panics
    ///
    /// If `count` or `per` is zero.
    #[track_caller]
    #[must_use = "a limiter does nothing by itself"]
    pub fn sliding_window(count: u32, per: Duration) -> RateLimiter {
        check(count, per);
        RateLimiter::of(Rule::Window { count: count as usize, per, times: VecDeque::new() })
    }

    /// Lets a token bucket hold another number of tokens than come back in its time: one for an even flow,
    /// more for larger bursts. Without effect on a sliding window.
    ///
    /// # Panics
    ///
    /// If `burst` is zero.
    #[track_caller]
    #[must_use = "a limiter does nothing by itself"]
    pub fn burst(mut self, burst: u32) -> RateLimiter {
        assert!(burst > 0, "a `RateLimiter` with a burst of 0 would let nobody through");
        if let Rule::Bucket { burst: of_bucket, .. } = self.rule.get_mut() {
            *of_bucket = burst;
        }
        self
    }

    fn of(rule: Rule) -> RateLimiter {
        RateLimiter { rule: RefCell::new(rule), line: Semaphore::new(1) }
    }

    /// Waits until one may go.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a cancelled waiter has used nothing up, and the next in line takes its place.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub async fn acquire(&self) {
        self.acquire_many(1).await;
    }

    /// Waits until so many may go at once. Those that come later wait behind it.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a cancelled waiter has used nothing up, and the next in line takes its place.
    ///
    /// # Panics
    ///
    /// If so many never may go at once; and outside a running loop.
    pub async fn acquire_many(&self, count: u32) {
        let most = self.rule.borrow().most();
        assert!(
            count as usize <= most,
            "`RateLimiter::acquire_many({count})` would never end: it lets {most} go at once"
        );
        let _first = self.line.acquire().await;
        let ready = self.rule.borrow().ready_at(count);
        if ready > time() {
            sleep_until(ready).await;
        }
        self.rule.borrow_mut().take(count, time());
    }

    /// May one go now, with nobody waiting? Then it counts as gone.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    #[must_use = "if it may go, it counts as gone"]
    pub fn try_acquire(&self) -> bool {
        let mut rule = self.rule.borrow_mut();
        let free = !self.line.is_locked() && rule.ready_at(1) <= time();
        if free {
            rule.take(1, time());
        }
        free
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("rule", &self.rule.borrow())
            .field("line", &self.line)
            .finish()
    }
}

#[track_caller]
fn check(count: u32, per: Duration) {
    assert!(
        count > 0 && !per.is_zero(),
        "a `RateLimiter` of {count} in {per:?} makes no sense: both must be more than zero"
    );
}

#[derive(Debug)]
enum Rule {
    /// Instead of tokens it keeps the time at which the bucket would be full: each token taken moves that by
    /// the time in which one comes back.
    Bucket { each: Duration, burst: u32, full_at: Duration },
    /// The times of the last ones that went, the oldest first.
    Window { count: usize, per: Duration, times: VecDeque<Duration> },
}

impl Rule {
    /// How many may go at once after a long rest.
    fn most(&self) -> usize {
        match self {
            Rule::Bucket { burst, .. } => *burst as usize,
            Rule::Window { count, .. } => *count,
        }
    }

    /// The time from which so many may go; it may have passed.
    fn ready_at(&self, wanted: u32) -> Duration {
        match self {
            Rule::Bucket { each, burst, full_at } => {
                full_at.saturating_sub(each.saturating_mul(burst - wanted))
            }
            Rule::Window { count, per, times } => {
                let others = count - wanted as usize;
                let leaves = times.len().checked_sub(others + 1).map(|index| times[index]);
                leaves.map_or(Duration::ZERO, |left| left.saturating_add(*per))
            }
        }
    }

    fn take(&mut self, wanted: u32, now: Duration) {
        match self {
            Rule::Bucket { each, full_at, .. } => {
                *full_at = now.max(*full_at).saturating_add(each.saturating_mul(wanted));
            }
            Rule::Window { count, times, .. } => {
                times.extend((0..wanted).map(|_| now));
                times.drain(..times.len().saturating_sub(*count));
            }
        }
    }
}
