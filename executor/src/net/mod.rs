//! Sockets; the guide is `docs/networking.md`.
//!
//! Reading and writing is the same for all streams, and written down at [`ByteStream`](crate::io::ByteStream);
//! so is accepting connections: [`Listener`]; and so are messages: [`Datagram`]. [`start_server`] serves
//! any number of connections.

mod address;
mod connect;
mod datagram;
mod listener;
mod server;
mod tcp;
mod unix;

pub use address::{Address, lookup};
pub use connect::ConnectError;
pub use datagram::{Datagram, Datagrams, UdpSocket, UnixDatagram};
pub use listener::{Accept, Incoming, Listener};
pub use server::{Acceptor, Closing, Server, ServerBuilder, Shutdown, start_server};
pub use tcp::{Tcp, TcpBinding, TcpListener, TcpStream};
pub use unix::{Unix, UnixListener, UnixStream};
