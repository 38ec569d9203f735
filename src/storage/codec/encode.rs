//! Record to text.

use hwan_domain::{
    check::{Fact, FactSheet},
    control::ControlTotal,
    currency::Currency,
    exchange::{Side, Terms},
    guard::Finding,
    id::{AccountId, ChangeId, CoverId, CustomerId, ExchangeId, ReversalId, TransactionId},
    interest::Accrual,
    limit::LimitUse,
    record::{Cover, Event, Landing, Leg, Record},
    round::{Round, RoundStatus},
};

use super::text::Text;

/// What the text of an exchange needs, with a long caller's name; others are shorter.
const CAPACITY: usize = 1_024;

/// The canonical text of a record.
pub fn encode(record: &Record) -> String {
    let mut text = Text::with_capacity(CAPACITY);
    write_record(&mut text, record);
    text.finish()
}

/// Appends the canonical text of a record, so that a buffer can be used again.
pub fn encode_into(record: &Record, buffer: &mut String) {
    let mut text = Text::reusing(std::mem::take(buffer));
    write_record(&mut text, record);
    *buffer = text.finish();
}

fn write_record(text: &mut Text, record: &Record) {
    text.raw(if record.totals.is_empty() { "{\"v\":1,\"lane\":" } else { "{\"v\":2,\"lane\":" });
    text.number(u64::from(record.position.lane().number()));
    text.raw(",\"seq\":");
    text.number(record.position.seq().number());
    text.raw(",\"type\":\"");
    text.raw(record.event.name());
    text.raw("\",\"at\":");
    text.instant(record.at);
    text.raw(",\"business_date\":");
    text.date(record.business_date);
    text.raw(",\"caller\":");
    text.string(&record.origin.caller);
    if let Some(key) = &record.origin.key {
        text.raw(",\"key\":");
        text.hex(&key.digest.0);
        text.raw(",\"request\":");
        text.hex(&key.request.0);
    }
    write_event(text, record);
    write_totals(text, record);
    text.raw("}");
}

fn write_totals(text: &mut Text, record: &Record) {
    for (place, total) in record.totals.iter().enumerate() {
        text.raw(if place == 0 { ",\"totals\":{\"" } else { ",\"" });
        text.raw(total.currency.code());
        text.raw("\":");
        text.total(*total);
    }
    if !record.totals.is_empty() {
        text.raw("}");
    }
}

