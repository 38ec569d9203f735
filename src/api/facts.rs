//! Facts as they travel: what stands against an account or a customer, from when to when.

use hwan_domain::{
    check::{Check, Fact, Subject},
    currency::CurrencySet,
    id::{AccountId, ChangeId, CustomerId},
    record::Record,
    time::{BusinessDate, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    amount::{Amount, MoneyAnswer},
    openapi::texts::{AccountIdText, ChangeIdText, CheckText, CustomerIdText, DateText, InstantText},
    problem::{ApiCode, Problem},
    wire::{Shown, Text},
};

/// What the document says of every statement of a fact.
pub(super) const NOTES: &str = "In force from effective_from (without one: from now; a death from the next midnight) until \
     effective_to, by the posting time. A fact decides its timeline from its beginning on: an end at or before now lifts what \
     stood.";

/// A fact to be stated; an end at or before its beginning lifts what stood.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewFact)]
pub(super) struct FactRequest<'a> {
    /// Which: a customer has deceased, minor, kyc_expired, credential_locked, bankrupt, sanctioned; an account the others.
    #[serde(borrow)]
    #[schema(value_type = CheckText)]
    check: Text<'a>,
    /// From when on.
    #[schema(value_type = Option<InstantText>)]
    effective_from: Option<Text<'a>>,
    /// Until when; open without it.
    #[schema(value_type = Option<InstantText>)]
    effective_to: Option<Text<'a>>,
    /// How much of its currency is seized; only for seized, and without it everything is.
    #[serde(borrow)]
    #[schema(value_type = Option<MoneyAnswer>)]
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

/// A fact.
#[derive(Serialize, ToSchema)]
#[schema(as = Fact)]
pub(super) struct FactAnswer {
    /// Which.
    #[schema(value_type = CheckText)]
    check: &'static str,
    /// In force from then on.
    #[schema(value_type = InstantText)]
    effective_from: Shown<Timestamp>,
    /// Until then; open without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = InstantText, required = false)]
    effective_to: Option<Shown<Timestamp>>,
    /// How much is seized.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = MoneyAnswer, required = false)]
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
#[derive(Serialize, ToSchema)]
#[schema(as = StatedFact)]
pub(super) struct ChangeAnswer {
    /// The change's id.
    #[schema(value_type = ChangeIdText)]
    id: Shown<ChangeId>,
    /// The customer, or the account's owner.
    #[schema(value_type = CustomerIdText)]
    customer_id: Shown<CustomerId>,
    /// The account, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = AccountIdText, required = false)]
    account_id: Option<Shown<AccountId>>,
    /// As it stands now.
    fact: FactAnswer,
    /// When it was stated.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
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
