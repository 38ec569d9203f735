//! The outbox's configuration: who follows the lanes' journals, and where Kafka is.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::Deserialize;

use super::{ConfigError, number::within};
use crate::{outbox::kafka::settings::KafkaOptions, secret_file};

/// The longest name that Kafka gives a topic.
const TOPIC_CHARS_MAX: usize = 249;

/// Who takes durable records out of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutboxKind {
    /// The bank's books, in this process.
    Embedded,
    /// Kafka.
    Kafka,
    /// Nobody.
    Off,
}

/// How the network to Kafka is protected. The client has no TLS of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KafkaNetwork {
    /// It does not leave the machine: brokers, or a proxy that speaks TLS to them, on loopback.
    Loopback,
    /// It is the bank's own: plain text is acceptable.
    Trusted,
}

/// What leaves the engine, and to where.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxConfig {
    /// Who takes it.
    pub kind: OutboxKind,
    /// Kafka, for that kind.
    pub kafka: KafkaConfig,
}

/// Where Kafka is, and how it is spoken to.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// `host:port`, several with commas between.
    pub bootstrap_servers: String,
    /// The topic of the events.
    pub topic: String,
    /// The topic of what the books could not post.
    pub dead_letter_topic: String,
    /// On how many brokers each event is, where hwan makes the topic.
    pub replication_factor: u16,
    /// How the network is protected.
    pub network: KafkaNetwork,
    /// As whom hwan logs in; empty without.
    pub username: String,
    /// A file of mode 0600 with the password.
    pub password_file: PathBuf,
    /// The password, from the environment.
    pub password: String,
    /// Further properties of librdkafka.
    pub properties: BTreeMap<String, String>,
}

impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Password and properties may hold secrets.
        f.debug_struct("KafkaConfig")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

fn wrong(field: &'static str, found: &str, advice: &str) -> ConfigError {
    ConfigError::Bound { field, found: found.to_owned(), advice: advice.to_owned() }
}

fn is_near(server: &str) -> bool {
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl OutboxConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match self.kind {
            OutboxKind::Embedded | OutboxKind::Off => Ok(()),
            OutboxKind::Kafka => self.kafka.check(),
        }
    }
}

impl KafkaConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let servers: Vec<&str> = self.bootstrap_servers.split(',').map(str::trim).collect();
        if servers.iter().any(|server| !server.contains(':')) {
            let advice = "give host:port, such as \"127.0.0.1:9092\", several with commas between";
            return Err(wrong("outbox.kafka.bootstrap_servers", &format!("{:?}", self.bootstrap_servers), advice));
        }
        if self.network == KafkaNetwork::Loopback && !servers.iter().all(|server| is_near(server)) {
            let advice = "a broker is beyond loopback and the client has no TLS: put a proxy that has before it, or say \"trusted\" \
                          where the network is the bank's own";
            return Err(wrong("outbox.kafka.network", "\"loopback\"", advice));
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        for (field, topic) in
            [("outbox.kafka.topic", &self.topic), ("outbox.kafka.dead_letter_topic", &self.dead_letter_topic)]
        {
            if topic.is_empty() || topic.len() > TOPIC_CHARS_MAX || !topic.chars().all(is_word) {
                return Err(wrong(field, &format!("{topic:?}"), "letters, digits, . _ and - make a name"));
            }
        }
        let has_password = !self.password.is_empty() || !self.password_file.as_os_str().is_empty();
        if has_password == self.username.is_empty() {
            return Err(wrong("outbox.kafka.username", "without password, or that without it", "give both or neither"));
        }
        if !self.password.is_empty() && !self.password_file.as_os_str().is_empty() {
            return Err(wrong("outbox.kafka.password", "given beside password_file", "give one of the two"));
        }
        within("outbox.kafka.replication_factor", self.replication_factor, 1..=16)
    }

    /// As the outbox takes them, for so many lanes, that of the system included; reads the file of the password.
    pub fn options(&self, lanes: u16) -> Result<KafkaOptions, ConfigError> {
        let field = "outbox.kafka.password_file";
        let password = if self.password_file.as_os_str().is_empty() {
            self.password.clone()
        } else {
            let text = secret_file::read(&self.password_file)
                .map_err(|error| wrong(field, "not usable", &error.to_string()))?
                .ok_or_else(|| {
                    wrong(
                        field,
                        &self.password_file.display().to_string(),
                        "the file is not there: create it with mode 0600",
                    )
                })?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        };
        Ok(KafkaOptions {
            bootstrap_servers: self.bootstrap_servers.clone(),
            topic: self.topic.clone(),
            lanes,
            replication_factor: self.replication_factor,
            login: (!self.username.is_empty()).then(|| (self.username.clone(), password)),
            properties: self.properties.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kafka() -> KafkaConfig {
        KafkaConfig {
            bootstrap_servers: "127.0.0.1:9092, [::1]:9093".into(),
            topic: "hwan.ledger.v1".into(),
            dead_letter_topic: "hwan.ledger.dead-letters.v1".into(),
            replication_factor: 1,
            network: KafkaNetwork::Loopback,
            username: String::new(),
            password_file: PathBuf::new(),
            password: String::new(),
            properties: BTreeMap::new(),
        }
    }

    #[test]
    fn plain_text_leaves_the_machine_only_where_that_is_said() {
        assert!(kafka().check().is_ok());
        let far = KafkaConfig { bootstrap_servers: "localhost:9092,kafka-1:9092".into(), ..kafka() };
        assert!(far.check().unwrap_err().to_string().contains("outbox.kafka.network"));
        assert!(KafkaConfig { network: KafkaNetwork::Trusted, ..far }.check().is_ok());
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (config, field) in [
            (KafkaConfig { bootstrap_servers: String::new(), ..kafka() }, "bootstrap_servers"),
            (KafkaConfig { bootstrap_servers: "127.0.0.1".into(), ..kafka() }, "bootstrap_servers"),
            (KafkaConfig { topic: "hwan events".into(), ..kafka() }, "topic"),
            (KafkaConfig { replication_factor: 0, ..kafka() }, "replication_factor"),
            (KafkaConfig { password: "secret".into(), ..kafka() }, "username"),
            (KafkaConfig { username: "hwan".into(), ..kafka() }, "username"),
        ] {
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(field) && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_password_comes_from_a_file_and_is_never_shown() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "secret\n").unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
        let config = KafkaConfig { username: "hwan".into(), password_file: file.path().to_owned(), ..kafka() };
        config.check().unwrap();
        let options = config.options(5).unwrap();
        assert_eq!((options.lanes, options.login), (5, Some(("hwan".to_owned(), "secret".to_owned()))));
        assert!(!format!("{config:?}").contains("secret"));
    }
}
