//! `test_queues.py`.

mod each_kind;

use wheelhouse::sync::{
    Event, GetError, LifoQueue, PriorityQueue, PutError, Queue, QueueOf, Storage,
};
use wheelhouse::{call_later, gather, spawn, task_group, wait_for, yield_now};

use crate::common::{Trace, fixed, ms, run};
use crate::is_cancelled;

/// A queue with these items in it.
fn filled<T>(max: usize, items: impl IntoIterator<Item = T>) -> Queue<T> {
    let queue = Queue::new(max);
    items.into_iter().try_for_each(|item| queue.put_nowait(item)).expect("there is room");
    queue
}

#[test]
fn empty() {
    run(async {
        let queue = Queue::unbounded();
        assert!(queue.is_empty());
        queue.put(1).await.unwrap();
        assert!(!queue.is_empty());
        assert_eq!(queue.get().await, Ok(1));
        assert!(queue.is_empty());
    });
}

#[test]
fn full() {
    assert!(!filled(0, [1]).is_full());
    assert!(filled(1, [1]).is_full());
}

async fn order_of<S: Storage<Item = i32>>(queue: QueueOf<S>) -> [i32; 3] {
    for item in [1, 3, 2] {
        queue.put(item).await.unwrap();
    }
    [queue.get().await, queue.get().await, queue.get().await].map(Result::unwrap)
}

#[test]
fn order() {
    run(async {
        assert_eq!(order_of(Queue::unbounded()).await, [1, 3, 2]);
        assert_eq!(order_of(LifoQueue::unbounded()).await, [2, 3, 1]);
        assert_eq!(order_of(PriorityQueue::unbounded()).await, [1, 2, 3]);
    });
}

#[test]
fn maxsize() {
    run(async {
        let (queue, trace) = (fixed(Queue::new(2)), fixed(Trace::default()));
        assert_eq!(queue.max(), 2);
        let putter = spawn(async {
            for item in 0..3 {
                queue.put(item).await.unwrap();
                trace.note(item);
            }
        });
        yield_now().await;
        yield_now().await;
        trace.expect(&["0", "1"]);
        assert_eq!(queue.get().await, Ok(0));
        yield_now().await;
        trace.expect(&["2"]);
        assert_eq!(queue.get().await, Ok(1));
        assert_eq!(queue.get().await, Ok(2));
        assert!(putter.is_done());
    });
}

#[test]
fn blocking_get() {
    run(async { assert_eq!(filled(0, [1]).get().await, Ok(1)) });
}

#[test]
fn get_with_putters() {
    run(async {
        let queue = fixed(filled(1, [1]));
        let putter = spawn(queue.put(2));
        yield_now().await;
        assert!(!putter.is_done());
        assert_eq!(queue.get_nowait(), Ok(1));
        yield_now().await;
        assert!(putter.is_done());
    });
}

#[test]
fn blocking_get_wait() {
    run(async {
        let (queue, started) = (fixed(Queue::unbounded()), fixed(Event::new()));
        let getter = spawn(async {
            started.set();
            queue.get().await
        });
        started.wait().await;
        assert!(!getter.is_done());
        call_later(ms(10), || queue.put_nowait(1).unwrap());
        assert_eq!(getter.await.unwrap(), Ok(1));
    });
}

#[test]
fn nonblocking_get() {
    assert_eq!(filled(0, [1]).get_nowait(), Ok(1));
}

#[test]
fn nonblocking_get_exception() {
    assert_eq!(filled::<i32>(0, []).get_nowait(), Err(GetError::Empty));
}

#[test]
fn get_cancelled_race() {
    run(async {
        let queue = fixed(Queue::unbounded());
        let [t1, t2] = [(); 2].map(|()| spawn(queue.get()));
        yield_now().await;
        t1.cancel();
        yield_now().await;
        assert!(t1.is_done());
        queue.put('a').await.unwrap();
        yield_now().await;
        assert_eq!(t2.await.unwrap(), Ok('a'));
    });
}

#[test]
fn get_with_waiting_putters() {
    run(async {
        let queue = fixed(Queue::new(1));
        let putters = ['a', 'b'].map(|item| spawn(queue.put(item)));
        assert_eq!(queue.get().await, Ok('a'));
        assert_eq!(queue.get().await, Ok('b'));
        gather(putters).await;
    });
}

#[test]
fn why_are_getters_waiting() {
    run(async {
        let queue = fixed(Queue::new(1));
        task_group(async |group| {
            let produce = async {
                for item in 0..5 {
                    queue.put(item).await.unwrap();
                }
            };
            let consume = async {
                for item in 0..5 {
                    assert_eq!(queue.get().await, Ok(item));
                }
            };
            group.spawn(produce).unwrap().detach();
            group.spawn(consume).unwrap().detach();
        })
        .await
        .unwrap();
    });
}

#[test]
fn cancelled_getters_not_being_held_in_self_getters() {
    run(async {
        let queue: Queue<i32> = Queue::new(5);
        assert!(wait_for(queue.get(), ms(100)).await.is_err());
        assert!(format!("{queue:?}").contains("getters: 0"));
    });
}

