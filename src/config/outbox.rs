//! The outbox's configuration: who takes committed records out of the engine.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{ConfigError, number::within};
use crate::{outbox::kafka::settings::KafkaOptions, secret_file};

/// Who follows the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutboxKind {
    /// The books, in the engine's own process.
    Embedded,
    /// Kafka, and whoever reads it.
    Kafka,
    /// Nobody.
    Off,
}

/// Who takes committed records out of the engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxConfig {
    /// Who follows the engine.
    pub kind: OutboxKind,
    /// Kafka, for that kind.
    pub kafka: KafkaConfig,
}

/// Where Kafka is, and what is published to it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// `host:port`, several with commas between.
    pub bootstrap_servers: String,
    /// The topic of the events.
    pub topic: String,
    /// The topic of what the books could not post.
    pub dead_letter_topic: String,
    /// On how many brokers each event is, where hwan makes the topics.
    pub replication_factor: u16,
    /// As whom hwan logs in (SASL PLAIN).
    pub user: String,
    /// A file of mode 0600 with the password.
    pub password_file: PathBuf,
    /// The password, from the environment.
    pub password: String,
    /// Further properties of the client library: `name=value`.
    pub properties: Vec<String>,
}

impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Passwords and properties may hold secrets.
        f.debug_struct("KafkaConfig").field("topic", &self.topic).finish_non_exhaustive()
    }
}

fn wrong(field: &'static str, found: &str, advice: &str) -> ConfigError {
    ConfigError::Bound { field, found: found.to_owned(), advice: advice.to_owned() }
}

fn is_given(path: &Path) -> bool {
    !path.as_os_str().is_empty()
}

impl OutboxConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.kind != OutboxKind::Kafka {
            return Ok(());
        }
        let kafka = &self.kafka;
        if kafka.bootstrap_servers.is_empty() {
            return Err(wrong("outbox.kafka.bootstrap_servers", "empty", "give host:port, such as 127.0.0.1:9092"));
        }
        for (field, topic) in
            [("outbox.kafka.topic", &kafka.topic), ("outbox.kafka.dead_letter_topic", &kafka.dead_letter_topic)]
        {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            if topic.is_empty() || topic.len() > 249 || !topic.bytes().all(is_plain) {
                return Err(wrong(field, topic, "name a topic of letters, digits, '.', '_' and '-'"));
            }
        }
        within("outbox.kafka.replication_factor", kafka.replication_factor, 1..=32)?;
        if is_given(&kafka.password_file) && !kafka.password.is_empty() {
            return Err(wrong("outbox.kafka.password", "given beside password_file", "give one of the two"));
        }
        if kafka.user.is_empty() && (is_given(&kafka.password_file) || !kafka.password.is_empty()) {
            return Err(wrong("outbox.kafka.user", "empty", "say whose password it is"));
        }
        kafka.properties().map(|_| ())
    }
}

impl KafkaConfig {
    fn properties(&self) -> Result<BTreeMap<String, String>, ConfigError> {
        let pair = |property: &String| {
            let (name, value) = property.split_once('=').ok_or_else(|| {
                // The value may be a secret: only what stands before it is shown.
                wrong("outbox.kafka.properties", "an entry without =", "write \"name=value\"")
            })?;
            Ok((name.trim().to_owned(), value.to_owned()))
        };
        self.properties.iter().map(pair).collect()
    }

    /// As the client takes them, for so many lanes, that of the system included; reads the file of the password.
    pub fn options(&self, lanes: u16) -> Result<KafkaOptions, ConfigError> {
        let password = if is_given(&self.password_file) {
            let field = "outbox.kafka.password_file";
            let text = secret_file::read(&self.password_file)
                .map_err(|error| wrong(field, "not usable", &error.to_string()))?
                .ok_or_else(|| {
                    let path = self.password_file.display().to_string();
                    wrong(field, &path, "the file is not there: create it with mode 0600")
                })?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        } else {
            self.password.clone()
        };
        Ok(KafkaOptions {
            bootstrap_servers: self.bootstrap_servers.clone(),
            topic: self.topic.clone(),
            lanes,
            replication_factor: self.replication_factor,
            login: (!self.user.is_empty()).then(|| (self.user.clone(), password)),
            properties: self.properties()?,
        })
    }
}
