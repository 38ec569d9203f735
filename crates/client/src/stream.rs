//! Rates as they change: server-sent events, read from a connection of their own.
//!
//! First comes the state of every pair, then each change. The server says something every 15 s, if only a comment;
//! [`SILENCE_MAX`] without a byte ends the stream with `TimedOut`. Bounds: lines and events of at most
//! [`EVENT_BYTES_MAX`]. A stream that ended, for whatever reason, is opened anew: it begins with the state again, so
//! nothing is missed but what was overtaken.

use std::{io, time::Duration};

use tokio::{io::AsyncReadExt, time::timeout};

use crate::{
    Client, ClientError, Rate, Request, Sent,
    connection::{end_of_stream, send, within},
    error,
    link::Link,
    wire,
};

/// How long a stream may be silent: three heartbeats of the server.
pub const SILENCE_MAX: Duration = Duration::from_secs(45);
/// The longest event, in bytes; a rate takes about 300.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;

/// A rate that changed, or stood when the stream was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateEvent {
    /// The seq of the system lane at which it stands.
    pub seq: u64,
    /// The rate.
    pub rate: Rate,
}

/// An open stream of rates.
#[derive(Debug)]
pub struct RateStream {
    link: Link,
    body: Body,
    events: Events,
}

impl RateStream {
    /// The next event; nothing once the server has ended the stream.
    pub async fn next_event(&mut self) -> Result<Option<RateEvent>, ClientError> {
        loop {
            while let Some(event) = self.events.next()? {
                if event.name == "rate" {
                    return rate_event(&event).map(Some);
                }
            }
            if self.body.ended {
                return Ok(None);
            }
            let mut bytes = [0_u8; 4096];
            let read = within(SILENCE_MAX, self.link.read(&mut bytes)).await.map_err(lost)?;
            if read == 0 {
                return Err(lost(io::ErrorKind::ConnectionAborted.into()));
            }
            self.body.take(bytes.get(..read).unwrap_or_default(), &mut self.events)?;
        }
    }
}

fn rate_event(event: &Event) -> Result<RateEvent, ClientError> {
    let malformed = |what: &dyn std::fmt::Display| ClientError::protocol(format!("malformed rate event: {what}"));
    let seq = event.id.parse().map_err(|error| malformed(&error))?;
    Ok(RateEvent { seq, rate: serde_json::from_str(&event.data).map_err(|error| malformed(&error))? })
}

fn lost(cause: io::Error) -> ClientError {
    ClientError::Connection { sent: Sent::Possibly, cause }
}

impl Client {
    /// Opens a stream of rates. It takes no part in the pool, and may be dropped at any time.
    pub async fn rate_stream(&self) -> Result<RateStream, ClientError> {
        let request = Request::get("/v1/rates/stream").with_header("Accept", "text/event-stream");
        let prepared = request.prepare_with(self.server(), self.headers())?;
        let mut sent = Sent::Nothing;
        let opening = async {
            let mut link = Link::open(self.server()).await.map_err(ClientError::unsent)?;
            send(&mut link, prepared.as_bytes(), &mut sent).await?;
            answered(link).await
        };
        match timeout(self.deadline(), opening).await {
            Ok(opened) => opened,
            Err(_) => Err(ClientError::Connection { sent, cause: io::ErrorKind::TimedOut.into() }),
        }
    }
}

/// Reads the head: a stream, or a problem.
async fn answered(mut link: Link) -> Result<RateStream, ClientError> {
    let mut buffer = Vec::with_capacity(4096);
    let mut more = async |buffer: &mut Vec<u8>| match link.read_buf(buffer).await {
        Ok(0) => Err(lost(end_of_stream(buffer))),
        Ok(_) => Ok(()),
        Err(error) => Err(lost(error)),
    };
    let (head, chunked) = loop {
        more(&mut buffer).await?;
        if let Some(head) = wire::parse_stream_head(&buffer)? {
            break head;
        }
    };
    if head.status == 200 && chunked {
        let (mut body, mut events) = (Body::default(), Events::default());
        body.take(buffer.get(head.head_bytes..).unwrap_or_default(), &mut events)?;
        return Ok(RateStream { link, body, events });
    }
    if head.status < 400 || chunked {
        return Err(ClientError::protocol(format!("status {} where a stream was asked for", head.status)));
    }
    while buffer.len() < head.head_bytes + head.body_bytes {
        more(&mut buffer).await?;
    }
    let body = buffer.get(head.head_bytes..).unwrap_or_default();
    Err(error::problem(head.status, head.retry_after_s, body))
}

