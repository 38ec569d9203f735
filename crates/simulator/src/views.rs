//! Views against the naive ledger, and the store against it: memory equals store equals journal.

use std::sync::Arc;

use hwan::{
    actors::{
        command::Viewer,
        engine::Engine,
        view::{AccountView, CustomerView, KeyScope, KeyView},
    },
    storage::{fake::FakeStore, port::LedgerStore as _},
};
use hwan_domain::{
    account::AccountState,
    check::Fact,
    currency::Currency,
    customer::CustomerState,
    id::{AccountId, CustomerId, ExchangeId, LaneId},
    time::Timestamp,
};

use crate::{
    check::lane_scope,
    history::{Act, History},
    household::{self, NaiveAccount, NaiveCustomer},
    ledger::Ledger,
    replay::Replayed,
    rules,
};

/// Whether a customer's state is this one at that instant.
fn same_customer(state: &CustomerState, naive: &NaiveCustomer, at: Timestamp) -> bool {
    let limits = state.limits.at(at);
    let checks = |facts: Vec<Fact>| {
        let mut checks: Vec<_> = facts.into_iter().map(|fact| fact.check).collect();
        checks.sort();
        checks
    };
    (limits.day_won, limits.month_won) == household::used(naive, at)
        && checks(state.facts.in_force(at).copied().collect()) == checks(rules::in_force(&naive.statements, at))
}

/// Whether an account's state is this one at that instant.
fn same_account(state: &AccountState, naive: &NaiveAccount, at: Timestamp) -> bool {
    let mut balances: Vec<(Currency, (i64, u64))> =
        state.balances.iter().map(|b| (b.amount.currency(), (b.amount.minor(), b.version))).collect();
    balances.sort_unstable();
    let checks = |facts: &[Fact]| {
        let mut checks: Vec<_> =
            facts.iter().map(|fact| (fact.check, fact.amount.map(|amount| amount.minor()))).collect();
        checks.sort();
        checks
    };
    let in_force: Vec<Fact> = state.facts.in_force(at).copied().collect();
    (state.customer, state.kind) == (naive.owner, naive.kind)
        && balances == naive.balances.iter().map(|(currency, held)| (*currency, *held)).collect::<Vec<_>>()
        && checks(&in_force) == checks(&rules::in_force(&naive.statements, at))
}

/// Whether what a client saw of a customer is what the ledger holds here.
pub(crate) fn is_customer(view: Option<&CustomerView>, act: &Act, ledger: &Ledger) -> bool {
    let Act::ReadCustomer(id) = act else { return false };
    match (view, ledger.customers.get(id)) {
        (None, naive) => naive.is_none(),
        (Some(view), Some(naive)) => {
            let own: Vec<AccountId> =
                ledger.accounts.iter().filter(|(_, account)| account.owner == *id).map(|(id, _)| *id).collect();
            let mut seen = view.accounts.clone();
            seen.sort_unstable();
            view.state.id == *id && seen == own && same_customer(&view.state, naive, view.at)
        }
        (Some(_), None) => false,
    }
}

/// Whether what a client saw of an account is what the ledger holds here.
pub(crate) fn is_account(view: Option<&AccountView>, act: &Act, ledger: &Ledger) -> bool {
    let Act::ReadAccount(id) = act else { return false };
    match (view, ledger.accounts.get(id)) {
        (None, naive) => naive.is_none(),
        (Some(view), Some(naive)) => {
            view.state.id == *id && same_account(&view.state, naive, view.at) && is_available(view)
        }
        (Some(_), None) => false,
    }
}

/// Available is what is booked less what is reserved and less what is seized, never below zero.
fn is_available(view: &AccountView) -> bool {
    view.state.balances.iter().zip(&view.available).all(|(balance, available)| {
        let currency = balance.amount.currency();
        let reserved = view.reserved.filter(|reserved| reserved.currency() == currency).map_or(0, |r| r.minor());
        let seized = view.state.facts.in_force(view.at).filter(|fact| fact.check.code().as_str() == "seized");
        let mut left = balance.amount.minor() - reserved;
        for fact in seized {
            match fact.amount {
                None => left = 0,
                Some(amount) if amount.currency() == currency => left -= amount.minor(),
                Some(_) => {}
            }
        }
        reserved <= balance.amount.minor() && available.currency() == currency && available.minor() == left.max(0)
    })
}

/// After healing: the engine's memory, the store's states and projections are what the journal makes them.
pub(crate) async fn engine_and_store(engine: &Engine, store: &Arc<FakeStore>, history: &History) -> Result<(), String> {
    let lanes: Vec<LaneId> = engine.lanes().into_iter().map(|lane| lane.lane).collect();
    let rows: Vec<_> = lanes.iter().map(|lane| store.rows(*lane)).collect();
    let replayed = Replayed::of(history, &rows, |_, _| {})?;
    keys(engine, history, &replayed).await?;
    for ledger in &replayed.ledgers {
        caught_up(store, ledger).await?;
        for (id, naive) in &ledger.customers {
            customer(engine, store, ledger, *id, naive).await?;
        }
        for (id, naive) in &ledger.accounts {
            account(engine, store, *id, naive).await?;
        }
        for place in ledger.exchanges.keys() {
            let found = engine.reversal_of(ExchangeId::at(*place)).await.map_err(|refusal| refusal.to_string())?;
            if found != ledger.reversals.get(place).copied() {
                return Err(format!("{place:?} is said to be reversed by {found:?}"));
            }
        }
    }
    Ok(())
}

