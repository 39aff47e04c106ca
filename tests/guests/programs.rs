//! The programs in `examples/guests/`, run as a user runs them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

/// The program of an example; Cargo builds it if it must.
fn example(name: &str, arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--features", "guests", "--example", name, "--"]);
    cargo.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo
}

/// What an example prints; it must end well.
fn output(name: &str, arguments: &[&str]) -> String {
    let output = example(name, arguments).output().expect("Cargo can be run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} ended with {}:\n{errors}", output.status);
    String::from_utf8(output.stdout).expect("it prints text")
}

#[test]
fn tls_carries_what_is_sent_there_and_back() {
    assert_eq!(output("tls_echo", &[]), "\"hello, in secret\" came back over TLSv1_3\n");
}

#[test]
fn a_websocket_carries_messages_there_and_back() {
    assert_eq!(output("websocket_echo", &[]), "one\ntwo\nthree\n");
}

#[test]
fn a_client_asks_a_server_of_its_own_three_times() {
    assert_eq!(output("http_client", &[]), "200 OK: hello\n".repeat(3));
}

/// A running `http_server`, and what it prints.
struct HttpServer {
    program: Child,
    lines: BufReader<ChildStdout>,
    address: String,
}

impl HttpServer {
    fn start() -> HttpServer {
        let mut program = example("http_server", &["0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("Cargo can be run");
        let mut lines = BufReader::new(program.stdout.take().expect("it is piped"));
        let mut first = String::new();
        lines.read_line(&mut first).expect("it says where it listens");
        let address = first.trim().strip_prefix("listening at http://").expect(&first).to_owned();
        HttpServer { program, lines, address }
    }

    fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("it prints");
        line
    }
}

/// What Ctrl-C does. `cargo run` has become the program it ran.
fn interrupt(program: &Child) {
    let pid = rustix::process::Pid::from_child(program);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it is there");
}

fn ask(stream: &mut TcpStream, path: &str) {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\n\r\n").expect("the server reads");
}

#[test]
fn a_server_that_closes_answers_what_it_was_asked_and_accepts_nothing_new() {
    let mut server = HttpServer::start();
    let (mut idle, mut busy) = (
        TcpStream::connect(&server.address).unwrap(),
        TcpStream::connect(&server.address).unwrap(),
    );
    ask(&mut idle, "/");
    assert_eq!(server.next_line(), "request 1: GET /\n");
    ask(&mut busy, "/slow");
    assert_eq!(server.next_line(), "request 2: GET /slow\n");
    interrupt(&server.program);
    assert_eq!(server.next_line(), "closing, with 2 connections\n");
    let mut answer = String::new();
    busy.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\nrequest 2\n"), "{answer}");
    assert_eq!(server.next_line(), "2 connections ended, 0 were cut off\n");
    assert!(server.program.wait().unwrap().success());
    assert!(TcpStream::connect(&server.address).is_err());
}

#[test]
fn redis_workers_share_the_jobs_out() {
    let printed = output("redis_worker", &[]);
    if let Some(reason) = printed.strip_prefix("skipped: ") {
        eprintln!("skipped: {reason}");
        return;
    }
    let expected = "1 squared is 1\n2 squared is 4\n3 squared is 9\n4 squared is 16\n\
                    5 squared is 25\n6 squared is 36\nworker 1 goes home\nworker 2 goes home\n";
    assert_eq!(printed, expected);
}
