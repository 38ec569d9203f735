//! All that lies in the books' database: one store, several ports. A port says what one room asks of it.

use super::port::GeneralLedger;
use crate::storage::reconciliation::book::ReconciliationBook;

/// A store of the books and of what the back office keeps beside them.
pub trait BooksStore: GeneralLedger + ReconciliationBook {}

impl<T: GeneralLedger + ReconciliationBook> BooksStore for T {}
