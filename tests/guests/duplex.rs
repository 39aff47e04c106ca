//! Two ends of a connection inside this process: under the virtual clock, what goes over it repeats.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures::io::{AsyncRead, AsyncWrite};

/// One direction.
#[derive(Default)]
struct Lane {
    bytes: VecDeque<u8>,
    closed: bool,
    reader: Option<Waker>,
}

impl Lane {
    fn change(lane: &Rc<RefCell<Lane>>, change: impl FnOnce(&mut Lane)) {
        let mut lane = lane.borrow_mut();
        change(&mut lane);
        let reader = lane.reader.take();
        drop(lane);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

/// One end; dropping it closes the connection.
pub(crate) struct End {
    incoming: Rc<RefCell<Lane>>,
    outgoing: Rc<RefCell<Lane>>,
}

/// A connection.
pub(crate) fn duplex() -> (End, End) {
    let (there, back) = (Rc::<RefCell<Lane>>::default(), Rc::<RefCell<Lane>>::default());
    let here = End { incoming: Rc::clone(&back), outgoing: Rc::clone(&there) };
    (here, End { incoming: there, outgoing: back })
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut lane = self.incoming.borrow_mut();
        if lane.bytes.is_empty() && !lane.closed {
            lane.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(io::Read::read(&mut lane.bytes, buf))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Lane::change(&self.outgoing, |lane| lane.bytes.extend(buf));
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Lane::change(&self.outgoing, |lane| lane.closed = true);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        Lane::change(&self.outgoing, |lane| lane.closed = true);
    }
}
