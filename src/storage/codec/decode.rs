//! Text to record, strictly: what does not encode to the very same text is damaged.
//!
//! The shapes take every field of every kind of record as optional; what a kind needs is taken from them by name, and what
//! it must not have is caught by the comparison of texts at the end.

use std::{collections::BTreeMap, fmt::Display, str::FromStr, sync::Arc};

use hwan_domain::{
    account::AccountKind,
    check::{Check, Fact, FactSheet},
    control::ControlTotal,
    currency::{Currency, CurrencySet},
    exchange::{Side, Terms},
    guard::Finding,
    id::{LaneId, Position, Seq},
    interest::{Accrual, Period},
    limit::LimitUse,
    money::Money,
    quote::QuoteId,
    rate::Rate,
    record::{Cover, Event, KeyDigest, KeyUse, Landing, Leg, Origin, Record, RequestDigest},
    round::{Round, RoundStatus},
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;
use smallvec::SmallVec;

use super::{
    VERSIONS, encode,
    shapes::{
        AccrualText, Body, FactText, FindingText, LegText, LimitsText, MoneyText, RateText, RoundText, TermsText,
    },
};
use crate::storage::port::StoreError;

/// Why a text is not a record: the field and what is wrong with it.
struct Fault(String);

impl Fault {
    fn of(field: &'static str, wrong: impl Display) -> Self {
        Self(format!("{field}: {wrong}"))
    }
}

type Read<T> = Result<T, Fault>;

/// Reads a record's canonical text. Currencies are those of the set that the bank deals in.
pub fn decode(text: &str, currencies: &CurrencySet) -> Result<Record, StoreError> {
    let body: Body = serde_json::from_str(text)
        .map_err(|error| StoreError::Damaged(format!("record at an unknown position: not a record's text: {error}")))?;
    let (lane, seq) = (body.lane, body.seq);
    let damaged = |wrong: &str| StoreError::Damaged(format!("record {lane}/{seq}: {wrong}"));
    let record = Reader { currencies }.record(body).map_err(|Fault(wrong)| damaged(&wrong))?;
    if encode(&record) == text { Ok(record) } else { Err(damaged("the text is not in its canonical form")) }
}

/// Reads facts as [`encode_facts`](super::encode_facts) wrote them; `None` for no facts.
pub(in crate::storage) fn decode_facts(text: Option<&str>, currencies: &CurrencySet) -> Result<FactSheet, StoreError> {
    let Some(text) = text else { return Ok(FactSheet::default()) };
    let facts: Vec<FactText> =
        serde_json::from_str(text).map_err(|error| StoreError::Damaged(format!("facts: {error}")))?;
    let reader = Reader { currencies };
    let facts = facts.into_iter().map(|fact| reader.fact(fact)).collect::<Read<Vec<_>>>();
    facts.map(FactSheet::new).map_err(|Fault(wrong)| StoreError::Damaged(format!("facts: {wrong}")))
}

/// Reads the stable text of a round's status.
pub(in crate::storage) fn decode_round_status(text: &str) -> Option<RoundStatus> {
    [RoundStatus::Active, RoundStatus::Superseded, RoundStatus::Halted, RoundStatus::Voided]
        .into_iter()
        .find(|status| super::round_status(*status) == text)
}

fn need<T>(field: &'static str, value: Option<T>) -> Read<T> {
    value.ok_or_else(|| Fault::of(field, "missing"))
}

fn parse<T: FromStr<Err: Display>>(field: &'static str, text: &str) -> Read<T> {
    text.parse().map_err(|error| Fault::of(field, error))
}

fn whole(field: &'static str, text: &str) -> Read<i64> {
    parse(field, text)
}

fn decimal(field: &'static str, text: &str) -> Read<Decimal> {
    Decimal::from_str_exact(text).map_err(|error| Fault::of(field, error))
}

fn instant(field: &'static str, text: &str) -> Read<Timestamp> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| Fault::of(field, "not an instant"))
}

fn date(field: &'static str, text: &str) -> Read<BusinessDate> {
    BusinessDate::parse(text).ok_or_else(|| Fault::of(field, "not a date"))
}

fn digest(field: &'static str, text: &str) -> Read<[u8; 16]> {
    if text.len() != 32 || !text.is_ascii() {
        return Err(Fault::of(field, "not 32 hexadecimal digits"));
    }
    let number = u128::from_str_radix(text, 16).map_err(|error| Fault::of(field, error))?;
    Ok(number.to_be_bytes())
}

fn rate(field: &'static str, text: &RateText) -> Read<Rate> {
    Rate::new(decimal(field, &text.won)?, text.per).map_err(|error| Fault::of(field, error))
}

struct Reader<'a> {
    currencies: &'a CurrencySet,
}

