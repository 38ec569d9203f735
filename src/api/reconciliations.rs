//! `/v1/reconciliations`: starting one, and the history of all.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use hwan_domain::{
    reconciliation::RunId,
    time::{BusinessDate, Timestamp},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    answer,
    context::Context,
    json::Body,
    openapi::texts::{
        AccountIdText, CursorText, DateText, InstantText, LedgerAccountText, ReconciliationIdText, SumText,
    },
    operation::{BOOKS, Described, KeyRule, Operation, Parameter, Shape},
    page::{self, Cursor},
    path_id::PathId,
    problem::{ApiCode, Problem},
    query::Query,
    wire::{Shown, Text},
};
use crate::{
    access::role::{Role, Roles},
    reconciliation::service::{NotStarted, Reconciler, RunStatus, StoredRun},
};

/// How a reconciliation stands.
#[derive(ToSchema)]
#[schema(as = ReconciliationStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum StatusText {
    /// It is being done; if its process died, it stays so.
    Running,
    /// Everything agrees.
    Clean,
    /// Something breaks.
    Broken,
    /// It could not be done: the day is not over, or a store cannot be read.
    Failed,
}

/// Of which kind a break is.
#[derive(ToSchema)]
#[schema(as = BreakKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum KindText {
    /// One side has not come so far yet: it clears by itself.
    Timing,
    /// One side lacks what the other has.
    Missing,
    /// Something stands twice.
    Duplicate,
    /// Both sides have it and do not agree.
    Amount,
    /// Something stands there that nothing explains.
    Orphan,
}

/// What to reconcile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReconciliation)]
struct Request<'a> {
    /// The business date; without one the newest that every lane has passed.
    #[serde(borrow, default)]
    #[schema(value_type = Option<DateText>)]
    business_date: Option<Text<'a>>,
}

/// A reconciliation in the history.
#[derive(Serialize, ToSchema)]
#[schema(as = Reconciliation)]
struct RunAnswer {
    /// Its id.
    #[schema(value_type = ReconciliationIdText)]
    id: Shown<RunId>,
    /// The business date; null while the newest one is looked for, or where there was none.
    #[schema(value_type = Option<DateText>, required)]
    business_date: Option<Shown<BusinessDate>>,
    /// How it stands.
    #[schema(value_type = StatusText)]
    status: &'static str,
    /// When it began.
    #[schema(value_type = InstantText)]
    started_at: Shown<Timestamp>,
    /// When it ended; null while it runs.
    #[schema(value_type = Option<InstantText>, required)]
    finished_at: Option<Shown<Timestamp>>,
    /// Accounts that were compared.
    accounts: u64,
    /// Postings that were read.
    postings: u64,
    /// Breaks that were found.
    breaks: u64,
}

/// A page of the history, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = ReconciliationPage)]
struct PageAnswer {
    /// The reconciliations.
    items: Vec<RunAnswer>,
    /// Where to go on; null at the end.
    #[schema(value_type = Option<CursorText>, required)]
    next_cursor: Option<Cursor>,
}

/// What a check says.
#[derive(ToSchema)]
#[schema(as = ReconciliationCheck)]
#[expect(dead_code, reason = "describes what is stored as JSON")]
struct CheckText {
    /// Its stable id.
    check: String,
    /// What it proves.
    proves: String,
    /// clean, broken or not_done.
    status: String,
    /// How many of what it compares were compared.
    compared: u64,
    /// How many breaks it found.
    breaks: u64,
    /// Why it was not done; null where it was.
    #[schema(required)]
    reason: Option<String>,
}

