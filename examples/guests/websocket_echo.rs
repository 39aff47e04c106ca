//! A websocket, with tungstenite, over nothing but `futures-io`.
//!
//!     cargo run --features guests --example websocket_echo
//!
//! Shows: a crate that knows no runtime, given a stream of this loop; server and client in one program.
//!
//! Prints the messages that came back.

use std::error::Error;
use std::time::Duration;

use async_tungstenite::tungstenite::{self, Message};
use async_tungstenite::{accept_async, client_async};
use futures::StreamExt;
use wheelhouse::net::{TcpListener, TcpStream, start_server};
use wheelhouse::{run, timeout};

type AnyError = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), AnyError> {
    run(timeout(Duration::from_secs(10), echo_over_websocket()))??
}

async fn echo_over_websocket() -> Result<(), AnyError> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = start_server(listener, async |stream: TcpStream, _peer| echo(stream).await);

    let stream = TcpStream::connect(address).await?;
    let (mut socket, _response) = client_async(format!("ws://{address}/"), stream).await?;
    for message in ["one", "two", "three"] {
        socket.send(Message::text(message)).await?;
        let answer = socket.next().await.ok_or("the server went away")??;
        println!("{answer}");
    }
    socket.close(None).await?;
    while socket.next().await.is_some() {}
    let _ = server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}

/// Sends back each message until the client closes.
async fn echo(stream: TcpStream) -> tungstenite::Result<()> {
    let mut socket = accept_async(stream).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
