//! `/v1/accounts/{id}/interest`: what an account would get now, and claiming it.

use actix_web::{HttpResponse, web};
use hwan_domain::{
    currency::Currency,
    id::{AccountId, CustomerId, TransactionId},
    interest::{Accrual, Interest, Period},
    money::Money,
    record::{Event, Record},
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    accounts::{self, Empty},
    amount::MoneyAnswer,
    answer::{self, Posting},
    authorize::By,
    context::Context,
    idempotency::RequiredKey,
    json::Body,
    ledger::line::{SumAnswer, SumShape},
    openapi::texts::{AccountIdText, CustomerIdText, DateText, InstantText, PercentText, TransactionIdText},
    operation::{Described, KeyRule, MONEY, Operation, Shape},
    path_id::PathId,
    problem::Problem,
    transactions::KindText,
    wire::Shown,
};
use crate::actors::{interest::Claimed, view::InterestView};

/// A run of business dates, both ends included.
#[derive(Serialize, ToSchema)]
#[schema(as = InterestPeriod)]
struct PeriodAnswer {
    /// The first day.
    #[schema(value_type = DateText)]
    from: Shown<BusinessDate>,
    /// The last day.
    #[schema(value_type = DateText)]
    through: Shown<BusinessDate>,
    /// How many days.
    days: u32,
}

/// A run of days at one rate.
#[derive(Serialize, ToSchema)]
#[schema(as = InterestAccrual)]
struct AccrualAnswer {
    /// Which days.
    period: PeriodAnswer,
    /// The rate, in percent a year.
    #[schema(value_type = PercentText)]
    annual_percent: Shown<Decimal>,
    /// What the closing balances of the days add up to.
    #[schema(value_type = SumShape)]
    closings: SumAnswer,
}

/// What accrued, and what of it is withheld.
#[derive(Serialize, ToSchema)]
struct InterestAmounts {
    /// For which days; absent where every day is paid for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = PeriodAnswer, required = false)]
    period: Option<PeriodAnswer>,
    /// At which rates and on which sums it accrued.
    accruals: Vec<AccrualAnswer>,
    /// Before tax: the sum of closings × rate / 36,500, cut once.
    gross: MoneyAnswer,
    /// 14 % of gross, cut below 10 won.
    income_tax: MoneyAnswer,
    /// 10 % of the income tax, cut below 10 won.
    local_tax: MoneyAnswer,
    /// What the account gets.
    net: MoneyAnswer,
}

/// Interest that was paid; or, under 200 and without an id, that none is due.
#[derive(Serialize, ToSchema)]
#[schema(as = InterestPayment)]
pub(super) struct PaymentAnswer {
    /// The transaction's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = TransactionIdText, required = false)]
    id: Option<Shown<TransactionId>>,
    /// What it is.
    #[schema(value_type = KindText)]
    kind: &'static str,
    /// On which account.
    #[schema(value_type = AccountIdText)]
    account_id: Shown<AccountId>,
    /// Whose.
    #[schema(value_type = CustomerIdText)]
    customer_id: Shown<CustomerId>,
    #[serde(flatten)]
    amounts: InterestAmounts,
    /// The credit; none where nothing was paid.
    postings: Vec<Posting>,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
}

/// What an account would get now.
#[derive(Serialize, ToSchema)]
#[schema(as = InterestPreview)]
struct PreviewAnswer {
    /// Which account.
    #[schema(value_type = AccountIdText)]
    account_id: Shown<AccountId>,
    /// Whose.
    #[schema(value_type = CustomerIdText)]
    customer_id: Shown<CustomerId>,
    /// The last day paid for; null before the first payment.
    #[schema(value_type = Option<DateText>, required)]
    paid_through: Option<Shown<BusinessDate>>,
    /// Today's rate, in percent a year; null before the first rate.
    #[schema(value_type = Option<PercentText>, required)]
    annual_percent: Option<Shown<Decimal>>,
    #[serde(flatten)]
    amounts: InterestAmounts,
    /// As of when.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date: days before it are counted.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
}

const KIND: &str = "interest";

const PAID: &str = r#"{"id":"txn_0008000000009","kind":"interest","account_id":"acc_0008000000003","customer_id":"cus_0008000000002","period":{"from":"2026-11-22","through":"2026-11-22","days":1},"accruals":[{"period":{"from":"2026-11-22","through":"2026-11-22","days":1},"annual_percent":"2","closings":{"amount":"10000000","currency":"KRW"}}],"gross":{"amount":"547","currency":"KRW"},"income_tax":{"amount":"70","currency":"KRW"},"local_tax":{"amount":"0","currency":"KRW"},"net":{"amount":"477","currency":"KRW"},"postings":[{"account_id":"acc_0008000000003","amount":{"amount":"477","currency":"KRW"},"balance_after":{"amount":"10000477","currency":"KRW"},"version":2}],"at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#;

const NOTHING: &str = r#"{"kind":"interest","account_id":"acc_0008000000003","customer_id":"cus_0008000000002","accruals":[],"gross":{"amount":"0","currency":"KRW"},"income_tax":{"amount":"0","currency":"KRW"},"local_tax":{"amount":"0","currency":"KRW"},"net":{"amount":"0","currency":"KRW"},"postings":[],"at":"2026-11-23T01:00:01.000000Z","business_date":"2026-11-23"}"#;

