//! A line of the books as it is answered: an account with both its sides.

use hwan_domain::{
    currency::Currency,
    ledger::{AccountCode, Chart, LedgerAccount, TrialLine, Turnover},
};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use utoipa::ToSchema;

use crate::{
    accounting::amount::Sum,
    api::{
        openapi::texts::{CurrencyText, LedgerAccountText, SumText},
        wire::Shown,
    },
};

/// A sum of money; wider than an amount.
#[derive(ToSchema)]
#[schema(as = SumOfMoney)]
#[expect(dead_code, reason = "describes an object")]
pub(in crate::api) struct SumShape {
    /// How much, at exactly the scale of the currency.
    #[schema(value_type = SumText)]
    amount: String,
    /// Of which currency.
    #[schema(value_type = CurrencyText)]
    currency: String,
}

/// A sum as it is answered.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct SumAnswer(pub(in crate::api) Sum);

impl SumAnswer {
    pub(in crate::api) const fn of(minor: i128, currency: Currency) -> Self {
        Self(Sum { minor, currency })
    }
}

impl Serialize for SumAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("SumOfMoney", 2)?;
        object.serialize_field("amount", &Shown(self.0))?;
        object.serialize_field("currency", self.0.currency.code())?;
        object.end()
    }
}

/// An account with everything that was posted to it.
#[derive(Serialize, ToSchema)]
#[schema(as = LedgerLine)]
pub(in crate::api) struct LineAnswer<'a> {
    /// The account, with its currency where there is one per currency.
    #[schema(value_type = LedgerAccountText)]
    account: Shown<LedgerAccount>,
    /// Its name in the chart.
    name: &'a str,
    /// All debits.
    #[schema(value_type = SumShape)]
    debit: SumAnswer,
    /// All credits.
    #[schema(value_type = SumShape)]
    credit: SumAnswer,
    /// Debits less credits: negative where more was credited.
    #[schema(value_type = SumShape)]
    balance: SumAnswer,
}

impl<'a> LineAnswer<'a> {
    pub(in crate::api) fn of(line: &TrialLine, chart: &'a Chart) -> Self {
        let Turnover { debit, credit } = line.turnover;
        let sum = |minor| SumAnswer::of(minor, line.currency);
        Self {
            account: Shown(line.account),
            name: name(chart, line.account.code),
            debit: sum(debit),
            credit: sum(credit),
            balance: sum(line.turnover.debit_balance()),
        }
    }
}

/// The name of an account; one that the chart has lost has none.
fn name(chart: &Chart, code: AccountCode) -> &str {
    chart.find(code).map_or("", |account| account.name.as_str())
}
