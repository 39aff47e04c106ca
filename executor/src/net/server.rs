//! Serving connections: asyncio's `start_server` and `Server`.
//!
//! ```text
//!             accept                     handler ends
//!   listener --------> connection: a named task ----> gone, its place is free
//!      ^                   |
//!      |  no place free,   | close: accepts no more   shutdown: waits for the rest until its
//!      '- or no descriptor '----------------------->  time is over, then cancels them
//! ```

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::back_off::BackOff;
use super::listener::{Accept, Listener, Listeners};
use crate::cancelled::catch_cancel;
use crate::combine::wait::{ALL_COMPLETED, wait};
use crate::error::{BoxError, TaskId};
use crate::handle::{Task, TaskHandle};
use crate::io::ByteStream;
use crate::sync::{Event, Semaphore};

/// What [`start_server`] accepts connections from.
pub trait Acceptor: 'static {
    /// A connection.
    type Stream: 'static;
    /// Who is at its other end.
    type Peer: 'static;

    /// Waits for a connection. One that was not returned must not be lost with a future that is dropped.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Self::Peer)>>;
    /// What a connection's task is called.
    fn name_of(peer: &Self::Peer) -> String;
}

impl<T> Acceptor for Listener<T>
where
    T: Accept<Address: fmt::Debug + 'static> + 'static,
{
    type Stream = ByteStream<T>;
    type Peer = T::Address;

    async fn accept(&self) -> io::Result<(ByteStream<T>, T::Address)> {
        Listener::accept(self).await
    }

    fn name_of(peer: &T::Address) -> String {
        format!("connection from {peer:?}")
    }
}

impl<T> Acceptor for Listeners<T>
where
    T: Accept<Address: fmt::Debug + 'static> + 'static,
{
    type Stream = ByteStream<T>;
    type Peer = T::Address;

    async fn accept(&self) -> io::Result<(ByteStream<T>, T::Address)> {
        Listeners::accept(self).await
    }

    fn name_of(peer: &T::Address) -> String {
        Listener::<T>::name_of(peer)
    }
}

/// Accepts connections from `listener` and runs `handler` for each, in a task of its own: asyncio's
/// `start_server`. See [`ServerBuilder`] for limits.
///
/// ```
/// use std::{io, time::Duration};
/// use wheelhouse::net::{TcpListener, TcpStream, start_server};
/// use wheelhouse::run;
///
/// run(async {
///     let listener = TcpListener::bind("127.0.0.1:0")?;
///     let address = listener.local_addr()?;
///     let server = start_server(listener, async |stream: TcpStream, _peer| {
///         let mut buf = [0; 64];
///         let read = stream.read(&mut buf).await?;
///         stream.write_all(&buf[..read]).await
///     });
///     let client = TcpStream::connect(address).await?;
///     client.write_all(b"ping").await?;
///     let mut echo = [0; 4];
///     client.read_exact(&mut echo).await?;
///     assert_eq!(&echo, b"ping");
///     let ended = server.shutdown(Duration::from_secs(5)).await;
///     assert_eq!((server.served(), ended.cancelled), (1, 0));
///     io::Result::Ok(())
/// })
/// .unwrap()
/// .unwrap();
/// ```
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn start_server<A, H, E>(listener: A, handler: H) -> Server
where
    A: Acceptor,
    H: AsyncFn(A::Stream, A::Peer) -> Result<(), E> + 'static,
    E: Into<BoxError> + 'static,
{
    Server::builder().start(listener, handler)
}

/// A server that accepts connections: see [`start_server`]. Dropping this handle changes nothing: the server
/// runs on, until it is closed or its loop ends.
#[must_use = "the server runs on without this handle, but only with it can it be closed"]
pub struct Server {
    accepting: Task<()>,
    shared: Rc<Shared>,
}

/// What a server's handles and its tasks share.
struct Shared {
    connections: RefCell<BTreeMap<TaskId, TaskHandle>>,
    served: Cell<u64>,
    closing: Event,
}

impl Server {
    /// Chooses limits.
    pub fn builder() -> ServerBuilder {
        let shared =
            Shared { connections: RefCell::default(), served: Cell::new(0), closing: Event::new() };
        ServerBuilder {
            name: "server".into(),
            max_connections: usize::MAX,
            shared: Rc::new(shared),
        }
    }

    /// Are connections accepted?
    #[must_use = "this only looks"]
    pub fn is_serving(&self) -> bool {
        !self.accepting.is_done() && !self.shared.closing.is_set()
    }

    /// How many connections there are now.
    #[must_use = "this only looks"]
    pub fn connections(&self) -> usize {
        self.shared.connections.borrow().len()
    }

    /// How many connections there have been.
    #[must_use = "this only looks"]
    pub fn served(&self) -> u64 {
        self.shared.served.get()
    }

    /// Accepts no more connections and closes the listener. Those that there are live on; they can learn of it
    /// by [`ServerBuilder::closing`].
    pub fn close(&self) {
        self.shared.closing.set();
        self.accepting.cancel();
    }

    /// Cancels every connection's task; asyncio's `close_clients`.
    pub fn close_clients(&self) {
        for connection in self.shared.living() {
            connection.cancel();
        }
    }

    /// Drops every connection's task at its await point, without asking it; asyncio's `abort_clients`.
    pub fn abort_clients(&self) {
        for connection in self.shared.living() {
            connection.abort();
        }
    }

    /// Waits until the server accepts no more, be it that it was closed or that its listener failed, and its
    /// last connection has ended.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the server does not notice.
    pub async fn wait_closed(&self) {
        self.stopped_accepting().await;
        // Nobody accepts, so these are the last.
        drop(wait(self.shared.living(), ALL_COMPLETED).await);
    }