#[test]
fn blocking_put() {
    run(async {
        let queue = Queue::unbounded();
        queue.put(1).await.unwrap();
        assert_eq!(queue.get().await, Ok(1));
    });
}

#[test]
fn blocking_put_wait() {
    run(async {
        let (queue, started) = (fixed(Queue::new(1)), fixed(Event::new()));
        call_later(ms(10), || assert_eq!(queue.get_nowait(), Ok(1)));
        let putter = spawn(async {
            started.set();
            queue.put(1).await.unwrap();
            queue.put(2).await.unwrap();
        });
        started.wait().await;
        assert!(!putter.is_done());
        putter.await.unwrap();
        assert_eq!(wheelhouse::time(), ms(10));
    });
}

#[test]
fn nonblocking_put() {
    let queue = Queue::unbounded();
    queue.put_nowait(1).unwrap();
    assert_eq!(queue.get_nowait(), Ok(1));
}

#[test]
fn get_cancel_drop_one_pending_reader() {
    run(async {
        let queue = fixed(Queue::unbounded());
        let reader = spawn(queue.get());
        yield_now().await;
        queue.put_nowait(1).unwrap();
        queue.put_nowait(2).unwrap();
        reader.cancel();
        assert!(is_cancelled(reader).await);
        assert_eq!(spawn(queue.get()).await.unwrap(), Ok(1));
    });
}

#[test]
fn get_cancel_drop_many_pending_readers() {
    run(async {
        let queue = fixed(Queue::unbounded());
        let [first, second, third] = [(); 3].map(|()| spawn(queue.get()));
        yield_now().await;
        queue.put_nowait(1).unwrap();
        queue.put_nowait(2).unwrap();
        first.cancel();
        assert!(is_cancelled(first).await);
        let items = [second.await, third.await].map(|result| result.unwrap().unwrap());
        assert_eq!(items, [1, 2]);
    });
}

#[test]
fn put_cancel_drop() {
    run(async {
        let queue = fixed(filled(1, [1]));
        let writer = spawn(queue.put(2));
        yield_now().await;
        assert_eq!(queue.get_nowait(), Ok(1));
        writer.cancel();
        assert!(is_cancelled(writer).await);
        assert!(queue.is_empty());
        spawn(queue.put(2)).await.unwrap().unwrap();
        assert_eq!(queue.get_nowait(), Ok(2));
        assert_eq!(queue.len(), 0);
    });
}

#[test]
fn nonblocking_put_exception() {
    assert_eq!(filled(1, [1]).put_nowait(2), Err(PutError::Full(2)));
}

#[test]
fn put_cancelled() {
    run(async {
        let queue = fixed(Queue::unbounded());
        let putter = spawn(queue.put(1));
        assert_eq!(queue.get().await, Ok(1));
        assert!(putter.is_done());
    });
}

#[test]
fn put_cancelled_race() {
    run(async {
        let queue = fixed(Queue::new(1));
        let [a, b, x] = ['a', 'b', 'X'].map(|item| spawn(queue.put(item)));
        yield_now().await;
        assert!(a.is_done());
        assert!(!b.is_done());
        x.cancel();
        yield_now().await;
        assert!(x.is_done());
        assert_eq!(queue.get_nowait(), Ok('a'));
        yield_now().await;
        assert_eq!(queue.get_nowait(), Ok('b'));
        b.await.unwrap().unwrap();
    });
}

#[test]
fn put_with_waiting_getters() {
    run(async {
        let queue = fixed(Queue::unbounded());
        let getter = spawn(queue.get());
        yield_now().await;
        queue.put('a').await.unwrap();
        assert_eq!(getter.await.unwrap(), Ok('a'));
    });
}

#[test]
fn why_are_putters_waiting() {
    run(async {
        let queue = fixed(Queue::new(2));
        let getter = spawn(async {
            yield_now().await;
            for _ in 0..queue.len() {
                queue.get_nowait().unwrap();
            }
        });
        let putters = [0, 1, 2, 3].map(|item| spawn(queue.put(item)));
        getter.await.unwrap();
        gather(putters).await.into_iter().for_each(|put| put.unwrap().unwrap());
    });
}

#[test]
fn cancelled_puts_not_being_held_in_self_putters() {
    run(async {
        let queue = fixed(filled(1, [1]));
        let putter = spawn(queue.put(1));
        yield_now().await;
        assert!(format!("{queue:?}").contains("putters: 1"));
        putter.cancel();
        assert!(is_cancelled(putter).await);
        assert!(format!("{queue:?}").contains("putters: 0"));
    });
}

#[test]
fn cancelled_put_silence_value_error_exception() {
    run(async {
        let queue = fixed(filled(1, [1]));
        let putter = spawn(queue.put(1));
        yield_now().await;
        queue.get_nowait().unwrap();
        putter.cancel();
        assert!(is_cancelled(putter).await);
    });
}
