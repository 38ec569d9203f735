//! The judge of a history: what clients sent and were answered, against what the engine shows afterwards. Pure.
//!
//! The rules: an acknowledged command is there and reads as it was answered; a key has one outcome and one answer,
//! byte for byte; nothing takes effect twice, or without a key that asked for it; a quote trades once, whatever the
//! key; every account's postings form one unbroken chain from its opening to what it shows now. A command whose answer
//! never came may have taken effect or not, and is asked again until that is known: a history that still does not know
//! is a fault as well.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use hwan_client::{Money, Posting};

/// The refusal of an exchange at a quote that has traded.
pub(crate) const QUOTE_USED: &str = "quote_used";

/// A posting as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// To which account.
    pub(crate) account: String,
    /// Its currency.
    pub(crate) currency: &'static str,
    /// Signed, in minor units.
    pub(crate) minor: i128,
}

/// The quote that an exchange trades at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AtQuote {
    /// `qte_…`
    pub(crate) id: String,
    /// What was known of it when the exchange was first sent.
    pub(crate) standing: Standing,
}

/// What a client knows of a quote before it sends an exchange at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// No exchange at it was acknowledged yet.
    Open,
    /// An exchange under another key was acknowledged: this one must be refused.
    Used,
}

/// How one attempt of a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Acknowledged: a status below 300 and a whole answer.
    Acknowledged(Acknowledgement),
    /// Refused, for good or for now.
    Refused { status: u16, code: String, retryable: bool },
    /// No answer; the request may have been read. How the connection ended, and how long after sending.
    Unanswered { how: std::io::ErrorKind, waited: Duration },
    /// The request never left the client.
    NotSent,
}

/// An answer that acknowledges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    /// Whether it is marked as a replay.
    pub(crate) replayed: bool,
    /// Byte for byte.
    pub(crate) body: Vec<u8>,
    /// What it says was done.
    pub(crate) effect: Effect,
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct Effect {
    /// Of the exchange or transaction.
    pub(crate) id: String,
    /// Account by account.
    pub(crate) postings: Vec<Posting>,
}

/// A command and all its attempts, in order.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// Its idempotency key.
    pub(crate) key: String,
    /// Where it is posted.
    pub(crate) path: &'static str,
    /// Its body, the same at every attempt.
    pub(crate) request: Vec<u8>,
    /// The postings that it asks for; of an exchange at market, the leg of which the amount was given.
    pub(crate) asked: Vec<Asked>,
    /// The quote that it trades at, if it is an exchange at one.
    pub(crate) quote: Option<AtQuote>,
    /// How the attempts ended.
    pub(crate) attempts: Vec<Ended>,
}

impl Recorded {
    /// The acknowledgements, in order.
    pub(crate) fn acknowledgements(&self) -> impl Iterator<Item = &Acknowledgement> {
        self.attempts.iter().filter_map(|ended| match ended {
            Ended::Acknowledged(acknowledgement) => Some(acknowledgement),
            Ended::Refused { .. } | Ended::Unanswered { .. } | Ended::NotSent => None,
        })
    }
}

/// An account as it was read: at its opening, or now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountSeen {
    /// The version.
    pub(crate) version: u64,
    /// Booked, by currency, in minor units; a currency that is not there is nothing.
    pub(crate) booked: BTreeMap<String, i128>,
}

