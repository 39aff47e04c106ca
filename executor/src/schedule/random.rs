//! A small generator of random numbers, for jitter: `SplitMix64`, which any seed suits.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Random numbers for jitter. With a seed they are the same on every run; they are not fit for secrets.
///
/// ```
/// use wheelhouse::schedule::Random;
///
/// let (mut one, mut other) = (Random::seeded(7), Random::seeded(7));
/// assert_eq!(one.next_u64(), other.next_u64());
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The numbers that belong to `seed`.
    #[must_use = "a generator does nothing by itself"]
    pub fn seeded(seed: u64) -> Random {
        Random { state: seed }
    }

    /// Other numbers in each process, for programs that must not all come at once.
    #[must_use = "a generator does nothing by itself"]
    pub fn unpredictable() -> Random {
        Random::seeded(RandomState::new().hash_one("jitter"))
    }

    /// The next number, anything at all.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Some duration up to and including `most`.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        // 53 bits are what an `f64` can tell apart: from 0 to 1, both included.
        let part = (self.next_u64() >> 11) as f64 / ((1u64 << 53) - 1) as f64;
        most.mul_f64(part).min(most)
    }
}
