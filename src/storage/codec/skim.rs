//! What reconciliation needs of a record's text, read straight from its bytes: many times faster than the whole record, which is
//! why a day of millions reconciles in seconds.
//!
//! Only the kinds that move the most are read so; of any other, and of a text in which anything is not as the encoder writes it,
//! nothing is said, and whoever asks decodes the whole record. The text is not proven canonical here: the hash is.

use hwan_domain::{
    control::ControlTotal,
    currency::{Currency, CurrencySet},
    exchange::Side,
    id::{AccountId, CustomerId, ExchangeId, LaneId, Position, Seq},
    ledger::{Deal, LedgerEvent},
    money::Money,
    rate::Rate,
    reconciliation::Movement,
    record::Leg,
    time::{BusinessDate, MICROS_PER_DAY, MICROS_PER_SECOND, Timestamp},
};
use rust_decimal::Decimal;
use smallvec::SmallVec;

/// Reads texts of records; remembers the last dates, which repeat.
#[derive(Clone, Debug)]
pub struct Skimmer {
    currencies: Vec<([u8; 3], Currency)>,
    dates: [([u8; 10], BusinessDate); 2],
}

/// Bytes that are read from the front.
struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    fn expect(&mut self, literal: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let len = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        if digits.is_empty() || digits.len() > 19 {
            return None;
        }
        Some(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    /// A string without escapes.
    fn plain(&mut self) -> Option<&'a [u8]> {
        self.expect(b"\"")?;
        let len = self.0.iter().position(|byte| *byte == b'"' || *byte == b'\\')?;
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest.strip_prefix(b"\"")?;
        Some(text)
    }

    /// Any value, passed over.
    fn skip(&mut self) -> Option<()> {
        match self.0.first()? {
            b'"' => self.skip_string(),
            b'{' | b'[' => {
                let mut depth = 0_u32;
                loop {
                    match self.0.first()? {
                        b'"' => {
                            self.skip_string()?;
                            continue;
                        }
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth -= 1,
                        _ => {}
                    }
                    self.0 = self.0.get(1..)?;
                    if depth == 0 {
                        return Some(());
                    }
                }
            }
            _ => {
                let len = self.0.iter().position(|byte| matches!(byte, b',' | b'}' | b']'))?;
                self.0 = self.0.get(len..)?;
                Some(())
            }
        }
    }

    fn skip_string(&mut self) -> Option<()> {
        self.expect(b"\"")?;
        loop {
            let len = self.0.iter().position(|byte| *byte == b'"' || *byte == b'\\')?;
            let (_, rest) = self.0.split_at_checked(len)?;
            if rest.first() == Some(&b'"') {
                self.0 = rest.get(1..)?;
                return Some(());
            }
            self.0 = rest.get(2..)?;
        }
    }
}

/// The kinds that are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Quiet,
    Deposit,
    Withdrawal,
    Transfer,
    Exchange,
    Reversal,
}

impl Kind {
    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"exchanged" => Kind::Exchange,
            b"deposited" => Kind::Deposit,
            b"withdrawn" => Kind::Withdrawal,
            b"transferred" => Kind::Transfer,
            b"reversed" => Kind::Reversal,
            b"customer_opened" | b"account_opened" | b"date_rolled" => Kind::Quiet,
            _ => return None,
        })
    }
}

/// What stands beside the head of a text.
#[derive(Default)]
struct Fields {
    exchange: Option<ExchangeId>,
    terms: Option<(Side, Currency, Rate)>,
    debit: Option<Leg>,
    credit: Option<Leg>,
    suspense: Option<Money>,
    totals: SmallVec<[ControlTotal; 2]>,
}

impl Skimmer {
    /// Reads amounts in these currencies.
    pub fn new(currencies: &CurrencySet) -> Self {
        let all = currencies.iter().map(|(currency, _)| (*currency.code_bytes(), currency));
        let never = (*b"0000-00-00", BusinessDate::from_days(0));
        Self { currencies: all.collect(), dates: [never; 2] }
    }

