//! The codes of all refusals: the API's own, and the status of each business rejection.
//!
//! Each code has one status, one title and one answer to "may I send the same request, with the same key, again?".
//! `docs/rejections.md` lists all of them; a test keeps it equal.

use actix_web::http::StatusCode;
use hwan_domain::rejection::Code;

/// Retry-After where the state passes by itself, in seconds.
const SOON_SECONDS: u64 = 1;
/// Retry-After where an operator has to act, in seconds.
const OPERATOR_SECONDS: u64 = 30;
macro_rules! api_codes {
    ($($name:ident = $text:literal, $status:ident, $retry:expr, $title:literal;)*) => {
        /// What the API itself refuses; the business rejections are the domain's [`Code`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ApiCode { $(#[doc = $title] $name,)* }

        impl ApiCode {
            /// All codes.
            pub const ALL: &'static [ApiCode] = &[$(ApiCode::$name,)*];

            /// The stable text.
            pub const fn as_str(self) -> &'static str {
                match self { $(ApiCode::$name => $text,)* }
            }

            pub(super) const fn status(self) -> StatusCode {
                match self { $(ApiCode::$name => StatusCode::$status,)* }
            }

            /// After how many seconds the same request may be sent again; `None`: not at all.
            pub(super) const fn retry_after(self) -> Option<u64> {
                match self { $(ApiCode::$name => $retry,)* }
            }

            pub(super) const fn title(self) -> &'static str {
                match self { $(ApiCode::$name => $title,)* }
            }
        }
    };
}

