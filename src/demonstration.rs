//! A bank to try out: fixed rates for every pair, and a customer with a million won.
//!
//! Rounds are published like anyone's, through the engine and its guard, always at the same mid and the currency's own
//! spread and preference, and again well before they expire. A pair is left alone, for good, once it is halted, once
//! one of its rounds was voided or refused, or once the board remembers a round that the demonstration did not publish:
//! real rates are never followed by made-up ones, also after a restart. The demonstration knows its rounds by
//! what the journal keeps of them: terms, life, and a fixed fraction of the second at which they end. So rates expire
//! where the configuration of a currency changed; and a round that is published in the moment between looking and
//! publishing may be superseded once.
//!
//! The customer is opened and paid by commands with fixed idempotency keys: a restart gets the same customer back and
//! pays nothing twice.

use std::{sync::Arc, time::Duration};

use hwan_domain::{
    account::AccountKind,
    board::{Board, Pair, Publication},
    currency::{Currency, CurrencySet},
    guard::{GuardPolicy, Proposal},
    id::{AccountId, CustomerId, Position},
    money::{Money, MoneyError},
    record::{Event, RequestDigest},
    round::{Round, RoundStatus},
    time::{MICROS_PER_SECOND, Timestamp},
};
use rust_decimal::Decimal;

use crate::actors::{
    command::{Caller, Command, Refusal, Viewer},
    engine::Engine,
};

/// For how long a demonstration round trades, in seconds, but for a fraction of one.
const VALID_SECONDS: i64 = 6 * 3_600;
/// The microseconds of the second at which a demonstration round ends: whoever else publishes hardly hits them.
const ENDS_AT_MICROS: i64 = 271_828;
/// How long a round may be under way until it is published, in seconds; its life is shorter by as much.
const UNDER_WAY_SECONDS_MAX: i64 = 60;
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
    Caller {
        who: Viewer::of_all(Arc::from("demonstration")),
        key: key.map(Into::into),
        request: RequestDigest([0; 16]),
    }
}

