//! Who may do what: roles.

pub mod role;