api_codes! {
    MalformedBody = "malformed_body", BAD_REQUEST, None, "The body cannot be read";
    MalformedAmount = "malformed_amount", BAD_REQUEST, None, "The amount is not a decimal text";
    AmountScale = "amount_scale", BAD_REQUEST, None, "The amount has not the decimals of its currency";
    MalformedNumber = "malformed_number", BAD_REQUEST, None, "The number is not a decimal text";
    MalformedId = "malformed_id", BAD_REQUEST, None, "The id has another shape";
    MalformedTime = "malformed_time", BAD_REQUEST, None, "The time is not RFC 3339";
    OutOfRange = "out_of_range", BAD_REQUEST, None, "The value is out of its range";
    UnknownCurrency = "unknown_currency", BAD_REQUEST, None, "The bank does not deal in this currency";
    CurrencyMismatch = "currency_mismatch", BAD_REQUEST, None, "The amount is in another currency";
    UnknownCheck = "unknown_check", BAD_REQUEST, None, "There is no such check for this subject";
    KeyMissing = "idempotency_key_missing", BAD_REQUEST, None, "The idempotency key is missing";
    KeyMalformed = "idempotency_key_malformed", BAD_REQUEST, None, "The idempotency key is malformed";
    UnknownParameter = "unknown_parameter", BAD_REQUEST, None, "The list has no such parameter";
    MalformedCursor = "malformed_cursor", BAD_REQUEST, None, "The cursor is none of this list";
    Unauthorized = "unauthorized", UNAUTHORIZED, None, "The credential is missing or wrong";
    Forbidden = "forbidden", FORBIDDEN, None, "The caller may not do this";
    NotFound = "not_found", NOT_FOUND, None, "There is no such route";
    CurrencyNotFound = "currency_not_found", NOT_FOUND, None, "There is no such pair";
    TransactionNotFound = "transaction_not_found", NOT_FOUND, None, "There is no such transaction";
    ReversalNotFound = "reversal_not_found", NOT_FOUND, None, "There is no such reversal";
    CoverNotFound = "cover_not_found", NOT_FOUND, None, "There is no such cover trade";
    JournalNotFound = "journal_not_found", NOT_FOUND, None, "There is no such journal";
    ClosingNotFound = "closing_not_found", NOT_FOUND, None, "There is no such closing";
    ReconciliationNotFound = "reconciliation_not_found", NOT_FOUND, None, "There is no such reconciliation";
    LedgerOff = "ledger_off", NOT_FOUND, None, "This server keeps no books";
    AlertNotFound = "alert_not_found", NOT_FOUND, None, "There is no such alert";
    WatchOff = "watch_off", NOT_FOUND, None, "Nobody watches here";
    KeyNotFound = "idempotency_key_not_found", NOT_FOUND, None, "No request with this key took effect";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, None, "The route has no such method";
    AlertResolved = "alert_resolved", CONFLICT, None, "The alert is resolved";
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, Some(SOON_SECONDS), "The request came too slowly";
    DayNotOver = "day_not_over", CONFLICT, None, "The business date cannot be closed yet";
    ReconciliationRunning = "reconciliation_running", CONFLICT, None, "A reconciliation is being done";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, None, "The body is too large";
    MediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, None, "The body is not application/json";
    HostNotAllowed = "host_not_allowed", MISDIRECTED_REQUEST, None, "The server is not known by this name";
    KeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, None, "The idempotency key was used with another request";
    KeyExpired = "idempotency_key_expired", UNPROCESSABLE_ENTITY, None, "The idempotency key is too old";
    KeyFromFuture = "idempotency_key_from_future", UNPROCESSABLE_ENTITY, None, "The idempotency key is ahead of time";
    QuoteInvalid = "quote_invalid", UNPROCESSABLE_ENTITY, None, "The quote is not one of this bank's";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, Some(SOON_SECONDS), "The caller asks too much";
    InFlightOfCustomer = "in_flight_of_customer", TOO_MANY_REQUESTS, Some(SOON_SECONDS), "Too much of this customer is in flight";
    StreamsFull = "streams_full", SERVICE_UNAVAILABLE, Some(OPERATOR_SECONDS), "Too many streams are open";
    InFlight = "in_flight", SERVICE_UNAVAILABLE, Some(SOON_SECONDS), "Too much is in flight";
    OutboxBacklog = "outbox_backlog", SERVICE_UNAVAILABLE, Some(OPERATOR_SECONDS), "Too many records wait to leave the engine";
    ProjectionLag = "projection_lag", SERVICE_UNAVAILABLE, Some(SOON_SECONDS), "The projections are too far behind";
    LaneClosed = "lane_closed", SERVICE_UNAVAILABLE, Some(SOON_SECONDS), "Not done: the lane is not open";
    LaneStopped = "lane_stopped", SERVICE_UNAVAILABLE, Some(OPERATOR_SECONDS), "Not done: the lane is stopped";
    CommitFailed = "commit_failed", SERVICE_UNAVAILABLE, Some(SOON_SECONDS), "Not done: the commit failed";
    DeadlinePassed = "deadline_passed", SERVICE_UNAVAILABLE, Some(SOON_SECONDS), "Not done: the deadline passed";
    Stopping = "stopping", SERVICE_UNAVAILABLE, Some(SOON_SECONDS), "Not done: the engine is stopping";
    LedgerUnavailable = "ledger_unavailable", SERVICE_UNAVAILABLE, Some(SOON_SECONDS), "The books cannot be read";
    LedgerDamaged = "ledger_damaged", SERVICE_UNAVAILABLE, Some(OPERATOR_SECONDS), "The books are damaged";
    StatementBroken = "statement_broken", SERVICE_UNAVAILABLE, Some(OPERATOR_SECONDS), "The statement does not add up";
    AlertsUnavailable = "alerts_unavailable", SERVICE_UNAVAILABLE, Some(SOON_SECONDS), "Alerts cannot be read or decided";
    OutcomeUnknown = "outcome_unknown", SERVICE_UNAVAILABLE, Some(SOON_SECONDS), "The outcome is not known yet";
}