    /// Accepts until the task that waits here is cancelled; then it closes the server and waits for its
    /// connections before the cancel goes on.
    ///
    /// # Cancel safety
    ///
    /// A cancel closes the server, as told. Dropped without a cancel, the server does not notice.
    pub async fn serve_forever(&self) {
        if let Err(cancelled) = catch_cancel(self.wait_closed()).await {
            self.close();
            self.wait_closed().await;
            cancelled.resume().await;
        }
    }

    /// Closes the server gracefully: no more connections are accepted, those that there are get `grace` to end,
    /// then they are cancelled. Returns when the last one has ended, its clean-up included.
    ///
    /// # Cancel safety
    ///
    /// The server is closed, but the connections that are left are not cancelled any more.
    pub async fn shutdown(&self, grace: Duration) -> Shutdown {
        let (open, served) = (self.connections(), self.served());
        self.close();
        self.stopped_accepting().await;
        // There may be none left, and so nothing to wait for.
        drop(wait(self.shared.living(), ALL_COMPLETED).timeout(grace).await);
        let late = self.shared.living();
        self.close_clients();
        let cancelled = late.len();
        drop(wait(late, ALL_COMPLETED).await);
        let accepted_meanwhile = usize::try_from(self.served() - served).unwrap_or(usize::MAX);
        Shutdown { finished: open + accepted_meanwhile - cancelled, cancelled }
    }

    /// Waits for the end of the accepting task, without forwarding a cancel to it.
    async fn stopped_accepting(&self) {
        drop(wait([self.accepting.handle().clone()], ALL_COMPLETED).await);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("accepting", &self.accepting)
            .field("connections", &self.connections())
            .field("served", &self.served())
            .finish_non_exhaustive()
    }
}

/// How the connections ended that a [`Server::shutdown`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "it tells whether connections were cut off"]
#[non_exhaustive]
pub struct Shutdown {
    /// By themselves, in time.
    pub finished: usize,
    /// Cancelled when the time was over.
    pub cancelled: usize,
}

/// A server's name and limits: see [`Server::builder`].
#[must_use = "a builder starts nothing until `start`"]
pub struct ServerBuilder {
    name: String,
    max_connections: usize,
    shared: Rc<Shared>,
}

impl ServerBuilder {
    /// What reports and traces call the task that accepts; `server` if nobody says.
    pub fn name(mut self, name: impl Into<String>) -> ServerBuilder {
        self.name = name.into();
        self
    }

    /// At most so many connections at a time. While there are as many, nobody accepts: more wait in the
    /// listener's backlog, in the operating system.
    ///
    /// # Panics
    ///
    /// If it is zero.
    #[track_caller]
    pub fn max_connections(mut self, most: usize) -> ServerBuilder {
        assert!(most > 0, "`max_connections` was given zero: such a server could serve nobody");
        self.max_connections = most;
        self
    }

    /// Tells handlers that the server closes, so that they can end in good order.
    #[must_use = "this only gives a way to wait"]
    pub fn closing(&self) -> Closing {
        Closing { shared: Rc::clone(&self.shared) }
    }

    /// Starts to accept connections from `listener`, each of which is given to `handler` in a task of its own.
    /// An error of a handler, or its panic, ends that connection alone, and is reported to the loop's
    /// exception handler.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    #[track_caller]
    pub fn start<A, H, E>(self, listener: A, handler: H) -> Server
    where
        A: Acceptor,
        H: AsyncFn(A::Stream, A::Peer) -> Result<(), E> + 'static,
        E: Into<BoxError> + 'static,
    {
        let places = Rc::new(Semaphore::new(self.max_connections));
        let accept = accept(listener, Rc::new(handler), places, Rc::clone(&self.shared));
        let accepting = Task::builder().name(self.name).try_spawn(accept);
        Server { accepting, shared: self.shared }
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("name", &self.name)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

/// A server that will close: see [`ServerBuilder::closing`].
#[derive(Clone)]
pub struct Closing {
    shared: Rc<Shared>,
}

impl Closing {
    /// Waits until the server is told to close.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn wait(&self) {
        self.shared.closing.wait().await;
    }

    /// Has the server been told to close?
    #[must_use = "this only looks"]
    pub fn is_closing(&self) -> bool {
        self.shared.closing.is_set()
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing").field("is_closing", &self.is_closing()).finish()
    }
}

/// Accepts for as long as the listener works.
async fn accept<A, H, E>(
    listener: A,
    handler: Rc<H>,
    places: Rc<Semaphore>,
    shared: Rc<Shared>,
) -> io::Result<()>
where
    A: Acceptor,
    H: AsyncFn(A::Stream, A::Peer) -> Result<(), E> + 'static,
    E: Into<BoxError> + 'static,
{
    let mut back_off = BackOff::NONE;
    loop {
        let place = Rc::clone(&places).acquire_owned(1).await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                back_off = BackOff::NONE;
                let name = A::name_of(&peer);
                let handler = Rc::clone(&handler);
                shared.begin(name, async move {
                    let _place = place;
                    handler(stream, peer).await
                });
            }
            Err(error) => back_off.after(error).await?,
        }
    }
}

impl Shared {
    fn begin<E>(
        self: &Rc<Self>,
        name: String,
        connection: impl Future<Output = Result<(), E>> + 'static,
    ) where
        E: Into<BoxError> + 'static,
    {
        let task = Task::builder().name(name).try_spawn(connection);
        let shared = Rc::clone(self);
        task.add_done_callback(move |task| {
            drop(shared.connections.borrow_mut().remove(&task.id()));
        });
        self.served.set(self.served.get() + 1);
        self.connections.borrow_mut().insert(task.id(), task.handle().clone());
    }

    fn living(&self) -> Vec<TaskHandle> {
        self.connections.borrow().values().cloned().collect()
    }
}
