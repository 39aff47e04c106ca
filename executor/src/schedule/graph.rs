//! `Graph`: tasks that need each other's results. A value flows along each edge, typed; Python has
//! `graphlib.TopologicalSorter` for the order alone.

use std::cell::OnceCell;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use super::graph_run::{Run, Starter, cycle};
use crate::{BoxError, JoinError, Task, TaskBuilder};

/// Tasks that need each other's results.
///
/// Each node is begun when all that it needs is there. If one fails, what depends on it is never begun, and
/// the rest goes on.
///
/// ```
/// use wheelhouse::{run, schedule::Graph};
///
/// run(async {
///     let mut graph = Graph::new();
///     let width = graph.add("width", (), async |()| 6);
///     let height = graph.try_add("height", (), async |()| "7".parse::<u32>());
///     let area = graph.add("area", (&width, &height), async |(width, height)| *width * *height);
///     let outcomes = graph.run().await.unwrap();
///     assert_eq!(*outcomes.get(&area).unwrap(), 42);
/// })
/// .unwrap();
/// ```
#[must_use = "nothing of a graph runs until `run` is awaited"]
pub struct Graph {
    nodes: Vec<Entry>,
    limit: Option<usize>,
    /// The same in all of its nodes.
    id: Rc<()>,
    fault: Option<GraphError>,
}

pub(super) struct Entry {
    pub(super) name: Arc<str>,
    pub(super) needs: Vec<usize>,
    pub(super) start: Starter,
}

impl Graph {
    /// A graph without nodes.
    pub fn new() -> Graph {
        Graph { nodes: Vec::new(), limit: None, id: Rc::new(()), fault: None }
    }

    /// Not more than so many nodes run at a time.
    ///
    /// # Panics
    ///
    /// If `most` is zero.
    #[track_caller]
    pub fn limit(mut self, most: usize) -> Graph {
        assert!(most > 0, "a `Graph` with a limit of 0 would never do anything");
        self.limit = Some(most);
        self
    }

    /// Adds a node: `body` is given the values of its `inputs`, and what it returns is the node's value. Only a
    /// panic and a cancel are failures.
    ///
    /// Inputs are `()`, a node, a tuple of up to six nodes, or a `Vec` of nodes of one type; a value is shared
    /// by those that need it, and so comes in an `Rc`.
    pub fn add<I, B, F>(&mut self, name: impl Into<Arc<str>>, inputs: I, body: B) -> Node<F::Output>
    where
        I: Inputs,
        B: FnOnce(I::Values) -> F + 'static,
        F: Future + 'static,
    {
        self.insert(name.into(), inputs, |builder, values| {
            builder.spawn(async move { body(values()).await })
        })
    }

    /// As [`add`](Graph::add), for a body whose `Err` is a failure.
    pub fn try_add<I, B, F, T, E>(
        &mut self,
        name: impl Into<Arc<str>>,
        inputs: I,
        body: B,
    ) -> Node<T>
    where
        I: Inputs,
        B: FnOnce(I::Values) -> F + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: Into<BoxError> + 'static,
    {
        self.insert(name.into(), inputs, |builder, values| {
            builder.try_spawn(async move { body(values()).await })
        })
    }

    /// Begins `then` only after `first` has succeeded, whose value it does not need.
    pub fn order<A, B>(&mut self, first: &Node<A>, then: &Node<B>) {
        let (first, then) = (Edge::to(first), Edge::to(then));
        if self.owns(&then) && self.owns(&first) {
            self.nodes[then.index].needs.push(first.index);
        }
    }

