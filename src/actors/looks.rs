//! Reads by way of the façade: what is seen in a customer's mailbox, in the journal, and among the keys.
//!
//! A customer or an account that the viewer does not reach is answered as one that does not exist. What is read of the
//! journal by its place is not: whoever answers with it asks for its customer first.

use std::{sync::Arc, time::Duration};

use hwan_domain::{
    check::Direction,
    id::{AccountId, CustomerId, ExchangeId, LaneId, Position},
    money::Money,
    quote::{Quote, QuoteId},
    record::{KeyDigest, Record, RequestDigest},
    rejection::{Code, Rejection},
    time::Timestamp,
};
use tokio::sync::oneshot;

use super::{
    command::{KeyError, MarketOrder, NotDone, Order, Refusal, Viewer},
    engine::Engine,
    home::lock,
    hydrator::{Admit, Visit},
    idempotency::{Key, UsedOnce},
    keeper::LaneSlot,
    look::{Look, LookReply, Sight},
    view::{AccountView, CheckView, CustomerView, KeyScope, KeyView, TrialView},
};

impl Engine {
    pub(super) async fn look<T>(
        &self,
        who: &Viewer,
        customer: CustomerId,
        sight: impl FnOnce(LookReply<T>) -> Sight,
    ) -> Result<T, Refusal> {
        let passage = self.0.door.enter()?;
        let Some(slot) = self.customers_slot(customer.lane()) else { return Err(no_customer(customer)) };
        let link = slot.link.load_full().ok_or_else(|| slot.refusal(false))?;
        let (reply, answer) = oneshot::channel();
        let look = Look { at: sight(reply), pin: None, who: who.clone(), customer, passage };
        link.hydrator.do_send(Admit { customer, visit: Visit::Look(Box::new(look)) });
        drop(link);
        match tokio::time::timeout(self.0.common.limits.command_deadline, answer).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(_)) | Err(_) => Err(Refusal::NotDone(NotDone::LaneClosed)),
        }
    }

    /// Prices a market order without executing it: a quote that is good for `lifetime`, at most the longest a quote may
    /// live, to be signed by the caller.
    pub async fn quote(&self, who: &Viewer, order: MarketOrder, lifetime: Duration) -> Result<Quote, Refusal> {
        let lifetime_micros = i64::try_from(lifetime.min(self.0.quote_lifetime_max).as_micros()).unwrap_or(i64::MAX);
        let id = quote_id(self.0.common.clock.now());
        self.look(who, order.customer, |reply| Sight::Quote { order: Box::new(order), id, lifetime_micros, reply })
            .await
    }

    /// A customer; `None` if there is none.
    pub async fn customer(&self, who: &Viewer, id: CustomerId) -> Result<Option<CustomerView>, Refusal> {
        absent_is_none(self.look(who, id, Sight::Customer).await)
    }

    /// An account; `None` if there is none.
    pub async fn account(&self, who: &Viewer, id: AccountId) -> Result<Option<AccountView>, Refusal> {
        match self.owner(id, false).await? {
            Some(owner) => absent_is_none(self.look(who, owner, |reply| Sight::Account(id, reply)).await),
            None => Ok(None),
        }
    }

    /// What every check says to a posting now: facts of account and customer, seizure, daily cap, holding cap, balance.
    /// Nothing is reserved. `None` if there is no such account.
    pub async fn check(
        &self,
        who: &Viewer,
        account: AccountId,
        direction: Direction,
        amount: Money,
    ) -> Result<Option<CheckView>, Refusal> {
        let Some(owner) = self.owner(account, false).await? else { return Ok(None) };
        let sight = |reply| Sight::Check { account, direction, amount, reply };
        absent_is_none(self.look(who, owner, sight).await)
    }

    /// What would become of an exchange now, balances included. Nothing is reserved.
    pub async fn trial(&self, who: &Viewer, order: Order) -> Result<TrialView, Refusal> {
        let (customer, quote) = match &order {
            Order::AtQuote(quote) => (quote.customer, Some(quote.id)),
            Order::AtMarket(order) => (order.customer, None),
        };
        let order = Box::new(order);
        let mut view = self.look(who, customer, |reply| Sight::Trial { order, reply }).await?;
        if let Some(quote) = quote
            && let Some(by) = self.quote_use(quote).await?
        {
            view.violations.push(UsedOnce::Quote(quote).used_before(by));
            view.violations.sort();
        }
        Ok(view)
    }

    /// A durable record by its place; `None` if there is none.
    pub async fn record(&self, position: Position) -> Result<Option<Arc<Record>>, Refusal> {
        let _passage = self.0.door.enter()?;
        match self.0.common.store.journal(position.lane(), position.seq(), 1).await {
            Ok(rows) => Ok(rows.into_iter().next().map(|row| row.record).filter(|record| record.position == position)),
            Err(_) => Err(Refusal::NotDone(NotDone::LaneClosed)),
        }
    }

    /// What became of the caller's idempotency key in this scope. Nothing is answered as absent that may still take
    /// effect: while that is not known, it is refused as unknown.
    pub async fn key(&self, who: &Viewer, text: &str, scope: KeyScope) -> Result<KeyView, Refusal> {
        if !Key::is_well_formed(text) {
            return Err(Refusal::Key(KeyError::Malformed));
        }
        let customer = match scope {
            KeyScope::Unscoped => None,
            KeyScope::Customer(customer) => {
                Some(self.customer(who, customer).await?.ok_or_else(|| no_customer(customer))?.state.id)
            }
            KeyScope::OwnerOf(account) => {
                let absent = || Refusal::Rejected(Rejection::one(Code::AccountNotFound, account.to_string()));
                Some(self.account(who, account).await?.ok_or_else(absent)?.state.customer)
            }
        };
        let _passage = self.0.door.enter()?;
        let key = Key::scoped(text, &who.name, customer, RequestDigest([0; 16]));
        let slots = match customer {
            Some(customer) => [self.slot(customer.lane()), None],
            None => [self.lane_of_new_customer(Some(&key)), self.slot(LaneId::SYSTEM)],
        };
        let mut links = Vec::with_capacity(slots.len());
        for slot in slots.into_iter().flatten() {
            links.push(slot.link.load_full().ok_or_else(|| slot.refusal(true))?);
        }
        let digest = key.used.digest;
        if links.iter().any(|link| lock(&link.shared.keys).is_in_flight(digest)) {
            return Ok(KeyView::InFlight);
        }
        // Not by memory alone, which may take a key for unused after a clock that went back: a command that does so meets
        // the store's unique index, a question meets nothing.
        let found = self.used_by(digest).await?;
        // A command that was in flight in a generation that has ended may have been committed all the same.
        if found.is_none() && links.iter().any(|link| link.shared.has_ended()) {
            return Err(Refusal::Unknown);
        }
        Ok(found.map_or(KeyView::Absent, KeyView::Completed))
    }

    /// The record that reversed an exchange; `None` while it stands.
    pub async fn reversal_of(&self, exchange: ExchangeId) -> Result<Option<Position>, Refusal> {
        let Some(slot) = self.customers_slot(exchange.lane()) else { return Ok(None) };
        self.user_of(UsedOnce::Reversal(exchange), std::slice::from_ref(slot)).await
    }

    /// The same of many exchanges, one after the other, in few reads.
    pub async fn reversals_of(&self, exchanges: &[ExchangeId]) -> Result<Vec<Option<Position>>, Refusal> {
        let _passage = self.0.door.enter()?;
        let digests: Vec<KeyDigest> = exchanges.iter().copied().map(KeyDigest::of_reversal).collect();
        let mut found = Vec::new();
        for some in digests.chunks(DIGESTS_PER_READ_MAX) {
            let read = self.0.common.store.find_keys(some).await;
            found.extend(read.map_err(|_| Refusal::NotDone(NotDone::LaneClosed))?);
        }
        let place =
            |digest: &KeyDigest| found.iter().find(|(used, _)| used == digest).map(|(_, row)| row.record.position);
        Ok(digests.iter().map(place).collect())
    }

    /// The record that used a quote; `None` while it is open.
    pub async fn quote_use(&self, quote: QuoteId) -> Result<Option<Position>, Refusal> {
        self.user_of(UsedOnce::Quote(quote), &self.0.slots).await
    }

    /// The durable record that used something up which is used once, in one of these lanes: of memory, then of the store.
    async fn user_of(&self, used: UsedOnce, slots: &[Arc<LaneSlot>]) -> Result<Option<Position>, Refusal> {
        for slot in slots {
            let link = slot.link.load();
            let link = link.as_ref().ok_or_else(|| slot.refusal(false))?;
            if let Some(by) = lock(&link.shared.keys).finished_by(used.digest()) {
                return Ok(Some(by));
            }
        }
        let _passage = self.0.door.enter()?;
        Ok(self.used_by(used.digest()).await?.map(|record| record.position))
    }

    /// The record that used a key, or something used once, as the store has it.
    async fn used_by(&self, digest: KeyDigest) -> Result<Option<Arc<Record>>, Refusal> {
        let found = self.0.common.store.find_keys(&[digest]).await;
        let found = found.map_err(|_| Refusal::NotDone(NotDone::LaneClosed))?;
        Ok(found.into_iter().next().map(|(_, row)| row.record))
    }
}

/// How many digests one read asks for.
const DIGESTS_PER_READ_MAX: usize = 256;

fn no_customer(id: CustomerId) -> Refusal {
    Refusal::Rejected(Rejection::one(Code::CustomerNotFound, id.to_string()))
}

/// An id that begins with its own time, as a UUIDv7 does, so that memory can decide on the quote's use.
fn quote_id(now: Timestamp) -> QuoteId {
    let millis = u128::try_from(now.micros() / 1_000).unwrap_or(0);
    QuoteId((millis << 80) | (uuid::Uuid::new_v4().as_u128() & ((1 << 80) - 1)))
}

pub(super) fn absent_is_none<T>(seen: Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    match seen {
        Ok(seen) => Ok(Some(seen)),
        Err(Refusal::Rejected(rejection))
            if matches!(rejection.code(), Code::CustomerNotFound | Code::AccountNotFound) =>
        {
            Ok(None)
        }
        Err(refusal) => Err(refusal),
    }
}
