//! All that lies in the books' database: one store, several ports. A port says what one room asks of it.

use super::port::GeneralLedger;
use crate::storage::{alerts::port::AlertBook, closings::port::ClosingBook, reconciliation::book::ReconciliationBook};

/// A store of the books and of what the back office keeps beside them.
pub trait BooksStore: GeneralLedger + ClosingBook + ReconciliationBook + AlertBook {}

impl<T: GeneralLedger + ClosingBook + ReconciliationBook + AlertBook> BooksStore for T {}
