//! Ctrl-C as `run` has it, asyncio's `Runner._on_sigint`; and how to end as by a signal.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::LazyLock;

use super::handler::WayIn;
use super::kind::Signal;
use super::registry::{Role, has_users};
use crate::context::Core;
use crate::handle::TaskHandle;

/// Ends the process as if nobody had listened to `signal`: whoever waits for it sees a death by this signal, and
/// a shell the status 128 + its number. Destructors do not run.
///
/// ```no_run
/// use wheelhouse::signal::{Signal, die_of};
/// use wheelhouse::{RunError, run};
///
/// async fn app() {}
///
/// fn main() {
///     match run(app()) {
///         Err(RunError::Interrupted) => die_of(Signal::INT),
///         ended => ended.unwrap(),
///     }
/// }
/// ```
///
/// A signal that ends no process by default does not end this one either; it exits with that status then.
pub fn die_of(signal: Signal) -> ! {
    let _ = signal_hook::low_level::emulate_default_handler(signal.as_raw());
    std::process::exit(128 + signal.as_raw())
}

/// Whether the process was started with Ctrl-C ignored, as a script's job in the background: it is for others then.
/// Read at the first `run`, where Linux tells it; elsewhere it is taken for not so.
static IGNORED: LazyLock<bool> = LazyLock::new(|| {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    ignored.is_some_and(|set| set >> (Signal::INT.as_raw() - 1) & 1 == 1)
});

/// Cancels the main task at the first Ctrl-C, for as long as this lives. The second one ends the process.
pub(crate) struct CtrlC {
    _way_in: WayIn,
    has_come: Rc<Cell<bool>>,
    main: TaskHandle,
}

impl CtrlC {
    /// `None` on other threads than the first, under a virtual clock, where Ctrl-C is not for this process, and
    /// where the system refuses.
    pub(crate) fn watch(core: &Rc<Core>, main: &TaskHandle) -> Option<CtrlC> {
        let first_thread = std::thread::current().name() == Some("main");
        if core.clock.is_virtual() || !first_thread || *IGNORED {
            return None;
        }
        let has_come = Rc::new(Cell::new(false));
        let (come, cancelled) = (Rc::clone(&has_come), main.clone());
        let way_in = WayIn::open(core, Signal::INT, Role::Runner, move |_| {
            if !has_users(Signal::INT) && !come.replace(true) {
                cancelled.cancel();
            }
        });
        Some(CtrlC { _way_in: way_in.ok()?, has_come, main: main.clone() })
    }

    /// The main task has ended cancelled: by Ctrl-C, and nobody else?
    pub(crate) fn has_cancelled(&self) -> bool {
        self.has_come.get() && self.main.uncancel() == 0
    }
}
