//! Alerts as events of a topic of their own, `hwan.alerts.v1`: every alert that is raised or opened again, once it is stored.
//!
//! The table is the truth: what was not published is looked for there again and again, and noted once a broker has it. So an event may
//! come twice, after a death between the two; its id tells.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    ClientConfig, ClientContext,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    error::{KafkaResult, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer},
};
use serde::Serialize;

use crate::{
    clock::Clock,
    storage::{
        alerts::port::{AlertBook, KeptAlert},
        port::StoreError,
    },
};

/// How often it is looked for what was not published.
const LOOKED_FOR_EVERY: Duration = Duration::from_secs(1);
/// Alerts of one round.
const ROUND_MAX: usize = 256;
/// How long a round may take to be delivered.
const DELIVERED_WITHIN: Duration = Duration::from_secs(10);
/// How long Kafka may take to say whether there is such a topic.
const ASKED_MAX: Duration = Duration::from_secs(10);
/// How often it is said that nothing can be published.
const SAID_EVERY: u32 = 60;

/// The type of the events.
pub const TYPE: &str = "hwan.watch.alert.v1";

/// Counts what was not delivered.
#[derive(Clone, Default)]
struct Undelivered(Arc<AtomicU64>);

impl ClientContext for Undelivered {}

impl ProducerContext for Undelivered {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_err() {
            self.0.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// An alert as an event's body, by docs/alerts/alert.v1.schema.json.
#[derive(Serialize)]
struct Body<'a> {
    v: u32,
    id: &'a str,
    rule: &'a str,
    severity: &'static str,
    subject: Subject<'a>,
    expected: &'a str,
    found: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a str>,
    at: String,
    first_seen: String,
    last_seen: String,
    times_reopened: u64,
}

#[derive(Serialize)]
struct Subject<'a> {
    kind: &'a str,
    id: &'a str,
}

#[derive(Serialize)]
struct Place {
    lane: u16,
    seq: u64,
}

/// The event's body, as JSON.
pub fn body(alert: &KeptAlert) -> String {
    let place =
        |position: hwan_domain::id::Position| Place { lane: position.lane().number(), seq: position.seq().number() };
    let body = Body {
        v: 1,
        id: &alert.id,
        rule: &alert.rule,
        severity: alert.severity.as_str(),
        subject: Subject { kind: &alert.subject_kind, id: &alert.subject },
        expected: &alert.expected,
        found: &alert.found,
        record: alert.record.map(place),
        account: alert.account.map(|account| account.to_string()),
        currency: alert.pair.as_deref(),
        at: alert.at.to_rfc3339(),
        first_seen: alert.first_seen.to_rfc3339(),
        last_seen: alert.last_seen.to_rfc3339(),
        times_reopened: alert.times_reopened,
    };
    // Texts and numbers have no form that JSON has not.
    serde_json::to_string(&body).unwrap_or_default()
}

/// What it publishes with.
pub struct Publisher {
    alerts: Arc<dyn AlertBook>,
    clock: Arc<dyn Clock>,
    client: ClientConfig,
    topic: String,
    copies: u16,
}

impl Publisher {
    /// From this store to this topic, made where it is missing with so many copies.
    pub fn new(
        alerts: Arc<dyn AlertBook>,
        clock: Arc<dyn Clock>,
        client: ClientConfig,
        topic: String,
        copies: u16,
    ) -> Self {
        Self { alerts, clock, client, topic, copies }
    }

    /// Publishes until it is dropped.
    pub async fn run(self) {
        self.make_topic().await;
        let undelivered = Undelivered::default();
        let mut config = self.client.clone();
        config.set("enable.idempotence", "true").set("acks", "all").set("message.timeout.ms", "8000");
        let producer: Arc<ThreadedProducer<Undelivered>> = match config.create_with_context(undelivered.clone()) {
            Ok(producer) => Arc::new(producer),
            Err(error) => {
                tracing::error!(%error, "the client of kafka cannot be made for alerts: they stand in the table alone");
                return;
            }
        };
        let mut failed: u32 = 0;
        loop {
            tokio::time::sleep(LOOKED_FOR_EVERY).await;
            match self.publish(&producer, &undelivered).await {
                Ok(()) => failed = 0,
                Err(reason) => {
                    if failed.is_multiple_of(SAID_EVERY) {
                        tracing::warn!(reason, "alerts cannot be published: they stand in the table, tried again");
                    }
                    failed = failed.saturating_add(1);
                }
            }
        }
    }

