//! Answers: typed, raw, and page by page.

use std::marker::PhantomData;

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    client::Client,
    connection::Reply,
    error::{self, ClientError, Problem},
    request::Request,
};

/// An answer: typed, and as it came.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// What it says.
    pub value: T,
    /// The status, below 400.
    pub status: u16,
    /// Whether it repeats the answer to an earlier request with the same key.
    pub replayed: bool,
    /// The version of what was read, quotes included: for `If-Match` and `If-None-Match`.
    pub etag: Option<String>,
    /// The server's name for the request.
    pub request_id: Option<String>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl Answer<()> {
    pub(crate) fn of(reply: &Reply<'_>) -> Self {
        Self {
            value: (),
            status: reply.status,
            replayed: reply.replayed,
            etag: reply.header("etag").map(str::to_owned),
            request_id: reply.header("x-request-id").map(str::to_owned),
            body: reply.body.to_vec(),
        }
    }

    pub(crate) fn typed<T: DeserializeOwned>(self) -> Result<Answer<T>, ClientError> {
        let value = serde_json::from_slice(&self.body).map_err(|error| {
            ClientError::protocol(format!("status {} with a body of another form: {error}", self.status))
        })?;
        Ok(self.with(value))
    }

    fn with<T>(self, value: T) -> Answer<T> {
        let Self { value: (), status, replayed, etag, request_id, body } = self;
        Answer { value, status, replayed, etag, request_id, body }
    }
}

/// An answer of any status, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawAnswer {
    /// The status.
    pub status: u16,
    /// The headers in order; names in lower case, values as text, bytes that are none replaced.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl RawAnswer {
    pub(crate) fn of(reply: &Reply<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = reply.headers().map(|(name, value)| (text(name).to_ascii_lowercase(), text(value))).collect();
        Self { status: reply.status, headers, body: reply.body.to_vec() }
    }

    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| ClientError::protocol(format!("status {} without such json: {error}", self.status)))
    }

    /// The problem, where it is one.
    pub fn problem(&self) -> Option<Problem> {
        let retry_after_s = self.header("retry-after").and_then(|seconds| seconds.parse().ok());
        match error::problem(self.status, retry_after_s, &self.body) {
            ClientError::Problem(problem) if self.status >= 400 => Some(*problem),
            _ => None,
        }
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the list goes on; nothing at its end.
    pub next_cursor: Option<String>,
}

/// A list, page by page: [`Pages::next_page`] until there is none.
#[derive(Debug)]
pub struct Pages<T> {
    client: Client,
    request: Request,
    next: Next,
    items: PhantomData<fn() -> T>,
}

#[derive(Debug)]
enum Next {
    First,
    At(String),
    Nothing,
}

impl<T: DeserializeOwned> Pages<T> {
    /// Of a request that may have every parameter but the cursor.
    pub(crate) fn of(client: &Client, request: Request) -> Self {
        Self { client: client.clone(), request, next: Next::First, items: PhantomData }
    }

    /// The next page; nothing after the last. After an error the same page is asked for again.
    pub async fn next_page(&mut self) -> Result<Option<Vec<T>>, ClientError> {
        let request = match &self.next {
            Next::First => self.request.clone(),
            Next::At(cursor) => self.request.clone().with_query("cursor", cursor),
            Next::Nothing => return Ok(None),
        };
        let page = self.client.typed::<Page<T>>(&request).await?.value;
        self.next = page.next_cursor.map_or(Next::Nothing, Next::At);
        Ok(Some(page.items))
    }

    /// Where it goes on: a cursor to be kept and given to [`Pages::from_cursor`] later.
    pub fn cursor(&self) -> Option<&str> {
        match &self.next {
            Next::At(cursor) => Some(cursor),
            Next::First | Next::Nothing => None,
        }
    }

    /// Goes on where another one was.
    #[must_use]
    pub fn from_cursor(mut self, cursor: &str) -> Self {
        self.next = Next::At(cursor.to_owned());
        self
    }

    /// All that is left, as long as it is at most `items_max`.
    pub async fn all(mut self, items_max: usize) -> Result<Vec<T>, ClientError> {
        let mut all = Vec::new();
        while let Some(items) = self.next_page().await? {
            all.extend(items);
            if all.len() > items_max {
                return Err(ClientError::protocol(format!("the list has more than {items_max} items")));
            }
        }
        Ok(all)
    }
}

/// Which part of a list by time: `from` ≤ time < `to`, both RFC 3339; all of it by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The earliest.
    pub from: Option<String>,
    /// The first that is too late.
    pub to: Option<String>,
    /// Items in a page, 1 to 1,000; the server's default without.
    pub limit: Option<u16>,
}

impl Span {
    pub(crate) fn of(&self, request: Request) -> Request {
        let request = with_optional(request, "from", self.from.as_deref());
        with_limit(with_optional(request, "to", self.to.as_deref()), self.limit)
    }
}

pub(crate) fn with_limit(request: Request, limit: Option<u16>) -> Request {
    with_optional(request, "limit", limit.map(|limit| limit.to_string()).as_deref())
}

pub(crate) fn with_optional(request: Request, name: &str, value: Option<&str>) -> Request {
    match value {
        Some(value) => request.with_query(name, value),
        None => request,
    }
}
