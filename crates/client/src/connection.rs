//! One kept-alive connection: a request, its answer, the next request.
//!
//! Any failure ends the connection, as does an answer that says so; [`Connection::is_open`] tells. Dropping a call
//! midway leaves an answer under way, so that, too, ends it.

use std::{future::Future, io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{
    address::ServerAddr,
    error::{ClientError, Sent},
    link::Link,
    request::PreparedRequest,
    wire::{self, Head},
};

/// Room for an answer at first; it grows to what comes.
const BUFFER_BYTES: usize = 4 * 1024;

/// An answer, in the connection's buffer until the next call.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The status.
    pub status: u16,
    /// Whether it is a replay of an earlier answer to the same key.
    pub replayed: bool,
    /// `Retry-After`, in seconds.
    pub retry_after_s: Option<u32>,
    /// Whether the body is a problem.
    pub problem: bool,
    /// The head, from the status line to the empty line.
    pub head: &'a [u8],
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Reply<'a> {
    /// The headers in order, names as they came. Parsed anew at each call: not for hot loops.
    pub fn headers(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        wire::headers(self.head)
    }

    /// The first header of this name, where it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.headers().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))?;
        std::str::from_utf8(value).ok()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Calling,
    Ended,
}

/// A connection to hwan.
#[derive(Debug)]
pub struct Connection {
    link: Link,
    buffer: Vec<u8>,
    state: State,
}

impl Connection {
    /// Connects to `server` within `deadline`.
    pub async fn open(server: &ServerAddr, deadline: Duration) -> Result<Self, ClientError> {
        // In a box: a handshake takes kilobytes, and whoever awaits this would carry them.
        let link = within(deadline, Box::pin(Link::open(server))).await.map_err(ClientError::unsent)?;
        Ok(Self { link, buffer: Vec::with_capacity(BUFFER_BYTES), state: State::Idle })
    }

    /// Whether another call can be made.
    pub fn is_open(&self) -> bool {
        self.state == State::Idle
    }

    /// Whether it is open and the server has neither closed it nor said anything unasked in the meantime.
    pub fn is_quiet(&mut self) -> bool {
        self.is_open() && self.link.is_quiet()
    }

    /// Sends `request` and reads its answer, both within `deadline`. Every status is an answer here.
    pub async fn call(&mut self, request: &PreparedRequest, deadline: Duration) -> Result<Reply<'_>, ClientError> {
        if self.state != State::Idle {
            return Err(ClientError::unsent(io::ErrorKind::NotConnected.into()));
        }
        self.state = State::Calling; // stays so if this call is dropped or fails
        let mut sent = Sent::Nothing;
        let head = match timeout(deadline, self.exchange(request.as_bytes(), &mut sent)).await {
            Ok(done) => done,
            Err(_) => Err(ClientError::Connection { sent, cause: io::ErrorKind::TimedOut.into() }),
        }?;
        self.state = if head.close { State::Ended } else { State::Idle };
        Ok(Reply {
            status: head.status,
            replayed: head.replayed,
            retry_after_s: head.retry_after_s,
            problem: head.problem,
            head: self.buffer.get(..head.head_bytes).unwrap_or_default(),
            body: self.buffer.get(head.head_bytes..).unwrap_or_default(),
        })
    }

    async fn exchange(&mut self, request: &[u8], sent: &mut Sent) -> Result<Head, ClientError> {
        send(&mut self.link, request, sent).await?;
        let lost = |cause| ClientError::Connection { sent: Sent::Possibly, cause };
        self.buffer.clear();
        let head = loop {
            self.buffer.reserve(BUFFER_BYTES / 2);
            if self.link.read_buf(&mut self.buffer).await.map_err(lost)? == 0 {
                return Err(lost(end_of_stream(&self.buffer)));
            }
            if let Some(head) = wire::parse_head(&self.buffer)? {
                break head;
            }
        };
        let total = head.head_bytes + head.body_bytes;
        while self.buffer.len() < total {
            self.buffer.reserve(total - self.buffer.len());
            if self.link.read_buf(&mut self.buffer).await.map_err(lost)? == 0 {
                return Err(lost(end_of_stream(&self.buffer)));
            }
        }
        if self.buffer.len() > total {
            return Err(ClientError::protocol(format!("{} bytes beyond the answer", self.buffer.len() - total)));
        }
        Ok(head)
    }
}

/// Sends all of a request; `sent` says how much may have arrived, whenever this ends.
pub(crate) async fn send(link: &mut Link, request: &[u8], sent: &mut Sent) -> Result<(), ClientError> {
    let mut rest = request;
    while !rest.is_empty() {
        let failed = |cause| ClientError::Connection { sent: *sent, cause };
        let written = link.write(rest).await.map_err(failed)?;
        *sent = Sent::Possibly;
        rest = rest.get(written..).unwrap_or_default();
    }
    // Of TLS, what was written may still lie here.
    link.flush().await.map_err(|cause| ClientError::Connection { sent: *sent, cause })
}

/// A passed deadline is an I/O error of the kind `TimedOut`.
pub(crate) async fn within<T>(deadline: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(deadline, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// The end of the stream where an answer should go on: before its first byte, or in its midst.
pub(crate) fn end_of_stream(received: &[u8]) -> io::Error {
    let kind = if received.is_empty() { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::ConnectionAborted };
    kind.into()
}
