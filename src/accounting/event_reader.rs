//! Reads the text of an event: only what the ledger needs, leniently.
//!
//! A text of a later version may have more fields; they are passed over, and so is a kind of event that is not known, as long as no
//! money moves in it. What cannot be read is said with its cause; nothing is guessed.

use std::{borrow::Cow, collections::BTreeMap, fmt::Display, str::FromStr, sync::Arc};

use hwan_domain::{
    control::ControlTotal,
    currency::{Currency, CurrencySet},
    exchange::Side,
    id::{LaneId, Position, Seq},
    ledger::{Deal, LedgerEvent},
    money::Money,
    time::{BusinessDate, Timestamp},
};
use serde::Deserialize;
use smallvec::SmallVec;

/// Why a text is no event that the ledger could post.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {cause}")]
pub struct Unreadable {
    /// Which field.
    pub field: &'static str,
    /// What is wrong.
    pub cause: String,
}

fn unreadable(field: &'static str, cause: impl Display) -> Unreadable {
    Unreadable { field, cause: cause.to_string() }
}

#[derive(Deserialize)]
struct EventText<'a> {
    lane: u16,
    seq: u64,
    r#type: &'a str,
    at: &'a str,
    business_date: &'a str,
    #[serde(borrow)]
    terms: Option<TermsText<'a>>,
    debit: Option<MoneyText<'a>>,
    credit: Option<MoneyText<'a>>,
    suspense: Option<MoneyText<'a>>,
    exchange: Option<&'a str>,
    side: Option<&'a str>,
    currency: Option<&'a str>,
    amount: Option<&'a str>,
    won: Option<&'a str>,
    gross: Option<&'a str>,
    income_tax: Option<&'a str>,
    local_tax: Option<&'a str>,
    reference: Option<Cow<'a, str>>,
    totals: Option<BTreeMap<&'a str, &'a str>>,
}

#[derive(Deserialize)]
struct TermsText<'a> {
    side: &'a str,
    currency: &'a str,
}

#[derive(Deserialize)]
struct MoneyText<'a> {
    currency: &'a str,
    amount: &'a str,
}

/// Reads events in the currencies that the bank deals in.
#[derive(Clone, Debug)]
pub struct EventReader {
    currencies: Arc<CurrencySet>,
}

impl EventReader {
    /// A reader.
    pub const fn new(currencies: Arc<CurrencySet>) -> Self {
        Self { currencies }
    }

    /// Reads an event.
    pub fn read(&self, body: &[u8]) -> Result<LedgerEvent, Unreadable> {
        let text: EventText<'_> = serde_json::from_slice(body).map_err(|error| unreadable("text", error))?;
        let lane = LaneId::new(text.lane).ok_or_else(|| unreadable("lane", "out of range"))?;
        let seq = Seq::new(text.seq).ok_or_else(|| unreadable("seq", "out of range"))?;
        Ok(LedgerEvent {
            position: Position::new(lane, seq),
            at: Timestamp::parse_rfc3339(text.at).ok_or_else(|| unreadable("at", "not an instant"))?,
            business_date: BusinessDate::parse(text.business_date)
                .ok_or_else(|| unreadable("business_date", "not a date"))?,
            totals: self.totals(text.totals.as_ref())?,
            deal: self.deal(text)?,
        })
    }

