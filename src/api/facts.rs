//! Facts as they travel: what stands against an account or a customer, from when to when.

use hwan_domain::{
    check::{Check, Fact, Subject},
    currency::CurrencySet,
    id::{AccountId, ChangeId, CustomerId},
    record::Record,
    time::{BusinessDate, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::{
    amount::{Amount, MoneyAnswer},
    problem::{ApiCode, Problem},
    wire::{Shown, Text},
};

/// A fact to be stated; an end at or before its beginning lifts what stood.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactRequest<'a> {
    #[serde(borrow)]
    check: Text<'a>,
    effective_from: Option<Text<'a>>,
    effective_to: Option<Text<'a>>,
    #[serde(borrow)]
    amount: Option<Amount<'a>>,
}

impl FactRequest<'_> {
    /// The fact, about this kind of subject; without a beginning of its own, in force from when a
    /// report of its kind made `now` takes effect.
    pub(super) fn fact(&self, subject: Subject, now: Timestamp, currencies: &CurrencySet) -> Result<Fact, Problem> {
        let check = Check::parse(self.check.as_str()).filter(|check| check.subject() == subject).ok_or_else(|| {
            let known = Check::ALL.into_iter().filter(|check| check.subject() == subject);
            let known: Vec<&str> = known.map(|check| check.code().as_str()).collect();
            Problem::at(ApiCode::UnknownCheck, "check", format!("expected one of {}", known.join(", ")))
        })?;
        let effective_from = match &self.effective_from {
            Some(text) => text.instant("effective_from")?,
            None => check.in_force_from(now),
        };
        let effective_to = self.effective_to.as_ref().map(|text| text.instant("effective_to")).transpose()?;
        let amount = self.amount.as_ref().map(|amount| amount.positive("amount", currencies)).transpose()?;
        if amount.is_some() && check != Check::Seized {
            return Err(Problem::at(ApiCode::OutOfRange, "amount", "only a seizure has an amount"));
        }
        Ok(Fact { check, effective_from, effective_to, amount })
    }
}

/// A fact as it is answered.
#[derive(Serialize)]
pub(super) struct FactAnswer {
    check: &'static str,
    effective_from: Shown<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_to: Option<Shown<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<MoneyAnswer>,
}

impl FactAnswer {
    pub(super) fn of(fact: &Fact) -> Self {
        Self {
            check: fact.check.code().as_str(),
            effective_from: Shown(fact.effective_from),
            effective_to: fact.effective_to.map(Shown),
            amount: fact.amount.map(MoneyAnswer),
        }
    }
}

/// The change that stated a fact.
#[derive(Serialize)]
pub(super) struct ChangeAnswer {
    id: Shown<ChangeId>,
    customer_id: Shown<CustomerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<Shown<AccountId>>,
    fact: FactAnswer,
    at: Shown<Timestamp>,
    business_date: Shown<BusinessDate>,
}

impl ChangeAnswer {
    pub(super) fn of(
        record: &Record,
        id: ChangeId,
        customer: CustomerId,
        account: Option<AccountId>,
        fact: &Fact,
    ) -> Self {
        Self {
            id: Shown(id),
            customer_id: Shown(customer),
            account_id: account.map(Shown),
            fact: FactAnswer::of(fact),
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        }
    }
}
