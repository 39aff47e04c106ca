//! Every item that was put is got once, in the queue's order; joins end when counts match; a shut-down
//! releases everybody.

use std::cell::{Cell, RefCell};

use proptest::prelude::*;
use wheelhouse::sync::{Queue, QueueShutDown};
use wheelhouse::{sleep, spawn, yield_now};

use crate::common::{fixed, ms, run};
use crate::{Actor, live};

/// What became of the items.
#[derive(Default)]
struct Ledger {
    put: RefCell<Vec<usize>>,
    got: RefCell<Vec<usize>>,
}

proptest! {
    #[test]
    fn every_item_once_and_in_order(
        putters in Actor::some(),
        getters in Actor::some(),
        max in 0..3usize,
        each in 1..4usize,
    ) {
        run(async move {
            let (queue, ledger) = (fixed(Queue::new(max)), fixed(Ledger::default()));
            let producers = spawn(live(putters, move |number, actor| async move {
                actor.comes.come().await;
                for item in 0..each {
                    let item = number * 10 + item;
                    match actor.quits.wait(queue.put(item)).await {
                        Some(Ok(())) => ledger.put.borrow_mut().push(item),
                        Some(Err(QueueShutDown(back))) => assert_eq!(back, item),
                        None => {}
                    }
                }
            }));
            let consumers = spawn(live(getters, move |_, actor| async move {
                actor.comes.come().await;
                for _ in 0..each {
                    if let Some(Ok(item)) = actor.quits.wait(queue.get()).await {
                        ledger.got.borrow_mut().push(item);
                    }
                }
            }));
            sleep(ms(40)).await;
            queue.shutdown(false);
            // Nobody hangs on a queue that was shut down.
            producers.await.unwrap();
            consumers.await.unwrap();
            let mut got = ledger.got.take();
            while let Ok(item) = queue.get_nowait() {
                got.push(item);
            }
            assert_eq!(got, ledger.put.take());
        });
    }

    /// While there are items and patient getters, or room and patient putters, nobody sleeps.
    #[test]
    fn nobody_sleeps_beside_an_item(
        getters in Actor::some(),
        puts in prop::collection::vec(Actor::any(), 8),
        max in 1..3usize,
    ) {
        run(async move {
            let queue = fixed(Queue::new(max));
            let count = getters.len();
            // As many items as getters; who quits leaves his item to a later get.
            let producers = spawn(live(
                puts[..count].iter().map(|actor| Actor { quits: crate::Quit::Never, ..*actor }).collect(),
                move |number, actor| async move {
                    actor.comes.come().await;
                    queue.put(number).await.unwrap();
                },
            ));
            let got = live(getters, move |_, actor| async move {
                actor.comes.come().await;
                actor.quits.wait(queue.get()).await
            })
            .await;
            let got = got.into_iter().flatten().flatten().count();
            for _ in got..count {
                queue.get().await.unwrap();
            }
            producers.await.unwrap();
            assert!(queue.is_empty());
        });
    }

    #[test]
    fn a_join_ends_when_all_is_done(
        workers in Actor::some(),
        items in 1..8usize,
        immediate in any::<bool>(),
    ) {
        run(async move {
            let (queue, taken) = (fixed(Queue::unbounded()), fixed(Cell::new(0)));
            for item in 0..items {
                queue.put_nowait(item).unwrap();
            }
            let join = spawn(async move {
                queue.join().await;
                assert_eq!(taken.get(), 0, "something is still in somebody's hands");
            });
            live(workers, move |_, actor| async move {
                actor.comes.come().await;
                while queue.get_nowait().is_ok() {
                    taken.set(taken.get() + 1);
                    // However the work ends, it is done with.
                    let _hands = Hands(queue, taken);
                    actor.quits.wait(actor.keeps.come()).await;
                }
            })
            .await;
            yield_now().await;
            assert_eq!(join.is_done(), queue.is_empty(), "what is not in the queue is done");
            if immediate {
                queue.shutdown(true);
            }
            while queue.get_nowait().is_ok() {
                queue.task_done().unwrap();
            }
            join.await.unwrap();
            queue.task_done().unwrap_err();
        });
    }
}

/// Holds an item that was got, and reports it done.
struct Hands(&'static Queue<usize>, &'static Cell<usize>);

impl Drop for Hands {
    fn drop(&mut self) {
        self.1.set(self.1.get() - 1);
        self.0.task_done().unwrap();
    }
}
