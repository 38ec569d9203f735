//! The keys that sign quotes: several at once, so that a key can be changed while quotes on the old one are out.
//!
//! They lie in one file, `quote-keys.toml`, with mode 0600. The key with the greatest id signs, all verify. To change
//! the key is to add one ([`add_key`]) and start again; an old one may go once the quotes that it signed have expired.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use hwan_domain::{currency::CurrencySet, quote::Quote};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::token::{self, MAC_LEN, TokenError};
use crate::secret_file::{self, SecretFileError};

/// A key has at least 256 bits.
const SECRET_LEN_MIN: usize = 32;

/// What the file begins with.
const HEADER: &str = "# The keys that sign hwan's quotes: keep them secret. The greatest id signs, all verify.\n\n";

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The file is not a list of keys.
    #[error("{path} is not a keyring, restore it or remove it to sign with a new key: {cause}")]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong.
        cause: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    key: Vec<KeyEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    id: u32,
    secret: String,
}

/// A key, ready to sign: hashing its secret is done once.
#[derive(Clone)]
struct SigningKey {
    id: u32,
    mac: Hmac<Sha256>,
}

/// The keys, by id; at least one.
#[derive(Clone)]
pub struct Keyring {
    newest: SigningKey,
    older: Vec<SigningKey>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("newest", &self.newest.id).field("older", &self.older.len()).finish()
    }
}

impl Keyring {
    /// Reads the keys at `path`; at the first start it creates the file with one key.
    pub fn open(path: &Path) -> Result<Self, KeyringError> {
        let text = secret_file::read_or_create(path, || {
            Ok(render(&KeyFile { key: vec![KeyEntry { id: 1, secret: secret_file::random_text(path)? }] }))
        })?;
        let mut keys = parse(path, &text)?
            .key
            .into_iter()
            .map(|entry| Ok(SigningKey { id: entry.id, mac: prepare(path, &entry)? }))
            .collect::<Result<Vec<_>, KeyringError>>()?;
        keys.sort_by_key(|key| key.id);
        if keys.windows(2).any(|pair| matches!(pair, [one, other] if one.id == other.id)) {
            return Err(malformed(path, "an id stands twice"));
        }
        let newest = keys.pop().ok_or_else(|| malformed(path, "it holds no key"))?;
        Ok(Self { newest, older: keys })
    }

    /// Signs a quote with the newest key.
    pub fn sign(&self, quote: &Quote) -> String {
        let claims = token::encode(self.newest.id, quote);
        let mac = self.newest.mac.clone().chain_update(claims).finalize().into_bytes();
        token::seal(&claims, &mac.into())
    }

    /// The quote that a token says, if one of the keys has signed it. That it has not expired is the engine's to say.
    pub fn verify(&self, text: &str, currencies: &CurrencySet) -> Result<Quote, TokenError> {
        let (claims, mac) = token::open(text)?;
        let id = token::key_id(&claims);
        let key = std::iter::once(&self.newest).chain(self.older.iter().rev()).find(|key| key.id == id);
        let key = key.ok_or(TokenError::NotSigned)?;
        // Compares in constant time.
        let verified = key.mac.clone().chain_update(claims).verify_slice(&mac[..MAC_LEN]);
        verified.map_err(|_| TokenError::NotSigned)?;
        token::decode(&claims, currencies)
    }
}

/// Adds a fresh key to the file at `path`; it signs from the next start on. Returns its id.
pub fn add_key(path: &Path) -> Result<u32, KeyringError> {
    Keyring::open(path)?;
    let mut file = parse(path, &secret_file::read_or_create(path, || Ok(String::new()))?)?;
    let newest = file.key.iter().map(|key| key.id).max().unwrap_or(0);
    let id = newest.checked_add(1).ok_or_else(|| malformed(path, "the greatest id is used up"))?;
    file.key.push(KeyEntry { id, secret: secret_file::random_text(path)? });
    secret_file::replace(path, &render(&file))?;
    Ok(id)
}

