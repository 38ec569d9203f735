//! The layers of the configuration, and the whole of it.

use std::{net::SocketAddr, path::PathBuf};

use figment::{
    Figment, Provider,
    providers::{Env, Format, Toml},
    value::{Dict, Value},
};
use hwan_domain::time::Timestamp;
use serde::Deserialize;

use crate::outbox::kafka::settings::KafkaOptions;

use super::{
    access::AccessConfig, accounting::AccountingConfig, admin::AdminConfig, audit::AuditConfig,
    business_day::BusinessDayConfig, engine::EngineConfig, interest::InterestConfig, limits::LimitsConfig,
    log::LogConfig, outbox::OutboxConfig, positions::PositionsConfig, quotes::QuotesConfig, rates::RatesConfig,
    sealing::SealingConfig, server::ServerConfig, store::StoreConfig, watch::WatchConfig,
};

/// Every field with its default.
const DEFAULT: &str = include_str!("../../config/default.toml");

/// What differs from it in a server for tests.
const DEFAULT_OF_TESTS: &str = "[rates]\ndemonstration = false";

/// The whole configuration, checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The HTTP server.
    pub server: ServerConfig,
    /// Where those who run hwan ask.
    pub admin: AdminConfig,
    /// Who may call, and how much.
    pub access: AccessConfig,
    /// What is kept of the audit trail.
    pub audit: AuditConfig,
    /// Where things lie.
    pub store: StoreConfig,
    /// The bank's own accounting.
    pub accounting: AccountingConfig,
    /// Who takes committed records out of the engine.
    pub outbox: OutboxConfig,
    /// When business dates begin.
    pub business_day: BusinessDayConfig,
    /// The engine's bounds.
    pub engine: EngineConfig,
    /// Rates, the guard, currencies.
    pub rates: RatesConfig,
    /// The bank's limits.
    pub limits: LimitsConfig,
    /// Quotes.
    pub quotes: QuotesConfig,
    /// Whether interest is paid, and at which rates.
    pub interest: InterestConfig,
    /// How far the bank's own positions may go.
    pub positions: PositionsConfig,
    /// Export of sealed days, and retention of the journal.
    pub sealing: SealingConfig,
    /// The watch.
    pub watch: WatchConfig,
    /// Logs.
    pub log: LogConfig,
    /// Where the engine's clock stands at first, in a server for tests. Only the command line says so.
    #[serde(skip)]
    pub test_clock: Option<Timestamp>,
}

/// What the command line says: over every other layer.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// A file of configuration.
    pub file: Option<PathBuf>,
    /// In place of `server.listen`.
    pub listen: Option<SocketAddr>,
    /// In place of `admin.listen`.
    pub admin_listen: Option<SocketAddr>,
    /// A server for tests, whose clock stands here at first.
    pub test_clock: Option<Timestamp>,
    /// In place of `store.directory`.
    pub directory: Option<PathBuf>,
}

/// Why a configuration is not used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file given by `--config` is not there.
    #[error("configuration file {0} cannot be read: check the path given to --config")]
    File(PathBuf),
    /// A field that does not exist.
    #[error("{field} in {place} is not a field of the configuration: {advice}")]
    Unknown {
        /// Its full name.
        field: String,
        /// The file or the environment variable.
        place: String,
        /// What exists.
        advice: String,
    },
    /// A layer cannot be read, or a value has the wrong type.
    #[error("the configuration cannot be read: {0}")]
    Unreadable(Box<figment::Error>),
    /// A value is outside its bounds.
    #[error("{field} is {found}: {advice}")]
    Bound {
        /// Its full name.
        field: &'static str,
        /// The value.
        found: String,
        /// What to do.
        advice: String,
    },
    /// The chart of accounts cannot be read.
    #[error("the chart of accounts in {place} cannot be used: {cause}")]
    Chart {
        /// The file.
        place: String,
        /// What is wrong.
        cause: String,
    },
    /// The interest rates cannot be read.
    #[error("the interest rates in {place} cannot be used: {cause}")]
    InterestRates {
        /// The file.
        place: String,
        /// What is wrong.
        cause: String,
    },
    /// The currencies cannot be read.
    #[error("the currencies in {place} cannot be used: {cause}")]
    Currencies {
        /// The file.
        place: String,
        /// What is wrong.
        cause: String,
    },
}

impl From<figment::Error> for ConfigError {
    fn from(error: figment::Error) -> Self {
        Self::Unreadable(Box::new(error))
    }
}

