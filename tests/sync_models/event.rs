//! Whoever waits when an event is set wakes, in order, and nobody else does.

use proptest::prelude::*;
use wheelhouse::sync::Event;

use crate::common::{fixed, run};
use crate::{Actor, Book, Moment, Quit, live};

proptest! {
    #[test]
    fn a_set_wakes_all_who_wait(actors in Actor::some(), when in Moment::any(), clears in any::<bool>()) {
        run(async move {
            let (event, book) = (fixed(Event::new()), fixed(Book::default()));
            let setter = wheelhouse::spawn(async move {
                when.come().await;
                event.set();
                if clears {
                    event.clear();
                    // For those that came too late.
                    wheelhouse::sleep(crate::ms(20)).await;
                    event.set();
                }
            });
            let patient = actors.iter().filter(|actor| matches!(actor.quits, Quit::Never)).count();
            let ends = live(actors, move |number, actor| async move {
                actor.comes.come().await;
                if !event.is_set() {
                    book.comes(number, &actor);
                }
                actor.quits.wait(event.wait()).await?;
                book.is_served(number);
                Some(())
            })
            .await;
            setter.await.unwrap();
            assert!(ends.into_iter().flatten().flatten().count() >= patient);
            book.assert_fifo();
            assert!(format!("{event:?}").contains("waiters: 0"));
        });
    }
}
