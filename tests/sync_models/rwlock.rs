//! Readers share, writers do not, everybody in order of arrival.

use proptest::prelude::*;
use wheelhouse::sync::RwLock;

use crate::common::{fixed, run};
use crate::{Actor, Book, Room, live};

/// More than there are actors: a writer fills the room.
const FULL: usize = 16;

proptest! {
    #[test]
    fn readers_or_a_writer_in_order(
        actors in Actor::some(),
        writes in prop::collection::vec(any::<bool>(), 8),
    ) {
        run(async move {
            let (lock, writes) = (fixed(RwLock::new(0)), fixed(writes));
            let (room, book) = (fixed(Room::default()), fixed(Book::default()));
            live(actors, move |number, actor| async move {
                actor.comes.come().await;
                book.comes(number, &actor);
                if writes[number] {
                    let mut guard = actor.quits.wait(lock.write()).await?;
                    book.is_served(number);
                    let _inside = room.enter(FULL, FULL);
                    *guard += 1;
                    actor.keeps.come().await;
                } else {
                    let guard = actor.quits.wait(lock.read()).await?;
                    book.is_served(number);
                    let _inside = room.enter(1, FULL);
                    let before = *guard;
                    actor.keeps.come().await;
                    assert_eq!(*guard, before);
                }
                Some(())
            })
            .await;
            book.assert_fifo();
            assert!(lock.try_write().is_some(), "it is free in the end");
        });
    }
}
