//! The text of an API key, `hwan.<id>.<secret>`, and what is kept of it.
//!
//! The id (12 characters of base 32) is no secret: it finds the key, and it stands in lists and in the audit trail. The
//! secret is 256 random bits in base64url, and only its SHA-256 is kept. A slow hash as for passwords would gain
//! nothing: it makes guessing dear, and nobody guesses 256 random bits, not even with the digest at hand; but it would
//! cost every request what is now a microsecond.

use std::{fmt, path::Path};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::secret_file::{self, SecretFileError};

/// What every key begins with, so that scanners find those that leaked.
const PREFIX: &[u8] = b"hwan.";
/// Characters of an id.
const ID_LEN: usize = 12;
/// Characters of a secret: 256 bits in base64url without padding.
pub const SECRET_LEN: usize = 43;
/// Crockford's base 32 in lower case: nothing in it is taken for something else.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Names a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; ID_LEN]);

impl KeyId {
    /// The id of this text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_bytes(text.as_bytes())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let id: [u8; ID_LEN] = bytes.try_into().ok()?;
        id.iter().all(|byte| ALPHABET.contains(byte)).then_some(Self(id))
    }

    /// A new one, for the file at `path`.
    pub fn random(path: &Path) -> Result<Self, SecretFileError> {
        let mut bytes = [0; ID_LEN];
        secret_file::fill_random(path, &mut bytes)?;
        let letter = |byte: u8| ALPHABET.get(usize::from(byte & 31)).copied().unwrap_or(b'0');
        Ok(Self(bytes.map(letter)))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        // Only letters and digits get in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// SHA-256 of a secret.
#[derive(Clone, Copy)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// Of this secret.
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// From its 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }

    /// Its hexadecimal digits.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether it is the digest of `secret`; takes the same time whatever differs.
    pub fn is_of(&self, secret: &[u8]) -> bool {
        bool::from(Self::of(secret).0.ct_eq(&self.0))
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(…)")
    }
}

/// A key as its text arrives: not yet known to be right.
#[derive(Clone, Copy)]
pub struct PresentedKey<'a> {
    /// Which key it says to be.
    pub id: KeyId,
    /// What proves it.
    pub secret: &'a [u8],
}

impl<'a> PresentedKey<'a> {
    /// Takes a key's text apart; `None` if it has another shape. Allocates nothing.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        let (id, rest) = rest.split_at_checked(ID_LEN)?;
        let secret = rest.strip_prefix(b".").filter(|secret| secret.len() == SECRET_LEN)?;
        Some(Self { id: KeyId::from_bytes(id)?, secret })
    }
}

impl fmt::Debug for PresentedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PresentedKey({}, …)", self.id)
    }
}

/// A new key, whole: shown once, never kept.
pub struct FreshKey {
    /// Its id.
    pub id: KeyId,
    /// What is kept of its secret.
    pub digest: SecretDigest,
    text: String,
}

impl FreshKey {
    /// Makes one, for the file at `path`.
    pub fn generate(path: &Path) -> Result<Self, SecretFileError> {
        let id = KeyId::random(path)?;
        let secret = secret_file::random_text(path)?;
        Ok(Self { id, digest: SecretDigest::of(secret.as_bytes()), text: format!("hwan.{id}.{secret}") })
    }

    /// The whole key, for the one who asked for it.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for FreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FreshKey({}, …)", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_key_is_taken_apart_into_what_is_kept_of_it() {
        let key = FreshKey::generate(Path::new("api-keys.toml")).unwrap();
        let presented = PresentedKey::parse(key.reveal().as_bytes()).unwrap();
        assert_eq!((presented.id, presented.secret.len()), (key.id, SECRET_LEN));
        assert!(key.digest.is_of(presented.secret));
        let kept = SecretDigest::parse(&key.digest.to_hex()).unwrap();
        assert!(kept.is_of(presented.secret) && !kept.is_of(b"another"));
        assert_eq!(KeyId::parse(key.id.as_str()), Some(key.id));
        let shown = format!("{key:?} {presented:?} {kept:?}");
        assert!(!shown.contains(std::str::from_utf8(presented.secret).unwrap()), "{shown}");
    }

    #[test]
    fn what_has_another_shape_is_no_key() {
        let text = FreshKey::generate(Path::new("api-keys.toml")).unwrap().text;
        for bad in [
            "",
            "hwan.",
            "hwan..",
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text}A"),
            &text.replacen("hwan.", "hwon.", 1),
            &text.replacen("hwan.", "HWAN.", 1),
            &format!("hwan.{}.{}", "u".repeat(12), "A".repeat(43)),
            &format!("hwan.{}_{}", "0".repeat(12), "A".repeat(43)),
        ] {
            assert!(PresentedKey::parse(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(SecretDigest::parse(&"0".repeat(63)).is_none() && SecretDigest::parse(&"g".repeat(64)).is_none());
    }
}
