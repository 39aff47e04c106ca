//! hyper 1.x, server and client, http1 and http2, with an `Rc` in the handler.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;

use futures::io::AsyncWriteExt;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, server};
use wheelhouse::hyper::{Io, LoopTimer, Spawner};
use wheelhouse::{gather, sleep, spawn, time, timeout};

use crate::common::{ms, run};
use crate::duplex::{End, duplex};

type Answer = Result<Response<Full<Bytes>>, Infallible>;

/// Counts requests, without a thought of threads.
#[derive(Clone, Default)]
struct Counter(Rc<Cell<u32>>);

impl Counter {
    /// Answers with the number of the request, ten milliseconds after it came.
    async fn answer(self, _: Request<Incoming>) -> Answer {
        self.0.set(self.0.get() + 1);
        let number = self.0.get();
        sleep(ms(10)).await;
        Ok(Response::new(Full::new(number.to_string().into())))
    }
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(path).header("host", "here").body(Empty::new()).unwrap()
}

async fn text(answer: Response<Incoming>) -> String {
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Serves one connection of http1 until it ends.
async fn serve_http1(end: End, counter: Counter) -> hyper::Result<()> {
    server::conn::http1::Builder::new()
        .timer(LoopTimer::new())
        .header_read_timeout(ms(30_000))
        .serve_connection(Io::new(end), service_fn(move |request| counter.clone().answer(request)))
        .await
}

/// Serves one connection of http2 until it ends.
async fn serve_http2(end: End, counter: Counter) -> hyper::Result<()> {
    server::conn::http2::Builder::new(Spawner)
        .timer(LoopTimer::new())
        .serve_connection(Io::new(end), service_fn(move |request| counter.clone().answer(request)))
        .await
}

#[test]
fn http1_answers_one_request_after_the_other_on_one_connection() {
    run(async {
        let (here, there) = duplex();
        let counter = Counter::default();
        let served = spawn(serve_http1(there, counter.clone()));
        let (mut requests, connection) = http1::handshake(Io::new(here)).await.unwrap();
        let connection = spawn(connection);
        for number in ["1", "2", "3"] {
            requests.ready().await.unwrap();
            assert_eq!(text(requests.send_request(get("/")).await.unwrap()).await, number);
        }
        assert_eq!((counter.0.get(), time()), (3, ms(30)));
        drop(requests);
        connection.await.unwrap().unwrap();
        served.await.unwrap().unwrap();
    });
}

#[test]
fn http2_answers_many_requests_at_once_on_one_connection() {
    run(async {
        let (here, there) = duplex();
        let counter = Counter::default();
        let served = spawn(serve_http2(there, counter.clone()));
        let (requests, connection) = http2::handshake(Spawner, Io::new(here)).await.unwrap();
        let connection = spawn(connection);
        let answers =
            gather((0..20).map(|_| {
                let mut requests = requests.clone();
                spawn(async move {
                    text(requests.send_request(get("http://here/")).await.unwrap()).await
                })
            }));
        let answers: Vec<String> = answers.await.into_iter().map(Result::unwrap).collect();
        let expected: Vec<String> = (1..=20).map(|number: u32| number.to_string()).collect();
        assert_eq!((answers, time()), (expected, ms(10)));
        drop(requests);
        connection.await.unwrap().unwrap();
        served.await.unwrap().unwrap();
    });
}

#[test]
fn hypers_own_time_outs_run_on_the_virtual_clock() {
    run(async {
        let (mut here, there) = duplex();
        here.write_all(b"GET / HTTP/1.1\r\nHost: he").await.unwrap();
        let refused = serve_http1(there, Counter::default()).await.unwrap_err();
        assert!(refused.is_timeout(), "{refused:?}");
        assert_eq!(time(), ms(30_000));
    });
}

#[test]
fn a_request_that_is_given_up_leaves_the_connection_to_the_others() {
    run(async {
        let (here, there) = duplex();
        let served = spawn(serve_http2(there, Counter::default()));
        let (mut requests, connection) = http2::handshake(Spawner, Io::new(here)).await.unwrap();
        let connection = spawn(connection);
        let hurried = timeout(ms(5), requests.send_request(get("http://here/"))).await;
        assert!(hurried.is_err(), "the answer takes ten milliseconds");
        assert_eq!(text(requests.send_request(get("http://here/")).await.unwrap()).await, "2");
        drop(requests);
        connection.await.unwrap().unwrap();
        served.await.unwrap().unwrap();
    });
}
