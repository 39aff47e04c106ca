//! A root span for each task, in `tracing`.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber, info, info_span, subscriber};
use tracing_core::span::Current;
use wheelhouse::{Task, sleep, spawn};

use crate::common::{ms, run};

/// What `tracing` was told, a line each.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    /// Every span there was; the first has the number 1.
    spans: Vec<&'static Metadata<'static>>,
    entered: Vec<Id>,
}

impl Heard {
    fn note(&self, line: String) {
        self.0.lock().unwrap().lines.push(line);
    }

    /// What was heard while `main` ran, without the places in this file.
    fn during(main: impl Future<Output = ()> + 'static) -> Vec<String> {
        let heard = Heard::default();
        subscriber::with_default(heard.clone(), || run(main));
        std::mem::take(&mut heard.0.lock().unwrap().lines)
    }
}

/// The fields of a span or an event, but for the place, which would change with each edit.
#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "spawned_at" {
            assert!(format!("{value:?}").contains(".rs:"), "{value:?}");
        } else {
            write!(self.0, " {field}={value:?}").unwrap();
        }
    }
}

impl Subscriber for Heard {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        span.record(&mut fields);
        let mut heard = self.0.lock().unwrap();
        heard.spans.push(span.metadata());
        let id = heard.spans.len() as u64;
        let root = if span.is_root() { "root " } else { "" };
        heard.lines.push(format!("{root}span {id}: {}{}", span.metadata().name(), fields.0));
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        self.note(format!("span {}:{}", span.into_u64(), fields.0));
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.note(format!("span {} follows from {}", span.into_u64(), follows.into_u64()));
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.note(format!("event{}", fields.0));
    }

    fn enter(&self, span: &Id) {
        self.note(format!("enter {}", span.into_u64()));
        self.0.lock().unwrap().entered.push(span.clone());
    }

    fn exit(&self, span: &Id) {
        self.note(format!("exit {}", span.into_u64()));
        self.0.lock().unwrap().entered.pop();
    }

    fn current_span(&self) -> Current {
        let heard = self.0.lock().unwrap();
        match heard.entered.last() {
            Some(id) => Current::new(id.clone(), heard.spans[id.into_u64() as usize - 1]),
            None => Current::none(),
        }
    }
}

#[test]
fn a_task_logs_inside_its_own_root_span_in_each_of_its_steps() {
    let heard = Heard::during(async {
        let worker = Task::builder().name("worker").spawn(async {
            info!("begun");
            sleep(ms(1)).await;
            info!("slept");
        });
        worker.await.unwrap();
    });
    let expected = [
        "root span 1: task id=1",
        "enter 1", // main's first step
        "root span 2: task id=2",
        "span 2: name=\"worker\"",
        "span 2 follows from 1",
        "exit 1",
        "enter 2",
        "event message=begun",
        "exit 2",
        "enter 2",
        "event message=slept",
        "exit 2",
        "enter 1", // main sees its end
        "exit 1",
    ];
    assert_eq!(heard, expected);
}

#[test]
fn a_span_follows_from_the_one_it_was_spawned_in() {
    let heard = Heard::during(async {
        let request = info_span!("request");
        let task = request.in_scope(|| spawn(async {}));
        task.await.unwrap();
    });
    assert!(heard.contains(&"span 3 follows from 2".to_owned()), "{heard:#?}");
    assert!(heard.contains(&"root span 3: task id=2".to_owned()), "{heard:#?}");
}

#[test]
fn what_a_cancelled_task_drops_is_dropped_inside_its_span() {
    struct LogsOnDrop;
    impl Drop for LogsOnDrop {
        fn drop(&mut self) {
            info!("dropped");
        }
    }
    let heard = Heard::during(async {
        let task = spawn(async {
            let _held = LogsOnDrop;
            sleep(ms(100)).await;
        });
        sleep(ms(1)).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
    let dropped = heard.iter().position(|line| line == "event message=dropped").expect("dropped");
    assert_eq!(heard[dropped - 1], "enter 2", "{heard:#?}");
    assert_eq!(heard[dropped + 1], "exit 2", "{heard:#?}");
}