/// What the engine shows after everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    /// Each account at its opening.
    pub(crate) opened: BTreeMap<String, AccountSeen>,
    /// Each account now.
    pub(crate) accounts: BTreeMap<String, AccountSeen>,
    /// What was read back by id: the body, or nothing if it was not found.
    pub(crate) read_back: BTreeMap<String, Option<Vec<u8>>>,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An acknowledged command is not there.
    Lost { key: String, id: String },
    /// It is there and reads differently.
    ReadsDifferently { key: String, id: String },
    /// A retry was answered differently from the first acknowledgement.
    AnswerChanged { key: String },
    /// A retry of an acknowledged command was not marked as a replay.
    NotMarkedAsReplay { key: String },
    /// The first attempt that could have been read was marked as a replay.
    ReplayOfNothing { key: String },
    /// A command was refused for good after it had been acknowledged.
    TakenBack { key: String, code: String },
    /// Whether the command took effect is still not known.
    Unresolved { key: String },
    /// Two keys were answered with the same effect.
    SharedEffect { id: String, keys: (String, String) },
    /// Exchanges under two keys took effect at one quote.
    QuoteTradedTwice { quote: String, keys: (String, String) },
    /// An exchange at a used quote was refused, and not for being that.
    UsedQuoteNotTold { key: String, code: String },
    /// The effect is not what was asked for.
    WrongEffect { key: String, asked: Asked },
    /// The account's postings do not follow each other: one is missing, doubled, or does not add up.
    BrokenChain { account: String, version: u64, found: String },
    /// What the account shows is not where its postings lead.
    WrongBalance { account: String, currency: String, expected: i128, found: i128 },
    /// The account has had more or fewer postings than anybody asked for.
    WrongVersion { account: String, expected: u64, found: u64 },
}

/// Everything in the history that breaks a promise.
pub(crate) fn judge(history: &[Recorded], observed: &Observed) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut effects: BTreeMap<&str, (&str, &Effect)> = BTreeMap::new();
    for recorded in history {
        judge_attempts(recorded, &mut faults);
        let Some(first) = recorded.acknowledgements().next() else { continue };
        judge_effect(recorded, first, observed, &mut faults);
        match effects.entry(&first.effect.id) {
            Entry::Vacant(vacant) => {
                vacant.insert((&recorded.key, &first.effect));
            }
            Entry::Occupied(other) => faults.push(Fault::SharedEffect {
                id: first.effect.id.clone(),
                keys: (other.get().0.to_owned(), recorded.key.clone()),
            }),
        }
    }
    judge_quotes(history, &mut faults);
    let mut postings: BTreeMap<&str, Vec<&Posting>> = BTreeMap::new();
    for posting in effects.values().flat_map(|(_, effect)| &effect.postings) {
        postings.entry(&posting.account_id).or_default().push(posting);
    }
    for (account, seen) in &observed.accounts {
        let opened = observed.opened.get(account).cloned().unwrap_or_default();
        judge_account(account, opened, postings.remove(account.as_str()).unwrap_or_default(), seen, &mut faults);
    }
    for (account, stray) in postings {
        let found = format!("{} postings of an account that nobody reads", stray.len());
        faults.push(Fault::BrokenChain { account: account.to_owned(), version: 0, found });
    }
    faults
}

/// One key, one outcome, one answer.
fn judge_attempts(recorded: &Recorded, faults: &mut Vec<Fault>) {
    let key = || recorded.key.clone();
    let mut first: Option<&Acknowledgement> = None;
    let mut may_have_been_read = false;
    for ended in &recorded.attempts {
        match (ended, first) {
            (Ended::Acknowledged(answer), None) => {
                if answer.replayed && !may_have_been_read {
                    faults.push(Fault::ReplayOfNothing { key: key() });
                }
                first = Some(answer);
            }
            (Ended::Acknowledged(answer), Some(first)) => {
                if answer.body != first.body {
                    faults.push(Fault::AnswerChanged { key: key() });
                }
                if !answer.replayed {
                    faults.push(Fault::NotMarkedAsReplay { key: key() });
                }
            }
            (Ended::Refused { code, retryable: false, .. }, Some(_)) => {
                faults.push(Fault::TakenBack { key: key(), code: code.clone() });
            }
            // "Retry" may mean that the outcome is not known yet.
            (Ended::Refused { retryable: true, .. } | Ended::Unanswered { .. }, _) => may_have_been_read = true,
            (Ended::Refused { .. } | Ended::NotSent, _) => {}
        }
    }
    let resolved = match recorded.attempts.last() {
        Some(Ended::Acknowledged(_) | Ended::Refused { retryable: false, .. }) => true,
        Some(Ended::NotSent) | None => !may_have_been_read,
        Some(Ended::Refused { .. } | Ended::Unanswered { .. }) => false,
    };
    if first.is_none() && !resolved {
        faults.push(Fault::Unresolved { key: key() });
    }
}