const PREVIEW: &str = r#"{"account_id":"acc_0008000000003","customer_id":"cus_0008000000002","paid_through":null,"annual_percent":"2","period":{"from":"2026-11-22","through":"2026-11-22","days":1},"accruals":[{"period":{"from":"2026-11-22","through":"2026-11-22","days":1},"annual_percent":"2","closings":{"amount":"10000000","currency":"KRW"}}],"gross":{"amount":"547","currency":"KRW"},"income_tax":{"amount":"70","currency":"KRW"},"local_tax":{"amount":"0","currency":"KRW"},"net":{"amount":"477","currency":"KRW"},"at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#;

/// Claims interest.
pub(super) const CLAIM: Operation = Operation {
    roles: MONEY,
    key: KeyRule::Required,
    named: Some(accounts::NAMED),
    nothing: Some(Described { shape: Shape::of::<PaymentAnswer>(), example: NOTHING }),
    notes: "For the days since interest was paid last (or since the account was opened) through yesterday: each day once, \
            whatever the retries. Where nothing is due, or another claim came first, the answer is 200 with zero amounts; nothing \
            happened then, and the days stay open. Won accounts alone bear interest.",
    ..Operation::command(
        "accounts.claim_interest",
        "/accounts/{id}/interest",
        "Get the interest accrued so far",
        Described { shape: Shape::of::<Empty>(), example: "{}" },
        Described { shape: Shape::of::<PaymentAnswer>(), example: PAID },
    )
};

/// Shows what interest would be paid.
pub(super) const GET: Operation = Operation {
    named: Some(accounts::NAMED),
    refusals: &[404, 422],
    notes: "What a claim would bring now. A claim reckons anew.",
    ..Operation::read(
        "accounts.interest",
        "/accounts/{id}/interest",
        "Read the interest accrued so far",
        Described { shape: Shape::of::<PreviewAnswer>(), example: PREVIEW },
    )
};

impl PeriodAnswer {
    fn of(period: Period) -> Self {
        Self { from: Shown(period.from()), through: Shown(period.through()), days: period.days() }
    }
}

impl InterestAmounts {
    fn new(
        period: Option<Period>,
        accruals: &[Accrual],
        (gross, income_tax, local_tax, net): (Money, Money, Money, Money),
    ) -> Self {
        let accrual = |accrual: &Accrual| AccrualAnswer {
            period: PeriodAnswer::of(accrual.period),
            annual_percent: Shown(accrual.annual_percent),
            closings: SumAnswer::of(accrual.closings_minor, net.currency()),
        };
        Self {
            period: period.map(PeriodAnswer::of),
            accruals: accruals.iter().map(accrual).collect(),
            gross: MoneyAnswer(gross),
            income_tax: MoneyAnswer(income_tax),
            local_tax: MoneyAnswer(local_tax),
            net: MoneyAnswer(net),
        }
    }

    fn of(interest: Option<&Interest>) -> Self {
        let zero = Money::zero(Currency::KRW);
        match interest {
            Some(Interest { period, accruals, gross, income_tax, local_tax, net }) => {
                Self::new(Some(*period), accruals, (*gross, *income_tax, *local_tax, *net))
            }
            None => Self::new(None, &[], (zero, zero, zero, zero)),
        }
    }
}

impl PaymentAnswer {
    /// Of a record that pays interest.
    pub(super) fn of(record: &Record) -> Option<Self> {
        let Event::InterestPaid { account, customer, from, through, accruals, gross, income_tax, local_tax, credit } =
            &record.event
        else {
            return None;
        };
        let amounts = (*gross, *income_tax, *local_tax, credit.amount);
        Some(Self {
            id: Some(Shown(TransactionId::at(record.position))),
            kind: KIND,
            account_id: Shown(*account),
            customer_id: Shown(*customer),
            amounts: InterestAmounts::new(Period::new(*from, *through), accruals, amounts),
            postings: vec![Posting::of(credit)],
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        })
    }

    fn nothing(view: &InterestView) -> Self {
        Self {
            id: None,
            kind: KIND,
            account_id: Shown(view.account),
            customer_id: Shown(view.customer),
            amounts: InterestAmounts::of(view.interest.as_ref()),
            postings: Vec::new(),
            at: Shown(view.at),
            business_date: Shown(view.business_date),
        }
    }
}

/// POST /v1/accounts/{id}/interest
pub(super) async fn claim(
    context: web::Data<Context>,
    by: By,
    id: PathId<AccountId>,
    key: RequiredKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let Empty {} = body.read()?;
    let caller = context.caller(&by, Some(key.0), body.digest);
    match context.engine.pay_interest(caller, id.0).await? {
        Claimed::Paid(executed) => Ok(answer::created(&executed)),
        Claimed::Nothing(view) => Ok(answer::ok(&PaymentAnswer::nothing(&view))),
    }
}

/// GET /v1/accounts/{id}/interest
pub(super) async fn get(context: web::Data<Context>, by: By, id: PathId<AccountId>) -> Result<HttpResponse, Problem> {
    let view = context.engine.interest(&by.viewer(), id.0).await?.ok_or_else(|| id.not_found())?;
    Ok(answer::ok(&PreviewAnswer {
        account_id: Shown(view.account),
        customer_id: Shown(view.customer),
        paid_through: view.paid_through.map(Shown),
        annual_percent: view.annual_percent.map(Shown),
        amounts: InterestAmounts::of(view.interest.as_ref()),
        at: Shown(view.at),
        business_date: Shown(view.business_date),
    }))
}
