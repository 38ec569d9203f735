//! The exchange domain: the rules of a bank's currency exchange, pure.
//!
//! No async, no clock, no I/O, no serialization, no database type: time and randomness are arguments,
//! answers are values. Everything here is `Send`, deterministic and testable as a table.
//!
//! Room by room: what a thing *is* ([`id`], [`time`], [`currency`], [`money`], [`rate`], [`round`]), what may
//! happen to it ([`check`], [`limit`], [`guard`], [`rejection`]), how it changes ([`account`], [`customer`],
//! [`exchange`], [`quote`], [`reversal`], [`interest`], [`cover`], [`revision`], [`board`]) and what must always hold ([`invariant`],
//! [`record`], [`control`]). What the bank's own books make of it all: [`ledger`]. Its days, and their end: [`business_day`],
//! [`closing`], [`statement`]. Whether all of it agrees: [`reconciliation`]. What should never happen, looked for: [`anomaly`].

pub mod account;
pub mod anomaly;
pub mod board;
pub mod business_day;
pub mod check;
pub mod closing;
pub mod control;
pub mod cover;
pub mod currency;
pub mod customer;
pub mod exchange;
pub mod guard;
pub mod id;
pub mod interest;
pub mod invariant;
pub mod ledger;
pub mod limit;
pub mod money;
pub mod quote;
pub mod rate;
pub mod reconciliation;
pub mod record;
pub mod rejection;
pub mod reversal;
pub mod revision;
pub mod round;
pub mod statement;
pub mod time;
