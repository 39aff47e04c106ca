//! Workers that take jobs from a Redis list.
//!
//!     cargo run --features guests --example redis_worker                     # starts a redis-server of its own
//!     cargo run --features guests --example redis_worker -- 127.0.0.1:6379   # uses the one at this address
//!
//! Shows: a client that was written for tokio's traits, through `tokio-util`'s compat, with its driver as a task of
//! this loop. Two workers wait for jobs; once all results are there they are cancelled, and say goodbye.
//!
//! Prints the results in the order of the jobs. Where no `redis-server` is installed it says so.

use std::error::Error;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, AsyncConnectionConfig, RedisConnectionInfo, RedisResult};
use tokio_util::compat::FuturesAsyncReadCompatExt;
use wheelhouse::net::{TcpListener, TcpStream};
use wheelhouse::process::{Child, Command};
use wheelhouse::schedule::{Backoff, retry};
use wheelhouse::{catch_cancel, run, spawn, timeout, try_spawn};

type AnyError = Box<dyn Error + Send + Sync>;

const JOBS: u32 = 6;

fn main() -> Result<(), AnyError> {
    let given = std::env::args().nth(1).map(|address| address.parse()).transpose()?;
    run(timeout(Duration::from_secs(20), work(given)))??
}

async fn work(given: Option<SocketAddr>) -> Result<(), AnyError> {
    let (address, server) = match given {
        Some(address) => (address, None),
        None => match start_redis() {
            Ok((address, server)) => (address, Some(server)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                println!("skipped: there is no redis-server on this machine");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        },
    };
    let mut redis = connect(address).await?;
    let (jobs, results) = (list("jobs"), list("results"));
    let workers =
        [1, 2].map(|number| try_spawn(worker(number, address, jobs.clone(), results.clone())));
    redis.rpush::<_, _, ()>(&jobs, (1..=JOBS).collect::<Vec<_>>()).await?;
    let mut lines = Vec::new();
    for _ in 0..JOBS {
        lines.push(pop(&mut redis, &results).await?);
    }
    lines.sort_unstable();
    println!("{}", lines.join("\n"));
    for worker in workers {
        worker.cancel();
        assert!(worker.await.is_err_and(|error| error.is_cancelled()));
    }
    drop(server);
    Ok(())
}

/// Takes jobs until it is cancelled.
async fn worker(
    number: u32,
    address: SocketAddr,
    jobs: String,
    results: String,
) -> Result<(), AnyError> {
    let mut redis = connect(address).await?;
    let taking = async {
        loop {
            let job: u32 = pop(&mut redis, &jobs).await?.parse()?;
            let line = format!("{job} squared is {}", job * job);
            redis.rpush::<_, _, ()>(&results, line).await?;
        }
    };
    match catch_cancel(taking).await {
        Ok(ended) => ended,
        Err(cancelled) => {
            println!("worker {number} goes home");
            cancelled.resume().await
        }
    }
}

/// Waits for the first entry of a list, and takes it.
async fn pop(redis: &mut MultiplexedConnection, list: &str) -> RedisResult<String> {
    let (_list, entry): (String, String) = redis.blpop(list, 0.0).await?;
    Ok(entry)
}

/// A name that no other run uses.
fn list(what: &str) -> String {
    format!("wheelhouse:{}:{what}", std::process::id())
}

/// Connects, and starts the client's driver. A server that has just been started is tried a few times.
async fn connect(address: SocketAddr) -> Result<MultiplexedConnection, AnyError> {
    let patience = retry(Backoff::constant(Duration::from_millis(100))).attempts(50);
    let stream = patience.run(async || TcpStream::connect(address).await).await?;
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let info = RedisConnectionInfo::default();
    let (connection, driver) =
        MultiplexedConnection::new_with_config(&info, stream.compat(), config).await?;
    spawn(driver).detach();
    Ok(connection)
}

/// A server at a port that nobody else uses; it keeps nothing, and goes when its handle is dropped.
fn start_redis() -> std::io::Result<(SocketAddr, Child)> {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let server = Command::new("redis-server")
        .args(["--port", &address.port().to_string(), "--bind", "127.0.0.1", "--save", ""])
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    Ok((address, server))
}
