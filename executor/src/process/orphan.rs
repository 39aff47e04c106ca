//! Who asks how a child ended, so that it leaves the system's table: whoever holds it, then the loop, then a thread.
//!
//! ```text
//!             1 dropped where a loop runs             2 the loop is dropped
//!    Child ------------------------------> the loop ------------------------> a thread
//!      |                                                                         ^
//!      '-------------------------------------------------------------------------'
//!                    3 dropped where no loop runs, or with its loop
//! ```
//!
//! 1 [`Core::adopt`] · 2, 3 [`collecting_orphans`], [`reap`]

use std::cell::RefCell;
use std::io;
use std::process::{Child, ExitStatus};
use std::rc::Rc;
use std::thread;

use crate::context::{self, Core};
use crate::signal::Signal;

thread_local! {
    /// The children that are dropped while a loop is.
    static COLLECTED: RefCell<Option<Vec<Child>>> = const { RefCell::new(None) };
}

/// Answers for one child: while it has not been asked how it ended, it is not let go.
#[derive(Debug)]
pub(crate) struct Parent {
    /// `None` once it was handed on.
    child: Option<Child>,
    status: Option<ExitStatus>,
    kill_on_drop: bool,
}

impl Parent {
    pub(crate) fn new(child: Child, kill_on_drop: bool) -> Parent {
        Parent { child: Some(child), status: None, kill_on_drop }
    }

    pub(crate) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if let (None, Some(child)) = (self.status, &mut self.child) {
            self.status = child.try_wait()?;
        }
        Ok(self.status)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.status.is_none()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    pub(crate) fn send(&mut self, signal: Signal) -> io::Result<()> {
        // Asked first: a process id that was given back may be another's.
        match self.try_wait()? {
            Some(_) => Ok(()),
            None => send(self.id(), signal),
        }
    }
}

fn send(pid: u32, signal: Signal) -> io::Result<()> {
    use rustix::process::{Pid, Signal as Raw, kill_process};

    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(invalid)?;
    let signal = Raw::from_named_raw(signal.as_raw()).ok_or_else(invalid)?;
    Ok(kill_process(pid, signal)?)
}

impl Drop for Parent {
    fn drop(&mut self) {
        if self.kill_on_drop && self.is_running() {
            let _ = self.send(Signal::KILL);
        }
        if let (Ok(None), Some(child)) = (self.try_wait(), self.child.take()) {
            hand_on(child);
        }
    }
}

fn hand_on(child: Child) {
    let Some(child) = collect(child) else { return };
    match context::try_current(Rc::clone) {
        Some(core) => core.adopt(child),
        None => reap(vec![child]),
    }
}

/// Puts the child to the others that are dropped with a loop; gives it back if no loop is being dropped.
fn collect(child: Child) -> Option<Child> {
    let mut child = Some(child);
    // A thread that ends collects nothing any more.
    let _ = COLLECTED.try_with(|collected| {
        if let Some(children) = &mut *collected.borrow_mut() {
            children.extend(child.take());
        }
    });
    child
}

/// Runs `drops`; the children that it lets go are waited for together.
pub(crate) fn collecting_orphans(drops: impl FnOnce()) {
    let outer = COLLECTED.try_with(|collected| collected.replace(Some(Vec::new())));
    drops();
    if let Ok(outer) = outer {
        reap(COLLECTED.replace(outer).unwrap_or_default());
    }
}

/// Waits for children on a thread of their own. Without one they stay in the system's table until the process
/// ends.
fn reap(children: Vec<Child>) {
    if !children.is_empty() {
        let thread = thread::Builder::new().name("orphans".to_owned()).stack_size(64 * 1024);
        let _ = thread.spawn(move || wait_for_all(children));
    }
}

/// In the order in which they end, where the system tells that.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn wait_for_all(children: Vec<Child>) {
    use rustix::event::{PollFd, PollFlags, poll};

    let (mut watched, unwatched): (Vec<_>, Vec<_>) = children
        .into_iter()
        .map(|child| (super::exit::pidfd(child.id()), child))
        .partition(|(pidfd, _)| pidfd.is_some());
    while !watched.is_empty() {
        let ends = watched.iter().flat_map(|(pidfd, _)| pidfd);
        let mut ends: Vec<_> = ends.map(|pidfd| PollFd::new(pidfd, PollFlags::IN)).collect();
        let _ = poll(&mut ends, None);
        drop(ends);
        watched.retain_mut(|(_, child)| matches!(child.try_wait(), Ok(None)));
    }
    wait_one_by_one(unwatched.into_iter().map(|(_, child)| child));
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn wait_for_all(children: Vec<Child>) {
    wait_one_by_one(children);
}

fn wait_one_by_one(children: impl IntoIterator<Item = Child>) {
    for mut child in children {
        let _ = child.wait();
    }
}

impl Core {
    /// The loop asks a child how it ended, once it has.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn adopt(self: &Rc<Self>, child: Child) {
        use std::cell::OnceCell;
        use std::os::fd::AsRawFd;

        use crate::io::Watch;
        use crate::reactor::Direction;

        let mut orphan = Orphan(Some(child));
        let Some(pidfd) = orphan.pidfd() else { return };
        let watch: Rc<OnceCell<Watch>> = Rc::default();
        let (fd, own_watch) = (pidfd.as_raw_fd(), Rc::clone(&watch));
        // If it cannot be watched, or is dropped with its loop, the callback hands the child on.
        let watched = self.add_watch(fd, Direction::Read, move || {
            let _open = &pidfd;
            if let (true, Some(watch)) = (orphan.has_ended(), own_watch.get()) {
                watch.cancel();
            }
        });
        if let Ok(watched) = watched {
            let _ = watch.set(watched);
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn adopt(self: &Rc<Self>, child: Child) {
        drop(Orphan(Some(child)));
    }
}

/// A child that a loop looks after.
struct Orphan(Option<Child>);

impl Orphan {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn pidfd(&self) -> Option<std::os::fd::OwnedFd> {
        self.0.as_ref().and_then(|child| super::exit::pidfd(child.id()))
    }

    fn has_ended(&mut self) -> bool {
        // An error says that it is nobody's to ask for any more.
        if self.0.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None))) {
            self.0 = None;
        }
        self.0.is_none()
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        if !self.has_ended() {
            reap(self.0.take().and_then(collect).into_iter().collect());
        }
    }
}
