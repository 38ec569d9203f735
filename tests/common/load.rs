//! What the clients send: a mix of every movement of money, under both kinds of keys; and how much of each was sent.
//!
//! Amounts are small against what the customers have, so that hardly anything is refused for want of money.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use hwan_client::{ExchangeOrder, MarketOrder, Money, Movement, Quote, QuoteRequest, Side, Transfer};
use rand::{RngExt, seq::IndexedRandom};

use super::{
    drive::Customer,
    history::{Asked, AtQuote, Ended, QUOTE_USED, Recorded, Standing},
};

/// The longest that the engine gives, and far longer than a round of a test: a used quote is first refused for that
/// alone.
const QUOTE_SECONDS: u32 = 60;
/// One in so many exchanges at quotes is tried under another key after a restart.
const ASKED_AGAIN_OF: u32 = 4;
const CURRENCIES: [&str; 2] = ["KRW", "USD"];

/// What a client is to send next.
#[derive(Debug)]
pub(crate) enum Order {
    /// This.
    Ready(Recorded),
    /// An exchange at the quote that is to be asked for.
    NeedsQuote(QuoteRequest),
}

/// A random command: of twenty, eight exchanges at market, six at a quote, three withdrawals, three transfers.
pub(crate) fn random_order(customers: &[Customer]) -> Order {
    match rand::rng().random_range(0..20) {
        0..8 => Order::Ready(at_market(customers)),
        8..14 => {
            let (order, _) = random_market_order(customers);
            Order::NeedsQuote(QuoteRequest { order, lifetime_seconds: Some(QUOTE_SECONDS) })
        }
        14..17 => Order::Ready(withdrawal(customers)),
        _ => Order::Ready(transfer(customers)),
    }
}

/// A command that was not sent yet, under a new key of either kind.
pub(crate) fn recorded(path: &'static str, request: &impl serde::Serialize, asked: Vec<Asked>) -> Recorded {
    let request = serde_json::to_vec(request).unwrap();
    Recorded { key: new_key(), path, request, asked, quote: None, attempts: vec![] }
}

/// Half of the keys tell their time, half are opaque, as an order's number would be.
fn new_key() -> String {
    static ORDERS: AtomicU64 = AtomicU64::new(1);
    if rand::random() {
        return uuid::Uuid::now_v7().to_string();
    }
    format!("{OPAQUE}{}-{:08x}", ORDERS.fetch_add(1, Ordering::Relaxed), rand::random::<u32>())
}

const OPAQUE: &str = "order-";

/// A posting that is asked for.
pub(crate) fn asked(account: &str, currency: &'static str, minor: i128) -> Asked {
    Asked { account: account.to_owned(), currency, minor }
}

/// A positive amount as it travels.
pub(crate) fn money(currency: &str, minor: i128) -> Money {
    match currency {
        "KRW" => Money::new(minor.to_string(), currency),
        _ => Money::new(format!("{}.{:02}", minor / 100, minor % 100), currency),
    }
}

fn random_market_order(customers: &[Customer]) -> (MarketOrder, Asked) {
    let mut random = rand::rng();
    let customer = customers.choose(&mut random).unwrap();
    let cents: i128 = random.random_range(1..=100);
    let (side, minor) = if random.random() { (Side::Buy, cents) } else { (Side::Sell, -cents) };
    let order = MarketOrder::of_foreign(&customer.id, side, money("USD", cents));
    (order, asked(&customer.accounts[1], "USD", minor))
}

/// A random exchange at market.
pub(crate) fn at_market(customers: &[Customer]) -> Recorded {
    let (order, asked) = random_market_order(customers);
    recorded("/v1/exchanges", &ExchangeOrder::from(order), vec![asked])
}

/// An exchange at this quote. Of a quote both legs are known.
pub(crate) fn at_quote(quote: &Quote) -> Recorded {
    let (won, foreign) = (quote.won.minor_units().unwrap(), quote.foreign.minor_units().unwrap());
    let (won, foreign) = match quote.side {
        Side::Buy => (-won, foreign),
        Side::Sell => (won, -foreign),
    };
    let legs = vec![asked(&quote.won_account_id, "KRW", won), asked(&quote.foreign_account_id, "USD", foreign)];
    let exchange = recorded("/v1/exchanges", &ExchangeOrder::Quoted { quote: quote.quote.clone() }, legs);
    Recorded { quote: Some(AtQuote { id: quote.id.clone(), standing: Standing::Open }), ..exchange }
}

