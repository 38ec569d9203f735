//! Looks into the engine: customers, accounts, prices, trials, keys; by those who may see them.
//!
//! A look goes through the customer's mailbox like a command and is answered in lane order, once all that it saw is
//! durable. Who may not know of a customer is answered as if there were none.

use std::{sync::Arc, time::Duration};

use hwan_domain::{
    check::Direction,
    id::{AccountId, CustomerId, ExchangeId, LaneId, Position},
    money::Money,
    quote::{Quote, QuoteId},
    record::{KeyDigest, Record},
    rejection::{Code, Rejection},
    time::Timestamp,
};
use tokio::sync::oneshot;

use super::{
    command::{KeyError, KeyScope, KeyView, MarketOrder, NotDone, Order, Refusal, Viewer},
    engine::Engine,
    home::lock,
    hydrator::{Admit, Visit},
    idempotency::{Key, Remembered},
    keeper::LaneSlot,
    look::{Look, LookReply, Sight},
    travel::UsedOnce,
    view::{AccountView, CheckView, CustomerView, TrialView},
};
use crate::storage::port::{JournalRow, StoreError};

impl Engine {
    async fn look<T>(
        &self,
        viewer: &Viewer,
        customer: CustomerId,
        sight: impl FnOnce(LookReply<T>) -> Sight,
    ) -> Result<T, Refusal> {
        let passage = self.enter()?;
        let Some(slot) = self.slot(customer.lane()).filter(|slot| slot.lane != LaneId::SYSTEM) else {
            return Err(Refusal::Rejected(Rejection::one(Code::CustomerNotFound, customer.to_string())));
        };
        let link = slot.link.load_full().ok_or_else(|| Refusal::NotDone(slot.why_closed()))?;
        let (reply, answer) = oneshot::channel();
        let look = Look { at: sight(reply), viewer: viewer.clone(), pin: None, passage };
        link.hydrator.do_send(Admit { customer, visit: Visit::Look(Box::new(look)) });
        drop(link);
        match tokio::time::timeout(self.common().limits.command_deadline, answer).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(_)) | Err(_) => Err(Refusal::NotDone(NotDone::LaneClosed)),
        }
    }

    /// Prices a market order without executing it: a quote that is good for `lifetime`, at most the longest a quote may
    /// live, to be signed by the caller.
    pub async fn quote(&self, viewer: &Viewer, order: MarketOrder, lifetime: Duration) -> Result<Quote, Refusal> {
        let lifetime_micros = i64::try_from(lifetime.min(self.quote_lifetime_max()).as_micros()).unwrap_or(i64::MAX);
        let id = quote_id(self.now().0);
        let sight = |reply| Sight::Quote { order: Box::new(order.clone()), id, lifetime_micros, reply };
        self.look(viewer, order.customer, sight).await
    }

    /// A customer; `None` if there is none.
    pub async fn customer(&self, viewer: &Viewer, id: CustomerId) -> Result<Option<CustomerView>, Refusal> {
        absent_is_none(self.look(viewer, id, Sight::Customer).await)
    }

    /// An account; `None` if there is none.
    pub async fn account(&self, viewer: &Viewer, id: AccountId) -> Result<Option<AccountView>, Refusal> {
        self.look_at_account(viewer, id, |reply| Sight::Account(id, reply)).await
    }

    /// Tries a posting: everything that stands against it. Nothing is reserved. `None` if there is no such account.
    pub async fn check(
        &self,
        viewer: &Viewer,
        account: AccountId,
        direction: Direction,
        amount: Money,
    ) -> Result<Option<CheckView>, Refusal> {
        let sight = |reply| Sight::Check { account, direction, amount, reply };
        self.look_at_account(viewer, account, sight).await
    }

    async fn look_at_account<T>(
        &self,
        viewer: &Viewer,
        account: AccountId,
        sight: impl FnOnce(LookReply<T>) -> Sight,
    ) -> Result<Option<T>, Refusal> {
        match self.owner(account).await {
            Ok(owner) => absent_is_none(self.look(viewer, owner, sight).await),
            Err(refusal) => absent_is_none(Err(refusal)),
        }
    }

    /// Tries an exchange: what it would do, and everything that stands against it. Nothing is reserved.
    pub async fn trial(&self, viewer: &Viewer, order: Order) -> Result<TrialView, Refusal> {
        let (customer, quote) = match &order {
            Order::AtQuote(quote) => (quote.customer, Some(quote.id)),
            Order::AtMarket(order) => (order.customer, None),
        };
        let mut trial = self.look(viewer, customer, |reply| Sight::Trial { order: Box::new(order), reply }).await?;
        if let Some(quote) = quote
            && let Some(earlier) = self.quote_use(quote, customer.lane()).await?
        {
            trial.violations.push(UsedOnce::Quote(quote).used_by(earlier));
            trial.violations.sort();
        }
        Ok(trial)
    }

    /// A durable record by its place, whoever may see it; `None` if there is none.
    pub async fn record(&self, position: Position) -> Result<Option<Arc<Record>>, Refusal> {
        let _passage = self.enter()?;
        let rows = self.common().store.journal(position.lane(), position.seq(), 1).await.map_err(|e| unread(&e))?;
        Ok(rows.into_iter().next().map(|row| row.record).filter(|record| record.position == position))
    }

    /// What became of the command that came with this key.
    pub async fn key(&self, viewer: &Viewer, text: &str, scope: KeyScope) -> Result<KeyView, Refusal> {
        if text.is_empty() || text.len() > 255 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refusal::Key(KeyError::Malformed));
        }
        let _passage = self.enter()?;
        let customer = match scope {
            KeyScope::Unscoped => None,
            KeyScope::Customer(customer) => Some(customer),
            KeyScope::OwnerOf(account) => match self.owner(account).await {
                Ok(owner) => Some(owner),
                Err(Refusal::Rejected(_)) => return Ok(KeyView::Absent),
                Err(refusal) => return Err(refusal),
            },
        };
        let key = Key::of_earlier(text, &viewer.name, customer);
        let slots = match customer {
            Some(customer) => [self.slot(customer.lane()), None],
            None => [self.lane_of_new_customer(Some(&key)), self.slot(LaneId::SYSTEM)],
        };
        for slot in slots.into_iter().flatten() {
            match self.key_in(slot, &key).await? {
                KeyView::Absent => {}
                found => return Ok(found),
            }
        }
        Ok(KeyView::Absent)
    }

    async fn key_in(&self, slot: &LaneSlot, key: &Key) -> Result<KeyView, Refusal> {
        let link = slot.link.load_full().ok_or_else(|| slot.refusal(true))?;
        let remembered = lock(&link.shared.keys).recall(key);
        drop(link);
        match remembered {
            Remembered::InFlight | Remembered::InFlightOtherwise => return Ok(KeyView::InFlight),
            Remembered::Fresh => return Ok(KeyView::Absent),
            Remembered::Finished(_) | Remembered::Unsure => {}
        }
        let found = self.users(&[key.used.digest]).await?;
        // A key of the other lane is found there too: it is its own.
        let own = found.into_iter().find(|(_, row)| row.record.position.lane() == slot.lane);
        Ok(own.map_or(KeyView::Absent, |(_, row)| KeyView::Completed(row.record)))
    }

    /// The durable record that used this quote, which is of a customer of this lane.
    pub async fn quote_use(&self, quote: QuoteId, lane: LaneId) -> Result<Option<Position>, Refusal> {
        let _passage = self.enter()?;
        let once = UsedOnce::Quote(quote);
        if let Some(link) = self.slot(lane).and_then(|slot| slot.link.load_full()) {
            let keys = lock(&link.shared.keys);
            match keys.durably_used_by(once.digest()) {
                None if !keys.is_complete_for(once.time()) => {}
                used => return Ok(used),
            }
        }
        let found = self.users(&[once.digest()]).await?;
        Ok(found.first().map(|(_, row)| row.record.position))
    }

    /// The durable reversals of these exchanges, one after the other; `None` for one that stands.
    pub async fn reversals_of(&self, exchanges: &[ExchangeId]) -> Result<Vec<Option<Position>>, Refusal> {
        let _passage = self.enter()?;
        let digests: Vec<KeyDigest> = exchanges.iter().copied().map(KeyDigest::of_reversal).collect();
        let found = self.users(&digests).await?;
        let place =
            |digest: &KeyDigest| found.iter().find(|(used, _)| used == digest).map(|(_, row)| row.record.position);
        Ok(digests.iter().map(place).collect())
    }

    async fn users(&self, digests: &[KeyDigest]) -> Result<Vec<(KeyDigest, JournalRow)>, Refusal> {
        let mut found = Vec::new();
        for some in digests.chunks(DIGESTS_PER_READ_MAX) {
            found.extend(self.common().store.find_keys(some).await.map_err(|error| unread(&error))?);
        }
        Ok(found)
    }
}

/// How many digests one read asks for.
const DIGESTS_PER_READ_MAX: usize = 256;

fn unread(error: &StoreError) -> Refusal {
    tracing::warn!(%error, "the journal could not be read");
    Refusal::NotDone(NotDone::LaneClosed)
}

/// An id that begins with its own time, as a UUIDv7 does, so that memory can decide on the quote's use.
fn quote_id(now: Timestamp) -> QuoteId {
    let millis = u128::try_from(now.micros() / 1_000).unwrap_or(0);
    QuoteId((millis << 80) | (uuid::Uuid::new_v4().as_u128() & ((1 << 80) - 1)))
}

fn absent_is_none<T>(seen: Result<T, Refusal>) -> Result<Option<T>, Refusal> {
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
