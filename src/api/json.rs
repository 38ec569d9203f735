//! A request's body: its type, size, time and bytes, and the strict reading of it.

use std::time::Duration;

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap},
    web::{self, Bytes, BytesMut},
};
use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture};
use hwan_domain::record::RequestDigest;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    context::Context,
    problem::{ApiCode, Problem},
    wire::Object,
};

/// What a body may take.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// The most bytes.
    pub bytes_max: usize,
    /// The longest time to arrive.
    pub timeout: Duration,
}

/// A whole body of type `application/json`, not read yet.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Bytes,
    /// The fingerprint of the request: of its method, path and bytes.
    pub(super) digest: RequestDigest,
}

impl Body {
    /// Reads the object strictly: unknown and repeated fields are refused.
    pub(super) fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Problem> {
        read(&self.bytes)
    }
}

/// Reads an object strictly: unknown and repeated fields are refused.
pub(super) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    let malformed = |detail: String| Problem::new(ApiCode::MalformedBody, detail);
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(malformed("the body begins with a byte order mark: leave it out".to_owned()));
    }
    let Object(value) = serde_json::from_slice::<Object<T>>(bytes).map_err(|error| malformed(error.to_string()))?;
    Ok(value)
}

/// The fingerprint of a request.
pub(super) fn digest(method: &str, path: &str, body: &[u8]) -> RequestDigest {
    let mut hasher = Sha256::new();
    for part in [method.as_bytes(), b" ", path.as_bytes(), b"\n", body] {
        hasher.update(part);
    }
    let mut digest = [0; 16];
    for (slot, byte) in digest.iter_mut().zip(hasher.finalize()) {
        *slot = byte;
    }
    RequestDigest(digest)
}

/// The most bytes that a resource takes, where it is not what most take.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyBytesMax(pub(super) usize);

impl FromRequest for Body {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let limits = request.app_data::<web::Data<Context>>().map(|context| context.body);
            // Without a context nothing is served; the smallest limits then.
            let mut limits = limits.unwrap_or(BodyLimits { bytes_max: 0, timeout: Duration::ZERO });
            if let Some(own) = request.app_data::<BodyBytesMax>() {
                limits.bytes_max = own.0;
            }
            check_headers(request.headers(), limits)?;
            let bytes = receive(payload, limits).await?;
            let digest = digest(request.method().as_str(), request.path(), &bytes);
            Ok(Body { bytes, digest })
        })
    }
}

fn check_headers(headers: &HeaderMap, limits: BodyLimits) -> Result<(), Problem> {
    let media_type = || Problem::new(ApiCode::MediaType, "send the header Content-Type: application/json");
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).ok_or_else(media_type)?;
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !essence.trim_ascii().eq_ignore_ascii_case("application/json") {
        return Err(media_type());
    }
    let charset = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim_ascii().eq_ignore_ascii_case("charset"));
    if charset.is_some_and(|(_, charset)| !charset.trim_ascii().trim_matches('"').eq_ignore_ascii_case("utf-8")) {
        return Err(Problem::new(ApiCode::MalformedBody, "JSON is UTF-8: leave the charset out"));
    }
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Problem::new(ApiCode::MediaType, "send the body without Content-Encoding"));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limits.bytes_max)) {
        return Err(too_large(limits));
    }
    Ok(())
}

/// The body is there in one piece for nearly every request: no timer and no copy then.
async fn receive(mut payload: Payload, limits: BodyLimits) -> Result<Bytes, Problem> {
    let Some(first) = payload.next().now_or_never() else {
        return receive_slowly(payload, BytesMut::new(), limits).await;
    };
    let Some(first) = first else { return Ok(Bytes::new()) };
    let first = piece(first)?;
    if first.len() > limits.bytes_max {
        return Err(too_large(limits));
    }
    match payload.next().now_or_never() {
        Some(None) => Ok(first),
        Some(Some(second)) => {
            let mut bytes = BytesMut::from(first);
            append(&mut bytes, piece(second)?, limits)?;
            receive_slowly(payload, bytes, limits).await
        }
        None => receive_slowly(payload, BytesMut::from(first), limits).await,
    }
}

async fn receive_slowly(mut payload: Payload, mut bytes: BytesMut, limits: BodyLimits) -> Result<Bytes, Problem> {
    let rest = async {
        while let Some(next) = payload.next().await {
            append(&mut bytes, piece(next)?, limits)?;
        }
        Ok(())
    };
    match tokio::time::timeout(limits.timeout, rest).await {
        Ok(received) => received.map(|()| bytes.freeze()),
        Err(_) => {
            let detail = format!("the body did not arrive within {} ms", limits.timeout.as_millis());
            Err(Problem::new(ApiCode::RequestTimeout, detail).closing())
        }
    }
}

fn append(bytes: &mut BytesMut, next: Bytes, limits: BodyLimits) -> Result<(), Problem> {
    if bytes.len().saturating_add(next.len()) > limits.bytes_max {
        return Err(too_large(limits));
    }
    bytes.extend_from_slice(&next);
    Ok(())
}

fn piece(piece: Result<Bytes, PayloadError>) -> Result<Bytes, Problem> {
    piece.map_err(|error| Problem::new(ApiCode::MalformedBody, error.to_string()).closing())
}

fn too_large(limits: BodyLimits) -> Problem {
    Problem::new(ApiCode::BodyTooLarge, format!("a body has at most {} bytes", limits.bytes_max)).closing()
}
