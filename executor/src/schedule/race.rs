//! Two futures side by side in one task: what `select!` is elsewhere, in the one form that is needed here.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Which of two futures was ready first.
#[derive(Debug)]
pub(super) enum Either<A, B> {
    First(A),
    Second(B),
}

/// Waits for whichever of two futures is ready first, and drops the other. The first one is asked first.
pub(super) async fn race<A: Future, B: Future>(
    first: A,
    second: B,
) -> Either<A::Output, B::Output> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|cx| {
        if let Poll::Ready(output) = first.as_mut().poll(cx) {
            return Poll::Ready(Either::First(output));
        }
        second.as_mut().poll(cx).map(Either::Second)
    })
    .await
}
