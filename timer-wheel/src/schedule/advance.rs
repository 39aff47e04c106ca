//! Time goes by: timers move to finer levels, and into the due stage.

use super::Schedule;
use crate::level::{self, Place, Slot};
use crate::slab::Armed;

impl<T> Schedule<T> {
    /// Moves time on, and with it all that was fresh or has come too near for its slot.
    pub(crate) fn advance(&mut self, now: u64) {
        let from = self.tick(self.now);
        self.now = self.now.max(now);
        let to = self.tick(self.now);
        // If time has come to the wake-up, either a timer is due or the timer it was meant for is
        // gone: a new look will tell.
        self.wakeup = self.wakeup.filter(|&at| at > self.now);
        let mut fresh = self.rings.take(self.rings.fresh());
        self.move_on(&mut fresh, u64::MAX);
        if from != to {
            self.pass_slots(from, to);
            self.smooth(from, to);
        }
    }

    /// Empties the slots that time has come to, or passed, on its way between two ticks.
    ///
    /// Their timers go to finer levels, or to the due stage; finer levels are emptied first, so
    /// that what they receive is not mixed up with what was there. Those that were put off go anywhere;
    /// if it is into one of the rings' places that is still to be emptied, they move once more.
    fn pass_slots(&mut self, from: u64, to: u64) {
        for level in 0..self.rings.levels() {
            let (from, to) = (level::slot_of(from, level), level::slot_of(to, level));
            if from == to {
                break; // and so it is on every coarser level
            }
            for place in self.rings.passed(level, from, to) {
                let mut slot = self.rings.take(place);
                self.move_on(&mut slot, u64::MAX);
            }
        }
    }

    /// Empties upcoming slots bit by bit, so that no step of time has to move many timers at once.
    ///
    /// The rings overlap: what is in the next slot of one level fits the level below already. Each
    /// advance moves the share that keeps pace with the time left, in whole chunks.
    fn smooth(&mut self, from: u64, to: u64) {
        for level in 1..self.rings.levels() {
            let next = level::slot_of(to, level) + 1;
            let place = Place::new(level, next);
            let len = self.rings.slot(place).bag.len;
            if len > self.tuning.smooth_above {
                let left = level::start_of(next, level) - from;
                // Should this ever saturate, the slot is emptied later, which is all right.
                let share = u64::from(len).saturating_mul(to - from) / left;
                let mut slot = self.rings.take(place);
                self.move_on(&mut slot, share);
                self.rings.put_back(place, slot);
            }
        }
    }

    /// Moves timers of a slot, `count` or as many as fill the chunk, to where they belong by now.
    pub(super) fn move_on(&mut self, slot: &mut Slot, count: u64) {
        let mut moved = 0;
        while moved < count && !slot.bag.is_empty() {
            let (len, timers) = self.slab.pop_chunk(&mut slot.bag);
            for &(index, armed) in &timers[..len] {
                self.move_one(index, armed);
            }
            moved += len as u64;
        }
    }

    fn move_one(&mut self, index: u32, armed: Armed) {
        let place = self.place_of(armed.deadline).unwrap_or(Place::DUE);
        let armed = armed.moved_to(place);
        let slab = &mut self.slab;
        slab.set_armed(index, armed);
        match place {
            Place::DUE => self.due.push(slab, index, armed.deadline),
            _ => self.rings.push(slab, index, armed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Schedule, Tuning};

    /// Starts 8 timers in each slot, and returns the most timers that any advance by `step` slots
    /// found in one place and left in another. They all have to expire when they are to, besides.
    fn most_moves(tuning: Tuning, step: u64, delay: impl Fn(u64) -> u64) -> usize {
        let mut schedule = Schedule::new(0, tuning);
        let places = |schedule: &Schedule<()>| {
            let indices = schedule.slab.keys().map(|key| key.index);
            Vec::from_iter(indices.map(|index| schedule.slab.armed(index).place()))
        };
        let mut most = 0;
        for turn in 1..1200 / step {
            for n in 0..8 * step {
                schedule.insert(schedule.now() + n + delay(turn * 8 * step + n), ());
            }
            let before = places(&schedule);
            let (from, to) = (schedule.now(), (turn * step) << tuning.slot_bits);
            schedule.advance(to);
            if turn % 16 == 0 {
                schedule.assert_valid();
            }
            let after = places(&schedule);
            most = most.max(before.iter().zip(after).filter(|(from, to)| *from != to).count());
            while let Some(timer) = schedule.pop_expired() {
                assert!(from < timer.deadline && timer.deadline <= to);
            }
            assert!(schedule.next_deadline() > Some(to));
        }
        most
    }

    #[test]
    fn no_advance_moves_a_crowd() {
        let smooth = Tuning { slot_bits: 10, smooth_above: 32 };
        let rough = Tuning { smooth_above: u32::MAX, ..smooth };
        let fixed = |_| 600 << 10;
        let spread = |n: u64| ((n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) * (1200 << 10)) >> 32;
        // Of 4800 timers, each time.
        assert!(most_moves(smooth, 1, fixed) < 80);
        assert!(most_moves(smooth, 1, spread) < 110);
        assert!(most_moves(smooth, 5, fixed) < 160);
        assert!(most_moves(rough, 1, fixed) > 500, "this is what smoothing is for");
    }
}