    /// Runs the nodes, each in a task of its own that bears its name, those that can begin in the order in which
    /// they were added. It returns when every node has ended or can never begin.
    ///
    /// # Errors
    ///
    /// [`GraphError`], if nodes wait for each other in a circle, or a node of another graph was used. Then nothing
    /// has run. The failure of a node is no error here: see [`Outcomes`].
    ///
    /// # Cancel safety
    ///
    /// A cancel cancels the nodes that run, waits for them, and goes on outwards; what has not begun never
    /// does. Dropped by foreign code (the losing side of a `select!`), it aborts them instead.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub async fn run(self) -> Result<Outcomes, GraphError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if let Some(names) = cycle(&self.nodes) {
            return Err(GraphError::Cycle(names));
        }
        let names = self.nodes.iter().map(|node| Arc::clone(&node.name)).collect();
        let ended = Run::new(self.nodes, self.limit).run().await;
        Ok(Outcomes { id: self.id, names, ended })
    }

    fn insert<I: Inputs, T: 'static>(
        &mut self,
        name: Arc<str>,
        inputs: I,
        spawn: impl FnOnce(TaskBuilder, Box<dyn FnOnce() -> I::Values>) -> Task<T> + 'static,
    ) -> Node<T> {
        let edges = inputs.edges();
        let needs = edges.iter().filter(|edge| self.owns(edge)).map(|edge| edge.index).collect();
        let values = inputs.values();
        let value = Rc::new(OnceCell::new());
        let slot = Rc::clone(&value);
        let start = move |name| {
            let mut task = spawn(Task::builder().name(name), values);
            let handle = task.handle().clone();
            let keep = move || {
                let ended = task.try_result().expect("it is called when the task has ended");
                ended.map(|value| drop(slot.set(Rc::new(value))))
            };
            (handle, Box::new(keep) as _)
        };
        let node = Node {
            index: self.nodes.len(),
            name: Arc::clone(&name),
            graph: Rc::clone(&self.id),
            value,
        };
        self.nodes.push(Entry { name, needs, start: Box::new(start) });
        node
    }

    /// Is it a node of this graph? Else there is a fault to be told.
    fn owns(&mut self, edge: &Edge) -> bool {
        let owns = Rc::ptr_eq(&edge.graph, &self.id);
        if !owns && self.fault.is_none() {
            self.fault = Some(GraphError::OtherGraph(Arc::clone(&edge.name)));
        }
        owns
    }
}

impl Default for Graph {
    fn default() -> Self {
        Graph::new()
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.nodes.iter().map(|node| &node.name).collect();
        f.debug_struct("Graph").field("nodes", &names).field("limit", &self.limit).finish()
    }
}

/// A node of a [`Graph`], to be named as an input of others, and to ask for its value by.
pub struct Node<T> {
    index: usize,
    name: Arc<str>,
    graph: Rc<()>,
    value: Rc<OnceCell<Rc<T>>>,
}

impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        Node {
            index: self.index,
            name: Arc::clone(&self.name),
            graph: Rc::clone(&self.graph),
            value: Rc::clone(&self.value),
        }
    }
}

impl<T> fmt::Debug for Node<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a node can be made to depend on. Sealed: `()`, a node, tuples and `Vec`s of nodes.
pub trait Inputs: sealed::Inputs {}

impl<I: sealed::Inputs> Inputs for I {}

/// How every node of a run has ended.
pub struct Outcomes {
    id: Rc<()>,
    names: Vec<Arc<str>>,
    ended: Vec<Result<(), NodeError>>,
}

impl Outcomes {
    /// The value of a node.
    ///
    /// # Errors
    ///
    /// [`NodeError`], if it failed, or was never begun.
    ///
    /// # Panics
    ///
    /// If it is a node of another graph.
    #[track_caller]
    pub fn get<T>(&self, node: &Node<T>) -> Result<Rc<T>, NodeError> {
        assert!(Rc::ptr_eq(&node.graph, &self.id), "node `{}` is of another graph", node.name);
        self.ended[node.index].clone()?;
        Ok(Rc::clone(node.value.get().expect("a node that succeeded has a value")))
    }

    /// The nodes without a value, and why, in the order in which they were added.
    #[must_use = "this only looks"]
    pub fn errors(&self) -> Vec<(&str, &NodeError)> {
        let each = self.names.iter().zip(&self.ended);
        each.filter_map(|(name, ended)| Some((&**name, ended.as_ref().err()?))).collect()
    }
}

