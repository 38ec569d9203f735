//! The token of a quote: base64url text over fixed-length claims and their MAC.
//!
//! | bytes | claim |
//! |---|---|
//! | 1 | version of this layout |
//! | 4 | id of the key that signed |
//! | 16 | id of the quote |
//! | 8 + 8 + 8 | customer, won account, foreign account, packed |
//! | 1 | side: 0 buys, 1 sells |
//! | 3 | currency |
//! | 4 + 4 | round: days of its date, number |
//! | 4 | unit of both rates |
//! | 16 + 16 + 16 | mid, rate, preference in percent |
//! | 8 + 8 | foreign and won amount in minor units |
//! | 8 | expiry in microseconds |
//! | 32 | HMAC-SHA-256 over all of the above |
//!
//! Numbers are big-endian. The length is fixed, so there is nothing to parse before the MAC is verified.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hwan_domain::{
    currency::{Currency, CurrencySet},
    exchange::{Priced, Side, Terms},
    id::{AccountId, CustomerId, Position},
    money::Money,
    quote::{Quote, QuoteId},
    rate::Rate,
    round::RoundId,
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;

const VERSION: u8 = 1;
/// The length of the claims, in bytes.
pub(super) const CLAIMS_LEN: usize = 133;
/// The length of the MAC, in bytes.
pub(super) const MAC_LEN: usize = 32;
const TOKEN_LEN: usize = CLAIMS_LEN + MAC_LEN;
/// The length of a token's text, in characters: three bytes make four.
pub const TEXT_LEN: usize = TOKEN_LEN / 3 * 4;
const _: () = assert!(TOKEN_LEN.is_multiple_of(3), "no padding bits that could be changed unnoticed");

/// The claims as they are signed.
pub(super) type Claims = [u8; CLAIMS_LEN];

/// Why a text is not a quote of ours. It says no more than that: a forger learns nothing from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token's length or alphabet.
    #[error("not a quote: give the whole text of the field quote as it was received")]
    Malformed,
    /// No key of the keyring has signed it.
    #[error("the quote was not signed here: ask for a new quote")]
    NotSigned,
    /// Signed, but about something that no longer exists here, such as a currency.
    #[error("the quote is about what does not trade here any more: ask for a new quote")]
    Outdated,
}

/// Writes the claims.
pub(super) fn encode(key: u32, quote: &Quote) -> Claims {
    let mut claims = [0; CLAIMS_LEN];
    let mut rest = claims.as_mut_slice();
    let mut put = |bytes: &[u8]| {
        // The parts sum up to CLAIMS_LEN: a test writes and reads every one of them.
        if let Some((slot, after)) = std::mem::take(&mut rest).split_at_mut_checked(bytes.len()) {
            slot.copy_from_slice(bytes);
            rest = after;
        }
    };
    let terms = &quote.terms;
    put(&[VERSION]);
    put(&key.to_be_bytes());
    put(&quote.id.0.to_be_bytes());
    for position in [quote.customer.position(), quote.won_account.position(), quote.foreign_account.position()] {
        put(&position.packed().to_be_bytes());
    }
    put(&[match terms.side {
        Side::Buy => 0,
        Side::Sell => 1,
    }]);
    put(terms.currency.code().as_bytes());
    put(&terms.round.date.days().to_be_bytes());
    put(&terms.round.number.to_be_bytes());
    put(&terms.rate.unit().to_be_bytes());
    for number in [terms.mid.value(), terms.rate.value(), terms.preference_percent] {
        put(&number.serialize());
    }
    put(&quote.priced.foreign.minor().to_be_bytes());
    put(&quote.priced.won.minor().to_be_bytes());
    put(&quote.expires_at.micros().to_be_bytes());
    claims
}

/// The token's text.
pub(super) fn seal(claims: &Claims, mac: &[u8; MAC_LEN]) -> String {
    let mut bytes = [0; TOKEN_LEN];
    let (head, tail) = bytes.split_at_mut(CLAIMS_LEN);
    head.copy_from_slice(claims);
    tail.copy_from_slice(mac);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Claims and MAC of a token's text, nothing about them verified.
pub(super) fn open(text: &str) -> Result<(Claims, [u8; MAC_LEN]), TokenError> {
    if text.len() != TEXT_LEN {
        return Err(TokenError::Malformed);
    }
    let mut bytes = [0; TOKEN_LEN];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| TokenError::Malformed)?;
    let (claims, mac) = bytes.split_first_chunk::<CLAIMS_LEN>().ok_or(TokenError::Malformed)?;
    let mac = mac.try_into().map_err(|_| TokenError::Malformed)?;
    if length != TOKEN_LEN || claims.first() != Some(&VERSION) {
        return Err(TokenError::Malformed);
    }
    Ok((*claims, mac))
}

/// The key that the claims say has signed them.
pub(super) fn key_id(claims: &Claims) -> u32 {
    let [_, id @ .., _] = claims.first_chunk::<6>().copied().unwrap_or_default();
    u32::from_be_bytes(id)
}

/// Reads claims whose MAC was verified.
pub(super) fn decode(claims: &Claims, currencies: &CurrencySet) -> Result<Quote, TokenError> {
    read(claims, currencies).ok_or(TokenError::Outdated)
}

