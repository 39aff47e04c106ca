//! Tasks that wake one another, over the same plain channel on every runtime.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::tasks::{join_all, spawn_many};
use crate::{Laps, Runtime};

/// Counts tokens from one task to another.
#[derive(Default)]
struct Link {
    tokens: Cell<usize>,
    receiver: Cell<Option<Waker>>,
}

impl Link {
    fn pass(&self) {
        self.tokens.set(self.tokens.get() + 1);
        if let Some(receiver) = self.receiver.take() {
            receiver.wake();
        }
    }

    fn poll_receive(&self, cx: &Context<'_>) -> Poll<()> {
        match self.tokens.get() {
            0 => {
                self.receiver.set(Some(cx.waker().clone()));
                Poll::Pending
            }
            tokens => {
                self.tokens.set(tokens - 1);
                Poll::Ready(())
            }
        }
    }

    fn is_awaited(&self) -> bool {
        let receiver = self.receiver.take();
        let awaited = receiver.is_some();
        self.receiver.set(receiver);
        awaited
    }

    async fn receive(&self) {
        poll_fn(|cx| self.poll_receive(cx)).await;
    }
}

/// A thousand tasks in a ring pass `tokens` on, `n` times in all. The tokens start far from each other, when
/// all tasks wait, and stay so: each time a task is stepped, it passes one.
pub(super) fn ring<R: Runtime>(tokens: usize, n: usize, mut laps: Laps) -> Laps {
    const TASKS: usize = 1000;
    let each = n / TASKS;
    let links: Rc<[Link]> = (0..TASKS).map(|_| Link::default()).collect();
    R::new().run(async move {
        let tasks = spawn_many::<R, _, _>(TASKS, |i| {
            let links = Rc::clone(&links);
            async move {
                for _ in 0..each {
                    links[i].receive().await;
                    links[(i + 1) % TASKS].pass();
                }
            }
        });
        while links.iter().any(|link| !link.is_awaited()) {
            R::let_others_run().await;
        }
        laps.start();
        links.iter().step_by(TASKS / tokens).for_each(Link::pass);
        join_all::<R, _>(tasks).await;
        laps.lap(each * TASKS);
        laps
    })
}

/// Two tasks pass a token back and forth, `n` times.
pub(super) fn ping_pong<R: Runtime>(n: usize, mut laps: Laps) -> Laps {
    R::new().run(async move {
        laps.start();
        let links = Rc::new([Link::default(), Link::default()]);
        let other = R::spawn({
            let links = Rc::clone(&links);
            async move {
                for _ in 0..n {
                    links[0].receive().await;
                    links[1].pass();
                }
            }
        });
        for _ in 0..n {
            links[0].pass();
            links[1].receive().await;
        }
        laps.lap(n);
        R::join(other).await;
        laps
    })
}
