//! An HTTP client on hyper.
//!
//!     cargo run --features guests --example http_client                            # asks a server of its own
//!     cargo run --features guests --example http_client -- http://127.0.0.1:8080/slow
//!
//! Shows: a connection as a task beside the one that asks, several requests over it, and a limit to the time
//! that all of it may take.
//!
//! Prints the answers.

use std::error::Error;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Uri};
use wheelhouse::hyper::Io;
use wheelhouse::net::{Server, TcpListener, TcpStream, start_server};
use wheelhouse::{run, spawn, timeout};

type AnyError = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), AnyError> {
    let uri = std::env::args().nth(1).map(|uri| uri.parse::<Uri>()).transpose()?;
    run(timeout(Duration::from_secs(10), ask(uri)))??
}

async fn ask(uri: Option<Uri>) -> Result<(), AnyError> {
    let (uri, server) = match uri {
        Some(uri) => (uri, None),
        None => own_server().await.map(|(uri, server)| (uri, Some(server)))?,
    };
    let host = uri.authority().ok_or("the address names no host")?.clone();
    let stream = TcpStream::connect((host.host(), host.port_u16().unwrap_or(80))).await?;
    let (mut requests, connection) = http1::handshake(Io::new(stream)).await?;
    let connection = spawn(connection);
    for _ in 0..3 {
        print!("{}", get(&mut requests, &uri).await?);
    }
    drop(requests);
    connection.await??;
    if let Some(server) = server {
        let _ = server.shutdown(Duration::from_secs(1)).await;
    }
    Ok(())
}

async fn get(requests: &mut SendRequest<Empty<Bytes>>, uri: &Uri) -> Result<String, AnyError> {
    requests.ready().await?;
    let request = Request::get(uri.path()).header("host", uri.authority().unwrap().as_str());
    let answer = requests.send_request(request.body(Empty::new())?).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(format!("{status}: {}", String::from_utf8_lossy(&body)))
}

/// A server that says hello, for when nobody names another.
async fn own_server() -> std::io::Result<(Uri, Server)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let uri = format!("http://{}/", listener.local_addr()?).parse().expect("a good address");
    let server = start_server(listener, async |stream: TcpStream, _peer| {
        let hello = hyper::service::service_fn(async |_| {
            Ok::<_, std::convert::Infallible>(hyper::Response::new("hello\n".to_owned()))
        });
        hyper::server::conn::http1::Builder::new().serve_connection(Io::new(stream), hello).await
    });
    Ok((uri, server))
}