fn read(claims: &Claims, currencies: &CurrencySet) -> Option<Quote> {
    let mut rest = claims.get(5..)?;
    let id = QuoteId(u128::from_be_bytes(take(&mut rest)?));
    let customer = CustomerId::at(position(&mut rest)?);
    let won_account = AccountId::at(position(&mut rest)?);
    let foreign_account = AccountId::at(position(&mut rest)?);
    let side = match take::<1>(&mut rest)? {
        [0] => Side::Buy,
        [1] => Side::Sell,
        _ => return None,
    };
    let code = take::<3>(&mut rest)?;
    let currency = currencies.find(std::str::from_utf8(&code).ok()?)?;
    let date = BusinessDate::from_days(i32::from_be_bytes(take(&mut rest)?));
    let number = u32::from_be_bytes(take(&mut rest)?);
    let unit = u32::from_be_bytes(take(&mut rest)?);
    let mid = Rate::new(Decimal::deserialize(take(&mut rest)?), unit).ok()?;
    let rate = Rate::new(Decimal::deserialize(take(&mut rest)?), unit).ok()?;
    let preference_percent = Decimal::deserialize(take(&mut rest)?);
    let foreign = money(&mut rest, currency)?;
    let won = money(&mut rest, Currency::KRW)?;
    let expires_at = Timestamp::from_micros(i64::from_be_bytes(take(&mut rest)?));
    let round = RoundId { currency: code, date, number };
    let terms = Terms { side, currency, round, mid, rate, preference_percent };
    rest.is_empty().then_some(Quote {
        id,
        customer,
        won_account,
        foreign_account,
        terms,
        priced: Priced { foreign, won },
        expires_at,
    })
}

fn take<const LEN: usize>(rest: &mut &[u8]) -> Option<[u8; LEN]> {
    let (head, tail) = rest.split_first_chunk::<LEN>()?;
    *rest = tail;
    Some(*head)
}

fn position(rest: &mut &[u8]) -> Option<Position> {
    Position::from_packed(i64::from_be_bytes(take(rest)?))
}

fn money(rest: &mut &[u8], currency: Currency) -> Option<Money> {
    Money::from_minor(i64::from_be_bytes(take(rest)?), currency).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use hwan_domain::id::{LaneId, Seq};
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Config, Overrides};

    pub(in crate::quotes) fn currencies() -> CurrencySet {
        Config::load(&Overrides::default()).unwrap().rates.currencies().unwrap()
    }

    pub(in crate::quotes) fn quote() -> Quote {
        let at = |seq| Position::new(LaneId::FIRST, Seq::new(seq).unwrap());
        let usd = currencies().find("USD").unwrap();
        let rate = Rate::new(Decimal::new(135_050, 2), 1).unwrap();
        Quote {
            id: QuoteId(0x0102_0304_0506_0708),
            customer: CustomerId::at(at(1)),
            won_account: AccountId::at(at(2)),
            foreign_account: AccountId::at(at(3)),
            terms: Terms {
                side: Side::Buy,
                currency: usd,
                round: "USD-20261123-1".parse().unwrap(),
                mid: rate,
                rate,
                preference_percent: Decimal::ONE_HUNDRED,
            },
            priced: Priced { foreign: Money::from_minor(10_000, usd).unwrap(), won: Money::won(135_050).unwrap() },
            expires_at: Timestamp::from_micros(1_795_000_000_000_000),
        }
    }

    prop_compose! {
        fn quotes()(
            id: u128,
            places in prop::array::uniform3(0..=i64::MAX),
            sells: bool,
            index in 0..17_usize,
            days in 0..100_000_i32,
            number: u32,
            rates in prop::array::uniform2((1..1_000_000_000_000_i64, 0..=8_u32)),
            preference in (0..=10_000_i64, 0..=2_u32),
            amounts in prop::array::uniform2(0..=hwan_domain::money::MINOR_MAX),
            expires in 0..=Timestamp::MAX.micros(),
        ) -> Quote {
            let set = currencies();
            let (currency, spec) = set.foreign().nth(index).unwrap();
            let [customer, won, foreign] = places.map(|packed| Position::from_packed(packed).unwrap());
            let [mid, rate] = rates.map(|(mantissa, scale)| {
                let value = Decimal::new(mantissa, scale);
                let value = if value < hwan_domain::rate::RATE_MAX { value } else { Decimal::new(mantissa, 8) };
                Rate::new(value, spec.rate_unit).unwrap()
            });
            Quote {
                id: QuoteId(id),
                customer: CustomerId::at(customer),
                won_account: AccountId::at(won),
                foreign_account: AccountId::at(foreign),
                terms: Terms {
                    side: if sells { Side::Sell } else { Side::Buy },
                    currency,
                    round: RoundId {
                        currency: currency.code().as_bytes().try_into().unwrap(),
                        date: BusinessDate::from_days(days),
                        number,
                    },
                    mid,
                    rate,
                    preference_percent: Decimal::new(preference.0, preference.1),
                },
                priced: Priced {
                    foreign: Money::from_minor(amounts[0], currency).unwrap(),
                    won: Money::won(amounts[1]).unwrap(),
                },
                expires_at: Timestamp::from_micros(expires),
            }
        }
    }

    proptest! {
        #[test]
        fn every_quote_survives_its_claims(quote in quotes(), key: u32) {
            let claims = encode(key, &quote);
            prop_assert_eq!(key_id(&claims), key);
            let read = decode(&claims, &currencies()).unwrap();
            prop_assert_eq!(read, quote);
            // Equal decimals may differ in their scale, which answers show.
            prop_assert_eq!(read.terms.rate.to_string(), quote.terms.rate.to_string());
            let text = seal(&claims, &[7; MAC_LEN]);
            prop_assert_eq!(text.len(), TEXT_LEN);
            prop_assert_eq!(open(&text), Ok((claims, [7; MAC_LEN])));
        }
    }

    #[test]
    fn a_quote_on_a_currency_that_is_gone_is_refused() {
        let set = currencies();
        let without = set.iter().filter(|(currency, _)| currency.code() != "USD").map(|(_, spec)| spec.clone());
        let without = CurrencySet::new(without.collect()).unwrap();
        assert_eq!(decode(&encode(1, &quote()), &without), Err(TokenError::Outdated));
    }
}
