//! A semaphore never lets more through than it has permits, serves in order, and has all of them in the
//! end: none is lost, none doubled.

use proptest::prelude::*;
use wheelhouse::sync::Semaphore;

use crate::common::{fixed, run};
use crate::{Actor, Book, Room, live};

const PERMITS: usize = 3;

proptest! {
    #[test]
    fn so_many_at_a_time_in_order(
        actors in Actor::some(),
        wants in prop::collection::vec(1..=PERMITS, 8),
        single in any::<bool>(),
    ) {
        run(async move {
            let (semaphore, wants) = (fixed(Semaphore::bounded(PERMITS)), fixed(wants));
            let (room, book) = (fixed(Room::default()), fixed(Book::default()));
            live(actors, move |number, actor| async move {
                let count = if single { 1 } else { wants[number] };
                actor.comes.come().await;
                book.comes(number, &actor);
                let permit = actor.quits.wait(semaphore.acquire_many(count)).await?;
                book.is_served(number);
                let _inside = room.enter(permit.count(), PERMITS);
                actor.keeps.come().await;
                Some(())
            })
            .await;
            book.assert_fifo();
            assert_eq!(semaphore.available(), PERMITS);
            assert!(!semaphore.is_locked());
        });
    }

    /// Permits that are made out of nothing, one by one, serve exactly so many.
    #[test]
    fn every_release_serves_one(actors in Actor::some(), releases in 0..8usize) {
        run(async move {
            let (semaphore, book) = (fixed(Semaphore::new(0)), fixed(Book::default()));
            let givers = wheelhouse::spawn(async move {
                for _ in 0..releases {
                    wheelhouse::sleep(crate::ms(1)).await;
                    semaphore.release().unwrap();
                }
                // Enough for everybody who is left.
                for _ in 0..8 {
                    semaphore.release().unwrap();
                }
            });
            live(actors, move |number, actor| async move {
                actor.comes.come().await;
                book.comes(number, &actor);
                actor.quits.wait(semaphore.acquire()).await?.forget();
                book.is_served(number);
                Some(())
            })
            .await;
            givers.await.unwrap();
            let served = book.served.borrow().len();
            book.assert_fifo();
            assert_eq!(semaphore.available(), releases + 8 - served);
        });
    }
}
