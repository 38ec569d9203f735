//! Idempotency keys: UUIDv7, cheap enough for a hot loop.
//!
//! Time-ordered on purpose: the engine answers for a young one without a look into its store.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rand::{RngExt, rngs::StdRng};
use uuid::{Builder, Uuid, fmt::Hyphenated};

/// Characters of a key.
pub(crate) const KEY_LEN: usize = Hyphenated::LENGTH;

/// A source of keys: the wall clock is read once, then follows the monotonic one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyClock {
    unix_ms: u64,
    since: Instant,
}

impl KeyClock {
    /// Starts at the machine's time.
    #[expect(clippy::disallowed_methods, reason = "the generator is outside the engine: its keys carry the real time")]
    pub(crate) fn start() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { unix_ms: u64::try_from(elapsed.as_millis()).unwrap_or(0), since: Instant::now() }
    }

    /// Milliseconds since 1970.
    pub(crate) fn unix_ms(&self) -> u64 {
        self.unix_ms + u64::try_from(self.since.elapsed().as_millis()).unwrap_or(0)
    }

    /// A new key; 74 random bits keep keys apart.
    pub(crate) fn key(&self, random: &mut StdRng) -> Uuid {
        Builder::from_unix_timestamp_millis(self.unix_ms(), &random.random()).into_uuid()
    }

    /// Writes a new key into `text`, which must hold [`KEY_LEN`] bytes.
    pub(crate) fn write(&self, random: &mut StdRng, text: &mut [u8]) {
        self.key(random).hyphenated().encode_lower(text);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;

    use super::*;

    fn key(clock: &KeyClock, random: &mut StdRng) -> String {
        let mut text = [0; KEY_LEN];
        clock.write(random, &mut text);
        String::from_utf8(text.to_vec()).unwrap()
    }

    #[test]
    fn keys_are_distinct_uuids_of_version_7_with_the_time_of_now() {
        let clock = KeyClock::start();
        let mut random = StdRng::seed_from_u64(1);
        let keys: HashSet<String> = (0..10_000).map(|_| key(&clock, &mut random)).collect();
        assert_eq!(keys.len(), 10_000);
        for key in keys {
            let uuid = uuid::Uuid::parse_str(&key).unwrap();
            assert_eq!(uuid.get_version_num(), 7);
            let seconds = uuid.get_timestamp().unwrap().to_unix().0;
            assert!(seconds.abs_diff(clock.unix_ms / 1_000) < 60);
        }
    }
}
