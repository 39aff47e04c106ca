//! [`Address`] and [`lookup`]: host names into addresses, asyncio's `getaddrinfo`.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use crate::offload::offload;

/// Where to connect: `"example.org:80"`, `("example.org", 80)`, or socket addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Place);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Known(Vec<SocketAddr>),
    /// A host name and a port, with a colon between.
    Named(String),
}

/// The addresses of a host. What is an address already is not looked up; a host name is, on a thread of the
/// loop's pool, by the system's own resolver.
///
/// # Errors
///
/// If the name is not known, or has no port; what the resolver says.
///
/// # Cancel safety
///
/// Cancel safe: the thread ends its lookup alone, and the answer is dropped.
pub async fn lookup(of: impl Into<Address>) -> io::Result<Vec<SocketAddr>> {
    match of.into().0 {
        Place::Known(addresses) => Ok(addresses),
        Place::Named(name) => {
            let found = offload(move || name.to_socket_addrs().map(Iterator::collect));
            found.await.unwrap_or_else(|failed| Err(io::Error::other(failed)))
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Named(name) => f.write_str(name),
            Place::Known(addresses) => {
                for (n, address) in addresses.iter().enumerate() {
                    let comma = if n == 0 { "" } else { ", " };
                    write!(f, "{comma}{address}")?;
                }
                Ok(())
            }
        }
    }
}

impl From<Vec<SocketAddr>> for Address {
    fn from(addresses: Vec<SocketAddr>) -> Address {
        Address(Place::Known(addresses))
    }
}

impl From<&[SocketAddr]> for Address {
    fn from(addresses: &[SocketAddr]) -> Address {
        addresses.to_vec().into()
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Address {
        vec![address].into()
    }
}

impl From<(IpAddr, u16)> for Address {
    fn from(address: (IpAddr, u16)) -> Address {
        SocketAddr::from(address).into()
    }
}

impl From<(Ipv4Addr, u16)> for Address {
    fn from(address: (Ipv4Addr, u16)) -> Address {
        SocketAddr::from(address).into()
    }
}

impl From<(Ipv6Addr, u16)> for Address {
    fn from(address: (Ipv6Addr, u16)) -> Address {
        SocketAddr::from(address).into()
    }
}

impl From<(&str, u16)> for Address {
    fn from((host, port): (&str, u16)) -> Address {
        match host.parse::<IpAddr>() {
            Ok(ip) => (ip, port).into(),
            Err(_) => Address(Place::Named(format!("{host}:{port}"))),
        }
    }
}

impl From<(String, u16)> for Address {
    fn from((host, port): (String, u16)) -> Address {
        (host.as_str(), port).into()
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Address {
        match text.parse::<SocketAddr>() {
            Ok(address) => address.into(),
            Err(_) => Address(Place::Named(text.to_owned())),
        }
    }
}

impl From<String> for Address {
    fn from(text: String) -> Address {
        text.as_str().into()
    }
}
