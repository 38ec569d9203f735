//! The bank's own accounting: follows the records of every lane and keeps the general ledger.
//!
//! It never stands in an exchange's way: it reads what is durable, at its own pace, and how far it is can be seen. What it posts
//! takes effect exactly once, in the order of each lane, and is compared with the engine's own totals at every record.
//!
//! | room | what it is |
//! |---|---|
//! | [`books`] | the books as readers see them: trial balance, journals, progress, what could not be posted |
//! | [`positions`], [`position_watch`] | the bank's currency positions, and who watches their limits |
//! | [`lag`] | how far the books are behind the engine |
//! | [`report`], [`table`], [`amount`] | the books as a command prints them; tables; sums as text |

pub mod amount;
pub mod books;
pub mod lag;
pub mod position_watch;
pub mod positions;
pub mod report;
pub mod table;
