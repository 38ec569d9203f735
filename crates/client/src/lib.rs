//! A small typed client for hwan's HTTP API: for tests, the load generator and programs beside the engine.
//!
//! Three ways in. [`Client`] is the comfortable one: every operation with typed requests and answers, lists page by
//! page, a small pool of kept-alive connections, a deadline on every call. [`Client::call`] takes any request and gives
//! any answer as it came, for those who test the API itself. [`Connection`] with [`PreparedRequest`] is the bare one for
//! hot loops: bytes that are built once and patched in place, an answer that borrows the connection's buffer.
//!
//! Why HTTP/1.1 by hand (see [`wire`]): but for the stream of rates hwan's answers always carry a content length, and
//! the client never pipelines, so a strict parser of one page does. Measured against an empty server with 256
//! connections: 8 µs of client CPU per request, 11 with hyper; a load generator that shares its cores with the server
//! must be cheap.
//!
//! Bounds: plain http to loopback alone, https to anywhere with the certificates of a file ([`TlsFiles`]), no redirects,
//! no retries. A retry is the caller's decision, with the same key: [`ClientError::outcome`] says what is known.

mod accounts;
mod address;
mod alerts;
mod answer;
mod audit;
mod client;
mod connection;
mod covers;
mod customers;
mod days;
mod error;
mod exchanges;
mod interest;
mod keys;
mod ledger;
mod link;
mod money;
mod quotes;
mod rates;
mod reconciliations;
mod request;
mod service;
mod stream;
mod tls;
mod transactions;
pub mod wire;

pub use accounts::{
    Account, AccountFact, AccountKind, AccountLimits, AccountStatus, Balance, Balances, Check, CheckAnswer,
    ClosedAccount, Direction, Entry, Holding, LimitedAccount, OpenedAccount,
};
pub use address::{ServerAddr, ServerAddrError};
pub use alerts::{Alert, AlertFilter, AlertNote, AlertSubject, RecordPlace};
pub use answer::{Answer, Page, Pages, RawAnswer, Span};
pub use audit::AuditEntry;
pub use client::{Client, ClientConfig};
pub use connection::{Connection, Reply};
pub use covers::{Cover, NewCover};
pub use customers::{
    Customer, CustomerEntry, CustomerLimits, Fact, FactAnswer, Limit, Limits, NewCustomer, NewFact, OpenedCustomer,
};
pub use days::{
    BalancesAsOf, BusinessDate, Closing, ClosingSummary, DateSchedule, LaneClosing, LaneDate, NextRoll, RolledDate,
    Statement, StatementSpan,
};
pub use error::{ClientError, KnownOutcome, Problem, Sent, Violation};
pub use exchanges::{BatchAnswer, BatchItem, BatchOutcome, Exchange, ExchangeOrder, Posting, Reversal, Trial};
pub use interest::{InterestAccrual, InterestPayment, InterestPeriod, InterestPreview};
pub use keys::{CompletedKey, KeyScope, KeyState};
pub use ledger::{
    ChartAccount, DeadLetter, Journal, JournalFilter, LedgerEntry, LedgerLag, LedgerLane, LedgerLine, Position,
    PositionLimit, PositionSide, TrialBalance, TrialSum,
};
pub use money::Money;
pub use quotes::{ExecutedRate, MarketOrder, OrderAmount, Quote, QuoteRequest, QuoteState, QuoteStatus, Side};
pub use rates::{
    CurrencyEntry, Finding, Halt, LiftedHalt, NewRound, Pair, PublishedRound, Rate, Round, SetHalt, StandingHalt,
    Verdict, VoidedRound,
};
pub use reconciliations::{Reconciliation, ReconciliationReport};
pub use request::{Method, PreparedRequest, Request};
pub use service::{Clock, ClockMove, LaneReadiness, Readiness, Version};
pub use stream::{EVENT_BYTES_MAX, RateEvent, RateStream, SILENCE_MAX};
pub use tls::{ClientCertificate, TlsError, TlsFiles};
pub use transactions::{Movement, Transaction, Transfer};
