//! An engine of hwan inside this process as a target: the same engine over the same store as a server's, asked by its
//! façade instead of over HTTP, so that HTTP's share is what lies between the two.
//!
//! It is started as a server is, ports included: customers are seeded, and the projections are asked, over them. It runs
//! on threads of its own; its CPU and the generator's cannot be told apart.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc::sync_channel},
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result, anyhow};
use hwan::{
    actors::{
        command::{Caller as OnWord, Command, Delivery, MarketOrder, Order, Refusal, Viewer},
        engine::Engine,
    },
    clock::SystemClock,
    config::{Config, Overrides},
    shutdown::{self, Step},
    startup,
};
use hwan_domain::{
    currency::Currency,
    exchange::{Ask, Side},
    id::CustomerId,
    money::Money,
    record::RequestDigest,
};
use rand::rngs::StdRng;
use tokio::sync::oneshot;

use crate::{
    cli::TargetArguments,
    customers::SeededCustomer,
    drive::{Answered, Caller, Target},
    key::KeyClock,
    tally::{Ended, Outcome},
    workload::Workload,
};

/// Cents of an exchange: 1.00 USD, as over HTTP.
const USD_CENTS: i64 = 100;

/// An engine that runs in this process.
pub(crate) struct Running {
    engine: Engine,
    url: String,
    admin_url: String,
    token_file: PathBuf,
    /// Ends it.
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<()>>,
}

/// What a started engine says of itself.
struct Started {
    engine: Engine,
    url: String,
    admin_url: String,
    token_file: PathBuf,
}

impl Running {
    /// Starts it by a file of configuration, as `hwan serve --config` would.
    pub(crate) fn start(config: &Path) -> Result<Self> {
        let (say, started) = sync_channel(1);
        let (stop, stopped) = oneshot::channel();
        let file = Some(config.to_path_buf());
        let thread = thread::spawn(move || {
            actix::System::new().block_on(async {
                let config = Config::load(&Overrides { file, ..Overrides::default() })?;
                let running = startup::start(&config, Arc::new(SystemClock)).await?;
                let started = Started {
                    engine: running.engine(),
                    url: format!("http://{}", running.address),
                    admin_url: format!("http://{}", running.admin_address),
                    token_file: config.store.directory.join("token"),
                };
                if say.send(started).is_ok() {
                    let _asked = stopped.await; // a generator that is gone wants it stopped, too
                }
                shutdown::stop(running, &mut Step::Engine).await;
                Ok(())
            })
        });
        match started.recv() {
            Ok(Started { engine, url, admin_url, token_file }) => {
                Ok(Self { engine, url, admin_url, token_file, stop, thread })
            }
            Err(_nobody_says) => {
                let ended = thread.join().map_err(|_| anyhow!("the engine's thread panicked"))?;
                Err(ended.err().unwrap_or_else(|| anyhow!("the engine ended at once"))).context("no engine in process")
            }
        }
    }

    /// Its ports, and the file of its token.
    pub(crate) fn ports(&self) -> (TargetArguments, String) {
        (TargetArguments { url: self.url.clone(), token_file: self.token_file.clone() }, self.admin_url.clone())
    }

    /// It as a target, with these customers.
    pub(crate) fn target(&self, customers: &[SeededCustomer], keys: KeyClock) -> Result<InProcess> {
        let parsed = |customer: &SeededCustomer| customer.id.parse::<CustomerId>().map_err(|error| anyhow!("{error}"));
        let usd = self.engine.currencies().find("USD").context("the engine knows no USD")?;
        Ok(InProcess {
            engine: self.engine.clone(),
            customers: customers.iter().map(parsed).collect::<Result<_>>()?,
            usd,
            caller: Arc::from("loadtest"),
            keys,
        })
    }

    /// Stops it in order.
    pub(crate) fn stop(self) -> Result<()> {
        drop(self.engine);
        let _gone = self.stop.send(()); // it may have ended by itself: its thread says how
        self.thread.join().map_err(|_| anyhow!("the engine's thread panicked"))?
    }
}

/// The engine as a target.
#[derive(Clone)]
pub(crate) struct InProcess {
    engine: Engine,
    customers: Arc<[CustomerId]>,
    usd: Currency,
    caller: Arc<str>,
    keys: KeyClock,
}

/// One who asks it for one exchange after the other.
pub(crate) struct InProcessCaller {
    of: InProcess,
    next: Option<(OnWord, Command)>,
}

impl Target for InProcess {
    type Caller = InProcessCaller;

    async fn connect(&self) -> Result<InProcessCaller> {
        Ok(InProcessCaller { of: self.clone(), next: None })
    }
}

impl Caller for InProcessCaller {
    fn prepare(&mut self, workload: &Workload, random: &mut StdRng) -> u64 {
        let InProcess { customers, usd, caller, keys, .. } = &self.of;
        let turn = workload.next(random);
        let order =
            customers.get(turn.customer).zip(Money::from_minor(USD_CENTS, *usd).ok()).map(|(customer, money)| {
                Order::AtMarket(MarketOrder {
                    customer: *customer,
                    won_account: None,
                    foreign_account: None,
                    side: if turn.sells { Side::Sell } else { Side::Buy },
                    currency: *usd,
                    ask: Ask::Foreign(money),
                    worst_rate: None,
                })
            });
        let who = Viewer::of_all(caller.clone());
        let key = keys.key(random);
        let word =
            OnWord { who, key: Some(key.to_string().into_boxed_str()), request: RequestDigest(key.into_bytes()) };
        self.next = order.map(|order| (word, Command::Exchange(Box::new(order))));
        1
    }

    async fn call(&mut self) -> Answered {
        let Some((word, command)) = self.next.take() else { return Ended::default().into() };
        let (outcome, pause) = match self.of.engine.execute(word, command).await {
            Ok(executed) if executed.delivery == Delivery::First => (Outcome::Executed, None),
            Ok(_) => (Outcome::Replayed, None),
            Err(Refusal::Overloaded { limit, retry_after }) => (Outcome::Refused(limit.to_string()), Some(retry_after)),
            Err(refusal) => (Outcome::Refused(refusal.to_string()), None),
        };
        Answered { ended: Ended::all(outcome, 1), quote: None, pause }
    }
}
