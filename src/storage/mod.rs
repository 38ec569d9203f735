//! Where records become durable. The engine knows the port; each store is a room behind it.

pub mod port;
