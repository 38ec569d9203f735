//! Brokers: the one that all tests share, and brokers of a test's own, which it may kill.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hwan::outbox::kafka::settings::KafkaOptions;
use hwan_services::{Installation, Instance, Options};
use tempfile::TempDir;

/// A topic of a test's own on the shared broker, for so many lanes.
pub(crate) fn options(lanes: u16) -> KafkaOptions {
    #[expect(clippy::disallowed_methods, reason = "where the test server is comes from whoever runs the tests")]
    let bootstrap = std::env::var("HWAN_TEST_KAFKA_BOOTSTRAP").unwrap_or_else(|_| {
        panic!(
            "no Kafka at HWAN_TEST_KAFKA_BOOTSTRAP: run `cargo xtask test`, or `cargo xtask services up kafka` and source \
             target/services/env"
        )
    });
    options_at(&bootstrap, lanes)
}

/// The same, on the broker at this address.
pub(crate) fn options_at(bootstrap: &str, lanes: u16) -> KafkaOptions {
    let topic = format!("hwan.test.{:016x}", rand::random::<u64>());
    KafkaOptions { topic, lanes, ..KafkaOptions::at(bootstrap) }
}

/// One broker of a test's own at a time: each takes half a gigabyte.
static OWN: Mutex<()> = Mutex::new(());

/// A broker that goes with its test.
pub(crate) struct OwnBroker {
    pub(crate) instance: Instance,
    /// Its folder, and that it is the only one: kept for as long as it runs.
    pub(crate) aside: (TempDir, MutexGuard<'static, ()>),
}

impl OwnBroker {
    pub(crate) fn start() -> Self {
        let alone = OWN.lock().unwrap_or_else(PoisonError::into_inner);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/services");
        let installed = Installation::kafka(&root).install(&mut |line| eprintln!("kafka: {line}")).unwrap();
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let instance = installed.start(home.path(), Options::default()).unwrap();
        Self { instance, aside: (home, alone) }
    }
}