/// The status of a business rejection. Without a wildcard: a new code has to be placed here.
pub(super) const fn status_of(code: Code) -> StatusCode {
    match code {
        Code::CustomerNotFound
        | Code::AccountNotFound
        | Code::RoundNotFound
        | Code::PairNotFound
        | Code::ExchangeNotFound => StatusCode::NOT_FOUND,
        Code::AccountClosed
        | Code::AccidentReported
        | Code::Deceased
        | Code::Dormant
        | Code::Suspended
        | Code::Seized
        | Code::PaymentStopped
        | Code::FraudReported
        | Code::Pledged
        | Code::LimitedAccount
        | Code::Minor
        | Code::KycExpired
        | Code::CredentialLocked
        | Code::Bankrupt
        | Code::Sanctioned
        | Code::PairHalted => StatusCode::LOCKED,
        Code::QuoteExpired => StatusCode::GONE,
        Code::FactInvalid
        | Code::FactsFull
        | Code::BusinessDateTooFar
        | Code::AsOfInFuture
        | Code::AsOfBeforeOpening
        | Code::RoundInvalid
        | Code::CoverInvalid
        | Code::AmountTooSmall
        | Code::AmountTooLarge
        | Code::WonAmountNotExact
        | Code::SameAccount
        | Code::LanesDiffer
        | Code::RateUnavailable
        | Code::RoundVoided
        | Code::QuoteUsed
        | Code::RateWorse
        | Code::LimitDaily
        | Code::LimitMonthly
        | Code::HoldingLimit
        | Code::InsufficientBalance
        | Code::InterestNotOffered => StatusCode::UNPROCESSABLE_ENTITY,
        Code::AccountExists
        | Code::AccountNotEmpty
        | Code::AlreadyReversed
        | Code::HaltRefused
        | Code::NothingAccrued => StatusCode::CONFLICT,
        Code::VersionMismatch => StatusCode::PRECONDITION_FAILED,
    }
}

/// The code of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProblemCode {
    Rejected(Code),
    Api(ApiCode),
}

impl ProblemCode {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            ProblemCode::Rejected(code) => code.as_str(),
            ProblemCode::Api(code) => code.as_str(),
        }
    }

    pub(super) const fn status(self) -> StatusCode {
        match self {
            ProblemCode::Rejected(code) => status_of(code),
            ProblemCode::Api(code) => code.status(),
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            ProblemCode::Rejected(code) => code.meaning(),
            ProblemCode::Api(code) => code.title(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_text_and_an_error_status() {
        let mut texts: Vec<_> = ApiCode::ALL.iter().map(|code| code.as_str()).collect();
        texts.extend(Code::ALL.iter().map(|code| code.as_str()));
        for code in ApiCode::ALL {
            assert!(code.status().as_u16() >= 400, "{code:?}");
            assert!(code.status().as_u16() < 500 || code.retry_after().is_some(), "{code:?} may be retried");
        }
        for code in Code::ALL {
            assert!(status_of(*code).is_client_error(), "{code}");
        }
        let count = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), count);
    }

    /// The cells of the page's tables whose rows begin with a status.
    fn rows_by_status() -> Vec<Vec<&'static str>> {
        let page = include_str!("../../docs/rejections.md");
        let cells = |row: &'static str| row.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>();
        page.lines().map(cells).filter(|row| row[0].parse::<u16>().is_ok()).collect()
    }

    #[test]
    fn the_page_gives_every_code_its_status_and_says_whether_to_retry() {
        let of_the_api: Vec<String> = ApiCode::ALL
            .iter()
            .map(|code| {
                let retry = code.retry_after().map_or("no".to_owned(), |seconds| format!("after {seconds} s"));
                format!("{} `{}` {retry}", code.status().as_u16(), code.as_str())
            })
            .collect();
        let rows = rows_by_status();
        let listed: Vec<String> = rows.iter().filter(|row| row.len() == 5).map(|row| row[..3].join(" ")).collect();
        assert_eq!(listed, of_the_api);

        let mut of_the_domain: Vec<String> =
            Code::ALL.iter().map(|code| format!("{} `{code}`", status_of(*code).as_u16())).collect();
        let mut listed: Vec<String> = rows
            .iter()
            .filter(|row| row.len() == 2)
            .flat_map(|row| row[1].split(", ").map(|code| format!("{} {code}", row[0])))
            .collect();
        of_the_domain.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, of_the_domain);
    }
}