/// Takes chunks apart (RFC 9112, section 7.1): extensions and trailers are passed over.
#[derive(Debug, Default)]
struct Body {
    at: At,
    line: Vec<u8>,
    ended: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum At {
    /// In the line that says how long the chunk is.
    #[default]
    Size,
    /// In a chunk, so many bytes before its end.
    Chunk(usize),
    /// In the empty line after a chunk.
    After,
    /// In the trailer.
    Trailer,
}

impl Body {
    fn take(&mut self, mut bytes: &[u8], events: &mut Events) -> Result<(), ClientError> {
        while !bytes.is_empty() && !self.ended {
            if let At::Chunk(left) = self.at {
                let (data, rest) = bytes.split_at(left.min(bytes.len()));
                events.take(data)?;
                bytes = rest;
                self.at = if left > data.len() { At::Chunk(left - data.len()) } else { At::After };
                continue;
            }
            let Some((byte, rest)) = bytes.split_first() else { break };
            bytes = rest;
            if *byte != b'\n' {
                self.line.push(*byte);
                if self.line.len() > wire::HEAD_BYTES_MAX {
                    return Err(ClientError::protocol("a line between chunks is too long"));
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = line.strip_suffix(b"\r").ok_or_else(|| ClientError::protocol("a malformed chunk"))?;
            self.at = match self.at {
                At::Size => match size(line)? {
                    0 => At::Trailer,
                    size => At::Chunk(size),
                },
                At::After if line.is_empty() => At::Size,
                At::After => return Err(ClientError::protocol("a chunk that is longer than it says")),
                At::Trailer => {
                    self.ended = line.is_empty();
                    At::Trailer
                }
                At::Chunk(left) => At::Chunk(left), // handled above
            };
        }
        Ok(())
    }
}

fn size(line: &[u8]) -> Result<usize, ClientError> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|digits| usize::from_str_radix(digits, 16).ok())
        .ok_or_else(|| ClientError::protocol("a malformed chunk size"))
}

/// An event as it came.
#[derive(Debug, Default, PartialEq, Eq)]
struct Event {
    name: String,
    id: String,
    data: String,
}

/// Takes the text of a stream apart into events; comments and unknown fields are passed over.
#[derive(Debug, Default)]
struct Events {
    pending: Vec<u8>,
    event: Event,
}

impl Events {
    fn take(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.pending.extend_from_slice(bytes);
        let line = self.pending.iter().rev().position(|byte| *byte == b'\n').unwrap_or(self.pending.len());
        if line > EVENT_BYTES_MAX {
            return Err(ClientError::protocol("a line of the stream is too long"));
        }
        Ok(())
    }

    /// The next whole event.
    fn next(&mut self) -> Result<Option<Event>, ClientError> {
        while let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            let line = std::str::from_utf8(&line).map_err(|_| ClientError::protocol("a stream that is not utf-8"))?;
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                if !event.data.is_empty() {
                    return Ok(Some(event));
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut self.event.name),
                "id" => value.clone_into(&mut self.event.id),
                "data" => {
                    if !self.event.data.is_empty() {
                        self.event.data.push('\n');
                    }
                    self.event.data.push_str(value);
                    if self.event.data.len() > EVENT_BYTES_MAX {
                        return Err(ClientError::protocol("an event of the stream is too long"));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "event: rate\nid: 7\ndata: {\"a\":1}\n\n: still here\n\nevent: other\ndata: x\ndata: y\n\n";

    fn chunks(text: &str, size: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for chunk in text.as_bytes().chunks(size) {
            bytes.extend_from_slice(format!("{:x};ext=1\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\nTrailer: 1\r\n\r\n");
        bytes
    }

    #[test]
    fn events_are_put_together_however_they_are_cut() {
        for (chunk, piece) in [(1, 1), (7, 3), (1_000, 2), (5, 10_000)] {
            let (mut body, mut events) = (Body::default(), Events::default());
            for piece in chunks(STREAM, chunk).chunks(piece) {
                body.take(piece, &mut events).unwrap();
            }
            assert!(body.ended);
            let first = events.next().unwrap().unwrap();
            assert_eq!((first.name.as_str(), first.id.as_str(), first.data.as_str()), ("rate", "7", "{\"a\":1}"));
            assert_eq!(events.next().unwrap().unwrap().data, "x\ny");
            assert_eq!(events.next().unwrap(), None);
        }
    }

    #[test]
    fn what_is_not_chunked_rightly_is_refused() {
        for bad in ["x\r\n", "1\n", "1\r\nab\r\n", "fffffffff\r\n", "-1\r\n"] {
            let taken = Body::default().take(bad.as_bytes(), &mut Events::default());
            assert!(taken.is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_endless_line_is_refused() {
        assert!(Events::default().take(&[b'a'; EVENT_BYTES_MAX + 1]).is_err());
    }
}