/// Where a break is, as far down as it is known.
#[derive(ToSchema)]
#[schema(as = BreakSubject)]
#[expect(dead_code, reason = "describes what is stored as JSON")]
struct SubjectText {
    /// The business date, where it is another than the one that was reconciled.
    #[schema(value_type = Option<DateText>, required)]
    business_date: Option<String>,
    /// The lane.
    #[schema(required)]
    lane: Option<u16>,
    /// The currency's code.
    #[schema(required)]
    currency: Option<String>,
    /// The bucket of accounts within the currency.
    #[schema(required)]
    bucket: Option<u8>,
    /// The customer's account.
    #[schema(value_type = Option<AccountIdText>, required)]
    account_id: Option<String>,
    /// The record's place in its lane.
    #[schema(required)]
    record_seq: Option<u64>,
    /// The account of the general ledger.
    #[schema(value_type = Option<LedgerAccountText>, required)]
    ledger_account: Option<String>,
}

/// Something that does not agree.
#[derive(ToSchema)]
#[schema(as = Break)]
#[expect(dead_code, reason = "describes what is stored as JSON")]
struct BreakText {
    /// Of which kind.
    #[schema(value_type = KindText)]
    kind: String,
    /// Which check found it.
    check: String,
    /// Where.
    subject: SubjectText,
    /// What should stand there.
    expected: String,
    /// What stands there.
    found: String,
    /// What that means.
    explanation: String,
}

/// One side of a currency.
#[derive(ToSchema)]
#[schema(as = ReconciliationSide)]
#[expect(dead_code, reason = "describes what is stored as JSON")]
struct SideText {
    /// Accounts that held something.
    accounts: u64,
    /// What they held.
    #[schema(value_type = SumText)]
    sum: String,
    /// The order-free hash of all of them.
    hash: String,
}

/// A currency on both sides.
#[derive(ToSchema)]
#[schema(as = ReconciliationCurrency)]
#[expect(dead_code, reason = "describes what is stored as JSON")]
struct CurrencyText {
    /// The currency's code.
    currency: String,
    /// By the journal's postings.
    journal: SideText,
    /// By the daily rows.
    days: SideText,
    /// Whether both are the same, account by account.
    agrees: bool,
}

/// A reconciliation with its report: what was read, what every check says, and what breaks.
#[derive(Serialize, ToSchema)]
#[schema(as = ReconciliationReport)]
struct ReportAnswer {
    /// As in the history.
    #[serde(flatten)]
    run: RunAnswer,
    /// The report; null while it runs.
    #[schema(value_type = Option<ReportText>, required)]
    report: Option<Box<RawValue>>,
}

/// What was read of a lane.
#[derive(ToSchema)]
#[schema(as = ReconciliationLane)]
#[expect(dead_code, reason = "describes what is stored as JSON")]
struct LaneText {
    /// The lane.
    lane: u16,
    /// The day of the snapshot that the walk began at; null for the journal's beginning.
    #[schema(value_type = Option<DateText>, required)]
    snapshot: Option<String>,
    /// After which record it began.
    after_seq: u64,
    /// The day's last record.
    closes_at_seq: u64,
    /// Up to which record it went on.
    through_seq: u64,
    /// Records read.
    records: u64,
    /// Postings read.
    postings: u64,
    /// Accounts that had a posting by the day's end.
    accounts: u64,
}

/// How many breaks there are of each kind.
#[derive(ToSchema)]
#[schema(as = BreaksByKind)]
#[expect(dead_code, reason = "describes what is stored as JSON")]
struct ByKindText {
    timing: u64,
    missing: u64,
    duplicate: u64,
    amount: u64,
    orphan: u64,
}

