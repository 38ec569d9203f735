//! A lane's state as bytes: what a restart goes on from. Little-endian, in a fixed order, with a version in front; keys and the newest
//! links are left out and begin anew.
//!
//! Whoever keeps the bytes keeps their checksum: here is only said whether they can be read. What cannot be, and what another version
//! wrote, is `None`: the lane is then followed from its beginning.

use std::collections::{BTreeMap, HashMap, VecDeque};

use rust_decimal::Decimal;
use smallvec::SmallVec;

use super::{
    accounts::AccountSeen,
    conduct::{CustomerSeen, RoundTrip},
    lane::LaneWatch,
    legs::Drift,
    once::{ReversalsSeen, Suspended},
    order::LaneOrder,
    rounds::{HaltSeen, PairSeen, RoundSeen, RoundsSeen, Trade, Traded},
};
use crate::{
    account::AccountKind,
    check::{Check, Fact, FactSheet},
    control::{ControlTotal, ControlTotals},
    currency::{Currency, CurrencySet},
    exchange::{Side, Terms},
    id::{CustomerId, ExchangeId, LaneId, Position, Seq},
    limit::LimitUse,
    money::Money,
    quote::QuoteId,
    rate::Rate,
    round::RoundId,
    time::{BusinessDate, Timestamp},
};

/// The version of the form: bytes of another are not read.
pub const VERSION: u32 = 2;

/// Writes.
#[derive(Default)]
struct Pen(Vec<u8>);

/// Reads; `None` at the end or at what is nothing.
struct Eye<'a> {
    rest: &'a [u8],
    currencies: &'a CurrencySet,
}

/// What can be packed.
trait Pack: Sized {
    fn pack(&self, pen: &mut Pen);
    fn unpack(eye: &mut Eye<'_>) -> Option<Self>;
}

impl Pen {
    fn put<T: Pack>(&mut self, value: &T) {
        value.pack(self);
    }

    fn all<'a, T: Pack + 'a>(&mut self, values: impl ExactSizeIterator<Item = &'a T>) {
        self.put(&(values.len() as u64));
        values.for_each(|value| value.pack(self));
    }
}

impl<'a> Eye<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    fn get<T: Pack>(&mut self) -> Option<T> {
        T::unpack(self)
    }

    fn all<T: Pack, C: FromIterator<T>>(&mut self) -> Option<C> {
        let count: u64 = self.get()?;
        // Everything takes a byte at least: no count of what is damaged is believed.
        if count > self.rest.len() as u64 {
            return None;
        }
        (0..count).map(|_| T::unpack(self)).collect()
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Pack for $number {
            fn pack(&self, pen: &mut Pen) { pen.0.extend_from_slice(&self.to_le_bytes()); }
            fn unpack(eye: &mut Eye<'_>) -> Option<Self> { Some(<$number>::from_le_bytes(eye.take()?)) }
        }
    )*};
}
numbers!(u16, u32, u64, u128, i32, i64, i128);

impl Pack for bool {
    fn pack(&self, pen: &mut Pen) {
        pen.0.push(u8::from(*self));
    }
    fn unpack(eye: &mut Eye<'_>) -> Option<Self> {
        match eye.take()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&self, pen: &mut Pen) {
        pen.put(&self.is_some());
        if let Some(value) = self {
            pen.put(value);
        }
    }
    fn unpack(eye: &mut Eye<'_>) -> Option<Self> {
        Some(if eye.get::<bool>()? { Some(eye.get()?) } else { None })
    }
}

impl<A: Pack, B: Pack> Pack for (A, B) {
    fn pack(&self, pen: &mut Pen) {
        pen.put(&self.0);
        pen.put(&self.1);
    }
    fn unpack(eye: &mut Eye<'_>) -> Option<Self> {
        Some((eye.get()?, eye.get()?))
    }
}

impl<const N: usize> Pack for [u8; N] {
    fn pack(&self, pen: &mut Pen) {
        pen.0.extend_from_slice(self);
    }
    fn unpack(eye: &mut Eye<'_>) -> Option<Self> {
        eye.take()
    }
}

