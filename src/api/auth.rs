//! The bearer token: who may call `/v1`.
//!
//! One token so far, 256 bits in a file of mode 0600, created at the first start. It is compared in constant time, and
//! before anything of the body is read.

use std::{
    future::{Ready, ready},
    path::Path,
    rc::Rc,
};

use actix_web::{
    Error,
    body::BoxBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::header::{AUTHORIZATION, HeaderMap},
    web,
};
use futures_util::future::Either;
use subtle::ConstantTimeEq;

use super::{
    context::Context,
    problem::{ApiCode, Problem},
};
use crate::secret_file::{self, SecretFileError};

/// The secret that a caller proves itself with.
#[derive(Clone)]
pub struct Token(Box<str>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// What it holds is too short to be a secret.
    #[error("{0} holds no token of at least 43 characters without spaces: remove it and start again to create one")]
    Weak(String),
}

impl Token {
    /// Reads the token at `path`; at the first start it creates one.
    pub fn open(path: &Path) -> Result<Self, TokenFileError> {
        let text = secret_file::read_or_create(path, || secret_file::random_text(path))?;
        let token = text.trim_ascii();
        if token.len() < 43 || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenFileError::Weak(path.display().to_string()));
        }
        Ok(Self(token.into()))
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
        let Some((scheme, given)) = given.split_at_checked("Bearer ".len()) else { return false };
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(given.ct_eq(self.0.as_bytes()))
    }
}

/// Lets requests with the token through, answers 401 to all others.
pub(super) struct RequireToken;

impl<S> Transform<S, ServiceRequest> for RequireToken
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = TokenGate<S>;
    type InitError = ();
    type Future = Ready<Result<TokenGate<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(TokenGate { service: Rc::new(service) }))
    }
}

/// The gate before `/v1`.
pub(super) struct TokenGate<S> {
    service: Rc<S>,
}

impl<S> Service<ServiceRequest> for TokenGate<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Either<Ready<Result<ServiceResponse<BoxBody>, Error>>, S::Future>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let admitted =
            request.app_data::<web::Data<Context>>().is_some_and(|context| context.token.admits(request.headers()));
        if admitted {
            return Either::Right(self.service.call(request));
        }
        let detail = "send Authorization: Bearer with the token that the start-up banner names";
        let problem = Problem::new(ApiCode::Unauthorized, detail);
        Either::Left(ready(Ok(request.error_response(problem))))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn only_the_whole_token_is_admitted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let token = Token::open(&path).unwrap();
        assert_eq!(token.0.len(), 43);
        assert_eq!(Token::open(&path).unwrap().0, token.0);
        let admits = |value: String| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::try_from(value).unwrap());
            token.admits(&headers)
        };
        assert!(admits(format!("Bearer {}", token.0)));
        assert!(admits(format!("bearer {}", token.0)));
        for bad in [
            String::new(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            token.0.to_string(),
            format!("Basic {}", token.0),
            format!("Bearer  {}", token.0),
            format!("Bearer {}x", token.0),
            format!("Bearer {}", &token.0[1..]),
        ] {
            assert!(!admits(bad.clone()), "{bad}");
        }
        assert!(!token.admits(&HeaderMap::new()));
    }

    #[test]
    fn a_weak_token_is_refused_at_start() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        secret_file::replace(&path, "secret\n").unwrap();
        assert!(Token::open(&path).unwrap_err().to_string().contains("remove it"));
    }
}
