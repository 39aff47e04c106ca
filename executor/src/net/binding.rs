//! Where a [`TcpListener`] listens, and how: asyncio's `create_server` up to the point where it serves.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};

use super::listener::{Listener, Listeners};
use super::tcp::{Tcp, TcpListener};

impl TcpListener {
    /// Listens at `address`, with the options of [`binding`](TcpListener::binding) as they are by default; of
    /// several addresses, at the first that can be had. Port 0 lets the system choose one. No running loop is
    /// needed; but a host name is looked up here and now, which may block.
    ///
    /// ```
    /// use wheelhouse::net::{TcpListener, TcpStream};
    ///
    /// wheelhouse::run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0")?;
    ///     let client = TcpStream::connect_addr(listener.local_addr()?).await?;
    ///     let (server, _) = listener.accept().await?;
    ///     client.write_all(b"hello").await?;
    ///     let mut buf = [0; 5];
    ///     server.read_exact(&mut buf).await?;
    ///     assert_eq!(&buf, b"hello");
    ///     std::io::Result::Ok(())
    /// })
    /// .unwrap()
    /// .unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// What the operating system says, for example [`AddrInUse`](ErrorKind::AddrInUse).
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<TcpListener> {
        let mut refused = io::Error::from(ErrorKind::AddrNotAvailable);
        for address in address.to_socket_addrs()? {
            match TcpListener::binding(address).listen() {
                Ok(listener) => return Ok(listener),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Listens at each of several addresses, as asyncio's `create_server` does at several hosts. One that is
    /// there twice counts once. Those of IPv6 take no IPv4, so that both families can have one port; port 0,
    /// though, gives each a port of its own.
    ///
    /// ```
    /// use std::io;
    /// use std::net::{Ipv4Addr, SocketAddr};
    /// use wheelhouse::net::{TcpListener, TcpStream, start_server};
    ///
    /// wheelhouse::run(async {
    ///     let hosts = [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED];
    ///     let listeners = TcpListener::bind_all(hosts.map(|host| SocketAddr::from((host, 0))))?;
    ///     let second = listeners.iter().last().unwrap().local_addr()?;
    ///     let server = start_server(listeners, async |stream: TcpStream, _peer| {
    ///         stream.write_all(b"hello").await
    ///     });
    ///     let client = TcpStream::connect(("127.0.0.1", second.port())).await?;
    ///     let mut answer = [0; 5];
    ///     client.read_exact(&mut answer).await?;
    ///     server.close();
    ///     io::Result::Ok(())
    /// })
    /// .unwrap()
    /// .unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// If one of them cannot be had; the message names it. Then nothing listens.
    pub fn bind_all(addresses: impl IntoIterator<Item = SocketAddr>) -> io::Result<Listeners<Tcp>> {
        let mut different = Vec::new();
        for address in addresses {
            if !different.contains(&address) {
                different.push(address);
            }
        }
        let listen = |address| {
            let listener = TcpListener::binding(address).only_v6(true).listen();
            listener.map_err(|error| {
                io::Error::new(error.kind(), format!("cannot listen at {address}: {error}"))
            })
        };
        let listeners: io::Result<Vec<TcpListener>> = different.into_iter().map(listen).collect();
        listeners.map(Listeners::from)
    }

    /// Chooses options before the socket listens.
    pub fn binding(address: impl Into<SocketAddr>) -> TcpBinding {
        TcpBinding {
            address: address.into(),
            reuse_address: true,
            reuse_port: false,
            only_v6: None,
            backlog: 1024,
        }
    }

    /// Takes a listener of the standard library, which it sets not to block.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        listener.set_nonblocking(true)?;
        Ok(Listener::new(mio::net::TcpListener::from_std(listener)))
    }
}

/// A listener to be: see [`TcpListener::binding`].
#[derive(Clone)]
#[must_use = "nothing listens until `listen`"]
pub struct TcpBinding {
    address: SocketAddr,
    reuse_address: bool,
    reuse_port: bool,
    only_v6: Option<bool>,
    backlog: i32,
}

impl TcpBinding {
    /// May the address be taken while connections of an earlier listener there are still dying
    /// (`SO_REUSEADDR`)? Yes, by default, as in asyncio.
    pub fn reuse_address(mut self, reuse: bool) -> TcpBinding {
        self.reuse_address = reuse;
        self
    }

    /// May several sockets listen at this address, and share what comes (`SO_REUSEPORT`)? No, by default.
    pub fn reuse_port(mut self, reuse: bool) -> TcpBinding {
        self.reuse_port = reuse;
        self
    }

    /// Shall a listener for IPv6 take no IPv4? By default it is as the system has it.
    pub fn only_v6(mut self, only: bool) -> TcpBinding {
        self.only_v6 = Some(only);
        self
    }

    /// How many connections may wait to be accepted, as far as the system allows; 1024 by default.
    pub fn backlog(mut self, connections: u32) -> TcpBinding {
        self.backlog = i32::try_from(connections).unwrap_or(i32::MAX);
        self
    }

    /// Listens.
    ///
    /// # Errors
    ///
    /// What the operating system says, for example [`AddrInUse`](ErrorKind::AddrInUse).
    pub fn listen(self) -> io::Result<TcpListener> {
        let domain = Domain::for_address(self.address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(self.reuse_address)?;
        if self.reuse_port {
            socket.set_reuse_port(true)?;
        }
        if let (Some(only), SocketAddr::V6(_)) = (self.only_v6, self.address) {
            socket.set_only_v6(only)?;
        }
        socket.bind(&self.address.into())?;
        socket.listen(self.backlog)?;
        TcpListener::from_std(socket.into())
    }
}

impl fmt::Debug for TcpBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpBinding")
            .field("address", &self.address)
            .field("reuse_address", &self.reuse_address)
            .field("reuse_port", &self.reuse_port)
            .field("only_v6", &self.only_v6)
            .field("backlog", &self.backlog)
            .finish()
    }
}
