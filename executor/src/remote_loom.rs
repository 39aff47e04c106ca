//! The inbox under every order that its threads can run in, by `loom`. The loop here does what `turn.rs` does
//! with it, and the alarm stands for the operating system: one that does not ring leaves the loop asleep,
//! which `loom` reports as a deadlock.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release -p wheelhouse --lib remote_loom --target-dir target/loom
//! ```

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use crate::remote::{Message, Remote, unpoisoned};

/// Stays rung until somebody waits for it, as an eventfd.
struct Alarm {
    rung: Mutex<bool>,
    rings: Condvar,
}

impl Alarm {
    fn ring(&self) {
        *unpoisoned(self.rung.lock()) = true;
        self.rings.notify_one();
    }

    fn has_rung(&self) -> bool {
        *unpoisoned(self.rung.lock())
    }

    fn wait(&self) {
        let mut rung = unpoisoned(self.rung.lock());
        while !*rung {
            rung = unpoisoned(self.rings.wait(rung));
        }
        *rung = false;
    }
}

/// An inbox of a loop that is about to run.
fn inbox() -> (Arc<Remote>, Arc<Alarm>) {
    let alarm = Arc::new(Alarm { rung: Mutex::new(false), rings: Condvar::new() });
    let remote = Remote::new(None);
    let rung = Arc::clone(&alarm);
    remote.set_hook(Box::new(move || rung.ring()));
    remote.unparked();
    (Arc::new(remote), alarm)
}

fn sender(remote: &Arc<Remote>) -> thread::JoinHandle<bool> {
    let remote = Arc::clone(remote);
    thread::spawn(move || remote.send(Message::Stop).is_ok())
}

/// The loop waits, unless there is mail, and then reads it; how many messages there were.
fn look(remote: &Remote, alarm: &Alarm) -> usize {
    if !remote.has_mail() {
        if remote.park() {
            alarm.wait();
        }
        remote.unparked();
    }
    remote.take().len()
}

/// With three threads there are too many orders to try all: those with up to two preemptions.
#[test]
fn no_message_of_two_threads_is_slept_through() {
    let mut few_preemptions = loom::model::Builder::new();
    few_preemptions.preemption_bound = Some(2);
    few_preemptions.check(|| {
        let (remote, alarm) = inbox();
        let senders = [sender(&remote), sender(&remote)];
        let mut read = 0;
        while read < 2 {
            read += look(&remote, &alarm);
        }
        for sender in senders {
            assert!(sender.join().unwrap());
        }
        assert!(remote.take().is_empty());
    });
}

#[test]
fn a_thread_that_sends_twice_is_heard_twice() {
    loom::model(|| {
        let (remote, alarm) = inbox();
        let sending = Arc::clone(&remote);
        let sender = thread::spawn(move || {
            for _ in 0..2 {
                sending.send(Message::Stop).unwrap();
            }
        });
        let mut read = 0;
        while read < 2 {
            read += look(&remote, &alarm);
        }
        sender.join().unwrap();
    });
}

#[test]
fn a_loop_that_waits_for_its_last_outsider_sees_it_go() {
    loom::model(|| {
        let (remote, alarm) = inbox();
        remote.handle_made();
        let outsider = Arc::clone(&remote);
        let thread = thread::spawn(move || outsider.handle_dropped());
        while remote.has_outsiders() {
            if remote.park_for_outsiders() {
                alarm.wait();
            }
            remote.unparked();
        }
        thread.join().unwrap();
    });
}

#[test]
fn mail_for_a_loop_that_its_host_leaves_is_told_to_the_host() {
    loom::model(|| {
        let (remote, alarm) = inbox();
        let sender = sender(&remote);
        let read = remote.take().len();
        remote.left_alone();
        sender.join().unwrap();
        assert!(read == 1 || alarm.has_rung());
    });
}

#[test]
fn a_message_is_refused_by_a_closed_loop_or_given_back() {
    loom::model(|| {
        let (remote, _) = inbox();
        let sender = sender(&remote);
        let read = remote.take().len();
        let given_back = remote.close().len();
        let accepted = usize::from(sender.join().unwrap());
        assert_eq!(read + given_back, accepted);
        assert!(remote.send(Message::Stop).is_err());
    });
}