    /// What counts of a record; `None` where the whole record has to be decoded to know.
    pub fn read(&mut self, text: &str) -> Option<Movement> {
        let mut text = Text(text.as_bytes());
        text.expect(b"{\"v\":")?;
        if !super::VERSIONS.contains(&text.number()?) {
            return None;
        }
        text.expect(b",\"lane\":")?;
        let lane = LaneId::new(u16::try_from(text.number()?).ok()?)?;
        text.expect(b",\"seq\":")?;
        let seq = Seq::new(text.number()?)?;
        text.expect(b",\"type\":")?;
        let kind = Kind::of(text.plain()?)?;
        text.expect(b",\"at\":")?;
        let at = self.instant(text.plain()?)?;
        text.expect(b",\"business_date\":")?;
        let business_date = self.date(text.plain()?, 1)?;
        let fields = self.fields(&mut text)?;
        let rate = fields.terms.map(|(_, _, rate)| rate);
        let legs = fields.debit.into_iter().chain(fields.credit).collect();
        let totals = fields.totals.clone();
        let deal = deal(kind, fields)?;
        let event = LedgerEvent { position: Position::new(lane, seq), at, business_date, deal, totals };
        Some(Movement { event, legs, rate, interest: None })
    }

    fn fields(&self, text: &mut Text<'_>) -> Option<Fields> {
        let mut fields = Fields::default();
        while text.0.first() == Some(&b',') {
            text.expect(b",")?;
            let key = text.plain()?;
            text.expect(b":")?;
            match key {
                b"debit" => fields.debit = Some(self.leg(text)?),
                b"credit" => fields.credit = Some(self.leg(text)?),
                b"terms" => fields.terms = Some(self.terms(text)?),
                b"suspense" => {
                    text.expect(b"{\"currency\":")?;
                    let currency = self.currency(text.plain()?)?;
                    text.expect(b",\"amount\":")?;
                    fields.suspense = Some(money(text.plain()?, currency)?);
                    text.expect(b"}")?;
                }
                b"exchange" => fields.exchange = Some(std::str::from_utf8(text.plain()?).ok()?.parse().ok()?),
                b"totals" => fields.totals = self.totals(text)?,
                _ => text.skip()?,
            }
        }
        (text.0 == b"}").then_some(fields)
    }

    fn leg(&self, text: &mut Text<'_>) -> Option<Leg> {
        text.expect(b"{\"account\":")?;
        let account: AccountId = std::str::from_utf8(text.plain()?).ok()?.parse().ok()?;
        text.expect(b",\"customer\":")?;
        let customer: CustomerId = std::str::from_utf8(text.plain()?).ok()?.parse().ok()?;
        text.expect(b",\"currency\":")?;
        let currency = self.currency(text.plain()?)?;
        text.expect(b",\"amount\":")?;
        let amount = money(text.plain()?, currency)?;
        text.expect(b",\"balance_after\":")?;
        let balance_after = money(text.plain()?, currency)?;
        text.expect(b",\"version\":")?;
        let version = text.number()?;
        text.expect(b"}")?;
        Some(Leg { account, customer, amount, balance_after, version })
    }

    fn terms(&self, text: &mut Text<'_>) -> Option<(Side, Currency, Rate)> {
        text.expect(b"{\"side\":")?;
        let side = match text.plain()? {
            b"buy" => Side::Buy,
            b"sell" => Side::Sell,
            _ => return None,
        };
        text.expect(b",\"currency\":")?;
        let currency = self.currency(text.plain()?)?;
        text.expect(b",\"round\":")?;
        text.skip()?;
        text.expect(b",\"mid\":")?;
        text.skip()?;
        text.expect(b",\"rate\":{\"won\":")?;
        let value = Decimal::from_str_exact(std::str::from_utf8(text.plain()?).ok()?).ok()?;
        text.expect(b",\"per\":")?;
        let rate = Rate::new(value, u32::try_from(text.number()?).ok()?).ok()?;
        text.expect(b"},\"preference_percent\":")?;
        text.skip()?;
        text.expect(b"}")?;
        Some((side, currency, rate))
    }

