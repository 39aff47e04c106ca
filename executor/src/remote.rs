//! The inbox: the only state of a loop that other threads touch, as asyncio's self-pipe and
//! `call_soon_threadsafe`.
//!
//! A message is pushed under a lock; the loop is then woken by the operating system, but only if it is
//! parked or not running at all. Two flags decide that. The sender sets `mail` and then swaps `parked` to
//! false; the loop swaps `parked` to true and then reads `mail`. Swaps of one flag have an order: either the
//! sender's comes second and sees that the loop is parked, or the loop's does and sees the mail.
//! `remote_loom.rs` tries every order.

use std::fmt;
use std::panic::Location;
use std::sync::{LockResult, PoisonError};

#[cfg(all(test, loom))]
use loom::sync::{Mutex, atomic};
#[cfg(not(all(test, loom)))]
use std::sync::{Mutex, atomic};

use atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use crate::keyed::Key;
use crate::waits::WaitKey;

/// What another thread asks of the loop.
pub(crate) enum Message {
    Wake(u32),
    /// A callback, and where it was asked for.
    Call(Box<dyn FnOnce() + Send>, &'static Location<'static>),
    Stop,
    /// The future of a wait was dropped where its loop does not run.
    DropWait(WaitKey),
    /// A job on another thread has ended.
    Job(Key),
    /// An `Offload` was dropped where its loop does not run: the job, and the wait for it.
    DropJob(Key, Option<WaitKey>),
    /// So was a future that waits for a source of the reactor.
    #[cfg(feature = "net")]
    DropIoWait(crate::reactor::Waiting),
    /// So was a source of the reactor.
    #[cfg(feature = "net")]
    DropSource(Key),
}

/// Called when somebody outside gives the loop something to do while it does not run.
pub(crate) type WakeHook = Box<dyn Fn() + Send + Sync>;

pub(crate) struct Remote {
    inbox: Mutex<Inbox>,
    /// There are messages.
    mail: AtomicBool,
    /// The loop waits for the operating system, or no one runs it: a message must wake it.
    parked: AtomicBool,
    alarm: Mutex<Alarm>,
    /// How many `LoopHandle`s there are: while one lives, somebody outside may wake the loop.
    handles: AtomicUsize,
    closed: AtomicBool,
}

/// What wakes the loop, or its host.
struct Alarm {
    /// Goes when the loop does, whoever still holds on to its inbox: these are file descriptors.
    outlet: Option<Outlet>,
    hook: Option<WakeHook>,
}

/// The ways to the loop's poll.
pub(crate) struct Outlet {
    pub(crate) waker: mio::Waker,
    #[cfg(feature = "net")]
    pub(crate) registry: mio::Registry,
}

#[derive(Default)]
struct Inbox {
    messages: Vec<Message>,
}

/// The loop is gone.
#[derive(Debug)]
pub(crate) struct Gone;

impl Remote {
    pub(crate) fn new(outlet: Option<Outlet>) -> Remote {
        Remote {
            inbox: Mutex::new(Inbox::default()),
            mail: AtomicBool::new(false),
            parked: AtomicBool::new(true),
            alarm: Mutex::new(Alarm { outlet, hook: None }),
            handles: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn send(&self, message: Message) -> Result<(), Gone> {
        let mut inbox = unpoisoned(self.inbox.lock());
        if self.closed.load(SeqCst) {
            drop(inbox);
            return Err(Gone);
        }
        inbox.messages.push(message);
        drop(inbox);
        self.mail.store(true, SeqCst);
        self.knock();
        Ok(())
    }

    /// Wakes a loop that waits.
    fn knock(&self) {
        if self.parked.swap(false, SeqCst) {
            self.unpark();
        }
    }

    /// An eventfd write cannot fail but for a full counter, and then the loop is about to wake anyway.
    fn unpark(&self) {
        let alarm = unpoisoned(self.alarm.lock());
        if let Some(outlet) = &alarm.outlet {
            let _ = outlet.waker.wake();
        }
        if let Some(hook) = &alarm.hook {
            hook();
        }
    }

    /// The messages that have come, in order.
    pub(crate) fn take(&self) -> Vec<Message> {
        if !self.mail.load(SeqCst) {
            return Vec::new();
        }
        self.mail.store(false, SeqCst);
        std::mem::take(&mut unpoisoned(self.inbox.lock()).messages)
    }

    pub(crate) fn has_mail(&self) -> bool {
        self.mail.load(SeqCst)
    }

    /// From here on a message wakes the loop. `false` if one is there already: do not wait.
    pub(crate) fn park(&self) -> bool {
        self.parked.swap(true, SeqCst);
        !self.has_mail()
    }

    /// As [`park`](Remote::park), for a loop that waits only since somebody outside could wake it: from here
    /// on it is also woken when the last of them goes.
    pub(crate) fn park_for_outsiders(&self) -> bool {
        self.park() && self.has_outsiders()
    }

    pub(crate) fn unparked(&self) {
        self.parked.store(false, SeqCst);
    }

    /// Nobody runs the loop any more: whatever comes, or has come, must be told to its host.
    pub(crate) fn left_alone(&self) {
        if !self.park() {
            self.unparked();
            self.unpark();
        }
    }

    /// Shows `register` the loop's poll; `None` if the loop is gone.
    #[cfg(feature = "net")]
    pub(crate) fn with_registry<R>(&self, register: impl FnOnce(&mio::Registry) -> R) -> Option<R> {
        unpoisoned(self.alarm.lock()).outlet.as_ref().map(|outlet| register(&outlet.registry))
    }

    pub(crate) fn set_hook(&self, hook: WakeHook) {
        unpoisoned(self.alarm.lock()).hook = Some(hook);
    }

    pub(crate) fn handle_made(&self) {
        self.handles.fetch_add(1, SeqCst);
    }

    pub(crate) fn handle_dropped(&self) {
        self.handles.fetch_sub(1, SeqCst);
        // A loop that waits for the last outsider must look again.
        self.knock();
    }

    pub(crate) fn has_outsiders(&self) -> bool {
        self.handles.load(SeqCst) > 0
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// Refuses messages from now on, and gives those that nobody will run.
    pub(crate) fn close(&self) -> Vec<Message> {
        let mut inbox = unpoisoned(self.inbox.lock());
        self.closed.store(true, SeqCst);
        let messages = std::mem::take(&mut inbox.messages);
        drop(inbox);
        drop(unpoisoned(self.alarm.lock()).outlet.take());
        messages
    }
}

/// A thread that panicked between two lines of ours left nothing half done: poisoning means nothing here.
pub(crate) fn unpoisoned<G>(locked: LockResult<G>) -> G {
    locked.unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}