    fn deal(&self, text: EventText<'_>) -> Result<Deal, Unreadable> {
        let debit = || self.leg("debit", text.debit.as_ref());
        let credit = || self.leg("credit", text.credit.as_ref());
        let terms = || {
            let terms = need("terms", text.terms.as_ref())?;
            Ok((side("terms.side", terms.side)?, self.currency("terms.currency", terms.currency)?))
        };
        Ok(match text.r#type {
            "deposited" => Deal::Deposit(credit()?),
            "withdrawn" => Deal::Withdrawal(debit()?),
            "transferred" => Deal::Transfer { debit: debit()?, credit: credit()? },
            "exchanged" => {
                let (side, currency) = terms()?;
                Deal::Exchange { side, currency, debit: debit()?, credit: credit()? }
            }
            "reversed" => {
                let (side, currency) = terms()?;
                let in_suspense = text.suspense.is_some();
                Deal::Reversal {
                    exchange: parse("exchange", need("exchange", text.exchange)?)?,
                    side,
                    currency,
                    debit: debit()?,
                    credit: if in_suspense { self.leg("suspense", text.suspense.as_ref())? } else { credit()? },
                    in_suspense,
                }
            }
            "interest_paid" => {
                let net = credit()?;
                let of_it = |field, text| money(field, need(field, text)?, net.currency());
                Deal::Interest {
                    gross: of_it("gross", text.gross)?,
                    income_tax: of_it("income_tax", text.income_tax)?,
                    local_tax: of_it("local_tax", text.local_tax)?,
                    net,
                }
            }
            "covered" => {
                let currency = self.currency("currency", need("currency", text.currency)?)?;
                Deal::Cover {
                    side: side("side", need("side", text.side)?)?,
                    amount: money("amount", need("amount", text.amount)?, currency)?,
                    won: money("won", need("won", text.won)?, Currency::KRW)?,
                    reference: text.reference.map(|reference| reference.into_owned().into_boxed_str()),
                }
            }
            unknown if text.debit.is_some() || text.credit.is_some() || text.totals.is_some() => {
                return Err(unreadable("type", format_args!("{unknown:?} moves money and is not known")));
            }
            _ => Deal::None,
        })
    }

    fn totals(&self, totals: Option<&BTreeMap<&str, &str>>) -> Result<SmallVec<[ControlTotal; 2]>, Unreadable> {
        let read = |(code, text): (&&str, &&str)| {
            let currency = self.currency("totals", code)?;
            Ok(ControlTotal { currency, minor: minor("totals", text, currency)? })
        };
        totals.into_iter().flatten().map(read).collect()
    }

    fn currency(&self, field: &'static str, code: &str) -> Result<Currency, Unreadable> {
        let unknown = || unreadable(field, format_args!("{code:?} is not among the configured currencies"));
        self.currencies.find(code).ok_or_else(unknown)
    }

    fn leg(&self, field: &'static str, text: Option<&MoneyText<'_>>) -> Result<Money, Unreadable> {
        let text = need(field, text)?;
        money(field, text.amount, self.currency(field, text.currency)?)
    }
}

fn need<T>(field: &'static str, value: Option<T>) -> Result<T, Unreadable> {
    value.ok_or_else(|| unreadable(field, "missing"))
}

fn parse<T: FromStr<Err: Display>>(field: &'static str, text: &str) -> Result<T, Unreadable> {
    text.parse().map_err(|error| unreadable(field, error))
}

fn side(field: &'static str, text: &str) -> Result<Side, Unreadable> {
    match text {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        _ => Err(unreadable(field, "neither buy nor sell")),
    }
}

fn money(field: &'static str, text: &str, currency: Currency) -> Result<Money, Unreadable> {
    let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let money = Money::parse(digits, currency).map_err(|error| unreadable(field, error))?;
    Ok(if is_negative { money.negated() } else { money })
}

