//! Records of every kind, generated.

use hwan_domain::{
    account::AccountKind,
    check::{Check, Fact},
    control::ControlTotal,
    currency::Currency,
    exchange::{Side, Terms},
    guard::Finding,
    id::{AccountId, CustomerId, ExchangeId, LANE_MAX, LaneId, Position, SEQ_MAX, Seq},
    interest::{Accrual, Period},
    limit::LimitUse,
    money::{MINOR_MAX, Money},
    quote::QuoteId,
    rate::Rate,
    record::{Cover, Event, KeyDigest, KeyUse, Landing, Leg, Origin, Record, RequestDigest},
    round::{Round, RoundId, RoundStatus},
    time::{BusinessDate, Timestamp},
};
use proptest::{collection, option, prelude::*};
use rust_decimal::Decimal;
use smallvec::SmallVec;

use super::currencies;

fn any_position() -> impl Strategy<Value = Position> {
    (0..=LANE_MAX, prop_oneof![1..1_000_u64, 0..=SEQ_MAX])
        .prop_map(|(lane, seq)| Position::new(LaneId::new(lane).unwrap(), Seq::new(seq).unwrap()))
}

pub(super) fn any_instant() -> impl Strategy<Value = Timestamp> {
    (0..=Timestamp::MAX.micros()).prop_map(Timestamp::from_micros)
}

pub(super) fn any_date() -> impl Strategy<Value = BusinessDate> {
    (0..2_932_896_i32).prop_map(BusinessDate::from_days)
}

fn any_currency() -> impl Strategy<Value = Currency> {
    let all: Vec<Currency> = currencies().iter().map(|(currency, _)| currency).collect();
    (0..all.len()).prop_map(move |index| all[index])
}

pub(super) fn any_money() -> impl Strategy<Value = Money> {
    (any_currency(), prop_oneof![-1_000..1_000_i64, -MINOR_MAX..=MINOR_MAX])
        .prop_map(|(currency, minor)| Money::from_minor(minor, currency).unwrap())
}

pub(super) fn any_decimal() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        (-1_000_000..1_000_000_i64, 0..6_u32).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale)),
        (any::<i64>(), 0..=28_u32).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale)),
        (any::<u32>(), any::<u32>(), any::<u32>(), any::<bool>(), 0..=28_u32)
            .prop_map(|(lo, mid, hi, negative, scale)| Decimal::from_parts(lo, mid, hi, negative, scale)),
    ]
}

fn any_rate() -> impl Strategy<Value = Rate> {
    (1..1_000_000_000_i64, 0..=8_u32, prop_oneof![Just(1_u32), Just(100)])
        .prop_map(|(mantissa, scale, unit)| Rate::new(Decimal::new(mantissa, scale), unit))
        .prop_filter_map("below the maximum", Result::ok)
}

fn any_round_id() -> impl Strategy<Value = RoundId> {
    (any_currency(), any_date(), 1..=u32::MAX).prop_map(|(currency, date, number)| RoundId {
        currency: currency.code().as_bytes().try_into().unwrap(),
        date,
        number,
    })
}

fn any_leg() -> impl Strategy<Value = Leg> {
    (any_position(), any_position(), any_money(), -MINOR_MAX..=MINOR_MAX, any::<u64>()).prop_map(
        |(account, customer, amount, after, version)| Leg {
            account: AccountId::at(account),
            customer: CustomerId::at(customer),
            amount,
            balance_after: Money::from_minor(after, amount.currency()).unwrap(),
            version,
        },
    )
}

fn any_fact() -> impl Strategy<Value = Fact> {
    (0..Check::ALL.len(), any_instant(), option::of(any_instant()), option::of(any_money())).prop_map(
        |(check, effective_from, effective_to, amount)| Fact {
            check: Check::ALL[check],
            effective_from,
            effective_to,
            amount,
        },
    )
}

fn any_terms() -> impl Strategy<Value = Terms> {
    (
        prop_oneof![Just(Side::Buy), Just(Side::Sell)],
        any_currency(),
        any_round_id(),
        any_rate(),
        any_rate(),
        any_decimal(),
    )
        .prop_map(|(side, currency, round, mid, rate, preference_percent)| Terms {
            side,
            currency,
            round,
            mid,
            rate,
            preference_percent,
        })
}

fn any_round() -> impl Strategy<Value = Round> {
    let status = prop_oneof![
        Just(RoundStatus::Active),
        Just(RoundStatus::Superseded),
        Just(RoundStatus::Halted),
        Just(RoundStatus::Voided)
    ];
    (any_round_id(), any_currency(), any_rate(), any_decimal(), any_decimal(), any_instant(), any_instant(), status)
        .prop_map(|(id, currency, mid, spread, preference_percent, published_at, valid_until, status)| Round {
            id,
            currency,
            mid,
            spread,
            preference_percent,
            published_at,
            valid_until,
            status,
        })
}

fn any_finding() -> impl Strategy<Value = Finding> {
    prop_oneof![
        (any_decimal(), any_decimal()).prop_map(|(percent, percent_max)| Finding::Jump { percent, percent_max }),
        (any_decimal(), any_decimal()).prop_map(|(percent, percent_max)| Finding::Deviation { percent, percent_max }),
        (any::<i64>(), any::<i64>()).prop_map(|(seconds, seconds_max)| Finding::Stale { seconds, seconds_max }),
        Just(Finding::Unit),
        Just(Finding::Sign),
        Just(Finding::Scale),
    ]
}

fn any_text() -> impl Strategy<Value = Box<str>> {
    any::<String>().prop_map(String::into_boxed_str)
}

