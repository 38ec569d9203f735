//! `/v1/ledger`: the bank's own books, to be read. They follow the exchanges; [`lag`] says how far behind they are.
//!
//! Only for the bank's own people: no channel has a part in it. Each answer is one consistent read of the books, and
//! none of it is ever asked while a customer waits.

pub mod accounts;
pub mod dead_letters;
pub mod journal_id;
pub mod journals;
pub mod lag;
pub mod line;
pub mod trial_balance;
