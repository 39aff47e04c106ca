//! Several pages over HTTP at once, each with a limit, from a server that this program starts itself.
//!
//! ```text
//! cargo run --example 32_http_pages
//! ```
//!
//! Shows: sockets are futures like all others. A server is a task that accepts and spawns; a request that takes
//! too long is cancelled by its `timeout`, and its socket closes with it. One page that fails, or is late, does
//! not hold up the rest. The HTTP here is the least that will do; with the feature `hyper` the crate of
//! that name runs on the same sockets.
//!
//! In asyncio: `asyncio.start_server`, `asyncio.open_connection`, and `asyncio.timeout` around each fetch.
//!
//! Prints: five pages, of which one is not there, one never comes, and one breaks off.
//!
//! Read next: `33_game_loop.rs`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use wheelhouse::net::{TcpListener, TcpStream};
use wheelhouse::{BoxError, RunError, gather, run, sleep, spawn, timeout, try_spawn};

const LIMIT: Duration = Duration::from_secs(1);

async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        try_spawn(answer(stream)).detach(); // whoever is slow keeps nobody else waiting
    }
}

async fn answer(stream: TcpStream) -> io::Result<()> {
    let request = read_head(&stream).await?;
    let (status, body) = match request.split(' ').nth(1) {
        Some("/") => ("200 OK", "<h1>home</h1>"),
        Some("/news") => ("200 OK", "<h1>news</h1> nothing new"),
        Some("/slow") => {
            sleep(Duration::from_secs(3600)).await;
            ("200 OK", "finally")
        }
        Some("/broken") => return Ok(()), // the stream is dropped, and so closed
        _ => ("404 Not Found", "no such page"),
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all((head + body).as_bytes()).await
}

/// Reads up to the blank line.
async fn read_head(stream: &TcpStream) -> io::Result<String> {
    let (mut head, mut piece) = (Vec::new(), [0; 512]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut piece).await? {
            0 => break,
            length => head.extend_from_slice(&piece[..length]),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

async fn fetch(server: SocketAddr, page: &str) -> Result<String, BoxError> {
    let stream = TcpStream::connect_addr(server).await?;
    let request = format!("GET {page} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8(answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the server hung up")?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        _ => Err(head.lines().next().unwrap_or_default().into()),
    }
}

async fn fetch_all() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let server = try_spawn(serve(listener));

    let pages = ["/", "/news", "/lost", "/slow", "/broken"];
    let fetches = pages.map(|page| spawn(timeout(LIMIT, fetch(address, page))));
    for (page, fetched) in pages.iter().zip(gather(fetches).await) {
        match fetched.expect("a fetch does not panic") {
            Ok(Ok(body)) => println!("{page}: {body}"),
            Ok(Err(error)) => println!("{page}: {error}"),
            Err(_) => println!("{page}: not within {} s", LIMIT.as_secs()),
        }
    }

    server.cancel();
    println!("the server is closed: {}", server.await.unwrap_err().is_cancelled());
    Ok(())
}

fn main() -> Result<(), RunError> {
    Ok(run(fetch_all())??)
}
