//! Who listens to which signal, in the whole process: the one global of the crate.
//!
//! Once a signal was listened to, its handler stays with the process; `signal-hook` never gives one back. So the
//! handler's first action asks a flag whether to do what the signal does by default. The flag is off while
//! anybody listens.
//!
//! A [`Runner`](crate::Runner) listens to Ctrl-C only where no user does. Its second Ctrl-C ends the process, even
//! if the loop is stuck in somebody's code; so the first one turns the flag on, in the signal's own context.

use std::collections::{BTreeMap, btree_map};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use signal_hook::{SigId, flag, low_level};

use super::kind::{Signal, SignalError};
use crate::remote::unpoisoned;

static REGISTRY: Mutex<BTreeMap<Signal, Entry>> = Mutex::new(BTreeMap::new());

struct Entry {
    /// What the signal does by default is on.
    default: Arc<AtomicBool>,
    users: usize,
    runners: usize,
    /// Turns the default on when the signal comes.
    once: Option<SigId>,
}

/// In what role somebody listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    Runner,
}

/// Somebody listens to a signal for as long as this lives.
#[derive(Debug)]
pub(crate) struct Listening {
    signal: Signal,
    role: Role,
}

impl Listening {
    pub(crate) fn begin(signal: Signal, role: Role) -> Result<Listening, SignalError> {
        let number = signal.audible()?.as_raw();
        let mut registry = unpoisoned(REGISTRY.lock());
        let entry = match registry.entry(signal) {
            btree_map::Entry::Occupied(entry) => entry.into_mut(),
            btree_map::Entry::Vacant(place) => {
                let default = Arc::new(AtomicBool::new(false));
                flag::register_conditional_default(number, Arc::clone(&default))
                    .map_err(|_| SignalError::Unknown(signal))?;
                place.insert(Entry { default, users: 0, runners: 0, once: None })
            }
        };
        *entry.listeners(role) += 1;
        entry.settle(number);
        Ok(Listening { signal, role })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(entry) = unpoisoned(REGISTRY.lock()).get_mut(&self.signal) {
            *entry.listeners(self.role) -= 1;
            entry.settle(self.signal.as_raw());
        }
    }
}

/// Does anybody but a runner listen to the signal?
pub(crate) fn has_users(signal: Signal) -> bool {
    unpoisoned(REGISTRY.lock()).get(&signal).is_some_and(|entry| entry.users > 0)
}

impl Entry {
    fn listeners(&mut self, role: Role) -> &mut usize {
        match role {
            Role::User => &mut self.users,
            Role::Runner => &mut self.runners,
        }
    }

    /// Sets what the signal does by default according to who listens now.
    fn settle(&mut self, number: i32) {
        let once = self.users == 0 && self.runners > 0;
        match (once, self.once.take()) {
            // As it was: a first Ctrl-C that has come still counts.
            (true, Some(id)) => return self.once = Some(id),
            // Without it the second Ctrl-C is as the first one.
            (true, None) => self.once = flag::register(number, Arc::clone(&self.default)).ok(),
            (false, Some(id)) => drop(low_level::unregister(id)),
            (false, None) => {}
        }
        self.default.store(self.users + self.runners == 0, SeqCst);
    }
}