fn any_limits() -> impl Strategy<Value = LimitUse> {
    (any_instant(), any::<i64>(), any::<i64>()).prop_map(|(charged_at, day_won, month_won)| LimitUse {
        charged_at,
        day_won,
        month_won,
    })
}

fn any_reversal() -> impl Strategy<Value = Event> {
    let landing = prop_oneof![any_leg().prop_map(Landing::Account), any_money().prop_map(Landing::Suspense)];
    let limits = option::of(any_limits());
    (any_position(), any_text(), any_terms(), any_leg(), landing, limits, option::of(any::<i64>())).prop_map(
        |(exchange, reason, terms, debit, landing, limits, limited_won)| Event::Reversed {
            exchange: ExchangeId::at(exchange),
            reason,
            terms,
            debit,
            landing,
            limits,
            limited_won,
        },
    )
}

fn any_period() -> impl Strategy<Value = Period> {
    (any_date(), 0..10_000_i32)
        .prop_map(|(from, days)| Period::new(from, BusinessDate::from_days(from.days() + days)).unwrap())
}

fn any_interest() -> impl Strategy<Value = Event> {
    let accrual = (any_period(), any_decimal(), any::<i128>())
        .prop_map(|(period, annual_percent, closings_minor)| Accrual { period, annual_percent, closings_minor });
    let minor = || -MINOR_MAX..=MINOR_MAX;
    let amounts = (minor(), minor(), minor());
    (any_position(), any_position(), any_period(), collection::vec(accrual, 0..4), amounts, any_leg()).prop_map(
        |(account, customer, period, accruals, (gross, income_tax, local_tax), credit)| {
            let money = |minor| Money::from_minor(minor, credit.amount.currency()).unwrap();
            Event::InterestPaid {
                account: AccountId::at(account),
                customer: CustomerId::at(customer),
                from: period.from(),
                through: period.through(),
                accruals,
                gross: money(gross),
                income_tax: money(income_tax),
                local_tax: money(local_tax),
                credit,
            }
        },
    )
}

/// Every kind of event.
fn any_event() -> impl Strategy<Value = Event> {
    let customer = || any_position().prop_map(CustomerId::at);
    let account = || any_position().prop_map(AccountId::at);
    let limited = || option::of(any::<i64>());
    let kind = prop_oneof![Just(AccountKind::Won), Just(AccountKind::Foreign)];
    prop_oneof![
        (option::of(any_text()), option::of(any_text()))
            .prop_map(|(reference, channel)| Event::CustomerOpened { reference, channel }),
        (account(), customer()).prop_map(|(account, customer)| Event::AccountClosed { account, customer }),
        any_reversal(),
        (customer(), kind).prop_map(|(customer, kind)| Event::AccountOpened { customer, kind }),
        (account(), customer(), any_fact()).prop_map(|(account, customer, fact)| Event::AccountFactStated {
            account,
            customer,
            fact
        }),
        (customer(), any_fact()).prop_map(|(customer, fact)| Event::CustomerFactStated { customer, fact }),
        any_leg().prop_map(|credit| Event::Deposited { credit }),
        (any_leg(), limited()).prop_map(|(debit, limited_won)| Event::Withdrawn { debit, limited_won }),
        (any_leg(), any_leg(), limited()).prop_map(|(debit, credit, limited_won)| Event::Transferred {
            debit,
            credit,
            limited_won
        }),
        (any_terms(), option::of(any::<u128>()), any_leg(), any_leg(), option::of(any_limits()), limited()).prop_map(
            |(terms, quote, debit, credit, limits, limited_won)| Event::Exchanged {
                terms,
                quote: quote.map(QuoteId),
                debit,
                credit,
                limits,
                limited_won,
            }
        ),
        any_interest(),
        any_date().prop_map(|date| Event::DateRolled { date }),
        (any_round(), collection::vec(any_finding(), 0..4))
            .prop_map(|(round, findings)| Event::RoundPublished { round, findings }),
        (any_currency(), any_decimal(), collection::vec(any_finding(), 1..4))
            .prop_map(|(currency, mid, findings)| Event::RoundRefused { currency, mid, findings }),
        (any_round_id(), any_currency(), any_text()).prop_map(|(round, currency, reason)| Event::RoundVoided {
            round,
            currency,
            reason
        }),
        (any_currency(), any_text()).prop_map(|(currency, reason)| Event::PairHalted { currency, reason }),
        any_currency().prop_map(|currency| Event::PairResumed { currency }),
        (any::<bool>(), any_leg(), any_leg(), any_terms(), option::of(any_text())).prop_map(
            |(is_buy, foreign, won, terms, reference)| Event::Covered {
                cover: Cover {
                    side: if is_buy { Side::Buy } else { Side::Sell },
                    amount: foreign.amount,
                    won: Money::won(won.amount.minor()).unwrap(),
                    rate: terms.rate,
                    reference,
                },
            }
        ),
    ]
}

fn any_totals() -> impl Strategy<Value = SmallVec<[ControlTotal; 2]>> {
    collection::btree_map(any_currency(), any::<i128>(), 0..3)
        .prop_map(|totals| totals.into_iter().map(|(currency, minor)| ControlTotal { currency, minor }).collect())
}

pub(super) fn any_record() -> impl Strategy<Value = Record> {
    let key = option::of((any::<[u8; 16]>(), any::<[u8; 16]>()));
    (any_position(), any_instant(), any_date(), any::<String>(), key, any_event(), any_totals()).prop_map(
        |(position, at, business_date, caller, key, event, totals)| Record {
            position,
            at,
            business_date,
            origin: Origin {
                caller: caller.into(),
                key: key.map(|(digest, request)| KeyUse { digest: KeyDigest(digest), request: RequestDigest(request) }),
            },
            event,
            totals,
        },
    )
}
