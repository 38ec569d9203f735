//! All that lies in the books' database: one store, several ports. A port says what one room asks of it.

use super::port::GeneralLedger;
use crate::storage::closings::port::ClosingBook;

/// A store of the books and of what the back office keeps beside them.
pub trait BooksStore: GeneralLedger + ClosingBook {}

impl<T: GeneralLedger + ClosingBook> BooksStore for T {}
