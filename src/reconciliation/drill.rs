//! What differs, opened: only the accounts of differing buckets are listed, on both sides.

use std::collections::{BTreeSet, HashMap};

use hwan_domain::{
    currency::{Currency, CurrencySet},
    id::AccountId,
    reconciliation::{
        AccountState, Break, BreakKind, Breaks, Check, Subject,
        tree::{Differing, bucket_of},
    },
};

use super::report::amount;

/// Accounts by currency, with what is there and at which version.
pub(super) type Side = HashMap<(AccountId, Currency), (i64, u64)>;

/// The buckets to open.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets(BTreeSet<(Currency, u8)>);

impl Buckets {
    pub(super) fn of(differing: &[Differing]) -> Self {
        Self(differing.iter().map(|found| (found.currency, found.bucket)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, account: AccountId, currency: Currency) -> bool {
        !self.0.is_empty() && self.0.contains(&(currency, bucket_of(account)))
    }

    /// The accounts of these buckets.
    pub(super) fn side(&self, accounts: impl IntoIterator<Item = AccountState>) -> Side {
        let mut side = Side::new();
        for state in accounts {
            for held in state.balances.iter().filter(|held| self.has(state.account, held.currency)) {
                side.insert((state.account, held.currency), (held.minor, held.version));
            }
        }
        side
    }
}

/// How two sides are named in a break.
#[derive(Clone, Copy)]
pub(super) struct Words {
    pub(super) check: Check,
    /// Where one side has nothing.
    pub(super) missing: &'static str,
    /// Where the other has what the one has not.
    pub(super) orphan: &'static str,
    /// Where both have it and do not agree.
    pub(super) amount: &'static str,
}

/// Every account that two sides do not agree on: `expected` follows from the journal. Versions count where both sides have one.
pub(super) fn compare(expected: &Side, found: &Side, words: Words) -> Breaks {
    let mut keys: Vec<&(AccountId, Currency)> = expected.keys().chain(found.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut breaks = Breaks::default();
    for key in keys {
        let (account, currency) = *key;
        let (ours, theirs) = (expected.get(key), found.get(key));
        let zero = |side: Option<&(i64, u64)>| side.is_none_or(|(minor, version)| *minor == 0 && *version == 0);
        let same = match (ours, theirs) {
            (Some((ours, of)), Some((theirs, at))) => ours == theirs && (of == at || *of == 0 || *at == 0),
            (ours, theirs) => zero(ours) && zero(theirs),
        };
        if same {
            continue;
        }
        let shown = |side: Option<&(i64, u64)>| match side {
            None => "nothing".to_owned(),
            Some((minor, 0)) => amount(i128::from(*minor), currency),
            Some((minor, version)) => format!("{} at version {version}", amount(i128::from(*minor), currency)),
        };
        let (kind, explanation) = match (ours, theirs) {
            (Some(_), None) => (BreakKind::Missing, words.missing),
            (None, _) => (BreakKind::Orphan, words.orphan),
            _ => (BreakKind::Amount, words.amount),
        };
        breaks.add(Break {
            kind,
            check: words.check,
            subject: Subject::account(account, Some(currency)),
            expected: shown(ours),
            found: shown(theirs),
            explanation: explanation.to_owned(),
        });
    }
    breaks
}

/// Accounts from packed chunks.
pub(super) fn accounts_of<'a>(
    chunks: &'a [Vec<u8>],
    currencies: &'a CurrencySet,
) -> impl Iterator<Item = AccountState> + 'a {
    // What the walk packed itself a moment ago.
    chunks
        .iter()
        .flat_map(|chunk| hwan_domain::reconciliation::snapshot::decode_chunk(chunk, currencies).unwrap_or_default())
}
