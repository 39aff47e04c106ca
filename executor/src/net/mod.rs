//! Sockets; the guide is `docs/networking.md`.
//!
//! Reading and writing is the same for all streams, and written down at [`ByteStream`](crate::io::ByteStream);
//! so is accepting connections: [`Listener`]; and so are messages: [`Datagram`]. [`start_server`] serves
//! any number of connections.

mod address;
mod back_off;
mod binding;
mod connect;
mod datagram;
mod listener;
mod server;
mod tcp;
mod unix;

pub use address::{Address, lookup};
pub use binding::TcpBinding;
pub use connect::{ConnectError, TcpConnecting};
pub use datagram::{Datagram, Datagrams, UdpSocket, UnixDatagram};
pub use listener::{Accept, Incoming, Listener, Listeners};
pub use server::{Acceptor, Closing, Server, ServerBuilder, Shutdown, start_server};
pub use tcp::{Tcp, TcpListener, TcpStream};
pub use unix::{QueueFull, Unix, UnixListener, UnixStream};