/// What became of every key that was ever used for a customer: its record, or nothing.
async fn keys(engine: &Engine, history: &History, replayed: &Replayed) -> Result<(), String> {
    let keyed = history.ops.iter().enumerate().filter_map(|(index, op)| Some((index, op, op.key.as_deref()?)));
    for (index, op, key) in keyed {
        let Some(customer) = lane_scope(&op.act, replayed) else { continue };
        let made = replayed.made.get(&index);
        // Another operation may have taken the key.
        let others =
            history.ops.iter().enumerate().filter(|(_, other)| other.key == op.key && other.caller == op.caller);
        let rivals = others.filter(|(other, _)| *other != index && replayed.made.contains_key(other)).count();
        let who = Viewer::of_all(op.caller.clone());
        let found = engine.key(&who, key, KeyScope::Customer(customer)).await;
        let good = match (&found, made) {
            (Ok(KeyView::Completed(record)), Some(made)) => record.position == *made,
            (Ok(KeyView::Completed(_)), None) => rivals > 0,
            (Ok(KeyView::Absent), made) => made.is_none(),
            _ => false,
        };
        if !good {
            return Err(format!("the key of operation {index}, which made {made:?}, is said to be {found:?}"));
        }
    }
    Ok(())
}

async fn caught_up(store: &FakeStore, ledger: &Ledger) -> Result<(), String> {
    for _ in 0..200 {
        if store.projected(ledger.lane).await.is_ok_and(|seq| seq.number() >= ledger.seq) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    Err(format!("lane {} stands at {}, its projections do not follow", ledger.lane, ledger.seq))
}

async fn customer(
    engine: &Engine,
    store: &FakeStore,
    ledger: &Ledger,
    id: CustomerId,
    naive: &NaiveCustomer,
) -> Result<(), String> {
    let seen = engine
        .customer(&crate::bank::teller(), id)
        .await
        .map_err(|refusal| format!("{id} cannot be read: {refusal}"))?;
    if !is_customer(seen.as_ref(), &Act::ReadCustomer(id), ledger) {
        return Err(format!("memory differs: {seen:?} is not {naive:?}"));
    }
    let household = store.customer(id).await.ok().flatten().ok_or_else(|| format!("{id} is not stored"))?;
    let at = seen.map_or_else(Timestamp::default, |view| view.at);
    let own = ledger.accounts.iter().filter(|(_, account)| account.owner == id);
    let stored =
        own.zip(&household.accounts).all(|((id, naive), state)| *id == state.id && same_account(state, naive, at));
    if !stored || !same_customer(&household.customer, naive, at) {
        return Err(format!("the store differs: {household:?} is not {naive:?}"));
    }
    Ok(())
}

async fn account(engine: &Engine, store: &FakeStore, id: AccountId, naive: &NaiveAccount) -> Result<(), String> {
    let seen = engine
        .account(&crate::bank::teller(), id)
        .await
        .map_err(|refusal| format!("{id} cannot be read: {refusal}"))?;
    let seen = seen.ok_or_else(|| format!("{id} is not there"))?;
    if !same_account(&seen.state, naive, seen.at) || seen.reserved.is_some() || !is_available(&seen) {
        return Err(format!("memory differs: {seen:?} is not {naive:?}"));
    }
    let passbook = store.passbook(id, 0, usize::MAX).await.map_err(|error| error.to_string())?;
    let lines = passbook.iter().map(|e| (e.version, e.amount, e.balance_after, e.at, e.business_date));
    let due = naive.lines.iter().map(|l| (l.leg.version, l.leg.amount, l.leg.balance_after, l.at, l.date));
    if !lines.eq(due) {
        return Err(format!("the passbook of {id} differs: {passbook:?} is not {:?}", naive.lines));
    }
    let mut dates: Vec<_> = naive.lines.iter().map(|line| line.date).collect();
    dates.dedup();
    for date in dates {
        let mut closing = std::collections::BTreeMap::new();
        for line in naive.lines.iter().filter(|line| line.date <= date) {
            closing.insert(line.leg.amount.currency(), (line.date, line.leg.balance_after));
        }
        let stored = store.daily_balances(id, date).await.map_err(|error| error.to_string())?;
        let mut stored: Vec<_> = stored.into_iter().map(|row| (row.1.currency(), row)).collect();
        stored.sort_unstable_by_key(|(currency, _)| *currency);
        if stored != closing.into_iter().collect::<Vec<_>>() {
            return Err(format!("the balances of {id} on {date} differ: {stored:?}"));
        }
    }
    Ok(())
}
