//! A timer wheel: many timers, each a deadline and a payload, of which most are cancelled.
//!
//! ```
//! use timer_wheel::TimerWheel;
//!
//! let mut wheel = TimerWheel::new();
//! let slow = wheel.insert(2_000, "slow");
//! wheel.insert(1_000, "quick");
//! let never = wheel.insert(u64::MAX, "never");
//! assert_eq!(wheel.next_wakeup(), Some(1_000)); // how long to wait
//!
//! wheel.advance(1_500); // what the clock says after the wait
//! assert_eq!(wheel.pop_expired().map(|timer| timer.value), Some("quick"));
//! assert_eq!(wheel.pop_expired(), None);
//!
//! assert!(wheel.reset(slow, 3_000)); // the key stays valid
//! assert_eq!(wheel.remove(never), Some("never"));
//! assert_eq!(wheel.next_wakeup(), Some(3_000));
//! ```
//!
//! The wheel knows neither clocks nor wakers. Time is the caller's `u64`; the wheel is tuned for
//! nanoseconds since some start, and right for anything. Whether time goes on while the machine is
//! suspended is a matter of the clock it is read from: if it does, everything that was passed
//! expires in order after the jump, if it does not, every deadline comes later by that much.
//!
//! # The contract
//!
//! - **Order.** Timers expire in the order of (deadline, insertion), exactly. A timer that is
//!   [reset](TimerWheel::reset) counts as inserted then.
//! - **Never early, never lost.** After [`advance(now)`](TimerWheel::advance) those with a deadline
//!   up to `now` can be [popped](TimerWheel::pop_expired), and no others. Time that goes backwards
//!   is ignored.
//! - **An end to each turn.** Only what was there at the last `advance` is popped. A timer that is
//!   set again for "now" each time it expires does not keep its caller busy for ever.
//! - **No range.** Every `u64` is a deadline like any other, the past and [`u64::MAX`] included.
//! - **Waking up.** [`next_wakeup`](TimerWheel::next_wakeup) is never later than the earliest
//!   deadline. There is one wake-up for each timer, and none in between for the wheel's own sake;
//!   only a timer that was removed or reset may leave the wake-up behind that it was first to have.
//! - **Keys.** A [`TimerKey`] is valid until its timer is popped or removed, and told apart from
//!   all others after that, always.
//! - **Cost.** Insert, remove and reset take constant time, whatever is pending, and allocate
//!   nothing once as many timers have been pending before. Time that goes by in small steps costs a
//!   little with each, never much with one, however many timers are pending. A timer takes about 33
//!   bytes beside its payload, at most 40 with what alignment adds, and 16 more once its slot has
//!   come; like any `Vec`, those inside have room to grow.
//!
//! # The wheel
//!
//! Time is cut into slots of 2<sup>20</sup>, about a millisecond of nanoseconds. There are 14
//! levels of 64 slots, each slot 8 times as wide as those of the level below, so that together
//! they reach all of `u64`. A timer is on the finest level that reaches its deadline:
//!
//! ```text
//!          now
//!           |
//! level 0   [.|.|.|.|.|.|.|.|.|.|.|. 64 slots .|.]                      1 ms wide:  67 ms
//! level 1   [...............|...............|... 64 slots ...           8 ms     : 537 ms
//! level 2   [............................................               67 ms    :   4 s
//!    :                                                                    :          :
//! level 13  [                                                           18 years : everything
//!           |
//!           +--> due stage: the timers of the current slot, and of the past, in a heap
//!
//!  insert, reset:    to a slot of some level, or if the slot is the current one, to "fresh"
//!  reset to later:   nowhere, until the slot comes
//!  advance:          fresh -----------------------> due stage
//!                    slots that time has come to -> finer levels, due stage
//!                    next slots, if crowded ------> finer levels, bit by bit
//!  pop:              from the due stage
//! ```
//!
//! Three ideas make it both exact and quick:
//!
//! - **The due stage.** Timers in a slot have no order; being put into a slot is what makes
//!   inserting and removing cheap. They get their order from a heap when their slot comes, which by
//!   then is a few dozen timers that lie in the cache.
//! - **Overlapping rings.** With 64 slots to a level but only 8 to a slot of the next, a slot holds
//!   no more than an eighth of what its level reaches, and a timer that moves on skips a level as
//!   a rule. There is no moment at which all timers of a level have to move.
//! - **Smoothing.** What is in the next slot of a level would fit the level below already. So a
//!   crowded slot is emptied a little with each advance before it comes, not all at once.
//!
//! A timer that is put off again and again, as that of an idle connection is, stays in the slot of its
//! first deadline: the new one is noted, and only when the slot comes does the timer move on.
//!
//! # Reading order
//!
//! `wheel.rs` is the interface, with all its promises; `schedule.rs` is what happens, top to
//! bottom: arming, time going by, the next wake-up; `level.rs` has the arithmetic of slots;
//! `bag.rs` is what a slot holds, `due.rs` the heap, `slab.rs` the timers themselves. And
//! `model.rs` is all of it in the plainest way, to test against (feature `model`).
#![forbid(unsafe_code)]

mod bag;
mod due;
mod level;
#[cfg(any(test, feature = "model"))]
pub mod model;
mod schedule;
mod slab;
mod wheel;

pub use slab::TimerKey;
pub use wheel::{Expired, TimerWheel};

#[cfg(test)]
mod properties;
