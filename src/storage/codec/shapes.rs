//! The fields of a record's text, as they stand in it: strict, and every field of every kind optional.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    pub(super) v: u64,
    pub(super) lane: u16,
    pub(super) seq: u64,
    pub(super) r#type: String,
    pub(super) at: String,
    pub(super) business_date: String,
    pub(super) caller: String,
    pub(super) key: Option<String>,
    pub(super) request: Option<String>,
    // These follow from the position, but for the exchange that a reversal names; that they do is checked by the
    // comparison of texts.
    pub(super) exchange: Option<String>,
    #[serde(rename = "reversal")]
    _reversal: Option<IgnoredAny>,
    #[serde(rename = "transaction")]
    _transaction: Option<IgnoredAny>,
    #[serde(rename = "change")]
    _change: Option<IgnoredAny>,
    pub(super) account: Option<String>,
    pub(super) customer: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) fact: Option<FactText>,
    pub(super) terms: Option<TermsText>,
    pub(super) quote: Option<String>,
    pub(super) debit: Option<LegText>,
    pub(super) credit: Option<LegText>,
    pub(super) suspense: Option<MoneyText>,
    pub(super) limits: Option<LimitsText>,
    pub(super) limited_won: Option<String>,
    pub(super) date: Option<String>,
    pub(super) from: Option<String>,
    pub(super) through: Option<String>,
    pub(super) accruals: Option<Vec<AccrualText>>,
    pub(super) gross: Option<String>,
    pub(super) income_tax: Option<String>,
    pub(super) local_tax: Option<String>,
    pub(super) round: Option<RoundText>,
    pub(super) findings: Option<Vec<FindingText>>,
    pub(super) round_id: Option<String>,
    pub(super) mid: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) reason: Option<String>,
    #[serde(rename = "cover")]
    _cover: Option<IgnoredAny>,
    pub(super) side: Option<String>,
    pub(super) amount: Option<String>,
    pub(super) won: Option<String>,
    pub(super) rate: Option<RateText>,
    pub(super) totals: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LegText {
    pub(super) account: String,
    pub(super) customer: String,
    pub(super) currency: String,
    pub(super) amount: String,
    pub(super) balance_after: String,
    pub(super) version: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MoneyText {
    pub(super) currency: String,
    pub(super) amount: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccrualText {
    pub(super) from: String,
    pub(super) through: String,
    pub(super) annual_percent: String,
    pub(super) closings: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateText {
    pub(super) won: String,
    pub(super) per: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TermsText {
    pub(super) side: String,
    pub(super) currency: String,
    pub(super) round: String,
    pub(super) mid: RateText,
    pub(super) rate: RateText,
    pub(super) preference_percent: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsText {
    pub(super) charged_at: String,
    pub(super) day_won: String,
    pub(super) month_won: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactText {
    pub(super) check: String,
    pub(super) effective_from: String,
    pub(super) effective_to: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) amount: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoundText {
    pub(super) id: String,
    pub(super) currency: String,
    pub(super) mid: RateText,
    pub(super) spread: String,
    pub(super) preference_percent: String,
    pub(super) published_at: String,
    pub(super) valid_until: String,
    pub(super) status: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FindingText {
    pub(super) finding: String,
    pub(super) percent: Option<String>,
    pub(super) percent_max: Option<String>,
    pub(super) seconds: Option<String>,
    pub(super) seconds_max: Option<String>,
}
