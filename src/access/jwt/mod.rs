//! Tokens of an identity provider (JWT, the client-credentials grant): who is calling, on the provider's word.
//!
//! | bound | |
//! |---|---|
//! | how a token may be signed | what the configuration lists of RS256, PS256, ES256, EdDSA; by a key of the provider's set whose own algorithm is that one |
//! | what it must say | `iss`, `aud`, `exp`, `sub`; `nbf` is kept to where it stands |
//! | the key set | at most [`provider_keys::KEYS_MAX`] keys and [`source::BYTES_MAX`] bytes, read within seconds; the last good one stays |
//! | verified tokens | remembered by their digest until they expire, at most as many as configured |
//!
//! The caller is `jwt:` and the token's `sub`, so it never equals the name of a key's caller. Roles are those texts of
//! one claim that are roles of hwan's.

pub mod follow;
pub mod provider_keys;
pub mod remembered;
pub mod source;
pub mod verifier;
