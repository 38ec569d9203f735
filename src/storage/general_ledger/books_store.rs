//! All that lies in the books' database: one store, several ports. A port says what one room asks of it.

use super::port::GeneralLedger;
use crate::storage::{alerts::port::AlertBook, closings::port::ClosingBook};

/// A store of the books and of what the back office keeps beside them.
pub trait BooksStore: GeneralLedger + ClosingBook + AlertBook {}

impl<T: GeneralLedger + ClosingBook + AlertBook> BooksStore for T {}
