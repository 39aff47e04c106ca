//! Talking with a child to its end: asyncio's `communicate`.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::process::Output;
use std::task::{Context, Poll};

use super::child::{Child, ChildStdin};
use crate::io::PipeReader;

/// What was said so far.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    input: Vec<u8>,
    /// How much of the input was written.
    written: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Child {
    /// Writes `input` and closes the child's input, reads its output and error to their ends, all of it at once,
    /// and waits for the child. What is not a pipe is left alone. A child that reads no more is no error, as in
    /// asyncio: it has heard enough.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wheelhouse::process::{Command, Stdio};
    /// use wheelhouse::{run, timeout};
    ///
    /// run(async {
    ///     let mut sort = Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    ///     let sorted = timeout(Duration::from_secs(60), sort.communicate("b\na\n")).await;
    ///     let Ok(output) = sorted else {
    ///         sort.kill()?;
    ///         sort.wait().await?;
    ///         panic!("too slow");
    ///     };
    ///     assert_eq!(output?.stdout, b"a\nb\n");
    ///     std::io::Result::Ok(())
    /// })
    /// .unwrap()
    /// .unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// What the operating system says; [`Misplaced`](crate::io::Misplaced) outside its loop.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the child keeps what was written and read, and the next call goes on from there. Its input
    /// comes behind what is still to be written; what it returns is all that was ever read.
    pub async fn communicate(&mut self, input: impl Into<Vec<u8>>) -> io::Result<Output> {
        self.exchange.input.extend(input.into());
        self.exchange().await?;
        let status = self.wait().await?;
        let Exchange { stdout, stderr, .. } = std::mem::take(&mut self.exchange);
        Ok(Output { status, stdout, stderr })
    }

    async fn exchange(&mut self) -> io::Result<()> {
        let Exchange { input, written, stdout, stderr } = &mut self.exchange;
        let feed = pin!(feed(&mut self.stdin, input, written));
        let out = pin!(drain(&mut self.stdout, stdout));
        let err = pin!(drain(&mut self.stderr, stderr));
        all_of([feed, out, err]).await
    }
}

/// Writes what is left of the input, then closes it.
async fn feed(stdin: &mut Option<ChildStdin>, input: &[u8], written: &mut usize) -> io::Result<()> {
    if let Some(pipe) = stdin {
        while *written < input.len() {
            match pipe.write(&input[*written..]).await {
                Ok(more) => *written += more,
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                Err(error) => return Err(error),
            }
        }
    }
    *stdin = None;
    Ok(())
}

/// Reads a pipe to its end, then closes it.
async fn drain(pipe: &mut Option<PipeReader>, bytes: &mut Vec<u8>) -> io::Result<()> {
    if let Some(pipe) = pipe {
        pipe.read_to_end(bytes).await?;
    }
    *pipe = None;
    Ok(())
}

type Part<'a> = Pin<&'a mut dyn Future<Output = io::Result<()>>>;

/// Runs the parts side by side until all are done, or one fails.
async fn all_of(parts: [Part<'_>; 3]) -> io::Result<()> {
    let mut parts = parts.map(Some);
    poll_fn(|cx| {
        for part in &mut parts {
            poll_part(part, cx)?;
        }
        if parts.iter().all(Option::is_none) { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}

fn poll_part(part: &mut Option<Part<'_>>, cx: &mut Context<'_>) -> io::Result<()> {
    if let Some(running) = part {
        if let Poll::Ready(done) = running.as_mut().poll(cx) {
            *part = None;
            return done;
        }
    }
    Ok(())
}
