//! The tests that Python's mixins make for each kind of queue: joining and shutting down.

use std::cell::Cell;

use wheelhouse::sync::{
    Fifo, GetError, Lifo, PutError, QueueOf, QueueShutDown, Smallest, Storage, TooManyTaskDone,
};
use wheelhouse::{gather, spawn, yield_now};

use crate::common::{fixed, run};

macro_rules! for_each_kind {
    ($($test:ident)*) => {
        $(#[test]
        fn $test() {
            run(of_any::$test::<Fifo<u32>>());
            run(of_any::$test::<Lifo<u32>>());
            run(of_any::$test::<Smallest<u32>>());
        })*
    };
}

for_each_kind! {
    task_done_underflow task_done join_empty_queue
    shutdown_empty shutdown_nonempty shutdown_immediate shutdown_immediate_with_unfinished
}

mod of_any {
    use super::*;

    pub(super) async fn task_done_underflow<S: Storage<Item = u32>>() {
        assert_eq!(QueueOf::<S>::unbounded().task_done(), Err(TooManyTaskDone));
    }

    pub(super) async fn task_done<S: Storage<Item = u32> + 'static>() {
        let queue = fixed(QueueOf::<S>::unbounded());
        (0..100).for_each(|item| queue.put_nowait(item).unwrap());
        let (sum, running) = (fixed(Cell::new(0)), fixed(Cell::new(true)));
        let workers = [(); 2].map(|()| {
            spawn(async {
                while running.get() {
                    sum.set(sum.get() + queue.get().await.unwrap());
                    queue.task_done().unwrap();
                }
            })
        });
        queue.join().await;
        assert_eq!(sum.get(), (0..100).sum());
        running.set(false);
        workers.iter().for_each(|_| queue.put_nowait(0).unwrap());
        gather(workers).await;
    }

    pub(super) async fn join_empty_queue<S: Storage<Item = u32>>() {
        let queue = QueueOf::<S>::unbounded();
        queue.join().await;
        queue.join().await;
    }

    async fn assert_shut_down<S: Storage<Item = u32>>(queue: &QueueOf<S>) {
        assert_eq!(queue.put(7).await, Err(QueueShutDown(7)));
        assert_eq!(queue.put_nowait(7), Err(PutError::ShutDown(7)));
        assert_eq!(queue.get().await, Err(QueueShutDown(())));
        assert_eq!(queue.get_nowait(), Err(GetError::ShutDown));
    }

    pub(super) async fn shutdown_empty<S: Storage<Item = u32> + 'static>() {
        let queue = fixed(QueueOf::<S>::unbounded());
        let getter = spawn(queue.get());
        yield_now().await;
        queue.shutdown(false);
        assert_eq!(queue.len(), 0);
        queue.join().await;
        yield_now().await;
        assert!(getter.is_done());
        assert_eq!(getter.await.unwrap(), Err(QueueShutDown(())));
        assert_shut_down(queue).await;
    }

    pub(super) async fn shutdown_nonempty<S: Storage<Item = u32> + 'static>() {
        let queue = fixed(QueueOf::<S>::new(1));
        queue.put_nowait(1).unwrap();
        let (join, putter) = (spawn(queue.join()), spawn(queue.put(2)));
        yield_now().await;
        assert!(!putter.is_done());
        queue.shutdown(false);
        assert_eq!(queue.len(), 1);
        yield_now().await;
        assert!(putter.is_done());
        assert_eq!(putter.await.unwrap(), Err(QueueShutDown(2)));
        assert_eq!(queue.get().await, Ok(1));
        yield_now().await;
        assert!(!join.is_done());
        assert_shut_down(queue).await;
        queue.task_done().unwrap();
        yield_now().await;
        assert!(join.is_done());
        assert_eq!(queue.task_done(), Err(TooManyTaskDone));
    }

    pub(super) async fn shutdown_immediate<S: Storage<Item = u32> + 'static>() {
        let queue = fixed(QueueOf::<S>::unbounded());
        queue.put_nowait(1).unwrap();
        let join = spawn(queue.join());
        queue.shutdown(true);
        assert_eq!(queue.len(), 0);
        yield_now().await;
        assert!(join.is_done());
        assert_shut_down(queue).await;
        assert_eq!(queue.task_done(), Err(TooManyTaskDone));
    }

    pub(super) async fn shutdown_immediate_with_unfinished<S: Storage<Item = u32> + 'static>() {
        let queue = fixed(QueueOf::<S>::unbounded());
        queue.put_nowait(1).unwrap();
        queue.put_nowait(1).unwrap();
        let join = spawn(queue.join());
        assert_eq!(queue.get().await, Ok(1));
        queue.shutdown(true);
        assert_eq!(queue.len(), 0);
        yield_now().await;
        assert!(!join.is_done());
        assert_shut_down(queue).await;
        queue.task_done().unwrap();
        assert_eq!(queue.task_done(), Err(TooManyTaskDone));
        yield_now().await;
        assert!(join.is_done());
    }
}
