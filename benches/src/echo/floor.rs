//! The floor: a bare epoll loop that echoes. It knows no tasks and no timers, and all connections share one
//! buffer, save for what a slow reader leaves unsent.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpListener;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use super::servers::BUFFER;

const LISTENER: Token = Token(usize::MAX);

struct Connection {
    stream: TcpStream,
    unsent: Vec<u8>,
}

pub(super) fn echo(listener: TcpListener) -> io::Result<()> {
    let mut listener = mio::net::TcpListener::from_std(listener);
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut connections = Slab::new();
    let mut buffer = vec![0; BUFFER];
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                accept_all(&listener, &poll, &mut connections)?;
            } else if let Some(connection) = connections.get_mut(event.token().0) {
                if connection.serve(&mut buffer).is_err() {
                    connections.remove(event.token().0);
                }
            }
        }
    }
}

fn accept_all(
    listener: &mio::net::TcpListener,
    poll: &Poll,
    connections: &mut Slab<Connection>,
) -> io::Result<()> {
    while let Some((mut stream, _)) = unless_blocked(listener.accept())? {
        let entry = connections.vacant_entry();
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(entry.key()), interest)?;
        entry.insert(Connection { stream, unsent: Vec::new() });
    }
    Ok(())
}

impl Connection {
    /// Echoes until there is nothing to read or no room to write. An error says that the connection is over.
    fn serve(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        if !self.unsent.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            self.send(&unsent)?;
        }
        while self.unsent.is_empty() {
            let Some(n) = unless_blocked(self.stream.read(buffer))? else { break };
            if n == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.send(&buffer[..n])?;
            // A read that does not fill the buffer has taken all there was: the next event tells of more.
            if n < buffer.len() {
                break;
            }
        }
        Ok(())
    }

    fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let Some(n) = unless_blocked(self.stream.write(bytes))? else { break };
            bytes = &bytes[n..];
        }
        self.unsent.extend_from_slice(bytes);
        Ok(())
    }
}

pub(super) fn unless_blocked<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
