//! What can be set of Kafka, and what its client is told.

use std::{collections::BTreeMap, fmt};

use rdkafka::{ClientConfig, config::RDKafkaLogLevel};

/// The topic of the events, unless another is set.
pub const TOPIC: &str = "hwan.ledger.v1";

/// What the order and completeness of events rest on: not to be set by anybody.
const RESERVED: &[&str] = &[
    "bootstrap.servers",
    "metadata.broker.list",
    "enable.idempotence",
    "enable.gapless.guarantee",
    "acks",
    "request.required.acks",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "retries",
    "message.send.max.retries",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "transactional.id",
    "log.queue",
    "delivery.report.only.error",
    "enable.partition.eof",
];

/// What a producer is told, each line for a reason.
const PRODUCER: &[(&str, &str)] = &[
    // Within a producer's life no message is lost, doubled or overtaken in its partition; includes acks=all.
    ("enable.idempotence", "true"),
    ("acks", "all"),
    // What would leave a gap ends the producer instead.
    ("enable.gapless.guarantee", "true"),
    // A broker that is away is waited for, for hours.
    ("message.timeout.ms", "0"),
    ("compression.type", "lz4"),
    // Some events together cost little more than one.
    ("linger.ms", "5"),
    // For all lanes together, beside each lane's own window.
    ("queue.buffering.max.messages", "131072"),
    ("queue.buffering.max.kbytes", "131072"),
    ("socket.keepalive.enable", "true"),
    // A broker that comes back is found within seconds, however long it was away.
    ("reconnect.backoff.ms", "100"),
    ("reconnect.backoff.max.ms", "3000"),
];

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// What cannot be set.
    #[error("the property {0} is hwan's own: the order of events rests on it, leave it out")]
    Reserved(String),
    /// The client library does not take it.
    #[error("the client of Kafka does not take its settings: {0}")]
    Refused(String),
}

/// Where Kafka is, and what is published to it.
#[derive(Clone)]
pub struct KafkaOptions {
    /// `host:port`, several with commas between.
    pub bootstrap_servers: String,
    /// The topic of the events.
    pub topic: String,
    /// Lanes, that of the system included: as many partitions are needed at least.
    pub lanes: u16,
    /// On how many brokers each event is, where hwan makes the topic.
    pub replication_factor: u16,
    /// As whom one logs in (SASL PLAIN), with the password; `None` without.
    pub login: Option<(String, String)>,
    /// Further properties of the client library, by its own names.
    pub properties: BTreeMap<String, String>,
}

impl fmt::Debug for KafkaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Login and properties may hold secrets.
        f.debug_struct("KafkaOptions")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

impl KafkaOptions {
    /// A Kafka at this address, with everything else as it is by default.
    pub fn at(bootstrap_servers: &str) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.to_owned(),
            topic: TOPIC.to_owned(),
            lanes: 2,
            replication_factor: 1,
            login: None,
            properties: BTreeMap::new(),
        }
    }

    /// What every client is told, of producers and of consumers: where Kafka is and as whom one comes.
    pub fn client(&self) -> Result<ClientConfig, SettingsError> {
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Notice);
        config.set("bootstrap.servers", &self.bootstrap_servers).set("client.id", "hwan");
        if let Some((user, password)) = &self.login {
            config.set("security.protocol", "sasl_plaintext").set("sasl.mechanisms", "PLAIN");
            config.set("sasl.username", user).set("sasl.password", password);
        }
        for (name, value) in &self.properties {
            if RESERVED.contains(&name.as_str()) {
                return Err(SettingsError::Reserved(name.clone()));
            }
            config.set(name, value);
        }
        Ok(config)
    }

    /// What the producer is told.
    pub(super) fn producer(&self) -> Result<ClientConfig, SettingsError> {
        let own = self.client()?;
        let mut config = own.clone();
        for (name, value) in PRODUCER {
            if own.get(name).is_none() {
                config.set(*name, *value);
            }
        }
        config.create_native_config().map_err(|error| SettingsError::Refused(error.to_string()))?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> KafkaOptions {
        KafkaOptions { properties: [(name.to_owned(), value.to_owned())].into(), ..KafkaOptions::at("127.0.0.1:1") }
    }

    #[test]
    fn what_order_rests_on_cannot_be_set_and_the_rest_can() {
        for (name, _) in PRODUCER.iter().take(4) {
            let refused = with(name, "1").producer().unwrap_err();
            assert!(refused.to_string().contains(name), "{refused}");
        }
        let slower = with("linger.ms", "50").producer().unwrap();
        assert_eq!(slower.get("linger.ms"), Some("50"));
        assert_eq!(slower.get("enable.idempotence"), Some("true"));
        assert!(with("linger.ms", "soon").producer().is_err());
        assert!(with("no.such.property", "1").producer().is_err());
    }

    #[test]
    fn a_password_is_never_shown() {
        let options = KafkaOptions { login: Some(("hwan".into(), "secret".into())), ..KafkaOptions::at("k:9092") };
        assert!(!format!("{options:?}").contains("secret"));
        let config = options.producer().unwrap();
        assert_eq!(config.get("sasl.mechanisms"), Some("PLAIN"));
    }
}