fn write_event(text: &mut Text, record: &Record) {
    let position = record.position;
    match &record.event {
        Event::CustomerOpened { reference, channel } => {
            text.raw(",\"customer\":");
            text.plain(CustomerId::at(position));
            if let Some(reference) = reference {
                text.raw(",\"reference\":");
                text.string(reference);
            }
            if let Some(channel) = channel {
                text.raw(",\"channel\":");
                text.string(channel);
            }
        }
        Event::AccountOpened { customer, kind } => {
            text.raw(",\"account\":");
            text.plain(AccountId::at(position));
            text.raw(",\"customer\":");
            text.plain(customer);
            text.raw(",\"kind\":");
            text.plain(kind.as_str());
        }
        Event::AccountFactStated { account, customer, fact } => {
            text.raw(",\"change\":");
            text.plain(ChangeId::at(position));
            text.raw(",\"account\":");
            text.plain(account);
            text.raw(",\"customer\":");
            text.plain(customer);
            text.raw(",\"fact\":");
            write_fact(text, fact);
        }
        Event::AccountClosed { account, customer } => {
            text.raw(",\"change\":");
            text.plain(ChangeId::at(position));
            text.raw(",\"account\":");
            text.plain(account);
            text.raw(",\"customer\":");
            text.plain(customer);
        }
        Event::CustomerFactStated { customer, fact } => {
            text.raw(",\"change\":");
            text.plain(ChangeId::at(position));
            text.raw(",\"customer\":");
            text.plain(customer);
            text.raw(",\"fact\":");
            write_fact(text, fact);
        }
        Event::Deposited { credit } => write_movement(text, record, None, Some(credit), None),
        Event::Withdrawn { debit, limited_won } => write_movement(text, record, Some(debit), None, *limited_won),
        Event::Transferred { debit, credit, limited_won } => {
            write_movement(text, record, Some(debit), Some(credit), *limited_won);
        }
        Event::Exchanged { terms, quote, debit, credit, limits, limited_won } => {
            text.raw(",\"exchange\":");
            text.plain(ExchangeId::at(position));
            text.raw(",\"terms\":");
            write_terms(text, terms);
            if let Some(quote) = quote {
                text.raw(",\"quote\":");
                text.hex(&quote.0.to_be_bytes());
            }
            text.raw(",\"debit\":");
            write_leg(text, debit);
            text.raw(",\"credit\":");
            write_leg(text, credit);
            if let Some(limits) = limits {
                text.raw(",\"limits\":");
                write_limits(text, limits);
            }
            write_limited(text, *limited_won);
        }
        Event::Reversed { exchange, reason, terms, debit, landing, limits, limited_won } => {
            text.raw(",\"reversal\":");
            text.plain(ReversalId::at(position));
            text.raw(",\"exchange\":");
            text.plain(exchange);
            text.raw(",\"reason\":");
            text.string(reason);
            text.raw(",\"terms\":");
            write_terms(text, terms);
            text.raw(",\"debit\":");
            write_leg(text, debit);
            match landing {
                Landing::Account(credit) => {
                    text.raw(",\"credit\":");
                    write_leg(text, credit);
                }
                Landing::Suspense(amount) => {
                    text.raw(",\"suspense\":{\"currency\":\"");
                    text.raw(amount.currency().code());
                    text.raw("\",\"amount\":");
                    text.amount(*amount);
                    text.raw("}");
                }
            }
            if let Some(limits) = limits {
                text.raw(",\"limits\":");
                write_limits(text, limits);
            }
            write_limited(text, *limited_won);
        }
        Event::InterestPaid { account, customer, from, through, accruals, gross, income_tax, local_tax, credit } => {
            text.raw(",\"transaction\":");
            text.plain(TransactionId::at(position));
            text.raw(",\"account\":");
            text.plain(account);
            text.raw(",\"customer\":");
            text.plain(customer);
            text.raw(",\"from\":");
            text.date(*from);
            text.raw(",\"through\":");
            text.date(*through);
            text.raw(",\"accruals\":");
            let currency = credit.amount.currency();
            write_list(text, accruals, |text, accrual| write_accrual(text, accrual, currency));
            text.raw(",\"gross\":");
            text.amount(*gross);
            text.raw(",\"income_tax\":");
            text.amount(*income_tax);
            text.raw(",\"local_tax\":");
            text.amount(*local_tax);
            text.raw(",\"credit\":");
            write_leg(text, credit);
        }
        Event::DateRolled { date } => {
            text.raw(",\"date\":");
            text.date(*date);
        }
        Event::RoundPublished { round, findings } => {
            text.raw(",\"round\":");
            write_round(text, round);
            text.raw(",\"findings\":");
            write_list(text, findings, write_finding);
        }
        Event::RoundRefused { currency, mid, findings } => {
            text.raw(",\"currency\":");
            text.plain(currency);
            text.raw(",\"mid\":");
            text.plain(mid);
            text.raw(",\"findings\":");
            write_list(text, findings, write_finding);
        }
        Event::RoundVoided { round, currency, reason } => {
            text.raw(",\"round_id\":");
            text.plain(round);
            text.raw(",\"currency\":");
            text.plain(currency);
            text.raw(",\"reason\":");
            text.string(reason);
        }
        Event::PairHalted { currency, reason } => {
            text.raw(",\"currency\":");
            text.plain(currency);
            text.raw(",\"reason\":");
            text.string(reason);
        }
        Event::PairResumed { currency } => {
            text.raw(",\"currency\":");
            text.plain(currency);
        }
        Event::Covered { cover: Cover { side: which, amount, won, rate, reference } } => {
            text.raw(",\"cover\":");
            text.plain(CoverId::at(position));
            text.raw(",\"side\":\"");
            text.raw(side(*which));
            text.raw("\",\"currency\":\"");
            text.raw(amount.currency().code());
            text.raw("\",\"amount\":");
            text.amount(*amount);
            text.raw(",\"won\":");
            text.amount(*won);
            text.raw(",\"rate\":");
            text.rate(*rate);
            if let Some(reference) = reference {
                text.raw(",\"reference\":");
                text.string(reference);
            }
        }
    }
}

fn write_movement(
    text: &mut Text,
    record: &Record,
    debit: Option<&Leg>,
    credit: Option<&Leg>,
    limited_won: Option<i64>,
) {
    text.raw(",\"transaction\":");
    text.plain(TransactionId::at(record.position));
    if let Some(debit) = debit {
        text.raw(",\"debit\":");
        write_leg(text, debit);
    }
    if let Some(credit) = credit {
        text.raw(",\"credit\":");
        write_leg(text, credit);
    }
    write_limited(text, limited_won);
}

fn write_limited(text: &mut Text, limited_won: Option<i64>) {
    if let Some(won) = limited_won {
        text.raw(",\"limited_won\":");
        text.quoted_whole(won);
    }
}

fn write_leg(text: &mut Text, leg: &Leg) {
    text.raw("{\"account\":");
    text.plain(leg.account);
    text.raw(",\"customer\":");
    text.plain(leg.customer);
    text.raw(",\"currency\":\"");
    text.raw(leg.amount.currency().code());
    text.raw("\",\"amount\":");
    text.amount(leg.amount);
    text.raw(",\"balance_after\":");
    text.amount(leg.balance_after);
    text.raw(",\"version\":");
    text.number(leg.version);
    text.raw("}");
}

