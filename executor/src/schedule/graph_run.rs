//! Running a graph: which nodes can begin, and what becomes of the others when one fails.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::rc::Rc;
use std::sync::Arc;

use super::graph::{Entry, NodeError};
use crate::sync::Queue;
use crate::{ALL_COMPLETED, JoinError, TaskHandle, catch_cancel, wait};

/// Starts a node's task, which is given the node's name; and puts its value where others find it, once the
/// task has ended.
pub(super) type Starter = Box<dyn FnOnce(Arc<str>) -> (TaskHandle, Keeper)>;
type Keeper = Box<dyn FnOnce() -> Result<(), JoinError>>;

/// A run, from the first node to the last. Dropped before that, it aborts what runs.
pub(super) struct Run {
    nodes: Vec<Progress>,
    ready: BinaryHeap<Reverse<usize>>,
    running: BTreeMap<usize, (TaskHandle, Keeper)>,
    limit: usize,
    /// The nodes whose tasks have ended, and which have not been looked at.
    ended: Rc<Queue<usize>>,
}

struct Progress {
    name: Arc<str>,
    start: Option<Starter>,
    /// How many edges it waits for.
    waits_for: usize,
    needed_by: Vec<usize>,
    ended: Option<Result<(), NodeError>>,
}

impl Run {
    pub(super) fn new(entries: Vec<Entry>, limit: Option<usize>) -> Run {
        let needed_by = needed_by(&entries);
        let progress = |(entry, needed_by): (Entry, Vec<usize>)| Progress {
            name: entry.name,
            start: Some(entry.start),
            waits_for: entry.needs.len(),
            needed_by,
            ended: None,
        };
        let nodes: Vec<_> = entries.into_iter().zip(needed_by).map(progress).collect();
        let ready =
            (0..nodes.len()).filter(|index| nodes[*index].waits_for == 0).map(Reverse).collect();
        Run {
            nodes,
            ready,
            running: BTreeMap::new(),
            limit: limit.unwrap_or(usize::MAX),
            ended: Rc::new(Queue::unbounded()),
        }
    }

    pub(super) async fn run(mut self) -> Vec<Result<(), NodeError>> {
        if let Err(cancelled) = catch_cancel(self.drive()).await {
            self.cancel().await;
            cancelled.resume().await;
        }
        let nodes = std::mem::take(&mut self.nodes).into_iter();
        nodes.map(|node| node.ended.expect("every node has ended")).collect()
    }

    async fn drive(&mut self) {
        self.start_ready();
        while !self.running.is_empty() {
            let node = self.ended.get().await.expect("nobody shuts it down");
            self.settle(node);
            self.start_ready();
        }
    }

    fn start_ready(&mut self) {
        while self.running.len() < self.limit {
            let Some(Reverse(index)) = self.ready.pop() else { return };
            let node = &mut self.nodes[index];
            let start = node.start.take().expect("a node is ready once");
            let (task, keep) = start(Arc::clone(&node.name));
            let ended = Rc::clone(&self.ended);
            task.add_done_callback(move |_| {
                ended.put_nowait(index).expect("there is no limit, and nobody shuts it down");
            });
            self.running.insert(index, (task, keep));
        }
    }

    /// A node's task has ended: others may begin, or never will.
    fn settle(&mut self, index: usize) {
        let (_, keep) = self.running.remove(&index).expect("it ran");
        match keep() {
            Ok(()) => self.release(index),
            Err(error) => {
                let because = Arc::clone(&self.nodes[index].name);
                self.nodes[index].ended = Some(Err(NodeError::Failed(error)));
                self.skip_dependents(index, &because);
            }
        }
    }

    fn release(&mut self, index: usize) {
        self.nodes[index].ended = Some(Ok(()));
        for dependent in self.nodes[index].needed_by.clone() {
            let node = &mut self.nodes[dependent];
            node.waits_for -= 1;
            if node.waits_for == 0 {
                self.ready.push(Reverse(dependent));
            }
        }
    }

    /// Whatever depends on `failed`, through any number of others, has an input less than it needs, and so is
    /// not ready, and never will be.
    fn skip_dependents(&mut self, failed: usize, because: &Arc<str>) {
        let mut left = self.nodes[failed].needed_by.clone();
        while let Some(index) = left.pop() {
            let node = &mut self.nodes[index];
            if node.ended.is_none() {
                node.ended = Some(Err(NodeError::Skipped { because: Arc::clone(because) }));
                left.extend(&node.needed_by);
            }
        }
    }

    async fn cancel(&mut self) {
        let running: Vec<_> = self.running.values().map(|(task, _)| task.clone()).collect();
        for task in &running {
            task.cancel();
        }
        let _ = wait(running, ALL_COMPLETED).await; // nothing to wait for is no error here
        self.running.clear();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        for (task, _) in self.running.values() {
            task.abort();
        }
    }
}

/// For each node, those that need it.
fn needed_by(entries: &[Entry]) -> Vec<Vec<usize>> {
    let mut needed_by = vec![Vec::new(); entries.len()];
    for (index, entry) in entries.iter().enumerate() {
        entry.needs.iter().for_each(|need| needed_by[*need].push(index));
    }
    needed_by
}

/// The names of nodes that wait for each other in a circle, if there are any.
pub(super) fn cycle(entries: &[Entry]) -> Option<Vec<Arc<str>>> {
    let left = needs_never_met(entries);
    // Every one of them needs another one of them: walking from need to need must come round.
    let mut path = vec![left.iter().position(|needs| *needs > 0)?];
    loop {
        let needs = &entries[path[path.len() - 1]].needs;
        let next = *needs.iter().find(|need| left[**need] > 0).expect("it is stuck for a reason");
        if let Some(from) = path.iter().position(|index| *index == next) {
            let names = path[from..].iter().rev();
            return Some(names.map(|index| Arc::clone(&entries[*index].name)).collect());
        }
        path.push(next);
    }
}

/// How many needs of each node would never be met, even if none failed: there are some in circles, and in
/// what depends on these.
fn needs_never_met(entries: &[Entry]) -> Vec<usize> {
    let needed_by = needed_by(entries);
    let mut left: Vec<_> = entries.iter().map(|entry| entry.needs.len()).collect();
    let mut ready: Vec<_> = (0..entries.len()).filter(|index| left[*index] == 0).collect();
    while let Some(index) = ready.pop() {
        for dependent in &needed_by[index] {
            left[*dependent] -= 1;
            ready.extend((left[*dependent] == 0).then_some(*dependent));
        }
    }
    left
}