impl Config {
    /// Reads all layers and checks every bound.
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        let defaults = Toml::string(DEFAULT);
        let known: Dict = Figment::from(&defaults).extract()?;
        let mut figment = Figment::from(&defaults);
        if overrides.test_clock.is_some() {
            figment = figment.merge(Toml::string(DEFAULT_OF_TESTS));
        }
        if let Some(path) = &overrides.file {
            if !path.is_file() {
                return Err(ConfigError::File(path.clone()));
            }
            let file = Toml::file_exact(path);
            refuse_unknown(&layer(&file)?, &known, "", &path.display().to_string())?;
            figment = figment.merge(file);
        }
        let environment = Env::prefixed("HWAN_").filter(|key| key.as_str().contains("__")).split("__");
        refuse_unknown(&layer(&environment)?, &known, "", "the environment (HWAN_<SECTION>__<FIELD>)")?;
        let mut config: Self = figment.merge(environment).extract()?;
        if let Some(listen) = overrides.listen {
            config.server.listen = listen;
        }
        if let Some(listen) = overrides.admin_listen {
            config.admin.listen = listen;
        }
        config.test_clock = overrides.test_clock;
        if let Some(directory) = &overrides.directory {
            config.store.directory.clone_from(directory);
        }
        config.check()?;
        Ok(config)
    }

    /// Kafka as its client takes it: a partition for each lane.
    pub fn kafka_options(&self) -> Result<KafkaOptions, ConfigError> {
        self.outbox.kafka.options(self.engine.customer_lanes.saturating_add(1))
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.server.check()?;
        self.server.needs_tls_beyond_loopback("admin.listen", self.admin.listen)?;
        for (field, listen) in [("server.listen", self.server.listen), ("admin.listen", self.admin.listen)] {
            if self.test_clock.is_some() && !listen.ip().is_loopback() {
                let advice = "with --test-clock listen on 127.0.0.1 or [::1] only".to_owned();
                return Err(ConfigError::Bound { field, found: listen.to_string(), advice });
            }
        }
        self.audit.check()?;
        self.access.check()?;
        self.store.check()?;
        self.outbox.check()?;
        self.accounting.check(&self.store.mysql)?;
        self.business_day.check()?;
        self.engine.check()?;
        self.rates.check()?;
        self.limits.check()?;
        self.quotes.check()?;
        self.positions.check()?;
        self.sealing.check()?;
        self.watch.check()
    }
}

fn layer(provider: impl Provider) -> Result<Dict, ConfigError> {
    Ok(Figment::from(provider).extract()?)
}

/// Tables whose fields the built-in file does not name.
const FREE_TABLES: &[&str] = &["outbox.kafka.properties", "watch.band_percent_max"];

