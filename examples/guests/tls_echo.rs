//! TLS with rustls, over nothing but `futures-io`.
//!
//!     cargo run --features guests --example tls_echo
//!
//! Shows: a crate that knows no runtime, given a stream of this loop. The certificate is made at run time, the
//! client trusts it and nothing else.
//!
//! Prints what came back, and over what it came.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::io::{AsyncReadExt, AsyncWriteExt, copy};
use futures_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
use futures_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use futures_rustls::{TlsAcceptor, TlsConnector};
use wheelhouse::net::{TcpListener, TcpStream, start_server};
use wheelhouse::{run, timeout};

type AnyError = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), AnyError> {
    run(timeout(Duration::from_secs(10), echo_over_tls()))??
}

async fn echo_over_tls() -> Result<(), AnyError> {
    let (server_config, client_config) = configs()?;
    let acceptor = TlsAcceptor::from(server_config);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = start_server(listener, async move |stream: TcpStream, _peer| {
        let (reader, mut writer) = acceptor.accept(stream).await?.split();
        copy(reader, &mut writer).await?;
        writer.close().await
    });

    let connector = TlsConnector::from(client_config);
    let stream = TcpStream::connect(address).await?;
    let mut stream = connector.connect(ServerName::try_from("localhost")?, stream).await?;
    stream.write_all(b"hello, in secret").await?;
    stream.close().await?;
    let mut echo = String::new();
    stream.read_to_string(&mut echo).await?;
    let version = stream.get_ref().1.protocol_version().expect("the handshake is over");
    println!("{echo:?} came back over {version:?}");
    let _ = server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}

/// A fresh certificate for the server, and a client that trusts it.
fn configs() -> Result<(Arc<ServerConfig>, Arc<ClientConfig>), AnyError> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let mut trusted = RootCertStore::empty();
    trusted.add(certificate.clone())?;
    let server =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?;
    let client = ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth();
    Ok((Arc::new(server), Arc::new(client)))
}