impl Reader<'_> {
    fn record(&self, body: Body) -> Read<Record> {
        if !VERSIONS.contains(&body.v) {
            return Err(Fault::of("v", format_args!("version {} is not known, only {VERSIONS:?}", body.v)));
        }
        let lane = LaneId::new(body.lane).ok_or_else(|| Fault::of("lane", "out of range"))?;
        let seq = Seq::new(body.seq).ok_or_else(|| Fault::of("seq", "out of range"))?;
        let key = match (&body.key, &body.request) {
            (Some(key), Some(request)) => Some(KeyUse {
                digest: KeyDigest(digest("key", key)?),
                request: RequestDigest(digest("request", request)?),
            }),
            (None, None) => None,
            _ => return Err(Fault::of("key", "a key and a request's digest stand together")),
        };
        Ok(Record {
            position: Position::new(lane, seq),
            at: instant("at", &body.at)?,
            business_date: date("business_date", &body.business_date)?,
            origin: Origin { caller: Arc::from(body.caller.as_str()), key },
            totals: self.totals(body.totals.as_ref())?,
            event: self.event(body)?,
        })
    }

    fn totals(&self, totals: Option<&BTreeMap<String, String>>) -> Read<SmallVec<[ControlTotal; 2]>> {
        let read = |(code, text): (&String, &String)| {
            let currency = self.currency("totals", code)?;
            Ok(ControlTotal { currency, minor: total("totals", text)? })
        };
        totals.into_iter().flatten().map(read).collect()
    }

    fn event(&self, body: Body) -> Read<Event> {
        let customer = || parse("customer", need("customer", body.customer.as_deref())?);
        let account = || parse("account", need("account", body.account.as_deref())?);
        let limited = || body.limited_won.as_deref().map(|won| whole("limited_won", won)).transpose();
        let reason = |reason: Option<String>| need("reason", reason).map(String::into_boxed_str);
        let currency = || self.currency("currency", need("currency", body.currency.as_deref())?);
        let debit = || self.leg("debit", need("debit", body.debit.as_ref())?);
        let credit = || self.leg("credit", need("credit", body.credit.as_ref())?);
        Ok(match body.r#type.as_str() {
            "customer_opened" => Event::CustomerOpened {
                reference: body.reference.map(String::into_boxed_str),
                channel: body.channel.map(String::into_boxed_str),
            },
            "account_opened" => {
                let kind = need("kind", body.kind.as_deref())?;
                let kind = AccountKind::parse(kind).ok_or_else(|| Fault::of("kind", "not a kind of account"))?;
                Event::AccountOpened { customer: customer()?, kind }
            }
            "account_fact_stated" => Event::AccountFactStated {
                account: account()?,
                customer: customer()?,
                fact: self.fact(need("fact", body.fact)?)?,
            },
            "account_closed" => Event::AccountClosed { account: account()?, customer: customer()? },
            "customer_fact_stated" => {
                Event::CustomerFactStated { customer: customer()?, fact: self.fact(need("fact", body.fact)?)? }
            }
            "deposited" => Event::Deposited { credit: credit()? },
            "withdrawn" => Event::Withdrawn { debit: debit()?, limited_won: limited()? },
            "transferred" => Event::Transferred { debit: debit()?, credit: credit()?, limited_won: limited()? },
            "exchanged" => Event::Exchanged {
                terms: self.terms(need("terms", body.terms.as_ref())?)?,
                quote: match &body.quote {
                    Some(quote) => Some(QuoteId(u128::from_be_bytes(digest("quote", quote)?))),
                    None => None,
                },
                debit: debit()?,
                credit: credit()?,
                limits: body.limits.as_ref().map(limits).transpose()?,
                limited_won: limited()?,
            },
            "reversed" => Event::Reversed {
                exchange: parse("exchange", need("exchange", body.exchange.as_deref())?)?,
                terms: self.terms(need("terms", body.terms.as_ref())?)?,
                debit: debit()?,
                landing: match &body.suspense {
                    Some(MoneyText { currency, amount }) => {
                        Landing::Suspense(self.money("suspense", amount, self.currency("suspense", currency)?)?)
                    }
                    None => Landing::Account(credit()?),
                },
                limits: body.limits.as_ref().map(limits).transpose()?,
                limited_won: limited()?,
                reason: reason(body.reason)?,
            },
            "interest_paid" => {
                let credit = credit()?;
                let currency = credit.amount.currency();
                let money = |field, text: Option<&String>| self.money(field, need(field, text)?, currency);
                let day = |field, text: Option<&String>| date(field, need(field, text)?);
                Event::InterestPaid {
                    account: account()?,
                    customer: customer()?,
                    from: day("from", body.from.as_ref())?,
                    through: day("through", body.through.as_ref())?,
                    accruals: need("accruals", body.accruals.as_ref())?.iter().map(accrual).collect::<Read<_>>()?,
                    gross: money("gross", body.gross.as_ref())?,
                    income_tax: money("income_tax", body.income_tax.as_ref())?,
                    local_tax: money("local_tax", body.local_tax.as_ref())?,
                    credit,
                }
            }
            "date_rolled" => Event::DateRolled { date: date("date", need("date", body.date.as_deref())?)? },
            "round_published" => Event::RoundPublished {
                round: self.round(need("round", body.round)?)?,
                findings: need("findings", body.findings)?.iter().map(finding).collect::<Read<_>>()?,
            },
            "round_refused" => Event::RoundRefused {
                currency: currency()?,
                mid: decimal("mid", need("mid", body.mid.as_deref())?)?,
                findings: need("findings", body.findings)?.iter().map(finding).collect::<Read<_>>()?,
            },
            "round_voided" => Event::RoundVoided {
                round: parse("round_id", need("round_id", body.round_id.as_deref())?)?,
                currency: currency()?,
                reason: reason(body.reason)?,
            },
            "pair_halted" => Event::PairHalted { currency: currency()?, reason: reason(body.reason)? },
            "pair_resumed" => Event::PairResumed { currency: currency()? },
            "covered" => {
                let currency = currency()?;
                Event::Covered {
                    cover: Cover {
                        side: side("side", need("side", body.side.as_deref())?)?,
                        amount: self.money("amount", need("amount", body.amount.as_deref())?, currency)?,
                        won: self.money("won", need("won", body.won.as_deref())?, Currency::KRW)?,
                        rate: rate("rate", need("rate", body.rate.as_ref())?)?,
                        reference: body.reference.map(String::into_boxed_str),
                    },
                }
            }
            unknown => return Err(Fault::of("type", format_args!("{unknown:?} is not known"))),
        })
    }

    fn currency(&self, field: &'static str, code: &str) -> Read<Currency> {
        self.currencies
            .find(code)
            .ok_or_else(|| Fault::of(field, format_args!("{code:?} is not among the configured currencies")))
    }

    fn money(&self, field: &'static str, text: &str, currency: Currency) -> Read<Money> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let money = Money::parse(digits, currency).map_err(|error| Fault::of(field, error))?;
        Ok(if negative { money.negated() } else { money })
    }

    fn leg(&self, field: &'static str, text: &LegText) -> Read<Leg> {
        let currency = self.currency(field, &text.currency)?;
        Ok(Leg {
            account: parse(field, &text.account)?,
            customer: parse(field, &text.customer)?,
            amount: self.money(field, &text.amount, currency)?,
            balance_after: self.money(field, &text.balance_after, currency)?,
            version: text.version,
        })
    }

    fn terms(&self, text: &TermsText) -> Read<Terms> {
        Ok(Terms {
            side: side("terms.side", &text.side)?,
            currency: self.currency("terms.currency", &text.currency)?,
            round: parse("terms.round", &text.round)?,
            mid: rate("terms.mid", &text.mid)?,
            rate: rate("terms.rate", &text.rate)?,
            preference_percent: decimal("terms.preference_percent", &text.preference_percent)?,
        })
    }

    fn fact(&self, text: FactText) -> Read<Fact> {
        let amount = match (&text.currency, &text.amount) {
            (Some(code), Some(amount)) => {
                Some(self.money("fact.amount", amount, self.currency("fact.currency", code)?)?)
            }
            (None, None) => None,
            _ => return Err(Fault::of("fact.amount", "an amount and a currency stand together")),
        };
        Ok(Fact {
            check: Check::parse(&text.check).ok_or_else(|| Fault::of("fact.check", "not a check"))?,
            effective_from: instant("fact.effective_from", &text.effective_from)?,
            effective_to: text.effective_to.as_deref().map(|to| instant("fact.effective_to", to)).transpose()?,
            amount,
        })
    }

    fn round(&self, text: RoundText) -> Read<Round> {
        Ok(Round {
            id: parse("round.id", &text.id)?,
            currency: self.currency("round.currency", &text.currency)?,
            mid: rate("round.mid", &text.mid)?,
            spread: decimal("round.spread", &text.spread)?,
            preference_percent: decimal("round.preference_percent", &text.preference_percent)?,
            published_at: instant("round.published_at", &text.published_at)?,
            valid_until: instant("round.valid_until", &text.valid_until)?,
            status: decode_round_status(&text.status).ok_or_else(|| Fault::of("round.status", "not a status"))?,
        })
    }
}

