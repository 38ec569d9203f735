//! The texts that bodies are made of, as the document describes them: ids, times, rates, codes.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, RefOr, SchemaFormat,
        schema::{ObjectBuilder, Schema, Type},
    },
};

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident = $shown:literal, $pattern:literal, $example:literal;)*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    ObjectBuilder::new()
                        .schema_type(Type::String)
                        .description(Some(concat!($($doc),+).trim_ascii()))
                        .pattern(Some($pattern))
                        .examples([serde_json::Value::from($example)])
                        .into()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed($shown)
                }
            }
        )*
    };
}

texts! {
    /// A customer's id; ids of one kind sort by the order in which they were given.
    CustomerIdText = "CustomerId", "^cus_[0-9a-hjkmnp-tv-z]{13}$", "cus_0008000000002";
    /// An account's id.
    AccountIdText = "AccountId", "^acc_[0-9a-hjkmnp-tv-z]{13}$", "acc_0008000000003";
    /// An exchange's id.
    ExchangeIdText = "ExchangeId", "^exg_[0-9a-hjkmnp-tv-z]{13}$", "exg_0008000000006";
    /// A reversal's id.
    ReversalIdText = "ReversalId", "^rev_[0-9a-hjkmnp-tv-z]{13}$", "rev_0008000000007";
    /// A cover trade's id.
    CoverIdText = "CoverId", "^cov_[0-9a-hjkmnp-tv-z]{13}$", "cov_000000000000d";
    /// The id of a deposit, a withdrawal, a transfer or a payment of interest.
    TransactionIdText = "TransactionId", "^txn_[0-9a-hjkmnp-tv-z]{13}$", "txn_0008000000005";
    /// The id of any other change: a fact, a closing, a halt.
    ChangeIdText = "ChangeId", "^chg_[0-9a-hjkmnp-tv-z]{13}$", "chg_0008000000008";
    /// What an entry of a passbook, or a key, belongs to: an exchange, a reversal, a transaction, a cover trade or another change.
    AnyIdText = "AnyId", "^(exg|rev|txn|chg|cov|cus|acc)_[0-9a-hjkmnp-tv-z]{13}$", "exg_0008000000006";
    /// What a journal stands for: an exchange, a reversal, a transaction or a cover trade.
    JournalIdText = "JournalId", "^(exg|rev|txn|cov)_[0-9a-hjkmnp-tv-z]{13}$", "exg_0008000000006";
    /// A reconciliation's id; ids sort by when they began.
    ReconciliationIdText = "ReconciliationId", "^rcn_[0-9a-hjkmnp-tv-z]{13}$", "rcn_0001jb6w2v0e8";
    /// An account of the ledger: its number, with a currency where there is one per currency.
    LedgerAccountText = "LedgerAccount", "^[1-9][0-9]{0,8}(\\[[A-Z]{3}\\])?$", "1901[USD]";
    /// A sum at exactly the scale of its currency; wider than an amount.
    SumText = "Sum", "^-?(0|[1-9][0-9]{0,38})(\\.[0-9]{1,4})?$", "-864950";
    /// Won, exact, with the decimals that a rate brings.
    WonText = "Won", "^-?(0|[1-9][0-9]{0,38})(\\.[0-9]{1,28})?$", "150";
    /// An average rate, rounded to six decimals.
    AverageRateText = "AverageRate", "^(0|[1-9][0-9]{0,28})(\\.[0-9]{1,6})?$", "1350.521263";
    /// A quote's id.
    QuoteIdText = "QuoteId", "^qte_[0-9a-f]{32}$", "qte_0193553f1a807b2e8f3d5c6a79b8e012";
    /// A quote as a capability: pass it on as it is.
    QuoteTokenText = "QuoteToken", "^[A-Za-z0-9_-]{1,512}$", "AQAAAAEB";
    /// A round's id: currency, business date, number of that day.
    RoundIdText = "RoundId", "^[A-Z]{3}-[0-9]{8}-[0-9]{1,10}$", "USD-20261123-1";
    /// A currency's code (ISO 4217).
    CurrencyText = "CurrencyCode", "^[A-Z]{3}$", "USD";
    /// A rate: won per the currency's rate unit.
    RateText = "Decimal", "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,12})?$", "1350.50";
    /// A percentage from 0 to 100.
    PercentText = "Percent", "^(0|[1-9][0-9]?|100)(\\.[0-9]{1,12})?$", "100";
    /// A business date (Asia/Seoul).
    DateText = "BusinessDate", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "2026-11-23";
    /// An instant (RFC 3339), or a business date for its end.
    AsOfText = "AsOf", "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt].{9,32})?$", "2026-11-23";
    /// How far local time is ahead of UTC.
    OffsetText = "UtcOffset", "^[+-][0-9]{2}:[0-9]{2}$", "+09:00";
    /// A time of day.
    TimeText = "TimeOfDay", "^[0-9]{2}:[0-9]{2}$", "00:00";
    /// SHA-256 in hexadecimal.
    HashText = "Hash", "^[0-9a-f]{64}$", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    /// Where a page ends: pass it on as it is.
    CursorText = "Cursor", "^[A-Za-z0-9_-]{1,192}$", "AAAAAAAAAAc";
    /// An alert's id: rule, subject and place.
    AlertIdText = "AlertId", "^[A-Za-z0-9_.-]{1,96}$", "negative_balance.acc_0008000000003.1-42";
    /// A rule of the watch by its id; docs/watch.md lists them.
    RuleText = "WatchRule", "^[a-z_]{1,48}$", "negative_balance";
    /// Whom an alert is about: an id, a lane, a currency, a round or a date.
    SubjectText = "AlertSubjectId", "^[A-Za-z0-9_-]{1,32}$", "acc_0008000000003";
    /// An idempotency key: 1 to 255 visible ASCII characters, best a UUIDv7.
    KeyText = "IdempotencyKey", "^[!-~]{1,255}$", "0193553f-1a80-7b2e-8f3d-5c6a79b8e012";
    /// The bank's own name for a customer: 1 to 64 characters, none of them a control character.
    ReferenceText = "Reference", "^[^\\x00-\\x1f\\x7f-\\x9f]{1,64}$", "kim-1";
    /// A caller's name.
    CallerText = "Caller", "^[!-~]{1,140}$", "operator";
}

