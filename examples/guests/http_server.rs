//! An HTTP server on hyper that ends in good order.
//!
//!     cargo run --features guests --example http_server            # at 127.0.0.1:8080
//!     cargo run --features guests --example http_server -- 3000    # at another port; 0: any
//!
//! Shows: a named task for each connection, a limit to their number, an `Rc` in the handler, and Ctrl-C: no more
//! connections are accepted, requests that have begun are answered, and what takes longer than five seconds
//! is cancelled. Try `curl http://127.0.0.1:8080/` and `/slow`.
//!
//! Prints the address, a line for each request, and how the connections ended.

use std::cell::Cell;
use std::convert::Infallible;
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use wheelhouse::hyper::{Io, LoopTimer};
use wheelhouse::net::{Closing, Server, TcpListener, TcpStream};
use wheelhouse::{run, signal, sleep};

type AnyError = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), AnyError> {
    let port = std::env::args().nth(1).map_or(Ok(8080), |port| port.parse())?;
    run(serve(port))?
}

async fn serve(port: u16) -> Result<(), AnyError> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("listening at http://{}", listener.local_addr()?);
    let served = Rc::new(Cell::new(0));
    let builder = Server::builder().name("http").max_connections(1000);
    let closing = builder.closing();
    let server = builder.start(listener, async move |stream: TcpStream, _peer| {
        connection(stream, Rc::clone(&served), closing.clone()).await
    });
    signal::ctrl_c().await?;
    println!("closing, with {} connections", server.connections());
    let ended = server.shutdown(Duration::from_secs(5)).await;
    println!("{} connections ended, {} were cut off", ended.finished, ended.cancelled);
    Ok(())
}

/// Serves one connection until it ends, or, when the server closes, until its request is answered.
async fn connection(
    stream: TcpStream,
    served: Rc<Cell<u32>>,
    closing: Closing,
) -> hyper::Result<()> {
    let service = service_fn(move |request| answer(request, Rc::clone(&served)));
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(LoopTimer::new())
            .header_read_timeout(Duration::from_secs(30))
            .serve_connection(Io::new(stream), service)
    );
    let closing = std::pin::pin!(closing.wait());
    match futures::future::select(connection.as_mut(), closing).await {
        futures::future::Either::Left((ended, _)) => ended,
        futures::future::Either::Right(_) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    served: Rc<Cell<u32>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    served.set(served.get() + 1);
    let number = served.get();
    println!("request {number}: {} {}", request.method(), request.uri());
    if request.uri().path() == "/slow" {
        sleep(Duration::from_secs(2)).await;
    }
    Ok(Response::new(Full::new(format!("request {number}\n").into())))
}
