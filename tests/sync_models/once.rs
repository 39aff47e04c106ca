//! A value is made by one at a time, until one succeeds; then everybody sees that one.

use std::cell::Cell;

use proptest::prelude::*;
use wheelhouse::sync::OnceCell;

use crate::common::{fixed, run};
use crate::{Actor, Quit, Room, live};

proptest! {
    #[test]
    fn made_once(actors in Actor::some(), fails in prop::collection::vec(any::<bool>(), 8)) {
        run(async move {
            let (cell, fails) = (fixed(OnceCell::new()), fixed(fails));
            let (room, made) = (fixed(Room::default()), fixed(Cell::new(0)));
            let quits: Vec<_> = actors.iter().map(|actor| actor.quits).collect();
            let ends = live(actors, move |number, actor| async move {
                actor.comes.come().await;
                let make = async || {
                    let _inside = room.enter(1, 1);
                    actor.keeps.come().await;
                    if fails[number] {
                        return Err("failed");
                    }
                    made.set(made.get() + 1);
                    Ok(number)
                };
                actor.quits.wait(cell.get_or_try_init(make)).await
            })
            .await;
            assert!(made.get() <= 1);
            for (number, end) in ends.into_iter().enumerate() {
                match end.flatten() {
                    Some(Ok(value)) => assert_eq!(cell.get(), Some(value)),
                    Some(Err(_)) => assert!(fails[number], "it failed with somebody else's error"),
                    None => assert!(!matches!(quits[number], Quit::Never)),
                }
            }
        });
    }
}
