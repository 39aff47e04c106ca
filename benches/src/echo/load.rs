//! The client: keeps a number of connections busy, and times every request.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream as BlockingStream};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::Service;
use super::floor::unless_blocked;
use super::process::cpu_of;
use crate::command::Usage;
use crate::measure::{nanos_each, quantile};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// A server that is silent for so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the client does.
pub(super) struct Load {
    pub(super) service: Service,
    pub(super) port: u16,
    /// The server's process, whose CPU time is taken.
    pub(super) server: u32,
    pub(super) connections: usize,
    /// How much an echo is asked to send back.
    pub(super) bytes: usize,
    /// How long it goes on; zero for one request on each connection.
    pub(super) time: Duration,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) per_second: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// Nanoseconds of the server for each request.
    pub(super) cpu: f64,
    /// With those before the measuring began.
    pub(super) all_requests: f64,
}

impl Load {
    pub(super) fn arguments(&self) -> Vec<String> {
        let Load { service, port, server, connections, bytes, time } = self;
        let numbers =
            [usize::from(*port), *server as usize, *connections, *bytes, time.as_millis() as usize];
        let head = ["--load", service.name()].map(str::to_owned).into_iter();
        head.chain(numbers.iter().map(usize::to_string)).collect()
    }

    pub(super) fn parse(arguments: &[&str]) -> Result<Load, Box<dyn Error>> {
        let &[service, port, server, connections, bytes, millis] = arguments else {
            return Err(Usage.into());
        };
        Ok(Load {
            service: Service::parse(service)?,
            port: port.parse()?,
            server: server.parse()?,
            connections: connections.parse()?,
            bytes: bytes.parse()?,
            time: Duration::from_millis(millis.parse()?),
        })
    }

    pub(super) fn run(&self) -> Result<String, Box<dyn Error>> {
        let client = Client::connect(self)?;
        let outcome = client.run(self)?;
        let Outcome { per_second, p50, p99, cpu, all_requests } = outcome;
        Ok(format!("{per_second} {p50} {p99} {cpu} {all_requests}"))
    }
}

impl Outcome {
    pub(super) fn parse(line: &str) -> Result<Outcome, Box<dyn Error>> {
        let figures: Vec<f64> =
            line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let &[per_second, p50, p99, cpu, all_requests] = &figures[..] else {
            return Err("the client says something else".into());
        };
        Ok(Outcome { per_second, p50, p99, cpu, all_requests })
    }
}

struct Client {
    poll: Poll,
    connections: Vec<Connection>,
    request: Vec<u8>,
    answer: usize,
}

struct Connection {
    stream: TcpStream,
    begun: Instant,
    unsent: usize,
    unread: usize,
}

impl Client {
    fn connect(load: &Load) -> io::Result<Client> {
        let (request, answer) = match load.service {
            Service::Echo => (vec![b'x'; load.bytes], load.bytes),
            Service::Http => (REQUEST.to_vec(), http_answer(load.port)?),
        };
        let poll = Poll::new()?;
        let mut connections = Vec::new();
        for index in 0..load.connections {
            let stream = BlockingStream::connect((Ipv4Addr::LOCALHOST, load.port))?;
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(index), interest)?;
            connections.push(Connection { stream, begun: Instant::now(), unsent: 0, unread: 0 });
        }
        Ok(Client { poll, connections, request, answer })
    }

    /// A fifth of the time to warm up, and the time that is measured. What is on its way then still comes in.
    fn run(mut self, load: &Load) -> io::Result<Outcome> {
        let (start, server) = (Instant::now(), load.server);
        let begin = start + load.time / 5;
        let end = begin + load.time;
        let (mut latencies, mut warm_ups) = (Vec::new(), 0);
        let mut cpu = None;
        let mut cpu_used = None;
        let mut open = self.connections.len();
        for connection in &mut self.connections {
            connection.begin(&self.request, self.answer)?;
        }
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; 64 * 1024];
        while open > 0 {
            self.poll.poll(&mut events, Some(PATIENCE))?;
            if events.is_empty() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            for event in &events {
                let connection = &mut self.connections[event.token().0];
                if !connection.go_on(&self.request, &mut buffer)? {
                    continue;
                }
                let now = Instant::now();
                if now >= begin && cpu.is_none() {
                    cpu = Some(cpu_of(server)?);
                }
                if now >= end && cpu_used.is_none() {
                    cpu_used = cpu.map(|cpu| cpu_of(server).map(|now| now - cpu)).transpose()?;
                }
                if now < begin || now >= end {
                    warm_ups += 1;
                } else {
                    latencies.push(nanos_each(now - connection.begun, 1));
                }
                if now < end {
                    connection.begin(&self.request, self.answer)?;
                } else {
                    open -= 1;
                }
            }
        }
        let n = latencies.len();
        Ok(Outcome {
            per_second: n as f64 / load.time.as_secs_f64(),
            p50: quantile(&mut latencies, 0.5),
            p99: quantile(&mut latencies, 0.99),
            cpu: nanos_each(cpu_used.unwrap_or_default(), n),
            all_requests: (n + warm_ups) as f64,
        })
    }
}

impl Connection {
    fn begin(&mut self, request: &[u8], answer: usize) -> io::Result<()> {
        (self.unsent, self.unread) = (request.len(), answer);
        self.begun = Instant::now();
        self.send(request)
    }

    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        while self.unsent > 0 {
            let rest = &request[request.len() - self.unsent..];
            let Some(n) = unless_blocked(self.stream.write(rest))? else { break };
            self.unsent -= n;
        }
        Ok(())
    }

    /// Whether the answer is complete, now.
    fn go_on(&mut self, request: &[u8], buffer: &mut [u8]) -> io::Result<bool> {
        if self.unread == 0 {
            return Ok(false);
        }
        self.send(request)?;
        while self.unread > 0 {
            let Some(n) = unless_blocked(self.stream.read(buffer))? else { break };
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.unread = self.unread.checked_sub(n).ok_or(io::ErrorKind::InvalidData)?;
        }
        Ok(self.unread == 0)
    }
}

/// How long an answer is, head and body: all are alike.
fn http_answer(port: u16) -> io::Result<usize> {
    let mut stream = BlockingStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(REQUEST)?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"Hello, world!") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    Ok(answer.len())
}