/// Opens and pays the customer, or finds it again.
pub async fn open_customer(engine: &Engine) -> Result<DemonstrationCustomer, DemonstrationError> {
    let reference = Some("demonstration".into());
    let customer = CustomerId::at(
        execute(engine, "demonstration-customer", Command::OpenCustomer { reference, channel: None }).await?,
    );
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

/// Publishes a round for every pair that never had one, or has one of the demonstration with little life left.
pub async fn publish_rounds(engine: &Engine) -> Result<(), Refusal> {
    let currencies = Arc::clone(engine.currencies());
    for (currency, _) in currencies.foreign() {
        let (now, _) = engine.now();
        let Some(publication) = publication(currency, now) else { continue };
        let Some(ours) = round_of(&publication, &currencies, now) else { continue };
        if !is_due(engine.board().pair(currency), &ours, now) {
            continue;
        }
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

/// What the demonstration publishes; `None` for a currency that it has no rate for.
fn publication(currency: Currency, now: Timestamp) -> Option<Publication> {
    let (_, hundredths) = MIDS.into_iter().find(|(code, _)| *code == currency.code())?;
    let whole_second = now.plus_micros(now.micros().rem_euclid(MICROS_PER_SECOND).saturating_neg());
    Some(Publication {
        currency,
        proposal: Proposal { mid: Decimal::new(hundredths, 2), observed_at: now, sources: Vec::new() },
        valid_until: whole_second.plus_seconds(VALID_SECONDS).plus_micros(ENDS_AT_MICROS),
        spread_percent: None,
        preference_percent: None,
    })
}

/// The round that a board without any makes of it.
fn round_of(publication: &Publication, currencies: &CurrencySet, now: Timestamp) -> Option<Round> {
    let empty = Board::default();
    match empty.publish(publication, currencies, &GuardPolicy::default(), now.seoul_date(), now) {
        Ok(Event::RoundPublished { round, .. }) => Some(round),
        Ok(_) | Err(_) => None,
    }
}

/// Whether to publish `ours` now: nobody else has touched the pair, and it does not trade for much longer.
fn is_due(pair: Option<&Pair>, ours: &Round, now: Timestamp) -> bool {
    let Some(pair) = pair else { return true };
    pair.halt.is_none()
        && pair.rounds.iter().all(|round| is_demonstration(round, ours))
        && pair.rounds.last().is_none_or(|newest| newest.valid_until <= now.plus_seconds(RENEW_SECONDS))
}

/// Whether a round is an earlier one of the demonstration, which would publish `ours` now.
fn is_demonstration(round: &Round, ours: &Round) -> bool {
    let shortest = round.published_at.plus_seconds(VALID_SECONDS - UNDER_WAY_SECONDS_MAX);
    let longest = round.published_at.plus_seconds(VALID_SECONDS + 1);
    matches!(round.status, RoundStatus::Active | RoundStatus::Superseded)
        && (round.mid, round.spread, round.preference_percent) == (ours.mid, ours.spread, ours.preference_percent)
        && (shortest..=longest).contains(&round.valid_until)
        && round.valid_until.micros().rem_euclid(MICROS_PER_SECOND) == ENDS_AT_MICROS
}

#[cfg(test)]
mod tests {
    use hwan_domain::{board::Halt, rate::Rate};

    use super::*;
    use crate::config::{Config, Overrides};

    #[test]
    fn every_foreign_currency_has_a_demonstration_rate() {
        let currencies = Config::load(&Overrides::default()).unwrap().rates.currencies().unwrap();
        let codes: Vec<&str> = MIDS.iter().map(|(code, _)| *code).collect();
        let foreign: Vec<String> = currencies.foreign().map(|(currency, _)| currency.to_string()).collect();
        assert_eq!(codes, foreign);
    }

    const PUBLISHED: Timestamp = Timestamp::from_micros(1_795_395_600_123_456);
    const HOUR: i64 = 3_600;

    /// The demonstration's round of the dollar as it is published at that instant.
    fn ours(now: Timestamp) -> Round {
        let currencies = Config::load(&Overrides::default()).unwrap().rates.currencies().unwrap();
        let publication = publication(currencies.find("USD").unwrap(), now).unwrap();
        round_of(&publication, &currencies, now).unwrap()
    }

    fn is_due_after(hours: i64, rounds: Vec<Round>, halt: Option<Halt>) -> bool {
        let now = PUBLISHED.plus_seconds(hours * HOUR);
        is_due(Some(&Pair { rounds, halt }), &ours(now), now)
    }

    #[test]
    fn a_pair_gets_its_first_round_and_the_next_before_the_first_expires() {
        assert!(is_due(None, &ours(PUBLISHED), PUBLISHED));
        assert!(!is_due_after(1, vec![ours(PUBLISHED)], None));
        assert!(is_due_after(3, vec![ours(PUBLISHED)], None));
        assert!(is_due_after(30, vec![ours(PUBLISHED)], None), "expired while the engine was stopped");
        let late = Round { published_at: PUBLISHED.plus_micros(4_999_999), ..ours(PUBLISHED) };
        let earlier = Round { status: RoundStatus::Superseded, ..ours(PUBLISHED.plus_seconds(-2 * HOUR)) };
        assert!(is_due_after(3, vec![earlier, late], None), "its own rounds, one of them long under way");
    }

    #[test]
    fn a_pair_that_anyone_else_touched_is_never_touched_again() {
        let own = ours(PUBLISHED);
        let others = [
            Round { mid: Rate::new(Decimal::new(135_051, 2), 1).unwrap(), ..own.clone() },
            Round { spread: own.spread + Decimal::ONE, ..own.clone() },
            Round { preference_percent: Decimal::ONE, ..own.clone() },
            Round { valid_until: PUBLISHED.plus_seconds(VALID_SECONDS), ..own.clone() },
            Round { valid_until: own.valid_until.plus_seconds(-HOUR), ..own.clone() },
            Round { valid_until: own.valid_until.plus_seconds(HOUR), ..own.clone() },
            Round { status: RoundStatus::Voided, ..own.clone() },
            Round { status: RoundStatus::Halted, ..own.clone() },
        ];
        for other in others {
            assert!(!is_due_after(30, vec![other.clone()], None), "{other:?}");
            assert!(!is_due_after(30, vec![other.clone(), own.clone()], None), "{other:?}, then its own");
            assert!(!is_due_after(30, vec![own.clone(), other.clone()], None), "{other:?}, after its own");
        }
        let halt = || Some(Halt { by: Arc::from("desk"), reason: "storm".into(), since: PUBLISHED });
        assert!(!is_due_after(30, vec![own], halt()));
        assert!(!is_due_after(30, Vec::new(), halt()));
    }
}