    fn totals(&self, text: &mut Text<'_>) -> Option<SmallVec<[ControlTotal; 2]>> {
        let mut totals = SmallVec::new();
        text.expect(b"{")?;
        loop {
            let currency = self.currency(text.plain()?)?;
            text.expect(b":")?;
            totals.push(ControlTotal { currency, minor: minor(text.plain()?, currency)? });
            match text.0.first()? {
                b',' => text.expect(b",")?,
                _ => break,
            }
        }
        text.expect(b"}")?;
        Some(totals)
    }

    fn currency(&self, code: &[u8]) -> Option<Currency> {
        self.currencies.iter().find(|(of, _)| of == code).map(|(_, currency)| *currency)
    }

    /// `2026-11-23`, remembered in a place of its own.
    fn date(&mut self, text: &[u8], place: usize) -> Option<BusinessDate> {
        let remembered = self.dates.get_mut(place)?;
        if remembered.0 != text {
            let date = BusinessDate::parse(std::str::from_utf8(text).ok()?)?;
            *remembered = (text.try_into().ok()?, date);
        }
        Some(remembered.1)
    }

    /// `2026-11-23T01:00:00.000000Z`
    fn instant(&mut self, text: &[u8]) -> Option<Timestamp> {
        let (date, clock) = text.split_at_checked(10)?;
        let date = self.date(date, 0)?;
        let [b'T', h1, h0, b':', m1, m0, b':', s1, s0, b'.', f5, f4, f3, f2, f1, f0, b'Z'] = *clock else {
            return None;
        };
        let digits = |digits: &[u8]| {
            digits
                .iter()
                .try_fold(0_i64, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
        };
        let (hours, minutes, seconds) = (digits(&[h1, h0])?, digits(&[m1, m0])?, digits(&[s1, s0])?);
        if hours > 23 || minutes > 59 || seconds > 59 {
            return None;
        }
        let micros = digits(&[f5, f4, f3, f2, f1, f0])?;
        let day = i64::from(date.days()) * MICROS_PER_DAY;
        let seconds = (hours * 60 + minutes) * 60 + seconds;
        Some(Timestamp::from_micros(day + seconds * MICROS_PER_SECOND + micros))
    }
}

fn deal(kind: Kind, fields: Fields) -> Option<Deal> {
    let Fields { exchange, terms, debit, credit, suspense, .. } = fields;
    let (debit, credit) = (debit.map(|leg| leg.amount), credit.map(|leg| leg.amount));
    Some(match kind {
        Kind::Quiet if debit.is_none() && credit.is_none() => Deal::None,
        Kind::Quiet => return None,
        Kind::Deposit if debit.is_none() => Deal::Deposit(credit?),
        Kind::Withdrawal if credit.is_none() => Deal::Withdrawal(debit?),
        Kind::Deposit | Kind::Withdrawal => return None,
        Kind::Transfer => Deal::Transfer { debit: debit?, credit: credit? },
        Kind::Exchange => {
            let (side, currency, _) = terms?;
            Deal::Exchange { side, currency, debit: debit?, credit: credit? }
        }
        Kind::Reversal => {
            let (side, currency, _) = terms?;
            let in_suspense = suspense.is_some();
            let credit = if in_suspense { suspense.filter(|_| credit.is_none())? } else { credit? };
            Deal::Reversal { exchange: exchange?, side, currency, debit: debit?, credit, in_suspense }
        }
    })
}

/// Minor units of a number at its currency's exact scale.
fn minor(text: &[u8], currency: Currency) -> Option<i128> {
    let (is_negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let scale = usize::from(currency.minor_digits());
    let point = digits.len().checked_sub(scale + 1).filter(|_| scale > 0);
    if digits.len() > 36 || digits.is_empty() {
        return None;
    }
    let mut number = 0_i128;
    for (at, byte) in digits.iter().enumerate() {
        if Some(at) == point {
            if *byte != b'.' {
                return None;
            }
            continue;
        }
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i128::from(byte - b'0');
    }
    if scale > 0 && point.is_none_or(|point| point == 0) {
        return None;
    }
    Some(if is_negative { -number } else { number })
}

fn money(text: &[u8], currency: Currency) -> Option<Money> {
    Money::from_minor(i64::try_from(minor(text, currency)?).ok()?, currency).ok()
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use hwan_domain::{
        control::ControlTotals,
        record::{Cover, Event},
    };

    use super::*;
    use crate::storage::{
        codec,
        conformance::fixture::{self, Scribe, currencies, money as amount},
        port::{ChainHash, Epoch, TakenLane},
    };

    fn scribe() -> Scribe {
        let taken = TakenLane {
            epoch: Epoch(1),
            seq: Seq::ZERO,
            hash: ChainHash::GENESIS,
            last: None,
            projected: Seq::ZERO,
            totals: ControlTotals::default(),
        };
        Scribe::taken(LaneId::FIRST, &taken)
    }

    #[test]
    fn a_text_says_what_its_record_says_or_nothing() {
        let mut scribe = scribe();
        let family = scribe.open_family();
        scribe.deposit(family.won, amount("1000000", "KRW"));
        scribe.withdraw(family.won, amount("1", "KRW"));
        scribe.buy(family, amount("10.00", "USD"));
        let exchange = scribe.clone().batch().rows.last().unwrap().record.clone();
        scribe.reverse(&exchange, false);
        scribe.buy(family, amount("10.05", "USD"));
        let exchange = scribe.clone().batch().rows.last().unwrap().record.clone();
        scribe.reverse(&exchange, true);
        scribe.roll_date();
        let rate = fixture::terms(Side::Buy).mid;
        let reference = Some("deal \"1\"".into());
        let cover =
            Cover { side: Side::Sell, amount: amount("5.00", "USD"), won: amount("6745", "KRW"), rate, reference };
        scribe.write(Event::Covered { cover });
        let mut skimmer = Skimmer::new(&currencies());
        let mut unread = 0;
        let rows = scribe.batch().rows;
        for row in &rows {
            match skimmer.read(&row.body) {
                Some(movement) => assert_eq!(movement, Movement::from(row.record.as_ref()), "{}", row.body),
                None => unread += 1,
            }
        }
        assert_eq!(unread, 1, "the cover alone is left to the decoder, of {}", rows.len());
        let exchange = fixture::exchange_of_scenario_s01();
        assert_eq!(skimmer.read(&codec::encode(&exchange)), Some(Movement::from(&exchange)));
    }

    #[test]
    fn what_is_not_as_the_encoder_writes_it_is_left_to_the_decoder() {
        let text = codec::encode(&fixture::exchange_of_scenario_s01());
        let mut skimmer = Skimmer::new(&currencies());
        for (from, to) in [
            ("{\"v\":2", "{\"v\":9"),
            ("\"lane\":1", "\"lane\":40000"),
            ("\"type\":\"exchanged\"", "\"type\":\"sneezed\""),
            ("T01:00:00.000000Z", "T25:00:00.000000Z"),
            ("\"100.00\"", "\"100.0\""),
            ("\"100.00\"", "\"100,00\""),
            ("\"USD\"", "\"ZZZ\""),
            ("\"per\":1}", "\"per\":7}"),
            ("\"KRW\":\"864950\"", "\"KRW\":\"\""),
            ("\"credit\":", "\"kredit\":"),
        ] {
            assert!(text.contains(from), "{from} in {text}");
            assert_eq!(skimmer.read(&text.replace(from, to)), None, "{from} -> {to}");
        }
        for cut in [0, 1, text.len() / 2, text.len() - 1] {
            assert_eq!(skimmer.read(&text[..cut]), None);
        }
        assert_eq!(skimmer.read(&format!("{text} ")), None);
    }
}
