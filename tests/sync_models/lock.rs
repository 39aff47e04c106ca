//! A lock is held by one at a time, first come first served, and is free in the end.

use proptest::prelude::*;
use wheelhouse::sync::Lock;

use crate::common::{fixed, run};
use crate::{Actor, Book, Quit, Room, live};

proptest! {
    #[test]
    fn one_at_a_time_in_order(actors in Actor::some()) {
        run(async move {
            let lock = fixed(Lock::new(0));
            let (room, book) = (fixed(Room::default()), fixed(Book::default()));
            let patient = actors.iter().filter(|actor| matches!(actor.quits, Quit::Never)).count();
            let ends = live(actors, move |number, actor| async move {
                actor.comes.come().await;
                book.comes(number, &actor);
                let mut guard = actor.quits.wait(lock.lock()).await?;
                book.is_served(number);
                let _inside = room.enter(1, 1);
                actor.keeps.come().await;
                *guard += 1;
                Some(())
            })
            .await;
            book.assert_fifo();
            let served = ends.into_iter().flatten().flatten().count();
            assert!(served >= patient, "somebody waited in vain");
            assert_eq!(*lock.try_lock().expect("it is free in the end"), served);
        });
    }

    /// The same with acquire and release, by tasks that are never cut short while they hold it.
    #[test]
    fn raw(actors in Actor::some()) {
        run(async move {
            let lock = fixed(Lock::new(()));
            let (room, book) = (fixed(Room::default()), fixed(Book::default()));
            live(actors, move |number, actor| async move {
                actor.comes.come().await;
                book.comes(number, &actor);
                actor.quits.wait(lock.acquire()).await?;
                book.is_served(number);
                drop(room.enter(1, 1));
                lock.release().unwrap();
                Some(())
            })
            .await;
            book.assert_fifo();
            assert!(!lock.is_locked());
        });
    }
}
