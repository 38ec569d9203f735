//! The engine: one actor per account, one per customer, one per lane, and what keeps them.
//!
//! A command's way, file by file: [`engine`] and [`admit`] (the façade) → [`door`] → [`directory`] or [`hydrator`] → [`customer`] →
//! [`account`] (debit) → [`account`] (credit) → [`lane`] with [`sequence`] → [`batch`] → the store, and back.
//!
//! | room | what it is |
//! |---|---|
//! | [`command`], [`view`] | what the engine can be told, what it answers, what a reader sees |
//! | [`travel`], [`home`] | a command on its way; a customer in memory |
//! | [`idempotency`], [`key_lookup`] | keys, and what else is used once: remembered, or asked of the store |
//! | [`plan`], [`judge`] | what a command means; whether it may be |
//! | [`looks`], [`look`] | reads: by the façade; in the customer's mailbox |
//! | [`reads`], [`history`] | lists, read from the store; what an account held, and its statement |
//! | [`interest`] | what interest an account may claim, and claiming it |
//! | [`memory`] | what is in memory, compared with the store |
//! | [`keeper`], [`link`] | taking a lane, its generations and their end; what one generation shares |
//! | [`dates`], [`business_date`] | where the lanes should stand, and the command that sends them on |
//! | [`parts`] | what an engine is made of, its bounds |
//! | [`place`] | threads beside the lane's |
//! | [`rate_board`] | rounds, voids, halts |

pub mod account;
pub mod admit;
pub mod batch;
pub mod business_date;
pub mod command;
pub mod customer;
pub mod dates;
pub mod directory;
pub mod door;
pub mod engine;
pub mod history;
pub mod home;
pub mod hydrator;
pub mod idempotency;
pub mod interest;
pub mod judge;
pub mod keeper;
pub mod key_lookup;
pub mod lane;
pub mod link;
pub mod look;
pub mod looks;
pub mod memory;
pub mod parts;
pub mod place;
pub mod plan;
pub mod rate_board;
pub mod reads;
pub mod sequence;
pub mod travel;
pub mod view;
