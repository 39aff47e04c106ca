//! A server that runs out of file descriptors, in a process of its own with few of them.
#![cfg(unix)]

use std::cell::Cell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use wheelhouse::net::{TcpListener, start_server};
use wheelhouse::sync::Event;
use wheelhouse::{EventLoop, timeout};

const TEST: &str = "a_server_without_descriptors_waits_for_some_and_goes_on";
const DESCRIPTORS: usize = 40;
const CLIENTS: usize = 60;
const STOP: u8 = b'!';

#[test]
fn a_server_without_descriptors_waits_for_some_and_goes_on() {
    match std::env::var_os("SERVE") {
        Some(_) => serve(),
        None => crowd(),
    }
}

/// More clients than the server has descriptors.
fn crowd() {
    let script = format!("ulimit -n {DESCRIPTORS} && exec \"$0\" --exact {TEST} --nocapture");
    let mut server = Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env("SERVE", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut said = |what: &str| {
        let line = lines.find(|line| line.as_ref().unwrap().contains(what)).expect("it says so");
        line.unwrap().split_once(what).unwrap().1.to_owned()
    };
    let address = said("listening at ");
    let mut clients: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| {
            let mut client = TcpStream::connect(&address).unwrap();
            client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            client.write_all(b"x").unwrap();
            client
        })
        .collect();
    assert!(said("report: ").contains("cannot accept for now"));
    // Those who came first leave; all who had to wait are served.
    let mut late = clients.split_off(DESCRIPTORS);
    drop(clients);
    for client in &mut late {
        client.read_exact(&mut [0]).unwrap();
    }
    late[0].write_all(&[STOP]).unwrap();
    assert_eq!(said("served "), CLIENTS.to_string());
    assert!(server.wait().unwrap().success());
}

fn serve() {
    let mut event_loop = EventLoop::new().unwrap();
    event_loop.set_exception_handler(|context| println!("report: {context}"));
    let served = event_loop.run_until_complete(timeout(Duration::from_secs(60), async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        println!("listening at {}", listener.local_addr().unwrap());
        let (stop, served) = (Rc::new(Event::new()), Rc::new(Cell::new(0)));
        let (stopped, count) = (Rc::clone(&stop), Rc::clone(&served));
        let server = start_server(listener, async move |stream: wheelhouse::net::TcpStream, _| {
            count.set(count.get() + 1);
            let mut buf = [0];
            while stream.read(&mut buf).await? > 0 {
                if buf == [STOP] {
                    stop.set();
                }
                stream.write_all(&buf).await?;
            }
            std::io::Result::Ok(())
        });
        stopped.wait().await;
        let _ = server.shutdown(Duration::ZERO).await;
        served.get()
    }));
    println!("served {}", served.unwrap().unwrap());
}
