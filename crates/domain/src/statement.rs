//! A statement adds up, or is not sent: opening balances, each posting with the balance after it, closing balances.

use crate::{currency::Currency, money::Money};

/// Where a statement does not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementBreak {
    /// The balance after a posting is not the one before and the posting.
    #[error("posting {place} leaves another balance of {currency} than the one before it and its amount")]
    Posting {
        /// Which, from 0 on.
        place: usize,
        /// In which currency.
        currency: Currency,
    },
    /// The closing balance is not the opening balance and the postings.
    #[error("the closing balance of {0} is not the opening balance and the postings")]
    Closing(Currency),
}

/// Whether opening balances and postings make the closing balances, posting by posting; of what is absent nothing was held.
///
/// # Errors
///
/// [`StatementBreak`] at the first that does not.
pub fn adds_up(
    opening: &[Money],
    postings: impl IntoIterator<Item = (Money, Money)>,
    closing: &[Money],
) -> Result<(), StatementBreak> {
    let mut running: Vec<Money> = opening.to_vec();
    for (place, (amount, balance_after)) in postings.into_iter().enumerate() {
        let currency = amount.currency();
        let before = of(&running, currency);
        if before.checked_add(amount) != Ok(balance_after) {
            return Err(StatementBreak::Posting { place, currency });
        }
        running.retain(|money| money.currency() != currency);
        running.push(balance_after);
    }
    for money in running.iter().chain(closing) {
        let currency = money.currency();
        if of(&running, currency) != of(closing, currency) {
            return Err(StatementBreak::Closing(currency));
        }
    }
    Ok(())
}

fn of(balances: &[Money], currency: Currency) -> Money {
    balances.iter().find(|money| money.currency() == currency).copied().unwrap_or(Money::zero(currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn won(minor: i64) -> Money {
        Money::won(minor).unwrap()
    }

    #[test]
    fn a_statement_adds_up_posting_by_posting_or_it_is_said_where_not() {
        let postings = [(won(1_000), won(1_500)), (won(-300), won(1_200))];
        assert_eq!(adds_up(&[won(500)], postings, &[won(1_200)]), Ok(()));
        assert_eq!(adds_up(&[won(500)], postings, &[won(1_201)]), Err(StatementBreak::Closing(Currency::KRW)));
        assert_eq!(adds_up(&[won(500)], postings, &[]), Err(StatementBreak::Closing(Currency::KRW)));
        let wrong = Err(StatementBreak::Posting { place: 0, currency: Currency::KRW });
        assert_eq!(adds_up(&[], postings, &[won(1_200)]), wrong);
        let missing = [(won(-300), won(1_200))];
        assert!(adds_up(&[won(500)], missing, &[won(1_200)]).is_err(), "a posting is missing");
    }

    #[test]
    fn without_postings_nothing_changes_and_what_is_absent_is_nothing() {
        assert_eq!(adds_up(&[], [], &[]), Ok(()));
        assert_eq!(adds_up(&[won(0)], [], &[]), Ok(()));
        assert_eq!(adds_up(&[], [(won(5), won(5)), (won(-5), won(0))], &[won(0)]), Ok(()));
        assert_eq!(adds_up(&[won(7)], [], &[won(8)]), Err(StatementBreak::Closing(Currency::KRW)));
    }
}