fn write_terms(text: &mut Text, terms: &Terms) {
    text.raw("{\"side\":\"");
    text.raw(side(terms.side));
    text.raw("\",\"currency\":\"");
    text.raw(terms.currency.code());
    text.raw("\",\"round\":");
    text.plain(terms.round);
    text.raw(",\"mid\":");
    text.rate(terms.mid);
    text.raw(",\"rate\":");
    text.rate(terms.rate);
    text.raw(",\"preference_percent\":");
    text.decimal(terms.preference_percent);
    text.raw("}");
}

fn write_limits(text: &mut Text, limits: &LimitUse) {
    text.raw("{\"charged_at\":");
    text.instant(limits.charged_at);
    text.raw(",\"day_won\":");
    text.quoted_whole(limits.day_won);
    text.raw(",\"month_won\":");
    text.quoted_whole(limits.month_won);
    text.raw("}");
}

fn write_fact(text: &mut Text, fact: &Fact) {
    text.raw("{\"check\":");
    text.plain(fact.check.code().as_str());
    text.raw(",\"effective_from\":");
    text.instant(fact.effective_from);
    if let Some(to) = fact.effective_to {
        text.raw(",\"effective_to\":");
        text.instant(to);
    }
    if let Some(amount) = fact.amount {
        text.raw(",\"currency\":\"");
        text.raw(amount.currency().code());
        text.raw("\",\"amount\":");
        text.amount(amount);
    }
    text.raw("}");
}

fn write_round(text: &mut Text, round: &Round) {
    text.raw("{\"id\":");
    text.plain(round.id);
    text.raw(",\"currency\":");
    text.plain(round.currency);
    text.raw(",\"mid\":");
    text.rate(round.mid);
    text.raw(",\"spread\":");
    text.decimal(round.spread);
    text.raw(",\"preference_percent\":");
    text.decimal(round.preference_percent);
    text.raw(",\"published_at\":");
    text.instant(round.published_at);
    text.raw(",\"valid_until\":");
    text.instant(round.valid_until);
    text.raw(",\"status\":");
    text.plain(round_status(round.status));
    text.raw("}");
}

fn write_finding(text: &mut Text, finding: &Finding) {
    text.raw("{\"finding\":");
    match finding {
        Finding::Jump { percent, percent_max } => {
            text.raw("\"jump\",\"percent\":");
            text.decimal(*percent);
            text.raw(",\"percent_max\":");
            text.decimal(*percent_max);
        }
        Finding::Deviation { percent, percent_max } => {
            text.raw("\"deviation\",\"percent\":");
            text.decimal(*percent);
            text.raw(",\"percent_max\":");
            text.decimal(*percent_max);
        }
        Finding::Stale { seconds, seconds_max } => {
            text.raw("\"stale\",\"seconds\":");
            text.quoted_whole(*seconds);
            text.raw(",\"seconds_max\":");
            text.quoted_whole(*seconds_max);
        }
        Finding::Unit => text.raw("\"unit\""),
        Finding::Sign => text.raw("\"sign\""),
        Finding::Scale => text.raw("\"scale\""),
    }
    text.raw("}");
}

fn write_accrual(text: &mut Text, accrual: &Accrual, currency: Currency) {
    text.raw("{\"from\":");
    text.date(accrual.period.from());
    text.raw(",\"through\":");
    text.date(accrual.period.through());
    text.raw(",\"annual_percent\":");
    text.decimal(accrual.annual_percent);
    text.raw(",\"closings\":");
    text.total(ControlTotal { currency, minor: accrual.closings_minor });
    text.raw("}");
}

fn write_list<T>(text: &mut Text, items: &[T], write: impl Fn(&mut Text, &T)) {
    text.raw("[");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.raw(",");
        }
        write(text, item);
    }
    text.raw("]");
}

/// The facts of a customer or an account as a store keeps them: a list in the journal's form; `None` for no facts.
pub(in crate::storage) fn encode_facts(facts: &FactSheet) -> Option<String> {
    if facts.is_empty() {
        return None;
    }
    let mut text = Text::default();
    text.raw("[");
    for (index, fact) in facts.iter().enumerate() {
        if index > 0 {
            text.raw(",");
        }
        write_fact(&mut text, fact);
    }
    text.raw("]");
    Some(text.finish())
}

/// The stable text of a round's status.
pub(in crate::storage) const fn round_status(status: RoundStatus) -> &'static str {
    match status {
        RoundStatus::Active => "active",
        RoundStatus::Superseded => "superseded",
        RoundStatus::Halted => "halted",
        RoundStatus::Voided => "voided",
    }
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}