/// Values that are another value inside: how to take it out, how to put it in.
macro_rules! wrapped {
    ($($kind:ty as $inner:ty: $out:expr, $into:expr;)*) => {$(
        impl Pack for $kind {
            fn pack(&self, pen: &mut Pen) { let out: fn(&$kind) -> $inner = $out; pen.put(&out(self)); }
            fn unpack(eye: &mut Eye<'_>) -> Option<Self> { let into: fn($inner) -> Option<$kind> = $into; into(eye.get()?) }
        }
    )*};
}
wrapped! {
    Seq as u64: |seq| seq.number(), Seq::new;
    LaneId as u16: |lane| lane.number(), LaneId::new;
    Position as i64: |position| position.packed(), Position::from_packed;
    CustomerId as Position: |id| id.position(), |at| Some(CustomerId::at(at));
    ExchangeId as Position: |id| id.position(), |at| Some(ExchangeId::at(at));
    Timestamp as i64: |at| at.micros(), |micros| Some(Timestamp::from_micros(micros));
    BusinessDate as i32: |date| date.days(), |days| Some(BusinessDate::from_days(days));
    Decimal as [u8; 16]: |decimal| decimal.serialize(), |bytes| Some(Decimal::deserialize(bytes));
    QuoteId as u128: |quote| quote.0, |quote| Some(QuoteId(quote));
    Rate as (Decimal, u32): |rate| (rate.value(), rate.unit()), |(value, unit)| Rate::new(value, unit).ok();
    Side as bool: |side| *side == Side::Buy, |buys| Some(if buys { Side::Buy } else { Side::Sell });
    AccountKind as bool: |kind| *kind == AccountKind::Won, |won| Some(if won { AccountKind::Won } else { AccountKind::Foreign });
}

impl Pack for Currency {
    fn pack(&self, pen: &mut Pen) {
        pen.put(self.code_bytes());
    }
    fn unpack(eye: &mut Eye<'_>) -> Option<Self> {
        let code: [u8; 3] = eye.take()?;
        eye.currencies.find(std::str::from_utf8(&code).ok()?)
    }
}

impl Pack for Check {
    fn pack(&self, pen: &mut Pen) {
        let at = Check::ALL.iter().position(|check| check == self).unwrap_or_default();
        pen.put(&(at as u16));
    }
    fn unpack(eye: &mut Eye<'_>) -> Option<Self> {
        Check::ALL.get(usize::from(eye.get::<u16>()?)).copied()
    }
}

impl Pack for Money {
    fn pack(&self, pen: &mut Pen) {
        pen.put(&self.currency());
        pen.put(&self.minor());
    }
    fn unpack(eye: &mut Eye<'_>) -> Option<Self> {
        let currency = eye.get()?;
        Money::from_minor(eye.get()?, currency).ok()
    }
}

impl Pack for FactSheet {
    fn pack(&self, pen: &mut Pen) {
        let facts: SmallVec<[Fact; 8]> = self.iter().copied().collect();
        pen.all(facts.iter());
    }
    fn unpack(eye: &mut Eye<'_>) -> Option<Self> {
        Some(FactSheet::new(eye.all::<Fact, Vec<_>>()?))
    }
}

/// Structures, field by field in this order.
macro_rules! structures {
    ($($kind:ident { $($field:ident),* })*) => {$(
        impl Pack for $kind {
            fn pack(&self, pen: &mut Pen) { $(pen.put(&self.$field);)* }
            fn unpack(eye: &mut Eye<'_>) -> Option<Self> { $(let $field = eye.get()?;)* Some($kind { $($field),* }) }
        }
    )*};
}
structures! {
    Fact { check, effective_from, effective_to, amount }
    LimitUse { charged_at, day_won, month_won }
    RoundTrip { currency, mid, foreign, won }
    CustomerSeen { facts, limits, trip, minute, in_minute, near_since, near }
    ControlTotal { currency, minor }
    Drift { currency, date, millionths, exchanges, is_told }
    Suspended { position, exchange, since }
    RoundId { currency, date, number }
    Terms { side, currency, round, mid, rate, preference_percent }
    Trade { position, at, terms, quote }
    HaltSeen { since, until }
}

impl Pack for AccountSeen {
    fn pack(&self, pen: &mut Pen) {
        let Self { customer, kind, facts, version, balances, paid_through, is_whole } = self;
        pen.put(customer);
        pen.put(kind);
        pen.put(facts);
        pen.put(version);
        pen.all(balances.iter());
        pen.put(paid_through);
        pen.put(is_whole);
    }
    fn unpack(eye: &mut Eye<'_>) -> Option<Self> {
        let (customer, kind, facts, version) = (eye.get()?, eye.get()?, eye.get()?, eye.get()?);
        let (balances, paid_through, is_whole) = (eye.all()?, eye.get()?, eye.get()?);
        Some(Self { customer, kind, facts, version, balances, paid_through, is_whole })
    }
}

impl Pack for RoundSeen {
    fn pack(&self, pen: &mut Pen) {
        let [buy, sell] = self.rates;
        pen.put(&self.id);
        pen.put(&self.mid);
        pen.put(&(buy, sell));
        pen.put(&(self.published_at, self.valid_until));
        pen.put(&self.trades);
        pen.put(&(self.followed_at, self.voided_at));
        pen.put(&self.traded);
    }
    fn unpack(eye: &mut Eye<'_>) -> Option<Self> {
        let (id, mid) = (eye.get()?, eye.get()?);
        let (buy, sell): (Option<Rate>, Option<Rate>) = eye.get()?;
        let (published_at, valid_until) = eye.get()?;
        let trades = eye.get()?;
        let (followed_at, voided_at) = eye.get()?;
        let traded: Option<Traded> = eye.get()?;
        Some(Self { id, mid, rates: [buy, sell], published_at, valid_until, trades, followed_at, voided_at, traded })
    }
}

impl Pack for PairSeen {
    fn pack(&self, pen: &mut Pen) {
        pen.all(self.rounds.iter());
        pen.put(&self.is_cut);
        pen.all(self.halts.iter());
        pen.put(&self.traded);
    }
    fn unpack(eye: &mut Eye<'_>) -> Option<Self> {
        Some(Self { rounds: eye.all()?, is_cut: eye.get()?, halts: eye.all()?, traded: eye.get()? })
    }
}

/// A lane's state as bytes.
pub fn pack_lane(lane: &LaneWatch) -> Vec<u8> {
    let mut pen = Pen::default();
    pen.put(&VERSION);
    pen.put(&lane.lane);
    let order = &lane.order;
    pen.put(&order.seq);
    pen.put(&order.hash);
    pen.put(&(order.at, order.date));
    pen.put(&order.epoch());
    pen.put(&lane.is_whole);
    pen.put(&lane.untracked_from);
    pack_map(&mut pen, &lane.accounts);
    pack_map(&mut pen, &lane.customers);
    let totals: Vec<ControlTotal> = lane.totals.iter().copied().collect();
    pen.all(totals.iter());
    pen.all(lane.drifts.iter());
    pen.all(lane.reversals.order.iter());
    pen.all(lane.reversals.days.iter());
    pen.all(lane.suspended.iter());
    pen.all(lane.waiting.iter());
    pen.0
}

fn pack_map<T: Pack>(pen: &mut Pen, map: &HashMap<Seq, T>) {
    pen.put(&(map.len() as u64));
    for (seq, value) in map {
        pen.put(seq);
        pen.put(value);
    }
}

/// A lane's state from its bytes; `None` where they are not, or of another version, or of currencies that are not known.
pub fn unpack_lane(bytes: &[u8], currencies: &CurrencySet) -> Option<LaneWatch> {
    let mut eye = Eye { rest: bytes, currencies };
    if eye.get::<u32>()? != VERSION {
        return None;
    }
    let lane = eye.get()?;
    let (seq, hash) = (eye.get()?, eye.get()?);
    let (at, date) = eye.get()?;
    let order = LaneOrder::restored(lane, seq, hash, at, date, eye.get()?);
    let mut restored = LaneWatch::begin_after(lane, seq, hash);
    restored.order = order;
    restored.is_whole = eye.get()?;
    restored.untracked_from = eye.get()?;
    restored.accounts = eye.all::<(Seq, AccountSeen), _>()?;
    restored.customers = eye.all::<(Seq, CustomerSeen), _>()?;
    restored.totals = ControlTotals::of(eye.all::<ControlTotal, Vec<_>>()?);
    restored.drifts = eye.all()?;
    let reversals: VecDeque<(Seq, Seq)> = eye.all()?;
    restored.reversals = ReversalsSeen::restored(reversals, eye.all()?);
    restored.suspended = eye.all()?;
    restored.waiting = eye.all()?;
    eye.rest.is_empty().then_some(restored)
}

/// Rounds and halts as bytes.
pub fn pack_rounds(rounds: &RoundsSeen) -> Vec<u8> {
    let (pairs, is_cut) = rounds.parts();
    let mut pen = Pen::default();
    pen.put(&VERSION);
    pen.put(&is_cut);
    pen.put(&(pairs.len() as u64));
    for (code, pair) in pairs {
        pen.put(code);
        pen.put(pair);
    }
    pen.0
}

/// Rounds and halts from their bytes.
pub fn unpack_rounds(bytes: &[u8], currencies: &CurrencySet) -> Option<RoundsSeen> {
    let mut eye = Eye { rest: bytes, currencies };
    if eye.get::<u32>()? != VERSION {
        return None;
    }
    let is_cut = eye.get()?;
    let pairs: BTreeMap<[u8; 3], PairSeen> = eye.all::<([u8; 3], PairSeen), _>()?;
    eye.rest.is_empty().then(|| RoundsSeen::restored(pairs, is_cut))
}
