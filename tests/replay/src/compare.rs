//! Where two outcomes of a program part.

use std::fmt;

use crate::trace::{Event, Outcome};

/// How many events before the first difference are shown, and after.
const CONTEXT: usize = 4;

/// The first difference between what wheelhouse and Python made of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    before: Vec<Event>,
    ours: Vec<Event>,
    theirs: Vec<Event>,
    /// Words about what differs where the events do not.
    rest: Vec<String>,
}

impl Difference {
    /// Compares events, endings and end times, but not the numbers of turns: how many turns are idle is
    /// nothing a program can see. `None` if all is the same.
    #[must_use]
    pub fn between(ours: &Outcome, theirs: &Outcome) -> Option<Difference> {
        let (ours, theirs) = (ours.clone().without_turns(), theirs.clone().without_turns());
        if ours == theirs {
            return None;
        }
        let same = ours.trace.iter().zip(&theirs.trace).take_while(|(a, b)| a == b).count();
        let after = |trace: &[Event]| trace.iter().skip(same).take(CONTEXT).cloned().collect();
        Some(Difference {
            before: ours.trace[same.saturating_sub(CONTEXT)..same].to_vec(),
            ours: after(&ours.trace),
            theirs: after(&theirs.trace),
            rest: rest(&ours, &theirs),
        })
    }
}

fn rest(ours: &Outcome, theirs: &Outcome) -> Vec<String> {
    let mut rest = Vec::new();
    for (task, their_ending) in &theirs.endings {
        let our_ending = ours.endings.get(task);
        if our_ending != Some(their_ending) {
            let our_ending = our_ending.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            rest.push(format!("{task} ended as {our_ending} here, as {their_ending} there"));
        }
    }
    for task in ours.endings.keys().filter(|task| !theirs.endings.contains_key(*task)) {
        rest.push(format!("{task} exists only here"));
    }
    if ours.end_time != theirs.end_time {
        rest.push(format!("ended at {} ms here, at {} ms there", ours.end_time, theirs.end_time));
    }
    rest
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut show = |sign: &str, events: &[Event]| {
            events.iter().try_for_each(|event| writeln!(f, "  {sign:<10} {event}"))
        };
        show("", &self.before)?;
        if self.ours != self.theirs {
            show("wheelhouse", &self.ours)?;
            show("CPython", &self.theirs)?;
        }
        self.rest.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}
