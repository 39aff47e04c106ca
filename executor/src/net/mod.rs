//! Sockets.
//!
//! Reading and writing is the same for all of them, and written down at [`ByteStream`](crate::io::ByteStream);
//! accepting connections is, too: [`Listener`].

mod listener;
mod tcp;

pub use listener::{Accept, Incoming, Listener};
pub use tcp::{Tcp, TcpBinding, TcpListener, TcpStream};
