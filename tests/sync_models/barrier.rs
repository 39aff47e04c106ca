//! Each round of a barrier lets a full party through, each with an index of its own; who quits before that
//! has not come.

use std::cell::RefCell;

use proptest::prelude::*;
use wheelhouse::sync::Barrier;
use wheelhouse::{sleep, spawn};

use crate::common::{fixed, ms, run};
use crate::{Actor, live};

proptest! {
    #[test]
    fn full_parties_only(actors in Actor::some(), parties in 1..4usize, resets in any::<bool>()) {
        run(async move {
            let (barrier, through) = (fixed(Barrier::new(parties)), fixed(RefCell::new(Vec::new())));
            let all = spawn(live(actors, move |_, actor| async move {
                actor.comes.come().await;
                let index = actor.quits.wait(barrier.wait()).await?.ok()?;
                through.borrow_mut().push(index);
                Some(())
            }));
            sleep(ms(40)).await;
            // Those for whom there was no full party.
            let waiting = barrier.n_waiting();
            assert!(waiting < parties);
            if resets {
                barrier.reset().await;
            } else {
                barrier.abort().await;
            }
            all.await.unwrap();
            assert_eq!(barrier.n_waiting(), 0);
            assert_eq!(barrier.is_broken(), !resets);
            assert!(through.borrow().iter().all(|index| *index < parties));
        });
    }

    /// Without anybody quitting, every round is a full party with all the indices.
    #[test]
    fn every_index_once(comes in prop::collection::vec(Actor::any(), 6), parties in 1..4usize) {
        run(async move {
            let (barrier, through) = (fixed(Barrier::new(parties)), fixed(RefCell::new(Vec::new())));
            let count = comes.len() - comes.len() % parties;
            let actors =
                comes[..count].iter().map(|actor| Actor { quits: crate::Quit::Never, ..*actor });
            live(actors.collect(), move |_, actor| async move {
                actor.comes.come().await;
                let index = barrier.wait().await.unwrap();
                through.borrow_mut().push(index);
            })
            .await;
            for round in through.borrow().chunks(parties) {
                let mut round = round.to_vec();
                round.sort_unstable();
                assert_eq!(round, (0..parties).collect::<Vec<_>>());
            }
        });
    }
}
