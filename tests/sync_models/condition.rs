//! Notifications are not lost with a waiter that quits, and a wait ends with the lock held.

use proptest::prelude::*;
use wheelhouse::catch_cancel;
use wheelhouse::sync::Condition;

use crate::common::{fixed, run};
use crate::{Actor, Quit, Room, live};

proptest! {
    /// As many items are made as there are consumers, each with one notification. A consumer that quits
    /// leaves its item, and must leave its notification, to the others.
    #[test]
    fn no_notification_is_lost(
        actors in Actor::some(),
        makers in prop::collection::vec(Actor::any(), 8),
    ) {
        run(async move {
            let (stock, room) = (fixed(Condition::new(0usize)), fixed(Room::default()));
            let count = actors.len();
            let makers = wheelhouse::spawn(live(
                makers[..count].iter().map(|maker| Actor { quits: Quit::Never, ..*maker }).collect(),
                move |_, maker| async move {
                    maker.comes.come().await;
                    let mut guard = stock.lock().await;
                    let inside = room.enter(1, 1);
                    *guard += 1;
                    stock.notify(1).unwrap();
                    maker.keeps.come().await;
                    drop(inside);
                },
            ));
            let ends = live(actors, move |_, actor| async move {
                actor.comes.come().await;
                let take = async {
                    let mut guard = stock.lock().await;
                    stock.wait_for(&mut guard, |stock| *stock > 0).await;
                    let _inside = room.enter(1, 1);
                    *guard -= 1;
                };
                actor.quits.wait(take).await
            })
            .await;
            makers.await.unwrap();
            let taken = ends.into_iter().flatten().flatten().count();
            assert_eq!(*stock.try_lock().expect("it is free in the end"), count - taken);
        });
    }

    /// A cancel, caught right around the wait, finds the lock held.
    #[test]
    fn a_cancelled_wait_holds_the_lock(actors in Actor::some()) {
        run(async move {
            let (condition, room) = (fixed(Condition::new(())), fixed(Room::default()));
            live(actors, move |_, actor| async move {
                actor.comes.come().await;
                let mut guard = condition.lock().await;
                let quits = match actor.quits {
                    Quit::Never => Quit::Timeout(3),
                    // A wait that is dropped from outside cannot take the lock again.
                    Quit::Select(limit) | Quit::Foreign(limit) => Quit::Timeout(limit),
                    quits => quits,
                };
                let ended = catch_cancel(quits.wait(condition.wait(&mut guard))).await;
                assert!(guard.is_held());
                let _inside = room.enter(1, 1);
                actor.keeps.come().await;
                condition.notify(1).unwrap();
                ended.is_ok()
            })
            .await;
            assert!(!condition.is_locked());
        });
    }

    /// A wait that loses a race is gone without the lock, and its guard knows.
    #[test]
    fn a_dropped_wait_does_not_hold(actors in Actor::some()) {
        run(async move {
            let (condition, room) = (fixed(Condition::new(())), fixed(Room::default()));
            live(actors, move |_, actor| async move {
                actor.comes.come().await;
                let mut guard = condition.lock().await;
                let quits = match actor.quits {
                    Quit::Never => Quit::Select(3),
                    quits => quits,
                };
                let notified = quits.wait(condition.wait(&mut guard)).await.is_some();
                assert!(guard.is_held() || !notified);
                if guard.is_held() {
                    let _inside = room.enter(1, 1);
                    actor.keeps.come().await;
                    condition.notify_all().unwrap();
                }
            })
            .await;
            assert!(!condition.is_locked());
        });
    }
}
