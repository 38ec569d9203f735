//! The API as a document: OpenAPI 3.1, and a page to read, both made of the operations that the router serves.
//!
//! Made once and kept. Needs no credentials: it says nothing about anybody.

pub mod codes;
pub mod document;
pub mod page;
pub mod texts;

pub(super) use document::document;
pub(super) use page::page;