fn parse(path: &Path, text: &str) -> Result<KeyFile, KeyringError> {
    // The parser's own message shows the line, which may be a secret: say where, not what.
    toml::from_str(text).map_err(|error| malformed(path, &format!("unreadable near byte {:?}", error.span())))
}

fn render(file: &KeyFile) -> String {
    let mut text = HEADER.to_owned();
    for key in &file.key {
        // base64url needs no escaping in a TOML string.
        text.push_str(&format!("[[key]]\nid = {}\nsecret = \"{}\"\n\n", key.id, key.secret));
    }
    text
}

fn prepare(path: &Path, entry: &KeyEntry) -> Result<Hmac<Sha256>, KeyringError> {
    let secret = URL_SAFE_NO_PAD.decode(&entry.secret).unwrap_or_default();
    if secret.len() < SECRET_LEN_MIN {
        return Err(malformed(path, &format!("the secret of key {} is not 256 bits in base64url", entry.id)));
    }
    Hmac::new_from_slice(&secret).map_err(|error| malformed(path, &error.to_string()))
}

fn malformed(path: &Path, cause: &str) -> KeyringError {
    KeyringError::Malformed { path: path.display().to_string(), cause: cause.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::quotes::token::tests::{currencies, quote};

    fn keyring() -> (tempfile::TempDir, PathBuf, Keyring) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("quote-keys.toml");
        let keyring = Keyring::open(&path).unwrap();
        (directory, path, keyring)
    }

    #[test]
    fn a_signed_quote_is_verified_also_after_a_restart() {
        let (_directory, path, keyring) = keyring();
        let token = keyring.sign(&quote());
        assert_eq!(keyring.verify(&token, &currencies()), Ok(quote()));
        assert_eq!(Keyring::open(&path).unwrap().verify(&token, &currencies()), Ok(quote()));
    }

    #[test]
    fn a_token_with_any_character_changed_dropped_or_added_is_refused() {
        let (_directory, _path, keyring) = keyring();
        let token = keyring.sign(&quote());
        for index in 0..token.len() {
            for replacement in ["A", "B", "_", "=", " ", "é", ""] {
                let mut forged = token.clone();
                forged.replace_range(index..=index, replacement);
                if forged != token {
                    assert!(keyring.verify(&forged, &currencies()).is_err(), "{index} {replacement:?}");
                }
            }
        }
        for forged in [String::new(), format!("{token}A"), format!(" {token}"), "A".repeat(100_000)] {
            assert!(keyring.verify(&forged, &currencies()).is_err());
        }
    }

    #[test]
    fn another_keyrings_token_is_refused() {
        let (_one, _path, keyring) = keyring();
        let (_other, _other_path, stranger) = self::keyring();
        assert_eq!(keyring.verify(&stranger.sign(&quote()), &currencies()), Err(TokenError::NotSigned));
    }

    #[test]
    fn an_added_key_signs_and_the_old_one_still_verifies() {
        let (_directory, path, before) = keyring();
        let old = before.sign(&quote());
        assert_eq!(add_key(&path).unwrap(), 2);
        let after = Keyring::open(&path).unwrap();
        let new = after.sign(&quote());
        assert_ne!(old, new);
        assert_eq!(after.verify(&old, &currencies()), Ok(quote()));
        assert_eq!(after.verify(&new, &currencies()), Ok(quote()));
        assert_eq!(before.verify(&new, &currencies()), Err(TokenError::NotSigned));
    }

    #[test]
    fn a_keyring_that_is_none_is_refused_without_showing_a_secret() {
        let (_directory, path, _keyring) = keyring();
        for text in ["", "key = 3", "[[key]]\nid = 1\nsecret = \"c2hvcnQ\"", "[[key]]\nid = 1\nsecret = \"c2hvcnQ\""] {
            secret_file::replace(&path, text).unwrap();
            let error = Keyring::open(&path).unwrap_err().to_string();
            assert!(error.contains("quote-keys.toml") && !error.contains("c2hvcnQ"), "{error}");
        }
    }
}
