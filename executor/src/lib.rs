//! draft
#![forbid(unsafe_code)]
mod builder; mod callback; mod cancel; mod cancel_scope; mod cell; mod clock; mod combine; mod context; mod error;
mod event_loop; mod handle; mod join; mod keyed; mod lists; mod loop_handle; mod observe; mod observer; mod parker;
mod promise; mod remote; mod run; mod scope; mod scoped; mod spawn; mod state; mod task; mod time; mod timeout;
mod wait; mod wait_once; mod waker;

pub use builder::Builder as LoopBuilder;
pub use callback::{CallHandle, call_at, call_later, call_soon};
pub use cancel::{Cancelled, CatchCancel, catch_cancel};
pub use cancel_scope::{CancelScope, ScopeHandle};
pub use combine::Joinable;
pub use combine::as_completed::{AsCompleted, as_completed};
pub use combine::gather::{Gather, GatherTuple, TryGather, gather, gather_tuple, try_gather, try_gather_tuple};
pub use combine::shield::{Shield, shield};
pub use combine::task_group::{TaskGroup, task_group, try_task_group};
pub use combine::wait::{ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, ReturnWhen, Wait, Waited, wait};
pub use combine::wait_for::{wait_for, wait_for_task};
pub use error::{
    BoxError, Deadlock, Elapsed, EmptyWait, GroupClosed, GroupError, JoinError, LoopClosed, RescheduleError, RunError,
    TaskFailed, TaskId, TaskName, TaskPanicked, WaitingTask,
};
pub use event_loop::{Census, EventLoop, stop};
pub use handle::{DoneCallback, Task, TaskHandle, all_tasks, current_task};
pub use join::Join;
pub use loop_handle::{LoopHandle, RemoteError, RemoteTask};
pub use observe::{ExceptionContext, Turn};
pub use promise::{AlreadyDone, Promise, PromiseError, Promised, promise};
pub use run::{Runner, run};
pub use spawn::{Builder as TaskBuilder, spawn, try_spawn};
pub use time::{Interval, MissedTicks, Sleep, YieldNow, interval, sleep, sleep_until, time, yield_now};
pub use timeout::{Timeout, TimeoutHandle, timeout, timeout_at, timeout_with};
