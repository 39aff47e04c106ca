//! In which order items leave a queue, and to whom.

mod common;

use common::{Trace, fixed, run};
use wheelhouse::sync::{PriorityQueue, Queue};
use wheelhouse::{gather, spawn, yield_now};

/// As in asyncio, a newcomer may take the item before the woken getter has run. That one goes to the end
/// of the line; the others keep their places.
#[test]
fn a_stolen_item() {
    run(async {
        let (queue, trace) = (fixed(Queue::unbounded()), fixed(Trace::default()));
        let get = |name: &'static str| {
            spawn(async move { trace.note(format!("{name} got {}", queue.get().await.unwrap())) })
        };
        let mut getters = vec![get("first"), get("second")];
        yield_now().await;
        getters.push(get("newcomer"));
        queue.put_nowait(1).unwrap();
        yield_now().await;
        trace.expect(&["newcomer got 1"]);
        queue.put_nowait(2).unwrap();
        queue.put_nowait(3).unwrap();
        gather(getters).await;
        trace.expect(&["second got 2", "first got 3"]);
    });
}

/// It has nothing to pass on when it is cancelled, and wakes nobody.
#[test]
fn a_stolen_item_and_a_cancelled_getter() {
    run(async {
        let (queue, trace) = (fixed(Queue::unbounded()), fixed(Trace::default()));
        let [first, second, third] = ["first", "second", "third"].map(|name| {
            spawn(async move { trace.note(format!("{name} got {}", queue.get().await.unwrap())) })
        });
        yield_now().await;
        queue.put_nowait(1).unwrap();
        assert_eq!(queue.get_nowait(), Ok(1));
        first.cancel();
        yield_now().await;
        yield_now().await;
        queue.put_nowait(2).unwrap();
        queue.put_nowait(3).unwrap();
        gather([first, second, third]).await;
        trace.expect(&["second got 2", "third got 3"]);
    });
}

/// The same as with items, with room.
#[test]
fn room_that_is_stolen() {
    run(async {
        let queue = fixed(Queue::new(1));
        queue.put_nowait("full").unwrap();
        let put = |item: &'static str| spawn(async move { queue.put(item).await.unwrap() });
        let mut putters = vec![put("first"), put("second")];
        yield_now().await;
        putters.push(put("newcomer"));
        for item in ["full", "newcomer", "second", "first"] {
            assert_eq!(queue.get_nowait(), Ok(item));
            yield_now().await;
        }
        gather(putters).await;
    });
}

#[test]
fn equal_items_of_a_priority_queue_keep_their_order() {
    #[derive(Debug)]
    struct Job(u8, char);

    impl PartialEq for Job {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }

    impl Eq for Job {}

    impl PartialOrd for Job {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }

    impl Ord for Job {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.0.cmp(&other.0)
        }
    }

    let queue = PriorityQueue::unbounded();
    for (urgency, name) in [(2, 'c'), (1, 'a'), (2, 'd'), (1, 'b'), (2, 'e')] {
        queue.put_nowait(Job(urgency, name)).unwrap();
    }
    let order: String = std::iter::from_fn(|| queue.get_nowait().ok()).map(|job| job.1).collect();
    assert_eq!(order, "abcde");
}