impl fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.names.iter().zip(&self.ended)).finish()
    }
}

/// Why a node has no value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NodeError {
    /// It returned an `Err`, panicked, or was cancelled.
    Failed(JoinError),
    /// It was never begun, since something that it depends on failed.
    Skipped {
        /// The node that failed.
        because: Arc<str>,
    },
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::Failed(error) => error.fmt(f),
            NodeError::Skipped { because } => write!(f, "never begun, since `{because}` failed"),
        }
    }
}

impl Error for NodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            NodeError::Failed(error) => error.source(),
            NodeError::Skipped { .. } => None,
        }
    }
}

/// Why a graph cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GraphError {
    /// These nodes wait for each other: each for the one before it, and the first for the last.
    Cycle(Vec<Arc<str>>),
    /// This node belongs to another graph.
    OtherGraph(Arc<str>),
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GraphError::Cycle(names) => {
                f.write_str("the nodes of a graph wait for each other: ")?;
                names.iter().try_for_each(|name| write!(f, "{name} -> "))?;
                f.write_str(names.first().map_or("", |name| name))
            }
            GraphError::OtherGraph(name) => {
                write!(f, "node `{name}` was used in a graph that it does not belong to")
            }
        }
    }
}

impl Error for GraphError {}

/// One dependency.
#[derive(Debug)]
pub struct Edge {
    index: usize,
    name: Arc<str>,
    graph: Rc<()>,
}

impl Edge {
    fn to<T>(node: &Node<T>) -> Edge {
        Edge { index: node.index, name: Arc::clone(&node.name), graph: Rc::clone(&node.graph) }
    }
}

mod sealed {
    use super::{Edge, Node, Rc};

    pub trait Inputs {
        type Values: 'static;
        fn edges(&self) -> Vec<Edge>;
        /// The values, once they are there.
        fn values(self) -> Box<dyn FnOnce() -> Self::Values>;
    }

    fn value<T: 'static>(node: &Node<T>) -> impl FnOnce() -> Rc<T> + 'static {
        let value = Rc::clone(&node.value);
        move || Rc::clone(value.get().expect("a node begins when what it needs is there"))
    }

    impl Inputs for () {
        type Values = ();
        fn edges(&self) -> Vec<Edge> {
            Vec::new()
        }
        fn values(self) -> Box<dyn FnOnce()> {
            Box::new(|| ())
        }
    }

    impl<T: 'static> Inputs for &Node<T> {
        type Values = Rc<T>;
        fn edges(&self) -> Vec<Edge> {
            vec![Edge::to(self)]
        }
        fn values(self) -> Box<dyn FnOnce() -> Rc<T>> {
            Box::new(value(self))
        }
    }

    impl<T: 'static> Inputs for Vec<Node<T>> {
        type Values = Vec<Rc<T>>;
        fn edges(&self) -> Vec<Edge> {
            self.iter().map(Edge::to).collect()
        }
        fn values(self) -> Box<dyn FnOnce() -> Vec<Rc<T>>> {
            Box::new(move || self.iter().map(|node| value(node)()).collect())
        }
    }

    macro_rules! tuple {
        ($($T:ident $node:ident),+) => {
            impl<$($T: 'static),+> Inputs for ($(&Node<$T>,)+) {
                type Values = ($(Rc<$T>,)+);
                fn edges(&self) -> Vec<Edge> {
                    let ($($node,)+) = self;
                    vec![$(Edge::to($node)),+]
                }
                fn values(self) -> Box<dyn FnOnce() -> Self::Values> {
                    let ($($node,)+) = self;
                    $(let $node = value($node);)+
                    Box::new(move || ($($node(),)+))
                }
            }
        };
    }

    tuple!(A a);
    tuple!(A a, B b);
    tuple!(A a, B b, C c);
    tuple!(A a, B b, C c, D d);
    tuple!(A a, B b, C c, D d, E e);
    tuple!(A a, B b, C c, D d, E e, F f);
}