    async fn publish(
        &self,
        producer: &Arc<ThreadedProducer<Undelivered>>,
        undelivered: &Undelivered,
    ) -> Result<(), String> {
        let away = |error: StoreError| error.to_string();
        loop {
            let alerts = self.alerts.unpublished(ROUND_MAX).await.map_err(away)?;
            if alerts.is_empty() {
                return Ok(());
            }
            let before = undelivered.0.load(Ordering::Acquire);
            for alert in &alerts {
                self.send(producer, alert).map_err(|error| error.to_string())?;
            }
            let (its, failed) = (Arc::clone(producer), undelivered.clone());
            let flushed = tokio::task::spawn_blocking(move || its.flush(DELIVERED_WITHIN)).await;
            flushed.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
            if failed.0.load(Ordering::Acquire) != before {
                return Err("no broker took them".to_owned());
            }
            self.alerts.published(&alerts, self.clock.now()).await.map_err(away)?;
        }
    }

    fn send(&self, producer: &ThreadedProducer<Undelivered>, alert: &KeptAlert) -> KafkaResult<()> {
        let id = format!("{}#{}", alert.id, alert.times_reopened);
        let time = alert.at.to_rfc3339();
        let header = |key, value| Header { key, value: Some(value) };
        let headers = OwnedHeaders::new()
            .insert(header("ce_specversion", "1.0"))
            .insert(header("ce_type", TYPE))
            .insert(header("ce_source", "/hwan/watch"))
            .insert(header("ce_id", &id))
            .insert(header("ce_time", &time))
            .insert(header("content-type", "application/json"));
        let payload = body(alert);
        let message = BaseRecord::to(&self.topic).key(&alert.subject).payload(&payload).headers(headers);
        producer.send(message).map_err(|(error, _)| error)
    }

    /// A broker that is away, or one that must not make topics, is waited for by the messages.
    async fn make_topic(&self) {
        let admin: AdminClient<_> = match self.client.create() {
            Ok(admin) => admin,
            Err(error) => {
                tracing::warn!(%error, "kafka could not be asked for the topic of alerts");
                return;
            }
        };
        let new = NewTopic::new(&self.topic, 1, TopicReplication::Fixed(i32::from(self.copies)));
        let asked = AdminOptions::new().request_timeout(Some(ASKED_MAX)).operation_timeout(Some(ASKED_MAX));
        match admin.create_topics([&new], &asked).await.map(|made| made.into_iter().next()) {
            Ok(Some(Err((_, code)))) if code != RDKafkaErrorCode::TopicAlreadyExists => {
                tracing::warn!(topic = self.topic, %code, "the topic of alerts is not there and was not made: make it by hand");
            }
            Err(error) => {
                tracing::warn!(topic = self.topic, %error, "kafka could not be asked for the topic of alerts")
            }
            Ok(_) => {}
        }
    }
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").field("topic", &self.topic).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use hwan_domain::{
        anomaly::Severity,
        id::{AccountId, LaneId, Position, Seq},
        time::Timestamp,
    };
    use serde_json::Value;

    use super::*;
    use crate::storage::alerts::port::AlertState;

    fn alert() -> KeptAlert {
        let position = Position::new(LaneId::FIRST, Seq::new(42).unwrap());
        KeptAlert {
            id: "negative_balance.acc_0008000000003.1-42".to_owned(),
            rule: "negative_balance".to_owned(),
            severity: Severity::Critical,
            state: AlertState::Open,
            subject_kind: "account".to_owned(),
            subject: "acc_0008000000003".to_owned(),
            expected: "at least 0".to_owned(),
            found: "-5 \"KRW\"".to_owned(),
            record: Some(position),
            account: Some(AccountId::at(position)),
            pair: Some("USD".to_owned()),
            at: Timestamp::from_micros(1),
            first_seen: Timestamp::from_micros(2),
            last_seen: Timestamp::from_micros(3),
            times_seen: 1,
            times_reopened: 0,
            acknowledged: None,
            resolved: None,
        }
    }

    #[test]
    fn an_alert_is_published_as_its_schema_says() {
        let schema: Value = serde_json::from_str(include_str!("../../../docs/alerts/alert.v1.schema.json")).unwrap();
        assert_eq!(schema["title"], TYPE);
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let validator = options.build(&schema).unwrap();
        let condition = KeptAlert { record: None, account: None, pair: None, ..alert() };
        for alert in [alert(), condition] {
            let event: Value = serde_json::from_str(&body(&alert)).unwrap();
            let misfits: Vec<String> = validator.iter_errors(&event).map(|error| error.to_string()).collect();
            assert!(misfits.is_empty(), "{misfits:?} in {event}");
            for field in event.as_object().unwrap().keys() {
                assert!(schema["properties"][field].is_object(), "{field} is not described");
            }
        }
    }
}