/// The built-in file has every field, so what it does not have does not exist.
fn refuse_unknown(layer: &Dict, known: &Dict, within: &str, place: &str) -> Result<(), ConfigError> {
    for (key, value) in layer {
        let field = if within.is_empty() { key.clone() } else { format!("{within}.{key}") };
        match (value, known.get(key)) {
            // The names in it are another program's.
            _ if FREE_TABLES.contains(&field.as_str()) => {}
            (Value::Dict(_, layer), Some(Value::Dict(_, known))) => refuse_unknown(layer, known, &field, place)?,
            (_, Some(_)) => {}
            (_, None) => {
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                let kind = if within.is_empty() { "sections are" } else { "this section has" };
                let advice = format!("{kind} {}", names.join(", "));
                return Err(ConfigError::Unknown { field, place: place.to_owned(), advice });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn load_with(text: &str) -> Result<Config, ConfigError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Config::load(&Overrides { file: Some(file.path().to_owned()), ..Overrides::default() })
    }

    #[test]
    fn the_built_in_configuration_is_complete_and_equals_the_engines_own_defaults() {
        let config = Config::load(&Overrides::default()).unwrap();
        assert_eq!(
            format!("{:?}", config.engine.limits()),
            format!("{:?}", crate::actors::engine::EngineLimits::default())
        );
        assert_eq!(config.limits.policy(), hwan_domain::limit::LimitPolicy::default());
        assert_eq!(config.rates.guard(), hwan_domain::guard::GuardPolicy::default());
        assert_eq!(config.rates.currencies().unwrap().iter().count(), 18);
    }

    #[test]
    fn a_file_goes_over_the_defaults_and_the_command_line_over_the_file() {
        let config = load_with("[server]\nworkers = 3\nlisten = \"[::1]:0\"\n[rates]\ndeviation_percent_max = \"0.5\"");
        let config = config.unwrap();
        assert_eq!((config.server.workers, config.server.backlog), (3, 2_048));
        assert!(config.server.listen.is_ipv6());
        assert_eq!(config.rates.deviation_percent_max.0.to_string(), "0.5");
        let over = Overrides { listen: Some("127.0.0.2:1".parse().unwrap()), ..Overrides::default() };
        assert_eq!(Config::load(&over).unwrap().server.listen.port(), 1);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_name_and_what_to_do() {
        for (text, words) in [
            ("[server]\nwrokers = 3", &["server.wrokers", "is not a field", "workers", "/tmp"][..]),
            ("[sever]\nworkers = 3", &["sever", "sections are", "server"]),
            ("[server]\nworkers = 0", &["server.workers is 0", "from 1 to"]),
            ("[sealing]\ndelete_exported = true", &["sealing.delete_exported", "sealing.url"]),
            ("[sealing]\ndelete_records_per_step = 0", &["sealing.delete_records_per_step is 0", "from 1 to"]),
            ("[server]\nworkers = \"two\"", &["server.workers", "two"]),
            (
                "[server]\nlisten = \"0.0.0.0:8080\"",
                &["server.listen is 0.0.0.0:8080", "server.tls.certificate", "proxy"],
            ),
            ("[admin]\nlisten = \"[::]:8081\"", &["admin.listen is [::]:8081", "server.tls.key"]),
            ("[server.tls]\ncertificate = \"c.pem\"", &["server.tls.key is empty", "PEM"]),
            ("[server.tls]\nclient_ca = \"c.pem\"", &["server.tls.certificate is empty"]),
            ("[server.tls]\ncert = \"c.pem\"", &["server.tls.cert", "is not a field", "client_ca"]),
            ("[server]\nhosts = [\"https://fx\"]", &["server.hosts", "without scheme"]),
            ("[access]\nburst = 0", &["access.burst is 0", "from 1 to"]),
            ("[access.jwt]\nenabled = true", &["access.jwt.issuer is empty"]),
            ("[access.jwt]\nalgorithms = [\"HS256\"]", &["HS256", "access.jwt.algorithms"]),
            ("[access.jwt]\nalgorithms = [\"none\"]", &["none", "access.jwt.algorithms"]),
            ("[audit]\nfiles_kept = 0", &["audit.files_kept is 0"]),
            ("[server]\nlisten = \"localhost\"", &["server.listen"]),
            ("[rates]\ndeviation_percent_max = 0.5", &["rates.deviation_percent_max", "in quotes"]),
            ("[rates]\ncurrencies_file = \"/nowhere.toml\"", &["/nowhere.toml", "cannot be used"]),
            ("[quotes]\nlifetime_seconds = 20\nlifetime_seconds_max = 10", &["quotes.lifetime_seconds is 20"]),
            (
                "[outbox]\nkind = \"kafka\"\n[outbox.kafka]\nbootstrap_servers = \"k:1\"",
                &["outbox.kafka.network", "TLS"],
            ),
            ("[outbox.kafka]\nbrokers = \"k:1\"", &["outbox.kafka.brokers", "is not a field", "bootstrap_servers"]),
            ("[positions]\nhard_won = 5", &["positions.hard_won is 5", "from 1000000000"]),
            ("[positions]\nsofter_won = 5", &["positions.softer_won", "is not a field"]),
            ("[interest]\nrate = 5", &["interest.rate", "is not a field", "rates_file"]),
            ("[log]\nformat = \"xml\"", &["log.format", "text", "json"]),
            ("server = 3", &["server"]),
            ("[server", &["cannot be read"]),
        ] {
            let error =
                load_with(text).and_then(|config| config.rates.currencies().map(|_| ())).unwrap_err().to_string();
            for word in words {
                assert!(error.contains(word), "{text:?} gave {error:?} without {word:?}");
            }
        }
    }

    #[test]
    fn a_test_clock_stays_on_loopback_and_turns_the_demonstration_off_unless_it_is_asked_for() {
        let mut overrides = Overrides { test_clock: Some(Timestamp::from_micros(1)), ..Overrides::default() };
        let config = Config::load(&overrides).unwrap();
        assert!(!config.rates.demonstration && config.test_clock.is_some());
        assert!(Config::load(&Overrides::default()).unwrap().rates.demonstration);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"[rates]\ndemonstration = true\n[server.tls]\ncertificate = \"c\"\nkey = \"k\"").unwrap();
        overrides.file = Some(file.path().to_owned());
        assert!(Config::load(&overrides).unwrap().rates.demonstration);
        overrides.admin_listen = Some("0.0.0.0:0".parse().unwrap());
        assert!(Config::load(&overrides).unwrap_err().to_string().contains("--test-clock"));
    }

    #[test]
    fn properties_of_the_client_have_their_own_names() {
        let text = "[outbox.kafka.properties]\n\"linger.ms\" = \"20\"\n\"socket.keepalive.enable\" = \"false\"";
        let options = load_with(text).unwrap().outbox.kafka.options(2).unwrap();
        assert_eq!(options.properties.get("linger.ms").map(String::as_str), Some("20"));
        assert_eq!(options.properties.len(), 2);
    }

    #[test]
    fn a_missing_file_is_named() {
        let overrides = Overrides { file: Some("/nowhere.toml".into()), ..Overrides::default() };
        assert!(Config::load(&overrides).unwrap_err().to_string().contains("/nowhere.toml"));
    }
}
