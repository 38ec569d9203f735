//! A bank to try out: fixed rates for every pair, and a customer with a million won.
//!
//! Rounds are published like anyone's, through the engine and its guard, and again well before they expire, at the mid
//! that the pair has by then: so rates that were published by hand stay. The customer is opened and paid by commands
//! with fixed idempotency keys: a restart gets the same customer back and pays nothing twice.

use std::{sync::Arc, time::Duration};

use hwan_domain::{
    account::AccountKind,
    board::Publication,
    currency::{Currency, CurrencySpec},
    guard::Proposal,
    id::{AccountId, CustomerId, Position},
    money::{Money, MoneyError},
    record::{Event, RequestDigest},
    round::RoundStatus,
    time::Timestamp,
};
use rust_decimal::Decimal;

use crate::actors::{
    command::{Caller, Command, Refusal},
    engine::Engine,
};

/// For how long a demonstration round trades, in seconds.
const VALID_SECONDS: i64 = 6 * 3_600;
/// A round is published again once less than this is left of its life, in seconds.
const RENEW_SECONDS: i64 = 4 * 3_600;
/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// What the customer gets, in won.
const DEPOSIT_WON: i64 = 1_000_000;

/// Middle rates in hundredths of a won per rate unit, plausible for November 2026.
const MIDS: [(&str, i64); 17] = [
    ("AUD", 89_412),
    ("CAD", 97_135),
    ("CHF", 154_080),
    ("CNY", 18_623),
    ("EUR", 147_215),
    ("GBP", 171_840),
    ("HKD", 17_362),
    ("IDR", 852),
    ("JPY", 93_406),
    ("MYR", 30_518),
    ("NZD", 80_277),
    ("PHP", 2_341),
    ("SGD", 101_764),
    ("THB", 3_987),
    ("TWD", 4_263),
    ("USD", 135_050),
    ("VND", 545),
];

/// Who to try the engine out with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemonstrationCustomer {
    /// The customer.
    pub customer: CustomerId,
    /// The won account, paid once.
    pub won_account: AccountId,
    /// The foreign account.
    pub foreign_account: AccountId,
}

/// Why there is no demonstration.
#[derive(Debug, thiserror::Error)]
pub enum DemonstrationError {
    /// The engine refused a command.
    #[error("the demonstration cannot be set up, set rates.demonstration to false to start without it: {0}")]
    Refused(#[from] Refusal),
    /// The deposit is no amount of won.
    #[error("the demonstration's deposit is no amount: {0}")]
    Deposit(#[from] MoneyError),
}

fn caller(key: Option<&str>) -> Caller {
    // One body per key, for all time: its fingerprint can be anything.
    Caller { name: Arc::from("demonstration"), key: key.map(Into::into), request: RequestDigest([0; 16]) }
}

/// Opens and pays the customer, or finds it again.
pub async fn open_customer(engine: &Engine) -> Result<DemonstrationCustomer, DemonstrationError> {
    let reference = Some("demonstration".into());
    let customer =
        CustomerId::at(execute(engine, "demonstration-customer", Command::OpenCustomer { reference }).await?);
    let open = |kind| Command::OpenAccount { customer, kind };
    let won_account = AccountId::at(execute(engine, "demonstration-won-account", open(AccountKind::Won)).await?);
    let foreign_account =
        AccountId::at(execute(engine, "demonstration-foreign-account", open(AccountKind::Foreign)).await?);
    let deposit = Command::Deposit { account: won_account, amount: Money::won(DEPOSIT_WON)? };
    execute(engine, "demonstration-deposit", deposit).await?;
    Ok(DemonstrationCustomer { customer, won_account, foreign_account })
}

async fn execute(engine: &Engine, key: &str, command: Command) -> Result<Position, Refusal> {
    Ok(engine.execute(caller(Some(key)), command).await?.record.position)
}

/// Publishes a round for every pair that has none, or none for much longer.
pub async fn publish_rounds(engine: &Engine) -> Result<(), Refusal> {
    let currencies = Arc::clone(engine.currencies());
    for (currency, spec) in currencies.foreign() {
        let (now, _) = engine.now();
        let Some(publication) = due(engine, currency, spec, now) else { continue };
        let executed = engine.publish(caller(None), publication).await?;
        if let Event::RoundPublished { round, findings } = &executed.record.event
            && !findings.is_empty()
        {
            tracing::warn!(round = %round.id, ?findings, "the guard refused a demonstration round");
        }
    }
    Ok(())
}

/// Keeps the rounds from expiring, until it is dropped.
pub async fn keep_publishing(engine: Engine) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Err(refusal) = publish_rounds(&engine).await {
            tracing::warn!(%refusal, "demonstration rounds are not published, trying again");
        }
    }
}

fn due(engine: &Engine, currency: Currency, spec: &CurrencySpec, now: Timestamp) -> Option<Publication> {
    let board = engine.board();
    let pair = board.pair(currency);
    if pair.is_some_and(|pair| pair.halt.is_some()) {
        return None; // whoever halted it wants it halted
    }
    let current = pair.and_then(|pair| pair.rounds.iter().rev().find(|round| round.status == RoundStatus::Active));
    let mid = match current {
        Some(round) if now.plus_seconds(RENEW_SECONDS) < round.valid_until => return None,
        Some(round) => round.mid.value(),
        None => {
            let (_, hundredths) = MIDS.into_iter().find(|(code, _)| *code == spec.code)?;
            Decimal::new(hundredths, 2)
        }
    };
    Some(Publication {
        currency,
        proposal: Proposal { mid, observed_at: now, sources: Vec::new() },
        valid_until: now.plus_seconds(VALID_SECONDS),
        spread_percent: None,
        preference_percent: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};

    #[test]
    fn every_foreign_currency_has_a_demonstration_rate() {
        let currencies = Config::load(&Overrides::default()).unwrap().rates.currencies().unwrap();
        let codes: Vec<&str> = MIDS.iter().map(|(code, _)| *code).collect();
        let foreign: Vec<String> = currencies.foreign().map(|(currency, _)| currency.to_string()).collect();
        assert_eq!(codes, foreign);
    }
}
