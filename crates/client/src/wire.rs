//! The heads of HTTP/1.1 answers, parsed strictly and without allocation.
//!
//! Accepted: `HTTP/1.1`, a final status, a content length (none with 204 and 304); of a stream, chunks instead. Refused:
//! other transfer encodings, interim answers, a second content length, folded or malformed header lines, heads beyond
//! [`HEAD_BYTES_MAX`], bodies beyond [`BODY_BYTES_MAX`]. Whatever is refused ends the connection: after it nothing on the
//! wire can be trusted.

/// The longest head of an answer, in bytes: status line and headers. hwan's heads take about 300.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// The longest body of an answer, in bytes. The largest that hwan gives is the metrics page.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What the client needs to know of an answer's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status, 200 to 599.
    pub status: u16,
    /// Bytes of the head, the empty line included: where the body begins.
    pub head_bytes: usize,
    /// Bytes of the body.
    pub body_bytes: usize,
    /// Whether the server closes the connection after this answer.
    pub close: bool,
    /// Whether `Idempotency-Replayed: true` stands in it.
    pub replayed: bool,
    /// `Retry-After`, in seconds.
    pub retry_after_s: Option<u32>,
    /// Whether the body is `application/problem+json`.
    pub problem: bool,
}

/// Why a head is not one that hwan gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// Not `HTTP/1.1 <status>`.
    #[error("malformed status line")]
    StatusLine,
    /// A status that is not final, or none at all.
    #[error("status {0} is not a final one")]
    Status(u16),
    /// A header line without a colon, or with characters that do not belong there.
    #[error("malformed header line")]
    HeaderLine,
    /// A content length that is missing, repeated, not a number, or too large.
    #[error("missing, repeated or too large content length")]
    ContentLength,
    /// A transfer encoding where none belongs: hwan uses one for streams alone, and only chunks.
    #[error("transfer encodings are taken of streams alone, and only chunks")]
    TransferEncoding,
    /// More than [`HEAD_BYTES_MAX`] without an end.
    #[error("head longer than {HEAD_BYTES_MAX} bytes")]
    TooLong,
}

/// How the end of a body may be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// By its length, before it.
    Length,
    /// By its length, or chunk by chunk.
    LengthOrChunks,
}

/// Parses the head at the start of `bytes`; `None` while it is not complete.
pub fn parse_head(bytes: &[u8]) -> Result<Option<Head>, HeadError> {
    parse(bytes, Framing::Length).map(|head| head.map(|(head, _)| head))
}

/// The same for an answer that may be a stream: whether its body comes in chunks stands beside it, and no length then.
pub(crate) fn parse_stream_head(bytes: &[u8]) -> Result<Option<(Head, bool)>, HeadError> {
    parse(bytes, Framing::LengthOrChunks)
}

/// The headers of a whole head, in order, names as they came; the status line is passed over.
pub(crate) fn headers(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let lines = Lines { rest: head.strip_suffix(b"\r\n\r\n").unwrap_or(head) };
    lines.skip(1).filter_map(|line| {
        let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
        Some((name, value.get(1..)?.trim_ascii()))
    })
}

fn parse(bytes: &[u8], framing: Framing) -> Result<Option<(Head, bool)>, HeadError> {
    let searched = bytes.get(..bytes.len().min(HEAD_BYTES_MAX)).unwrap_or(bytes);
    let Some(end) = searched.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if bytes.len() >= HEAD_BYTES_MAX { Err(HeadError::TooLong) } else { Ok(None) };
    };
    let mut lines = Lines { rest: searched.get(..end).unwrap_or_default() };
    let status = status(lines.next().ok_or(HeadError::StatusLine)?)?;
    let mut head = Head {
        status,
        head_bytes: end + 4,
        body_bytes: 0,
        close: false,
        replayed: false,
        retry_after_s: None,
        problem: false,
    };
    let mut length = None;
    let mut chunked = false;
    for line in lines {
        header(line, &mut head, &mut length, &mut chunked)?;
    }
    if chunked && framing == Framing::Length {
        return Err(HeadError::TransferEncoding);
    }
    head.body_bytes = match (length, status) {
        (Some(_), _) if chunked => return Err(HeadError::ContentLength),
        // An answer that says "not modified" may name the length that the body would have had.
        (_, 204 | 304) => 0,
        (Some(length), _) => length,
        (None, _) if chunked => 0,
        (None, _) => return Err(HeadError::ContentLength),
    };
    Ok(Some((head, chunked)))
}

fn status(line: &[u8]) -> Result<u16, HeadError> {
    let rest = line.strip_prefix(b"HTTP/1.1 ").ok_or(HeadError::StatusLine)?;
    let (digits, reason) = rest.split_at_checked(3).ok_or(HeadError::StatusLine)?;
    if !(reason.is_empty() || reason.starts_with(b" ")) {
        return Err(HeadError::StatusLine);
    }
    let status = number(digits).and_then(|status| u16::try_from(status).ok()).ok_or(HeadError::StatusLine)?;
    if (200..600).contains(&status) { Ok(status) } else { Err(HeadError::Status(status)) }
}

