//! The traits by which crates built on `futures` spawn: `LocalSpawn` and `Spawn`.

use futures_task::{FutureObj, LocalFutureObj, LocalSpawn, Spawn, SpawnError};

use crate::context;
use crate::event_loop::EventLoop;
use crate::loop_handle::LoopHandle;
use crate::spawn;

/// Spawns into the loop that runs on this thread, for code that asks for a [`LocalSpawn`].
///
/// ```
/// use futures::task::LocalSpawnExt;
/// use wheelhouse::{CurrentLoop, run};
///
/// let answer = run(async {
///     let computed = CurrentLoop.spawn_local_with_handle(async { 6 * 7 }).unwrap();
///     computed.await
/// });
/// assert_eq!(answer.unwrap(), 42);
/// ```
///
/// Where no loop runs, or while it is being dropped, spawning is an error: [`SpawnError::shutdown`].
#[derive(Clone, Copy, Debug, Default)]
pub struct CurrentLoop;

impl LocalSpawn for CurrentLoop {
    fn spawn_local_obj(&self, future: LocalFutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.status_local()?;
        spawn(future).detach();
        Ok(())
    }

    fn status_local(&self) -> Result<(), SpawnError> {
        match context::try_current(|core| core.remote.is_closed()) {
            Some(false) => Ok(()),
            Some(true) | None => Err(SpawnError::shutdown()),
        }
    }
}

impl Spawn for CurrentLoop {
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.spawn_local_obj(future.into())
    }

    fn status(&self) -> Result<(), SpawnError> {
        self.status_local()
    }
}

/// Into a loop that need not run yet.
impl LocalSpawn for EventLoop {
    fn spawn_local_obj(&self, future: LocalFutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.spawn(future).detach();
        Ok(())
    }
}

/// From any thread.
impl Spawn for LoopHandle {
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        // The remote task is not waited for: dropping it detaches the task.
        self.spawn_threadsafe(move || future).map(drop).map_err(|_| SpawnError::shutdown())
    }

    fn status(&self) -> Result<(), SpawnError> {
        if self.is_closed() { Err(SpawnError::shutdown()) } else { Ok(()) }
    }
}
