//! Which store the configuration asks for, and what it needs beside the engine. Here alone a store is chosen. Callers:
//! `startup`.

use std::{sync::Arc, time::Duration};

use hwan_domain::{currency::CurrencySet, id::LaneId, time::Timestamp};

use crate::{
    clock::Clock,
    config::{
        ConfigError,
        store::{StoreConfig, StoreKind},
    },
    storage::{
        mysql::{MysqlReconciliation, MysqlStore, Retention},
        port::{LedgerStore, StoreError},
        reconciliation::port::ReconciliationReads,
        sealing::port::SealingStore,
        sqlite::{SqliteOptions, SqliteReconciliation, SqliteStore},
    },
};

/// For how much longer than they are promised keys are kept: by more than clocks may differ.
const KEYS_KEPT_LONGER: Duration = Duration::from_secs(3_600);
/// How often it is looked whether keys have expired.
const KEYS_LOOKED_AT_EVERY: Duration = Duration::from_secs(60);

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store refuses, or cannot be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store of record, open.
pub struct StoreOfRecord {
    /// As the engine sees it.
    pub store: Arc<dyn LedgerStore>,
    days: Arc<dyn SealingStore>,
    mysql: Option<Arc<MysqlStore>>,
}

impl StoreOfRecord {
    /// Opens it for an engine.
    pub async fn open(config: &StoreConfig, currencies: Arc<CurrencySet>) -> Result<Self, OpenError> {
        match config.kind {
            StoreKind::Embedded => {
                let store = SqliteStore::open(&config.directory, currencies, SqliteOptions::default()).await?;
                let store = Arc::new(store);
                Ok(Self { store: Arc::clone(&store) as Arc<dyn LedgerStore>, days: store, mysql: None })
            }
            StoreKind::Mysql => {
                let store = Arc::new(MysqlStore::open(&config.mysql.options()?, currencies).await?);
                let days = Arc::clone(&store) as Arc<dyn SealingStore>;
                Ok(Self { store: Arc::clone(&store) as Arc<dyn LedgerStore>, days, mysql: Some(store) })
            }
        }
    }

    /// Opens it to read only, beside an engine or without one.
    pub async fn open_read_only(
        config: &StoreConfig,
        currencies: Arc<CurrencySet>,
    ) -> Result<Box<dyn LedgerStore>, OpenError> {
        Ok(match config.kind {
            StoreKind::Embedded => Box::new(SqliteStore::open_read_only(&config.directory, currencies).await?),
            StoreKind::Mysql => Box::new(MysqlStore::open_read_only(&config.mysql.options()?, currencies).await?),
        })
    }

    /// Opens it to read its days, beside an engine or without one.
    pub async fn open_to_export(
        config: &StoreConfig,
        currencies: Arc<CurrencySet>,
    ) -> Result<Arc<dyn SealingStore>, OpenError> {
        Ok(match config.kind {
            StoreKind::Embedded => Arc::new(SqliteStore::open_read_only(&config.directory, currencies).await?),
            StoreKind::Mysql => Arc::new(MysqlStore::open_read_only(&config.mysql.options()?, currencies).await?),
        })
    }

    /// As whoever exports its days sees it.
    pub fn days(&self) -> Arc<dyn SealingStore> {
        Arc::clone(&self.days)
    }

    /// The server whose exported records may go; `None` where the store keeps them all.
    pub fn mysql(&self) -> Option<Arc<MysqlStore>> {
        self.mysql.clone()
    }

    /// Opens what reconciliation reads, beside an engine or without one: connections of its own.
    pub async fn open_reconciliation(
        config: &StoreConfig,
        currencies: Arc<CurrencySet>,
    ) -> Result<Box<dyn ReconciliationReads>, OpenError> {
        Ok(match config.kind {
            StoreKind::Embedded => Box::new(SqliteReconciliation::open(&config.directory, currencies).await?),
            StoreKind::Mysql => Box::new(MysqlReconciliation::open(&config.mysql.options()?, currencies).await?),
        })
    }

    /// Lets keys expire for as long as it runs; `None` where the store keeps them all.
    pub fn let_keys_expire(
        &self,
        lanes: Vec<LaneId>,
        clock: Arc<dyn Clock>,
        kept_for: Duration,
    ) -> Option<impl Future<Output = ()> + use<>> {
        let store = self.mysql.clone()?;
        Some(async move {
            let kept_seconds = i64::try_from((kept_for + KEYS_KEPT_LONGER).as_secs()).unwrap_or(i64::MAX);
            loop {
                tokio::time::sleep(KEYS_LOOKED_AT_EVERY).await;
                let before = clock.now().plus_seconds(-kept_seconds);
                for lane in lanes.iter().filter(|lane| !store.has_lapsed(**lane)) {
                    expire(&store, *lane, before).await;
                }
            }
        })
    }
}

async fn expire(store: &MysqlStore, lane: LaneId, before: Timestamp) {
    match store.expire_keys(lane, before, Retention::default()).await {
        Ok(0) => {}
        Ok(records) => tracing::info!(%lane, records, "keys have expired"),
        Err(error) => tracing::warn!(%lane, %error, "keys could not expire: tried again in a minute"),
    }
}
