//! Who may call, and as whom: API keys, tokens of an identity provider, what a caller is, what it may ask; and the trail
//! of who was refused.
//!
//! The API asks the [`gate`] of every request; what a [`role`] opens is the router's to say. Keys are made and ended by
//! the command line through the [`key_file`], beside a running server, which reads the file again when it changes.

pub mod allowance;
pub mod api_key;
pub mod audit;
pub mod audit_file;
pub mod first_key;
pub mod gate;
pub mod jwt;
pub mod kept_key;
pub mod key_file;
pub mod key_set;
pub mod key_watch;
pub mod last_use;
pub mod principal;
pub mod refused;
pub mod role;