fn side(field: &'static str, text: &str) -> Read<Side> {
    match text {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        _ => Err(Fault::of(field, "neither buy nor sell")),
    }
}

fn limits(text: &LimitsText) -> Read<LimitUse> {
    Ok(LimitUse {
        charged_at: instant("limits.charged_at", &text.charged_at)?,
        day_won: whole("limits.day_won", &text.day_won)?,
        month_won: whole("limits.month_won", &text.month_won)?,
    })
}

/// A total in minor units; that it is at its currency's scale is checked by the comparison of texts.
fn total(field: &'static str, text: &str) -> Read<i128> {
    let digits: String = text.chars().filter(|digit| *digit != '.').collect();
    parse(field, &digits)
}

fn accrual(text: &AccrualText) -> Read<Accrual> {
    let (from, through) = (date("accruals.from", &text.from)?, date("accruals.through", &text.through)?);
    Ok(Accrual {
        period: Period::new(from, through).ok_or_else(|| Fault::of("accruals", "ends before it begins"))?,
        annual_percent: decimal("accruals.annual_percent", &text.annual_percent)?,
        closings_minor: total("accruals.closings", &text.closings)?,
    })
}

fn finding(text: &FindingText) -> Read<Finding> {
    let percents = || -> Read<(Decimal, Decimal)> {
        let percent = decimal("finding.percent", need("finding.percent", text.percent.as_deref())?)?;
        let percent_max = decimal("finding.percent_max", need("finding.percent_max", text.percent_max.as_deref())?)?;
        Ok((percent, percent_max))
    };
    Ok(match text.finding.as_str() {
        "jump" => {
            let (percent, percent_max) = percents()?;
            Finding::Jump { percent, percent_max }
        }
        "deviation" => {
            let (percent, percent_max) = percents()?;
            Finding::Deviation { percent, percent_max }
        }
        "stale" => Finding::Stale {
            seconds: whole("finding.seconds", need("finding.seconds", text.seconds.as_deref())?)?,
            seconds_max: whole("finding.seconds_max", need("finding.seconds_max", text.seconds_max.as_deref())?)?,
        },
        "unit" => Finding::Unit,
        "sign" => Finding::Sign,
        "scale" => Finding::Scale,
        unknown => return Err(Fault::of("finding", format_args!("{unknown:?} is not known"))),
    })
}
