//! A loop's core, and how free functions (`spawn`, `sleep`, ...) find the one that runs on this thread,
//! as asyncio's `get_running_loop`.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, RawWakerVTable, Waker};

use crate::clock::Clock;
use crate::observe::{ExceptionContext, ExceptionHandler, default_exception_handler, print};
use crate::pool::{OffloadPool, Pool, Threads};
use crate::remote::Remote;
use crate::state::State;

/// What an [`EventLoop`](crate::EventLoop), its tasks and its handles share. The loop's `Drop` empties it,
/// whoever still holds on to it. What each step needs comes first, and in the state too: what is near the
/// beginning takes shorter instructions.
#[repr(C)]
pub(crate) struct Core {
    /// The waker the running task is polled with; only ever compared.
    polled_with: Cell<Option<(*const (), &'static RawWakerVTable)>>,
    state: RefCell<State>,
    pub(crate) clock: Clock,
    pub(crate) remote: Arc<Remote>,
    offload_pool: OffloadPool,
    /// What jobs are offloaded to, once there is one.
    pub(crate) pool: OnceCell<Arc<dyn Threads>>,
    #[cfg(feature = "signal")]
    pub(crate) signals: crate::signal::Handlers,
    /// The loop ends after this turn.
    pub(crate) stopping: Cell<bool>,
    exception_handler: RefCell<ExceptionHandler>,
}

thread_local! {
    /// Emptied by [`Entered`]. Without a destructor of its own it need not be registered for one, so a look
    /// at it is a load.
    static CURRENT: ManuallyDrop<RefCell<Option<Rc<Core>>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
}

impl Core {
    pub(crate) fn new(clock: Clock, remote: Arc<Remote>, offload_pool: OffloadPool) -> Rc<Core> {
        // Built in its place: `Rc::new` has to drop it again where there is no room, for which all that drops a
        // state would be in the program twice, 5 kB.
        Rc::new_cyclic(|_| Core {
            clock,
            offload_pool,
            pool: OnceCell::new(),
            #[cfg(feature = "signal")]
            signals: crate::signal::Handlers::default(),
            remote,
            stopping: Cell::new(false),
            exception_handler: RefCell::new(Rc::new(default_exception_handler)),
            polled_with: Cell::new(None),
            state: RefCell::new(State::new()),
        })
    }

    /// The loop's pool, made now if there is none yet.
    pub(crate) fn pool(&self) -> &Arc<dyn Threads> {
        self.pool.get_or_init(|| Arc::new(Pool::new(self.offload_pool.clone(), &self.remote)))
    }

    /// Runs a few lines on the state, then the errands they turned up.
    #[inline]
    pub(crate) fn with<R>(&self, lines: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.borrow_mut();
        let result = lines(&mut state);
        let has_errands = !state.errands.is_empty();
        drop(state);
        if has_errands {
            self.run_errands();
        }
        result
    }

    /// Shows the state to a few lines that only look.
    #[inline]
    pub(crate) fn peek<R>(&self, lines: impl FnOnce(&State) -> R) -> R {
        lines(&self.state.borrow())
    }

    #[cold]
    fn run_errands(&self) {
        loop {
            let Some(errand) = self.state.borrow_mut().errands.pop_front() else { return };
            self.run(errand);
        }
    }

    /// Runs a user's code that must not take the loop down with it (rule C15): a panic is reported.
    pub(crate) fn guard(&self, what: &str, code: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(code)) {
            self.report_panic(what, payload);
        }
    }

    #[cold]
    fn report_panic(&self, what: &str, payload: Box<dyn Any + Send>) {
        self.report(&ExceptionContext::panic(what, &*payload));
        drop(payload);
    }

    /// Reports what nobody else can be told. A panic of the handler itself goes to standard error.
    pub(crate) fn report(&self, context: &ExceptionContext<'_>) {
        let handler = Rc::clone(&self.exception_handler.borrow());
        if catch_unwind(AssertUnwindSafe(|| handler(context))).is_err() {
            print(format_args!("the exception handler panicked over: {context}"));
        }
    }

