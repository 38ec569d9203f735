//! The watch: what looks for what should never happen, in the records of the lanes and in the state of the bank's books.
//!
//! Every rule is a pure function, of the state so far and the next record, or of a snapshot of facts. It refuses nothing and
//! changes nothing: it tells. It shares with the engine the words and the formulas of the domain, not its state, which it builds for
//! itself from the records alone. Callers: the shell that follows the lanes, and tests.
//!
//! | room | what it is |
//! |---|---|
//! | [`rule`] | the catalogue: every rule with its id, severity and meaning |
//! | [`alert`] | what a rule found: subject, place, evidence, and the id that they make |
//! | [`policy`], [`measure`] | thresholds and bounds; what is done about an alert |
//! | [`lane`] | a lane as it is followed: the state, and all rules of the stream |
//! | [`order`] | numbers, times, dates, hashes and owners; closed days |
//! | [`accounts`], [`legs`] | balances, facts, seizures; legs, terms, totals, rounding |
//! | [`rounds`] | rounds, halts, quotes, and the exchanges on them |
//! | [`conduct`], [`once`] | limits and habits; keys, quotes and reversals |
//! | [`interest`] | interest and its taxes |
//! | [`standing`] | conditions: lag, dead letters, sagas, suspense, control accounts |
//! | [`pack`] | a lane's state as bytes, to go on from after a restart |

pub mod accounts;
pub mod alert;
pub mod conduct;
pub mod interest;
pub mod lane;
pub mod legs;
pub mod measure;
pub mod once;
pub mod order;
pub mod pack;
pub mod policy;
pub mod rounds;
pub mod rule;
pub mod standing;

pub use alert::{Alert, Evidence, Place, Subject};
pub use lane::{LaneWatch, SystemLane};
pub use measure::{Measure, MeasurePolicy};
pub use order::{Arrival, Sighting};
pub use policy::WatchPolicy;
pub use rounds::RoundsSeen;
pub use rule::{Nature, Rule, Severity};
