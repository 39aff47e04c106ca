//! Ten thousand connections at once: one process holds the servers' ends, another those of the clients.
#![cfg(unix)]

use std::cell::Cell;
use std::net::SocketAddr;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use wheelhouse::net::{TcpListener, TcpStream};
use wheelhouse::{EventLoop, spawn, timeout};

const CONNECTIONS: usize = 10_000;
const TEST: &str = "ten_thousand_connections_are_held_at_once";

#[test]
fn ten_thousand_connections_are_held_at_once() {
    match (std::env::var_os("HOLD"), std::env::var("CONNECT_TO")) {
        (_, Ok(address)) => run(connect(address.parse().unwrap())),
        (Some(_), _) => run(serve()),
        _ => with_room(),
    }
}

/// The shell raises the limit of descriptors for itself and what it starts.
fn with_room() {
    let need = CONNECTIONS + 100;
    let script = format!("ulimit -n {need} || exit 77; exec \"$0\" --exact {TEST} --nocapture");
    let me = std::env::current_exe().unwrap();
    let output =
        Command::new("sh").arg("-c").arg(script).arg(me).env("HOLD", "1").output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) {
        eprintln!("skipped: {need} file descriptors are not to be had here: {err}");
        return;
    }
    assert!(output.status.success(), "{err}");
}

fn run(main: impl Future<Output = ()> + 'static) {
    let mut event_loop = EventLoop::new().unwrap();
    let limit = Duration::from_secs(120);
    event_loop.run_until_complete(timeout(limit, main)).unwrap().unwrap();
    let census = event_loop.census();
    assert_eq!((census.tasks, census.sources, census.waits), (0, 0, 0));
}

async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut clients = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env("CONNECT_TO", listener.local_addr().unwrap().to_string())
        .spawn()
        .unwrap();
    let (open, most, served) =
        (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let mut tasks = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let (stream, _) = listener.accept().await.unwrap();
        let (open, most, served) = (Rc::clone(&open), Rc::clone(&most), Rc::clone(&served));
        tasks.push(spawn(async move {
            open.set(open.get() + 1);
            most.set(open.get().max(most.get()));
            let mut buf = [0; 8];
            while stream.read(&mut buf).await.unwrap() > 0 {
                stream.write_all(&buf).await.unwrap();
                served.set(served.get() + 1);
            }
            open.set(open.get() - 1);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((most.get(), served.get(), open.get()), (CONNECTIONS, CONNECTIONS, 0));
    assert!(clients.wait().unwrap().success());
}

/// Opens all connections, then uses each, then closes all.
async fn connect(address: SocketAddr) {
    let mut streams = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        streams.push(TcpStream::connect_addr(address).await.unwrap());
    }
    let mut tasks = Vec::with_capacity(CONNECTIONS);
    for (n, stream) in streams.into_iter().enumerate() {
        tasks.push(spawn(async move {
            let sent = n.to_be_bytes();
            let mut back = [0; 8];
            stream.write_all(&sent).await.unwrap();
            stream.read_exact(&mut back).await.unwrap();
            assert_eq!(back, sent);
            stream
        }));
    }
    let mut open = Vec::with_capacity(CONNECTIONS);
    for task in tasks {
        open.push(task.await.unwrap());
    }
}