/// A quote trades once, and whoever comes after that is told so.
fn judge_quotes(history: &[Recorded], faults: &mut Vec<Fault>) {
    let mut traded: BTreeMap<&str, &str> = BTreeMap::new();
    for recorded in history {
        let Some(quote) = &recorded.quote else { continue };
        if recorded.acknowledgements().next().is_some()
            && let Some(other) = traded.insert(&quote.id, &recorded.key)
        {
            let keys = (other.to_owned(), recorded.key.clone());
            faults.push(Fault::QuoteTradedTwice { quote: quote.id.clone(), keys });
        }
        if quote.standing == Standing::Open {
            continue;
        }
        let refusals = recorded.attempts.iter().filter_map(|ended| match ended {
            Ended::Refused { code, retryable: false, .. } => Some(code),
            _ => None,
        });
        for (nth, code) in refusals.enumerate() {
            // Asked long after, it may have expired as well, and that is told first.
            if code != QUOTE_USED && (nth == 0 || code != "quote_expired") {
                faults.push(Fault::UsedQuoteNotTold { key: recorded.key.clone(), code: code.clone() });
            }
        }
    }
}

/// What was acknowledged is what was asked for, and reads as it was answered.
fn judge_effect(recorded: &Recorded, first: &Acknowledgement, observed: &Observed, faults: &mut Vec<Fault>) {
    let (key, id) = (recorded.key.clone(), first.effect.id.clone());
    for asked in &recorded.asked {
        let matching = first.effect.postings.iter().filter(|posting| {
            posting.account_id == asked.account
                && posting.amount.currency == asked.currency
                && posting.amount.minor_units() == Some(asked.minor)
        });
        if matching.count() != 1 {
            faults.push(Fault::WrongEffect { key: key.clone(), asked: asked.clone() });
        }
    }
    match observed.read_back.get(&id) {
        Some(None) => faults.push(Fault::Lost { key, id }),
        Some(Some(body)) if *body != first.body => faults.push(Fault::ReadsDifferently { key, id }),
        Some(Some(_)) | None => {}
    }
}

/// From the opening, posting by posting, to what the account shows.
fn judge_account(
    account: &str,
    opened: AccountSeen,
    mut postings: Vec<&Posting>,
    seen: &AccountSeen,
    faults: &mut Vec<Fault>,
) {
    let account = || account.to_owned();
    postings.sort_by_key(|posting| posting.version);
    let AccountSeen { mut version, mut booked } = opened;
    for posting in postings {
        let mut broken =
            |found| faults.push(Fault::BrokenChain { account: account(), version: posting.version, found });
        if posting.version != version + 1 {
            broken(format!("follows version {version}"));
        }
        version = posting.version;
        let minor = |money: &Money| money.minor_units();
        let (Some(amount), Some(after)) = (minor(&posting.amount), minor(&posting.balance_after)) else {
            broken(format!("amounts {} and {} cannot be read", posting.amount, posting.balance_after));
            continue;
        };
        let balance = booked.entry(posting.amount.currency.clone()).or_default();
        if *balance + amount != after || posting.amount.currency != posting.balance_after.currency {
            broken(format!("{balance} and {amount} make {after}"));
        }
        *balance = after;
        if after < 0 {
            broken(format!("the balance is {after}"));
        }
    }
    if version != seen.version {
        faults.push(Fault::WrongVersion { account: account(), expected: version, found: seen.version });
    }
    let currencies: std::collections::BTreeSet<&String> = booked.keys().chain(seen.booked.keys()).collect();
    for currency in currencies {
        let of = |balances: &BTreeMap<String, i128>| balances.get(currency).copied().unwrap_or(0);
        let (expected, found) = (of(&booked), of(&seen.booked));
        if expected != found {
            faults.push(Fault::WrongBalance { account: account(), currency: currency.clone(), expected, found });
        }
    }
}