/// An instant: RFC 3339, answered in UTC with microseconds.
#[derive(Clone, Copy, Debug)]
pub struct InstantText;

impl PartialSchema for InstantText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("An instant: RFC 3339, at most microseconds; answered in UTC"))
            .examples([serde_json::Value::from("2026-11-23T01:00:00.000000Z")])
            .into()
    }
}

impl ToSchema for InstantText {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Instant")
    }
}

/// How many items a page may have.
#[derive(Clone, Copy, Debug)]
pub struct PageLimit;

impl PartialSchema for PageLimit {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(1_000))
            .default(Some(serde_json::Value::from(50)))
            .description(Some("How many items a page may have"))
            .into()
    }
}

impl ToSchema for PageLimit {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PageLimit")
    }
}

/// A check by its name.
#[derive(Clone, Copy, Debug)]
pub struct CheckText;

impl PartialSchema for CheckText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(hwan_domain::check::Check::ALL.map(|check| check.code().as_str())))
            .description(Some("What may stand against an account or a customer"))
            .into()
    }
}

impl ToSchema for CheckText {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Check")
    }
}

/// A lane's number.
#[derive(Clone, Copy, Debug)]
pub struct LaneNumber;

impl PartialSchema for LaneNumber {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(32_767))
            .default(Some(serde_json::Value::from(1)))
            .description(Some("A lane's number: 0 is the system lane"))
            .into()
    }
}

impl ToSchema for LaneNumber {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("LaneNumber")
    }
}

/// A note to an alert.
#[derive(Clone, Copy, Debug)]
pub struct NoteText;

impl PartialSchema for NoteText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What there is to say: at most 500 characters, no person's name"))
            .min_length(Some(1))
            .max_length(Some(500))
            .examples([serde_json::Value::from("looking")])
            .into()
    }
}

impl ToSchema for NoteText {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Note")
    }
}