fn header(line: &[u8], head: &mut Head, length: &mut Option<usize>, chunked: &mut bool) -> Result<(), HeadError> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or(HeadError::HeaderLine)?;
    let (name, rest) = line.split_at_checked(colon).ok_or(HeadError::HeaderLine)?;
    let value = rest.get(1..).unwrap_or_default().trim_ascii();
    if name.is_empty() || name.iter().any(|byte| !byte.is_ascii_graphic()) {
        return Err(HeadError::HeaderLine);
    }
    // By length first: most headers are passed over without a comparison.
    match name.len() {
        14 if name.eq_ignore_ascii_case(b"content-length") => {
            let bytes = number(value).filter(|bytes| *bytes <= BODY_BYTES_MAX).ok_or(HeadError::ContentLength)?;
            if length.replace(bytes).is_some() {
                return Err(HeadError::ContentLength);
            }
        }
        17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
            let repeated = std::mem::replace(chunked, true);
            if repeated || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(HeadError::TransferEncoding);
            }
        }
        10 if name.eq_ignore_ascii_case(b"connection") => head.close = value.eq_ignore_ascii_case(b"close"),
        20 if name.eq_ignore_ascii_case(b"idempotency-replayed") => head.replayed = value == b"true",
        11 if name.eq_ignore_ascii_case(b"retry-after") => {
            head.retry_after_s = number(value).and_then(|seconds| u32::try_from(seconds).ok());
        }
        12 if name.eq_ignore_ascii_case(b"content-type") => {
            head.problem = value.starts_with(b"application/problem+json");
        }
        _ => {}
    }
    Ok(())
}

/// Digits only, at most nine of them: no sign, no space, no overflow.
fn number(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    digits.iter().try_fold(0_usize, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + usize::from(byte - b'0')) // nine digits: cannot overflow
    })
}

/// Lines of a head, without their ends.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.windows(2).position(|window| window == b"\r\n").unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(2..).unwrap_or_default();
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<Head>, HeadError> {
        parse_head(text.as_bytes())
    }

    #[test]
    fn a_stream_may_come_in_chunks_and_nothing_else_may() {
        let head = |encoding: &str| format!("HTTP/1.1 200 OK\r\ntransfer-encoding: {encoding}\r\n\r\n");
        let (_, chunked) = parse_stream_head(head("chunked").as_bytes()).unwrap().unwrap();
        assert!(chunked);
        assert_eq!(parse_stream_head(head("gzip, chunked").as_bytes()), Err(HeadError::TransferEncoding));
        assert_eq!(parse(&head("chunked")), Err(HeadError::TransferEncoding));
        let both = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n";
        assert_eq!(parse_stream_head(both.as_bytes()), Err(HeadError::ContentLength));
    }

    #[test]
    fn headers_are_listed_as_they_came() {
        let head = b"HTTP/1.1 200 OK\r\nETag: \"3\"\r\nx-empty:\r\n\r\n";
        let listed: Vec<_> = headers(head).collect();
        assert_eq!(listed, [(b"ETag".as_slice(), b"\"3\"".as_slice()), (b"x-empty", b"")]);
    }

    #[test]
    fn a_head_says_what_the_client_needs() {
        let text = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 17\r\nRetry-After: 2\r\n\
                    Content-Type: application/problem+json\r\nconnection: close\r\nIdempotency-Replayed: true\r\n\r\nbody";
        let head = parse(text).unwrap().unwrap();
        assert_eq!((head.status, head.body_bytes, head.head_bytes), (503, 17, text.len() - 4));
        assert_eq!((head.close, head.replayed, head.retry_after_s, head.problem), (true, true, Some(2), true));
    }

    #[test]
    fn an_incomplete_head_is_waited_for_at_every_cut() {
        let text = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        for cut in 0..text.len() {
            assert_eq!(parse_head(&text.as_bytes()[..cut]), Ok(None), "cut at {cut}");
        }
        assert!(parse(text).unwrap().is_some());
    }

    #[test]
    fn what_hwan_never_sends_is_refused() {
        let cases = [
            ("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", HeadError::StatusLine),
            ("HTTP/1.1 2x0 OK\r\ncontent-length: 0\r\n\r\n", HeadError::StatusLine),
            ("HTTP/1.1 2000\r\ncontent-length: 0\r\n\r\n", HeadError::StatusLine),
            ("HTTP/1.1 100 Continue\r\n\r\n", HeadError::Status(100)),
            ("HTTP/1.1 200 OK\r\n\r\n", HeadError::ContentLength),
            ("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", HeadError::ContentLength),
            ("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n", HeadError::ContentLength),
            ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n", HeadError::ContentLength),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", HeadError::TransferEncoding),
            ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", HeadError::HeaderLine),
            ("HTTP/1.1 200 OK\r\n folded: 1\r\n\r\n", HeadError::HeaderLine),
        ];
        for (text, error) in cases {
            assert_eq!(parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn an_endless_head_is_refused() {
        assert_eq!(parse_head(&[b'a'; HEAD_BYTES_MAX]), Err(HeadError::TooLong));
    }

    #[test]
    fn an_answer_without_content_needs_no_length() {
        assert_eq!(parse("HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap().body_bytes, 0);
        assert_eq!(parse("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n").unwrap().unwrap().body_bytes, 0);
    }
}
