//! A single-threaded event loop and executor with asyncio's task semantics, kept to the step.
//!
//! Rust's runtimes cancel a task by dropping it, and the task cannot catch that; asyncio's tasks can.
//! Here a cancel drops the body of the innermost open *scope* at its await point and hands
//! `Err(Cancelled)` to the code that opened the scope. Every future is cancellable at every
//! await, ours or foreign, and code that must clean up with awaits, suppress, or re-raise can.
//!
//! ```
//! use std::time::Duration;
//! use wheelhouse::{JoinError, catch_cancel, run, sleep, spawn, yield_now};
//!
//! run(async {
//!     let worker = spawn(async {
//!         match catch_cancel(sleep(Duration::from_secs(60))).await {
//!             Ok(()) => "done",
//!             Err(cancelled) => {
//!                 yield_now().await; // asynchronous clean-up: an await works here
//!                 cancelled.resume().await // re-raise; or return a value to suppress
//!             }
//!         }
//!     });
//!     yield_now().await; // let it begin
//!     worker.cancel(); // a request; nothing is interrupted yet
//!     assert!(matches!(worker.await, Err(JoinError::Cancelled(_))));
//! })
//! .unwrap();
//! ```
//!
//! # A loop in your hands
//!
//! [`run`] is all most programs need. A loop can also be driven by hand, one turn at a time, and its time
//! can be virtual: then a program takes no time and runs the same way every time.
//!
//! ```
//! use std::time::Duration;
//! use wheelhouse::{EventLoop, sleep};
//!
//! let mut event_loop = EventLoop::builder().virtual_clock().build().unwrap();
//! let task = event_loop.spawn(async {
//!     sleep(Duration::from_secs(3600)).await;
//!     "an hour later"
//! });
//! let turn = event_loop.run_once(Some(Duration::ZERO)).unwrap();
//! assert_eq!((turn.steps, turn.next_deadline), (1, Some(Duration::from_secs(3600))));
//! assert_eq!(event_loop.run_until_done(task).unwrap(), "an hour later");
//! assert_eq!(event_loop.time(), Duration::from_secs(3600));
//! ```
//!
//! # Where to find it
//!
//! | to | |
//! |---|---|
//! | run | [`run`], [`Runner`], [`EventLoop`] |
//! | start tasks | [`spawn`], [`try_spawn`], [`Task`], [`TaskHandle`] |
//! | wait a while | [`sleep`](sleep()), [`interval`], [`yield_now`] |
//! | wait for several | [`gather`], [`try_gather`], [`wait`](wait()), [`as_completed`], [`task_group`] |
//! | wait no longer | [`timeout`](timeout()), [`wait_for`], [`shield`] |
//! | cancel, and clean up | [`Task::cancel`](TaskHandle::cancel), [`catch_cancel`], [`CancelScope`], [`TaskHandle::abort`] |
//! | share and pass on | [`sync`]: locks, semaphores, events, queues; [`promise`](promise()) |
//! | repeat, retry, schedule | `schedule` |
//! | do work that blocks | [`offload`](offload()) |
//! | read and write | `net`: sockets; `io`: any descriptor |
//! | deal with the system | `signal`: signals; `process`: child processes |
//! | call from another thread | [`LoopHandle`] |
//! | see what goes on | [`Turn`], [`dump_tasks`], [`EventLoop::census`] |
//!
//! # Features
//!
//! | feature | | what it buys |
//! |---|---|---|
//! | `precise` | on | on Linux, waits to the microsecond; without it sleeps end up to a millisecond late |
//! | `net` | on | sockets and other descriptors; Unix only |
//! | `stream` | on, by `futures-io` | `futures_core::Stream` for what comes one by one |
//! | `futures-io` | on | `futures_io::AsyncRead` and `AsyncWrite` |
//! | `signal` | on | signals, and Ctrl-C for [`run`]; Unix only |
//! | `process` | on | child processes; Unix only |
//! | `schedule` | on | periodic work, retries, limits, workers, jobs by the clock |
//! | `cron` | | `schedule::Cron`: crontab's times, in time zones |
//! | `hyper` | | what hyper 1.x asks of a runtime |
//! | `futures-task` | | `LocalSpawn` and `Spawn` of `futures` |
//! | `tracing` | | a root span for each task |
//!
//! # Words
//!
//! The OS is *waited on*, a task is *stepped*, a future is *polled*, the wheel *expires*, a round of the
//! loop is a *turn*. A *handle* sits in the ready queue; a *wake* only queues one. A *request* is one call of
//! `cancel`; its *delivery* is the drop at an await point; a *scope* is a place where a delivery stops; a
//! *forwarding await* passes requests on to what it waits for.
//!
//! # Reading order
//!
//! The examples in the repository are a ladder from `01_hello` upwards, one idea a file; `docs/README.md` says what to
//! read for whom, and `docs/reading-order.md` goes through the source in sittings of twenty minutes. In short:
//! `turn.rs` (one turn of the loop), `task.rs` (one step), `state.rs` (what a loop owns), `wait.rs`, `scope.rs` and
//! `cancel.rs` (cancellation, the heart), then `join.rs`, `observer.rs` and `combine/`, and `sync/waiters.rs` for
//! [`sync`], locks and queues. The rest is what its name says. The rules that documentation and tests cite
//! (`rule C6`) are in `docs/cancellation-model.md`.
#![forbid(unsafe_code)]

