//! Opens lines to Kafka. All lanes share a producer; one that is broken is replaced by whoever notices first.

use std::sync::Arc;

use async_trait::async_trait;
use hwan_domain::id::Seq;
use tokio::sync::Mutex;

use super::{
    session::Session,
    settings::{KafkaOptions, SettingsError},
    topic,
};
use crate::outbox::relay::{Carrier, Line, NotOpened, Opening};

/// The carrier.
pub struct KafkaCarrier {
    options: Arc<KafkaOptions>,
    session: Mutex<Option<Arc<Session>>>,
}

impl std::fmt::Debug for KafkaCarrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaCarrier").field("options", &self.options).finish_non_exhaustive()
    }
}

impl KafkaCarrier {
    /// To the Kafka that is set; refuses what the client would.
    pub fn new(options: KafkaOptions) -> Result<Self, SettingsError> {
        options.producer()?;
        Ok(Self { options: Arc::new(options), session: Mutex::new(None) })
    }

    /// The producer at work, or a new one once the topic is there.
    async fn session(&self) -> Result<Arc<Session>, NotOpened> {
        let mut slot = self.session.lock().await;
        if let Some(session) = slot.as_ref().filter(|session| !session.is_broken()) {
            return Ok(Arc::clone(session));
        }
        *slot = None;
        let options = Arc::clone(&self.options);
        let session = off_thread(move |runtime| {
            let session = Session::begin(&options).map_err(|error| NotOpened(error.to_string()))?;
            topic::ensure(&options, &session, &runtime)?;
            Ok(Arc::new(session))
        })
        .await?;
        tracing::info!(
            servers = self.options.bootstrap_servers,
            topic = self.options.topic,
            "the outbox publishes to kafka"
        );
        *slot = Some(Arc::clone(&session));
        Ok(session)
    }
}

/// What blocks does so on a thread that may.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce(tokio::runtime::Handle) -> Result<T, NotOpened> + Send + 'static,
) -> Result<T, NotOpened> {
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || work(runtime)).await;
    done.unwrap_or_else(|error| Err(NotOpened(format!("the work with kafka did not end: {error}"))))
}

#[async_trait]
impl Carrier for KafkaCarrier {
    fn name(&self) -> &'static str {
        "kafka"
    }

    async fn open(&self, opening: Opening) -> Result<Box<dyn Line>, NotOpened> {
        let session = self.session().await?;
        let Opening { lane, epoch, after, published } = opening;
        if published > Seq::ZERO {
            let (session, topic, partition) =
                (Arc::clone(&session), self.options.topic.clone(), i32::from(lane.number()));
            off_thread(move |_| topic::refuse_emptied(&session, &topic, partition)).await?;
        }
        let line =
            session.line(lane, epoch, after).ok_or_else(|| NotOpened("the producer was just given up".to_owned()))?;
        Ok(Box::new(line))
    }
}