/// Minor units of an amount that may be wider than money: at the currency's exact scale.
fn minor(field: &'static str, text: &str, currency: Currency) -> Result<i128, Unreadable> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() != usize::from(currency.minor_digits()) || fraction.starts_with(['+', '-']) {
        return Err(unreadable(field, format_args!("{text:?} is not at the scale of {currency}")));
    }
    let digits: i128 = parse(field, whole)?;
    let part: i128 = if fraction.is_empty() { 0 } else { parse(field, fraction)? };
    let scale = 10_i128.pow(u32::from(currency.minor_digits()));
    let scaled = digits.checked_mul(scale).ok_or_else(|| unreadable(field, "too large"))?;
    let signed = if whole.starts_with('-') { scaled.checked_sub(part) } else { scaled.checked_add(part) };
    signed.ok_or_else(|| unreadable(field, "too large"))
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use hwan_domain::{interest::Period, record::Event};

    use super::*;
    use crate::storage::{
        codec,
        conformance::fixture::{self, Scribe, currencies, money as amount},
        port::{ChainHash, Epoch, TakenLane},
    };

    fn reader() -> EventReader {
        EventReader::new(currencies())
    }

    #[test]
    fn a_text_says_what_its_record_says() {
        let taken = TakenLane {
            epoch: Epoch(1),
            seq: Seq::ZERO,
            hash: ChainHash::GENESIS,
            last: None,
            projected: Seq::ZERO,
            totals: hwan_domain::control::ControlTotals::default(),
        };
        let mut scribe = Scribe::taken(LaneId::FIRST, &taken);
        let family = scribe.open_family();
        scribe.deposit(family.won, amount("1000000", "KRW"));
        scribe.withdraw(family.won, amount("1", "KRW"));
        scribe.buy(family, amount("10.00", "USD"));
        let exchange = scribe.batch().rows.last().unwrap().record.clone();
        scribe.reverse(&exchange, false);
        scribe.buy(family, amount("10.05", "USD"));
        let exchange = scribe.batch().rows.last().unwrap().record.clone();
        scribe.reverse(&exchange, true);
        let opened = scribe.clock().1;
        scribe.roll_date();
        let first = Period::new(opened, opened).unwrap();
        scribe.pay_interest(family.won, first, amount("9124999", "KRW"));
        let cover = hwan_domain::record::Cover {
            side: Side::Sell,
            amount: amount("5.00", "USD"),
            won: amount("6745", "KRW"),
            rate: fixture::terms(Side::Buy).mid,
            reference: Some("deal \"1\"\n".into()),
        };
        scribe.write(Event::Covered { cover });
        let mut rows = scribe.batch().rows;
        rows.push(crate::storage::port::JournalRow {
            record: Arc::new(fixture::exchange_of_scenario_s01()),
            body: codec::encode(&fixture::exchange_of_scenario_s01()).into(),
            hash: ChainHash::GENESIS,
        });
        assert!(rows.len() >= 4);
        for row in rows {
            assert_eq!(
                reader().read(row.body.as_bytes()).unwrap(),
                LedgerEvent::from(row.record.as_ref()),
                "{}",
                row.body
            );
        }
    }

    #[test]
    fn what_is_new_is_passed_over_where_no_money_moves() {
        let text = codec::encode(&fixture::exchange_of_scenario_s01());
        let newer = text.replacen("{\"v\":2", "{\"v\":3,\"mood\":{\"is\":[\"good\",1,null]}", 1).replacen(
            "\"debit\":{",
            "\"debit\":{\"colour\":\"red\",",
            1,
        );
        assert_eq!(reader().read(newer.as_bytes()).unwrap(), reader().read(text.as_bytes()).unwrap());
        let quiet = r#"{"v":9,"lane":1,"seq":7,"type":"sneezed","at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#;
        assert_eq!(reader().read(quiet.as_bytes()).unwrap().deal, Deal::None);
    }

    #[test]
    fn what_cannot_be_read_is_said_by_its_field() {
        let text = codec::encode(&fixture::exchange_of_scenario_s01());
        for (from, to, field) in [
            ("{\"v\":2", "{\"v\":2,,", "text"),
            ("\"lane\":1", "\"lane\":40000", "lane"),
            ("\"seq\":7", "\"seq\":281474976710656", "seq"),
            ("\"at\":\"2026", "\"at\":\"x026", "at"),
            ("\"business_date\":\"2026-11-23\"", "\"business_date\":\"2026-11-33\"", "business_date"),
            ("\"side\":\"buy\"", "\"side\":\"lend\"", "terms.side"),
            ("\"type\":\"exchanged\"", "\"type\":\"exchanging\"", "type"),
            ("\"debit\":", "\"debt\":", "debit"),
            ("\"100.00\"", "\"100.0\"", "credit"),
            ("\"KRW\":\"864950\"", "\"KRW\":\"864950.0\"", "totals"),
            ("\"KRW\":\"864950\"", "\"XXX\":\"864950\"", "totals"),
        ] {
            assert!(text.contains(from), "{from} in {text}");
            assert_eq!(
                reader().read(text.replacen(from, to, 1).as_bytes()).unwrap_err().field,
                field,
                "{from} -> {to}"
            );
        }
        assert_eq!(reader().read(&[0xff, 0]).unwrap_err().field, "text");
        let usd = currencies().find("USD").unwrap();
        assert_eq!((minor("", "-0.05", usd), minor("", "12.34", usd)), (Ok(-5), Ok(1_234)));
        assert!(minor("", "1.+5", usd).is_err() && minor("", "1", usd).is_err() && minor("", ".05", usd).is_err());
    }
}