fn withdrawal(customers: &[Customer]) -> Recorded {
    let mut random = rand::rng();
    let kind = random.random_range(0..CURRENCIES.len());
    let (account, currency) = (&customers.choose(&mut random).unwrap().accounts[kind], CURRENCIES[kind]);
    let minor: i128 = random.random_range(1..=100);
    let movement = Movement { account_id: account.clone(), amount: money(currency, minor) };
    recorded("/v1/withdrawals", &movement, vec![asked(account, currency, -minor)])
}

/// Between two customers.
fn transfer(customers: &[Customer]) -> Recorded {
    let mut random = rand::rng();
    let kind = random.random_range(0..CURRENCIES.len());
    let two: Vec<&Customer> = customers.sample(&mut random, 2).collect();
    let (from, to, currency) = (&two[0].accounts[kind], &two[1].accounts[kind], CURRENCIES[kind]);
    let minor: i128 = random.random_range(1..=100);
    let order = Transfer { from_account_id: from.clone(), to_account_id: to.clone(), amount: money(currency, minor) };
    recorded("/v1/transfers", &order, vec![asked(from, currency, -minor), asked(to, currency, minor)])
}

/// The same exchange at the same quote under another key; `None` if it is not at a quote.
pub(crate) fn under_another_key(command: &Recorded, standing: Standing) -> Option<Recorded> {
    let quote = Some(AtQuote { id: command.quote.as_ref()?.id.clone(), standing });
    Some(Recorded { key: new_key(), quote, attempts: vec![], ..command.clone() })
}

/// Adds exchanges under other keys for after a restart: at quotes of which it is not known whether they have traded, in
/// a race with the retry, and at some that have.
pub(crate) fn with_second_keys(sent: Vec<Recorded>) -> Vec<Recorded> {
    let mut commands = Vec::with_capacity(sent.len());
    for command in sent {
        let standing = match command.attempts.last() {
            Some(Ended::Unanswered { .. }) => Some(Standing::Open),
            Some(Ended::Acknowledged(_)) if rand::rng().random_ratio(1, ASKED_AGAIN_OF) => Some(Standing::Used),
            _ => None,
        };
        // A second key of a used quote has no third one.
        let first = command.quote.as_ref().is_some_and(|quote| quote.standing == Standing::Open);
        let second = standing.filter(|_| first).and_then(|standing| under_another_key(&command, standing));
        commands.push(command);
        commands.extend(second);
        let last = commands.len() - 1;
        if standing == Some(Standing::Open) && first && rand::random() {
            commands.swap(last - 1, last); // the other key goes first
        }
    }
    commands
}

/// How many commands of each kind took effect, or were refused as they must be, and how many were cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Acknowledged; of exchanges at used quotes: refused for that.
    pub(crate) settled: usize,
    /// Commands that an attempt of was left without an answer.
    pub(crate) cut_off: usize,
}

/// The counts by kind; a command is of several kinds.
pub(crate) fn counts(history: &[Recorded]) -> BTreeMap<&'static str, Count> {
    let mut counts: BTreeMap<&'static str, Count> = BTreeMap::new();
    for command in history {
        let at = command.quote.as_ref().map(|quote| quote.standing);
        let kind = match (command.path, at) {
            ("/v1/exchanges", None) => "at market",
            ("/v1/exchanges", Some(Standing::Open)) => "at a quote",
            ("/v1/exchanges", Some(Standing::Used)) => "at a used quote",
            ("/v1/withdrawals", _) => "withdrawal",
            ("/v1/transfers", _) => "transfer",
            _ => "other",
        };
        let key = if command.key.starts_with(OPAQUE) { "opaque key" } else { "time-ordered key" };
        let told_used =
            command.attempts.iter().any(|end| matches!(end, Ended::Refused { code, .. } if code == QUOTE_USED));
        let acknowledged = command.acknowledgements().next().is_some();
        let cut_off = command.attempts.iter().any(|ended| matches!(ended, Ended::Unanswered { .. }));
        let settled = if at == Some(Standing::Used) { told_used } else { acknowledged };
        let lost_race = (at == Some(Standing::Open) && told_used).then_some("at a quote, after the other key");
        for kind in [kind, key].into_iter().chain(lost_race) {
            let count = counts.entry(kind).or_default();
            count.settled += usize::from(settled || Some(kind) == lost_race);
            count.cut_off += usize::from(cut_off);
        }
    }
    counts
}
