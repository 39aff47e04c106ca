//! Traces: what ran, in which task, at which virtual millisecond.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::time::Duration;

use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a program did, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Every event, in order.
    pub trace: Vec<Event>,
    /// How each task ended and its count of cancel requests, in order of creation.
    #[serde(rename = "final")]
    pub endings: serde_json::Map<String, serde_json::Value>,
    /// Virtual milliseconds.
    pub end_time: u64,
    /// Turns of the loop, where they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
}

impl Outcome {
    /// The same without the numbers of turns, which may differ where nothing else does.
    #[must_use]
    pub fn without_turns(mut self) -> Outcome {
        self.iterations = None;
        self.trace.iter_mut().for_each(|event| event.turn = None);
        self
    }
}

/// One event; in JSON an array of three, or four with the number of the turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Virtual milliseconds.
    pub time: u64,
    /// The task that ran; `-` for none.
    pub task: String,
    /// What happened.
    pub what: String,
    /// In which turn of the loop, counted from 1.
    pub turn: Option<u64>,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>5} ms  {:<6} {}", self.time, self.task, self.what)
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_seq(None)?;
        fields.serialize_element(&self.time)?;
        fields.serialize_element(&self.task)?;
        fields.serialize_element(&self.what)?;
        if let Some(turn) = self.turn {
            fields.serialize_element(&turn)?;
        }
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EventFields)
    }
}

struct EventFields;

impl<'de> Visitor<'de> for EventFields {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[time, task, event] or [time, task, event, turn]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<Event, A::Error> {
        let missing = |count| serde::de::Error::invalid_length(count, &"three or four");
        Ok(Event {
            time: fields.next_element()?.ok_or_else(|| missing(0))?,
            task: fields.next_element()?.ok_or_else(|| missing(1))?,
            what: fields.next_element()?.ok_or_else(|| missing(2))?,
            turn: fields.next_element()?,
        })
    }
}

/// A trace that is being written.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    events: RefCell<Vec<Event>>,
    /// The number of the running turn, if somebody counts.
    pub(crate) turn: Cell<Option<u64>>,
    closed: Cell<bool>,
}

impl Trace {
    /// Notes an event of the running task, or of none, in the running loop.
    pub(crate) fn emit(&self, what: impl Into<String>) {
        if self.closed.get() {
            return;
        }
        let task = wheelhouse::current_task().map(|task| task.name().to_string());
        self.push(wheelhouse::time(), task.unwrap_or_else(|| "-".to_owned()), what.into());
    }

    /// Notes an event of the runner, at the time of a loop that does not run.
    pub(crate) fn emit_at(&self, time: Duration, what: impl Into<String>) {
        self.push(time, "-".to_owned(), what.into());
    }

    fn push(&self, time: Duration, task: String, what: String) {
        let event = Event { time: millis(time), task, what, turn: self.turn.get() };
        self.events.borrow_mut().push(event);
    }

    /// The events so far; what is dropped from here on says nothing any more.
    pub(crate) fn close(&self) -> Vec<Event> {
        self.closed.set(true);
        self.events.take()
    }
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).expect("programs take a few virtual seconds")
}
