//! Sockets.
//!
//! Reading and writing is the same for all of them, and written down at [`ByteStream`](crate::io::ByteStream);
//! accepting connections is, too: [`Listener`]. [`start_server`] does both for any number of connections.

mod listener;
mod server;
mod tcp;

pub use listener::{Accept, Incoming, Listener};
pub use server::{Acceptor, Closing, Server, ServerBuilder, Shutdown, start_server};
pub use tcp::{Tcp, TcpBinding, TcpListener, TcpStream};
