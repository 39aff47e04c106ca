//! The pool of threads for blocking work.

use std::sync::mpsc;
use std::thread;

use wheelhouse::{EventLoop, OffloadPool, offload, spawn};

use crate::common::{ms, turns};

#[test]
fn set_default_executor() {
    let pool = OffloadPool::new().thread_name("dummy");
    let mut event_loop = EventLoop::builder().offload_pool(pool).build().unwrap();
    let job = async { offload(|| thread::current().name().map(str::to_owned)).await.unwrap() };
    assert_eq!(event_loop.run_until_complete(job).unwrap().as_deref(), Some("dummy-1"));
}

#[test]
fn shutdown_default_executor_timeout() {
    let mut event_loop = EventLoop::new().unwrap();
    let (end, ended) = mpsc::channel::<()>();
    let main = async move {
        let job = offload(move || ended.recv().unwrap_err());
        spawn(async move { drop(job.await) }).detach();
        turns(3).await;
    };
    event_loop.run_until_complete(main).unwrap();
    // The job does not end before this has returned.
    assert_eq!(event_loop.shutdown_offload(ms(10)).unwrap().len(), 1);
    drop(end);
}