/// The report. Where it could not be done it has id, status and reason alone.
#[derive(ToSchema)]
#[schema(as = ReconciliationDetails)]
#[expect(dead_code, reason = "describes what is stored as JSON")]
struct ReportText {
    /// The id.
    #[schema(value_type = ReconciliationIdText)]
    id: String,
    /// How it ended.
    #[schema(value_type = StatusText)]
    status: String,
    /// Why it could not be done.
    #[schema(required = false, nullable = false)]
    reason: Option<String>,
    /// The business date.
    #[schema(value_type = Option<DateText>, required = false, nullable = false)]
    business_date: Option<String>,
    /// When it began.
    #[schema(value_type = Option<InstantText>, required = false, nullable = false)]
    started_at: Option<String>,
    /// When it ended.
    #[schema(value_type = Option<InstantText>, required = false, nullable = false)]
    finished_at: Option<String>,
    /// How long it took, in milliseconds.
    #[schema(required = false, nullable = false)]
    duration_ms: Option<i64>,
    /// What was read.
    #[schema(required = false, nullable = false)]
    stores: Option<Vec<String>>,
    /// Accounts compared.
    #[schema(required = false, nullable = false)]
    accounts: Option<u64>,
    /// Postings read.
    #[schema(required = false, nullable = false)]
    postings: Option<u64>,
    /// Records read.
    #[schema(required = false, nullable = false)]
    records: Option<u64>,
    /// What was read, lane by lane.
    #[schema(required = false, nullable = false)]
    lanes: Option<Vec<LaneText>>,
    /// How many breaks there are.
    #[schema(required = false, nullable = false)]
    breaks_total: Option<u64>,
    /// The same by kind.
    #[schema(required = false, nullable = false)]
    breaks_by_kind: Option<ByKindText>,
    /// Both sides, currency by currency.
    #[schema(required = false, nullable = false)]
    currencies: Option<Vec<CurrencyText>>,
    /// Every check.
    #[schema(required = false, nullable = false)]
    checks: Option<Vec<CheckText>>,
    /// The first breaks of each check.
    #[schema(required = false, nullable = false)]
    breaks: Option<Vec<BreakText>>,
}

const RUNNING: &str = r#"{"id":"rcn_0001jb6w2v0e8","business_date":"2026-11-22","status":"running","started_at":"2026-11-23T01:00:00.000000Z","finished_at":null,"accounts":0,"postings":0,"breaks":0}"#;