    pub(crate) fn set_exception_handler(&self, handler: ExceptionHandler) {
        let replaced = self.exception_handler.replace(handler);
        drop(replaced);
    }

    /// Notes which waker is the running task's own; `None` when its poll is over.
    #[inline]
    pub(crate) fn polling_with(&self, waker: Option<&Waker>) {
        self.polled_with.set(waker.map(|waker| (waker.data(), waker.vtable())));
    }

    /// The waker of `cx`, if it is not simply that of the running task: combinators such as
    /// `FuturesUnordered` poll what they hold with wakers of their own.
    #[inline]
    pub(crate) fn foreign_waker(&self, cx: &Context<'_>) -> Option<Waker> {
        if self.is_own_waker(cx) { None } else { Some(cx.waker().clone()) }
    }

    #[inline]
    fn is_own_waker(&self, cx: &Context<'_>) -> bool {
        let waker = cx.waker();
        self.polled_with.get().is_some_and(|(data, vtable)| {
            data == waker.data() && std::ptr::eq(vtable, waker.vtable())
        })
    }

    /// Makes this the running loop of the thread until the guard is dropped. `Err` if one runs already.
    pub(crate) fn enter(self: &Rc<Self>) -> Result<Entered, Rc<Core>> {
        CURRENT.with(|current| {
            if let Some(running) = &*current.borrow() {
                return Err(Rc::clone(running));
            }
            *current.borrow_mut() = Some(Rc::clone(self));
            self.remote.unparked();
            self.read_clock();
            Ok(Entered(()))
        })
    }
}

/// Wakes what is polled with `cx`; the running task, without a detour through its waker.
pub(crate) fn wake_by_ref(cx: &Context<'_>) {
    let woken = try_current(|core| {
        let own = core.is_own_waker(cx);
        if own {
            core.with(|state| state.wake(state.current.task));
        }
        own
    });
    if woken != Some(true) {
        cx.waker().wake_by_ref();
    }
}

/// A loop runs on this thread for as long as this lives.
pub(crate) struct Entered(());

impl Drop for Entered {
    fn drop(&mut self) {
        let left = CURRENT.with(|current| current.borrow_mut().take());
        if let Some(core) = left {
            core.settle_delays();
            core.remote.left_alone();
        }
    }
}

/// Shows `look` the running loop of this thread, if there is one. Works in thread-local destructors too.
#[inline]
pub(crate) fn try_current<R>(look: impl FnOnce(&Rc<Core>) -> R) -> Option<R> {
    CURRENT.with(|current| current.borrow().as_ref().map(look))
}

/// Shows `look` the loop with this inbox, if it is the one that runs on this thread.
#[inline]
pub(crate) fn at_home<R>(remote: &Arc<Remote>, look: impl FnOnce(&Rc<Core>) -> R) -> Option<R> {
    try_current(|core| Arc::ptr_eq(&core.remote, remote).then(|| look(core))).flatten()
}

/// Does the loop with this inbox run on this thread?
#[inline]
pub(crate) fn is_at_home(remote: &Arc<Remote>) -> bool {
    at_home(remote, |_| ()).is_some()
}

/// Does another loop than this one run on the thread?
pub(crate) fn another_runs(core: &Rc<Core>) -> bool {
    try_current(|running| !Rc::ptr_eq(running, core)).unwrap_or(false)
}

/// Shows `look` the running loop of this thread.
///
/// # Panics
///
/// Outside a running loop, naming the call and what to do.
#[track_caller]
pub(crate) fn current<R>(call: &str, look: impl FnOnce(&Rc<Core>) -> R) -> R {
    match try_current(look) {
        Some(result) => result,
        None => outside(call),
    }
}

#[cold]
#[track_caller]
fn outside(call: &str) -> ! {
    panic!(
        "`{call}` was called outside a running loop: call it from a task or callback of one, \
         for example inside `wheelhouse::run(async {{ .. }})`"
    )
}
