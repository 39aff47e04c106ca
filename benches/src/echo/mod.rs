//! Servers on each runtime, and one client that puts all of them under the same load.
//!
//! Each server runs in a process of its own, on the loopback interface; the client, a plain epoll loop, runs
//! in another. It keeps a number of connections busy: on each it sends a request, reads all of the answer,
//! and sends the next. So the load is as much as the server can bear, and never more than so many requests
//! at once.

mod floor;
mod load;
mod process;
mod servers;
mod sockets;
mod table;
mod wrk;

use std::error::Error;
use std::process::ExitCode;

use crate::command::{Scope, Usage, exit_code};
use load::Load;

/// The program: measures all servers, or is one of them, or the client.
pub fn run() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    exit_code(match arguments[..] {
        ["--serve", name, what] => servers::serve(name, what),
        ["--load", ref load @ ..] => Load::parse(load).and_then(|load| {
            println!("{}", load.run()?);
            Ok(())
        }),
        ref options => measure(options),
    })
}

fn measure(options: &[&str]) -> Result<(), Box<dyn Error>> {
    let scope = Scope::parse(options.iter().map(|option| (*option).to_owned()))?;
    print!("{}", table::measure(&scope)?);
    Ok(())
}

/// What a server does with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Sends back what it reads.
    Echo,
    /// Answers every HTTP/1.1 request with a greeting.
    Http,
}

impl Service {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Service::Echo => "echo",
            Service::Http => "http",
        }
    }

    fn parse(name: &str) -> Result<Service, Usage> {
        let services = [Service::Echo, Service::Http];
        services.into_iter().find(|service| service.name() == name).ok_or(Usage)
    }
}
