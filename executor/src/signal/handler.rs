//! Callbacks for signals, asyncio's `add_signal_handler` and `remove_signal_handler`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::fd::AsRawFd;
use std::panic::Location;
use std::rc::{Rc, Weak};

use super::inlet::Inlet;
use super::kind::{Signal, SignalError};
use super::registry::Role;
use crate::context::{self, Core};
use crate::io::Watch;
use crate::reactor::Direction;

/// Runs `handler` in the loop whenever `signal` has come, until it is taken away: a callback in a turn of the
/// loop, free to do whatever callbacks do. One that was there for this signal before is replaced.
///
/// ```
/// use wheelhouse::run;
/// use wheelhouse::signal::{Signal, add_signal_handler};
///
/// run(async {
///     let main = wheelhouse::current_task().unwrap();
///     add_signal_handler(Signal::TERM, move || drop(main.cancel())).unwrap();
/// })
/// .unwrap();
/// ```
///
/// # Errors
///
/// If the signal cannot be listened to, or the system refuses a pair of sockets.
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn add_signal_handler(
    signal: Signal,
    handler: impl FnMut() + 'static,
) -> Result<(), SignalError> {
    let at = Location::caller();
    context::current("add_signal_handler", |core| {
        let handler = Rc::new(RefCell::new(handler));
        let way_in = WayIn::open(core, signal, Role::User, move |core| {
            let handler = Rc::clone(&handler);
            let _ = core.call_soon(Box::new(move || (handler.borrow_mut())()), at);
        })?;
        let replaced = core.signals.0.borrow_mut().insert(signal, way_in);
        drop(replaced);
        Ok(())
    })
}

/// Takes the callback of [`add_signal_handler`] away; `false` if there was none.
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn remove_signal_handler(signal: Signal) -> bool {
    context::current("remove_signal_handler", |core| {
        let removed = core.signals.0.borrow_mut().remove(&signal);
        removed.is_some()
    })
}

/// A loop's callbacks for signals.
#[derive(Debug, Default)]
pub(crate) struct Handlers(RefCell<BTreeMap<Signal, WayIn>>);

impl Handlers {
    pub(crate) fn clear(&self) {
        let handlers = self.0.take();
        drop(handlers);
    }
}

/// An inlet that the loop watches, for as long as this lives.
#[derive(Debug)]
pub(crate) struct WayIn {
    // Not watched any more before it is closed.
    watch: Watch,
    _inlet: Rc<RefCell<Inlet>>,
}

impl WayIn {
    /// Calls `come` in each turn in which the signal has come.
    pub(crate) fn open(
        core: &Rc<Core>,
        signal: Signal,
        role: Role,
        come: impl Fn(&Rc<Core>) + 'static,
    ) -> Result<WayIn, SignalError> {
        let inlet = Rc::new(RefCell::new(Inlet::open(&[signal], role)?));
        let (heard, the_loop): (_, Weak<Core>) = (Rc::clone(&inlet), Rc::downgrade(core));
        let fd = inlet.borrow().as_raw_fd();
        let watch = core.add_watch(fd, Direction::Read, move || {
            let has_come = heard.borrow_mut().take().next().is_some();
            if let (true, Some(core)) = (has_come, the_loop.upgrade()) {
                come(&core);
            }
        })?;
        Ok(WayIn { watch, _inlet: inlet })
    }
}

impl Drop for WayIn {
    fn drop(&mut self) {
        self.watch.cancel();
    }
}
