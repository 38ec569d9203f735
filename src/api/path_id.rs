//! The id in a path. A text that is no id of the kind names nothing: 404, like an id that nothing has.

use std::{
    fmt,
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use hwan_domain::{
    id::{AccountId, CoverId, CustomerId, ExchangeId, ReversalId, TransactionId},
    reconciliation::RunId,
    rejection::Code,
    round::RoundId,
};

use super::{
    ledger::journal_id::JournalId,
    problem::{ApiCode, Problem},
};

/// What a path can name.
pub(super) trait Named: FromStr<Err: fmt::Display> {
    /// That there is none.
    fn not_found(detail: String) -> Problem;
}

impl Named for CustomerId {
    fn not_found(detail: String) -> Problem {
        Problem::rejected(Code::CustomerNotFound, detail)
    }
}

impl Named for AccountId {
    fn not_found(detail: String) -> Problem {
        Problem::rejected(Code::AccountNotFound, detail)
    }
}

impl Named for RoundId {
    fn not_found(detail: String) -> Problem {
        Problem::rejected(Code::RoundNotFound, detail)
    }
}

impl Named for ExchangeId {
    fn not_found(detail: String) -> Problem {
        Problem::rejected(Code::ExchangeNotFound, detail)
    }
}

impl Named for ReversalId {
    fn not_found(detail: String) -> Problem {
        Problem::new(ApiCode::ReversalNotFound, detail)
    }
}

impl Named for CoverId {
    fn not_found(detail: String) -> Problem {
        Problem::new(ApiCode::CoverNotFound, detail)
    }
}

impl Named for JournalId {
    fn not_found(detail: String) -> Problem {
        Problem::new(ApiCode::JournalNotFound, detail)
    }
}

impl Named for RunId {
    fn not_found(detail: String) -> Problem {
        Problem::new(ApiCode::ReconciliationNotFound, detail)
    }
}

impl Named for TransactionId {
    fn not_found(detail: String) -> Problem {
        Problem::new(ApiCode::TransactionNotFound, detail)
    }
}

/// The `{id}` of a path.
#[derive(Debug)]
pub(super) struct PathId<T>(pub(super) T);

impl<T: Named + fmt::Display> PathId<T> {
    /// That nothing has this id.
    pub(super) fn not_found(&self) -> Problem {
        T::not_found(format!("nothing has the id {}", self.0))
    }
}

impl<T: Named + 'static> FromRequest for PathId<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().get("id").unwrap_or_default();
        ready(text.parse().map(Self).map_err(|error: T::Err| T::not_found(error.to_string())))
    }
}