#[cfg(all(feature = "net", not(unix)))]
compile_error!("wheelhouse's feature `net` is for Unix: build with `default-features = false`");

mod builder;
mod callback;
mod cancel;
mod cancel_scope;
mod cancelled;
mod cell;
mod clock;
mod column;
mod combine;
mod context;
mod delay;
mod dump;
mod errand;
mod error;
mod event_loop;
mod guests;
mod handle;
#[cfg(feature = "net")]
pub mod io;
mod join;
mod keyed;
mod lists;
mod loop_handle;
#[cfg(feature = "net")]
pub mod net;
mod observe;
mod observer;
mod offload;
mod offload_error;
mod parker;
mod pool;
#[cfg(feature = "process")]
pub mod process;
mod promise;
mod promise_error;
#[cfg(feature = "net")]
mod reactor;
mod remote;
#[cfg(all(test, loom))]
mod remote_loom;
mod run;
mod run_error;
#[cfg(feature = "schedule")]
pub mod schedule;
mod scope;
mod scoped;
#[cfg(feature = "signal")]
pub mod signal;
mod slack;
mod slow;
#[cfg(feature = "net")]
mod sources;
mod spawn;
mod state;
pub mod sync;
mod target;
mod task;
mod tasks;
mod time;
mod timeout;
mod tree;
mod turn;
mod virtual_time;
mod wait;
mod wait_once;
mod waits;
mod waker;

#[cfg(doctest)]
mod doctests;

pub use builder::Builder as LoopBuilder;
pub use callback::{CallHandle, call_at, call_later, call_soon};
pub use cancel_scope::{CancelScope, ScopeHandle};
pub use cancelled::{Cancelled, CatchCancel, catch_cancel, or_raise};
pub use combine::Joinable;
pub use combine::as_completed::{AsCompleted, as_completed};
pub use combine::gather::{Gather, TryGather, gather, try_gather};
pub use combine::gather_tuple::{GatherTuple, gather_tuple, try_gather_tuple};
pub use combine::shield::{Shield, shield};
pub use combine::task_group::{TaskGroup, task_group, try_task_group};
pub use combine::wait::{
    ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, ReturnWhen, Wait, Waited, wait,
};
pub use combine::wait_for::{wait_for, wait_for_task};
pub use dump::{Activity, TaskDump, TaskReport, dump_tasks};
pub use error::{
    BoxError, Elapsed, EmptyWait, GroupClosed, GroupError, JoinError, LoopClosed, RescheduleError,
    TaskFailed, TaskId, TaskName, TaskPanicked,
};
pub use event_loop::{Census, EventLoop, stop};
#[cfg(feature = "futures-task")]
pub use guests::futures_task::CurrentLoop;
#[cfg(feature = "hyper")]
pub use guests::hyper;
pub use handle::{DoneCallback, Task, TaskHandle, all_tasks, current_task};
pub use join::Join;
pub use loop_handle::{LoopHandle, RemoteError, RemoteTask};
pub use observe::{ExceptionContext, Turn, default_exception_handler};
pub use offload::{Offload, offload};
pub use offload_error::{JobPanicked, OffloadError, UnfinishedJob};
pub use pool::OffloadPool;
pub use promise::{Promise, Promised, promise};
pub use promise_error::{AlreadyDone, PromiseError};
pub use run::{Runner, run};
pub use run_error::{Deadlock, RunError, WaitingTask};
pub use spawn::{Builder as TaskBuilder, spawn, try_spawn};
pub use time::{
    Interval, MissedTicks, Sleep, YieldNow, interval, interval_at, sleep, sleep_until, time,
    yield_now,
};
pub use timeout::{Timeout, TimeoutHandle, timeout, timeout_at, timeout_with};