/// Starts one.
pub(super) const START: Operation = Operation {
    roles: Roles::of(&[Role::Ops, Role::Approver]),
    key: KeyRule::Unused,
    is_privileged: true,
    status: 202,
    refusals: &[404, 409],
    notes: "It runs beside the engine, on threads of its own; what came of it stands in its report. One runs at a time. A day \
            can be reconciled once every lane has passed it.",
    ..Operation::command(
        "reconciliations.start",
        "/reconciliations",
        "Reconcile a business day",
        Described { shape: Shape::of::<Request<'_>>(), example: r#"{"business_date":"2026-11-22"}"# },
        Described { shape: Shape::of::<RunAnswer>(), example: RUNNING },
    )
};

/// Lists them.
pub(super) const LIST: Operation = Operation {
    roles: BOOKS,
    query: &[page::LIMIT, page::CURSOR],
    refusals: &[404],
    notes: "Those that `hwan reconcile` did stand here, too.",
    ..Operation::read(
        "reconciliations.list",
        "/reconciliations",
        "List reconciliations",
        Described {
            shape: Shape::of::<PageAnswer>(),
            example: r#"{"items":[{"id":"rcn_0001jb6w2v0e8","business_date":"2026-11-22","status":"clean","started_at":"2026-11-23T01:00:00.000000Z","finished_at":"2026-11-23T01:00:21.000000Z","accounts":1000000,"postings":10000000,"breaks":0}],"next_cursor":null}"#,
        },
    )
};

/// Reads one.
pub(super) const GET: Operation = Operation {
    roles: BOOKS,
    named: Some(Parameter {
        name: "id",
        about: "The reconciliation",
        shape: Shape::of::<ReconciliationIdText>(),
        example: "rcn_0001jb6w2v0e8",
    }),
    refusals: &[404],
    ..Operation::read(
        "reconciliations.get",
        "/reconciliations/{id}",
        "Read a reconciliation's report",
        Described {
            shape: Shape::of::<ReportAnswer>(),
            example: r#"{"id":"rcn_0001jb6w2v0e8","business_date":"2026-11-22","status":"broken","started_at":"2026-11-23T01:00:00.000000Z","finished_at":"2026-11-23T01:00:21.000000Z","accounts":2,"postings":5,"breaks":1,"report":{"id":"rcn_0001jb6w2v0e8","status":"broken","currencies":[{"currency":"KRW","journal":{"accounts":1,"sum":"864950","hash":"9e3779b97f4a7c15"},"days":{"accounts":1,"sum":"864950","hash":"9e3779b97f4a7c15"},"agrees":true}],"checks":[{"check":"passbook","proves":"every posting of the journal stands once in its account's passbook, and nothing else does","status":"broken","compared":2,"breaks":1,"reason":null}],"breaks":[{"kind":"missing","check":"passbook","subject":{"business_date":null,"lane":1,"currency":null,"bucket":17,"account_id":"acc_0008000000003","record_seq":null,"ledger_account":null},"expected":"entry 1","found":"none","explanation":"a posting of the journal is not in the passbook"}]}}"#,
        },
    )
};

impl From<StoredRun> for RunAnswer {
    fn from(run: StoredRun) -> Self {
        Self {
            id: Shown(run.id),
            business_date: run.business_date.map(Shown),
            status: run.status.as_str(),
            started_at: Shown(run.id.started_at()),
            finished_at: run.finished_at.map(Shown),
            accounts: run.accounts,
            postings: run.postings,
            breaks: run.breaks,
        }
    }
}

impl From<NotStarted> for Problem {
    fn from(reason: NotStarted) -> Self {
        match reason {
            NotStarted::Running(id) => {
                Self::new(ApiCode::ReconciliationRunning, format!("{id} is being done: one at a time"))
            }
            NotStarted::Books(error) => error.into(),
        }
    }
}

fn reconciler(context: &Context) -> Result<&std::sync::Arc<Reconciler>, Problem> {
    context.books()?;
    let off = || Problem::new(ApiCode::LedgerOff, "this server keeps no books, where reconciliations are kept");
    context.reconciler.as_ref().ok_or_else(off)
}

/// POST /v1/reconciliations
pub(super) async fn start(context: web::Data<Context>, body: Body) -> Result<HttpResponse, Problem> {
    let request: Request<'_> = body.read()?;
    let date = request.business_date.as_ref().map(|date| {
        let malformed =
            || Problem::at(ApiCode::MalformedTime, "business_date", "not a date: write it such as 2026-11-23");
        BusinessDate::parse(date.as_str()).ok_or_else(malformed)
    });
    let run = reconciler(&context)?.start(date.transpose()?).await?;
    Ok(answer::with(StatusCode::ACCEPTED, &RunAnswer::from(run)))
}

/// GET /v1/reconciliations
pub(super) async fn list(context: web::Data<Context>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, &LIST)?;
    let limit = query.limit()?;
    let malformed = || Problem::at(ApiCode::MalformedCursor, page::CURSOR.name, "it is no cursor of this list");
    let before = Cursor::of(&query)?
        .map(|Cursor(micros, _)| {
            i64::try_from(micros).map(|micros| RunId::at(Timestamp::from_micros(micros))).map_err(|_| malformed())
        })
        .transpose()?;
    let mut runs = reconciler(&context)?.runs(before, limit.saturating_add(1)).await?;
    let has_more = runs.len() > limit;
    runs.truncate(limit);
    let next_cursor =
        runs.last().filter(|_| has_more).map(|run| Cursor(run.id.started_at().micros().unsigned_abs(), 0));
    Ok(answer::ok(&PageAnswer { items: runs.into_iter().map(RunAnswer::from).collect(), next_cursor }))
}

/// GET /v1/reconciliations/{id}
pub(super) async fn get(context: web::Data<Context>, id: PathId<RunId>) -> Result<HttpResponse, Problem> {
    let run = reconciler(&context)?.run(id.0).await?.ok_or_else(|| id.not_found())?;
    let is_over = run.status != RunStatus::Running;
    let report = is_over.then(|| RawValue::from_string(run.report.clone()).ok()).flatten();
    Ok(answer::ok(&ReportAnswer { run: run.into(), report }))
}
