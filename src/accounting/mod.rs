//! The bank's own accounting: follows the records of every lane and keeps the general ledger.
//!
//! It never stands in an exchange's way: it reads what is durable, at its own pace, and how far it is can be seen. What it posts
//! takes effect exactly once, in the order of each lane, and is compared with the engine's own totals at every record.
//!
//! | room | what it is |
//! |---|---|
//! | [`incoming`] | what comes, from wherever |
//! | [`event_reader`] | reads an event's text, leniently |
//! | `draft` | a step in the making: what came, judged one by one |
//! | [`poster`] | the poster of a lane: steps, one transaction each |
//! | [`verdict`] | why a lane's books stop |
//! | [`embedded`] | the books in the engine's own process |
//! | [`kafka`] | the books from Kafka: a consumer on a thread of its own |
//! | [`redelivery`] | what could not be posted, tried again by command |
//! | [`catch_up`] | the books brought up to the journal, by command |
//! | [`compare`] | the full proof: customers' accounts against control accounts |
//! | [`books`] | the books as readers see them: trial balance, journals, progress, what could not be posted |
//! | [`positions`], [`position_watch`] | the bank's currency positions, and who watches their limits |
//! | [`late_ledger`] | a store of the books that may be away when the engine starts |
//! | [`lag`] | how far the books are behind the engine |
//! | [`report`], [`amount`] | the books as a command prints them; sums as text |

pub mod amount;
pub mod books;
pub mod catch_up;
pub mod compare;
mod draft;
pub mod embedded;
pub mod event_reader;
pub mod incoming;
pub mod kafka;
pub mod lag;
pub mod late_ledger;
pub mod position_watch;
pub mod positions;
pub mod poster;
pub mod redelivery;
pub mod report;
pub mod verdict;
