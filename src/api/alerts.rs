//! `/v1/alerts`: what the watch found, and what people say to it: somebody has it, somebody has done with it.
//!
//! Only for the bank's own people: no channel has a part in it. None of it touches the engine.

use std::{fmt, str::FromStr};

use actix_web::{HttpRequest, HttpResponse, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hwan_domain::{
    anomaly::{Rule, Severity, alert::ALERT_ID_LEN_MAX},
    id::AccountId,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer,
    authorize::By,
    context::Context,
    json::Body,
    openapi::texts::{
        AccountIdText, AlertIdText, CallerText, CurrencyText, CursorText, InstantText, LaneNumber, NoteText, RuleText,
        SubjectText,
    },
    operation::{BOOKS, Described, KeyRule, Operation, Parameter, Shape},
    page,
    path_id::{Named, PathId},
    problem::{ApiCode, Problem},
    query::Query,
    wire::{Shown, Text},
};
use crate::{
    access::role::{Role, Roles},
    watch::desk::{AlertQuery, AlertState, Decided, DeskError, KeptAlert, NOTE_LEN_MAX, Note},
};

const OF_RULE: Parameter = Parameter {
    name: "rule",
    about: "Only alerts of this rule",
    shape: Shape::of::<RuleText>(),
    example: "negative_balance",
};
const OF_SEVERITY: Parameter = Parameter {
    name: "severity",
    about: "Only alerts of this severity",
    shape: Shape::of::<SeverityText>(),
    example: "critical",
};
const IN_STATE: Parameter =
    Parameter { name: "state", about: "Only alerts in this state", shape: Shape::of::<StateText>(), example: "open" };
const ABOUT: Parameter = Parameter {
    name: "subject",
    about: "Only alerts about this account, customer, exchange, lane, pair, round or date",
    shape: Shape::of::<SubjectText>(),
    example: "acc_0008000000003",
};

/// How bad it is.
#[derive(ToSchema)]
#[schema(as = Severity, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum SeverityText {
    Info,
    Warning,
    Critical,
}

/// How far people are with it.
#[derive(ToSchema)]
#[schema(as = AlertState, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum StateText {
    Open,
    Acknowledged,
    Resolved,
}

/// What an alert is about.
#[derive(ToSchema)]
#[schema(as = AlertSubjectKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum SubjectKindText {
    Account,
    Customer,
    Exchange,
    Lane,
    Pair,
    Round,
    Date,
}

/// Whom it is about.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertSubject)]
struct SubjectAnswer {
    /// What kind of thing.
    #[schema(value_type = SubjectKindText)]
    kind: String,
    /// Which.
    #[schema(value_type = SubjectText)]
    id: String,
}

/// A record's place.
#[derive(Serialize, ToSchema)]
#[schema(as = RecordPlace)]
struct PlaceAnswer {
    /// Its lane.
    #[schema(value_type = LaneNumber)]
    lane: u16,
    /// Its place in it.
    seq: u64,
}

/// What somebody said.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertNote)]
struct NoteAnswer {
    /// Who.
    #[schema(value_type = CallerText)]
    by: String,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// What; may be empty.
    note: String,
}

/// Something that the watch found.
#[derive(Serialize, ToSchema)]
#[schema(as = Alert)]
struct AlertAnswer {
    /// Its id: rule, subject, place.
    #[schema(value_type = AlertIdText)]
    id: String,
    /// Which rule found it.
    #[schema(value_type = RuleText)]
    rule: String,
    /// How bad it is.
    #[schema(value_type = SeverityText)]
    severity: &'static str,
    /// How far people are with it.
    #[schema(value_type = StateText)]
    state: &'static str,
    /// Whom it is about.
    subject: SubjectAnswer,
    /// What the rule says, a sentence; null of a rule that this server does not know.
    #[schema(required)]
    rule_says: Option<&'static str>,
    /// What should have been.
    expected: String,
    /// What was found.
    found: String,
    /// The record that shows it; null of a condition.
    #[schema(required)]
    record: Option<PlaceAnswer>,
    /// The account that it touches, if one.
    #[schema(value_type = Option<AccountIdText>, required)]
    account_id: Option<Shown<AccountId>>,
    /// The foreign currency that it touches, if one.
    #[schema(value_type = Option<CurrencyText>, required)]
    currency: Option<String>,
    /// When it happened.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// When it was found first.
    #[schema(value_type = InstantText)]
    first_seen: Shown<Timestamp>,
    /// When it was found last.
    #[schema(value_type = InstantText)]
    last_seen: Shown<Timestamp>,
    /// How often it was found.
    times_seen: u64,
    /// How often it was opened again after it had been resolved.
    times_reopened: u64,
    /// Who has it; null while nobody does.
    #[schema(required)]
    acknowledged: Option<NoteAnswer>,
    /// Who has done with it last; null before.
    #[schema(required)]
    resolved: Option<NoteAnswer>,
}

/// A page of alerts, the newest first.
#[derive(Serialize, ToSchema)]
struct AlertPage {
    /// The alerts.
    items: Vec<AlertAnswer>,
    /// Where to go on; null at the end.
    #[schema(value_type = Option<CursorText>, required)]
    next_cursor: Option<String>,
}

/// Somebody has it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AcknowledgeAlert)]
struct AcknowledgeRequest<'a> {
    /// What there is to say.
    #[serde(borrow)]
    #[schema(value_type = Option<NoteText>)]
    note: Option<Text<'a>>,
}

/// Somebody has done with it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ResolveAlert)]
struct ResolveRequest<'a> {
    /// What it was, and what was done.
    #[serde(borrow)]
    #[schema(value_type = NoteText)]
    note: Text<'a>,
}

const NAMED: Option<Parameter> = Some(Parameter {
    name: "id",
    about: "The alert",
    shape: Shape::of::<AlertIdText>(),
    example: "negative_balance.acc_0008000000003.1-42",
});

const OPEN: &str = r#"{"id":"negative_balance.acc_0008000000003.1-42","rule":"negative_balance","severity":"critical","state":"open","subject":{"kind":"account","id":"acc_0008000000003"},"rule_says":"No balance is below zero.","expected":"at least 0","found":"-5 KRW","record":{"lane":1,"seq":42},"account_id":"acc_0008000000003","currency":null,"at":"2026-11-23T01:00:00.000000Z","first_seen":"2026-11-23T01:00:00.200000Z","last_seen":"2026-11-23T01:00:00.200000Z","times_seen":1,"times_reopened":0,"acknowledged":null,"resolved":null}"#;
const ACKNOWLEDGED: &str = r#"{"id":"negative_balance.acc_0008000000003.1-42","rule":"negative_balance","severity":"critical","state":"acknowledged","subject":{"kind":"account","id":"acc_0008000000003"},"rule_says":"No balance is below zero.","expected":"at least 0","found":"-5 KRW","record":{"lane":1,"seq":42},"account_id":"acc_0008000000003","currency":null,"at":"2026-11-23T01:00:00.000000Z","first_seen":"2026-11-23T01:00:00.200000Z","last_seen":"2026-11-23T01:00:00.200000Z","times_seen":1,"times_reopened":0,"acknowledged":{"by":"ops-1","at":"2026-11-23T01:05:00.000000Z","note":"looking"},"resolved":null}"#;
const RESOLVED: &str = r#"{"id":"negative_balance.acc_0008000000003.1-42","rule":"negative_balance","severity":"critical","state":"resolved","subject":{"kind":"account","id":"acc_0008000000003"},"rule_says":"No balance is below zero.","expected":"at least 0","found":"-5 KRW","record":{"lane":1,"seq":42},"account_id":"acc_0008000000003","currency":null,"at":"2026-11-23T01:00:00.000000Z","first_seen":"2026-11-23T01:00:00.200000Z","last_seen":"2026-11-23T01:00:00.200000Z","times_seen":1,"times_reopened":0,"acknowledged":null,"resolved":{"by":"ops-1","at":"2026-11-23T01:05:00.000000Z","note":"a test of the restore"}}"#;

/// Lists alerts.
pub(super) const LIST: Operation = Operation {
    roles: BOOKS,
    query: &[OF_RULE, OF_SEVERITY, IN_STATE, ABOUT, page::LIMIT, page::CURSOR],
    refusals: &[404],
    notes: "The newest first. docs/watch.md says what each rule means and what to do.",
    ..Operation::read(
        "alerts.list",
        "/alerts",
        "List what the watch found",
        Described {
            shape: Shape::of::<AlertPage>(),
            example: r#"{"items":[{"id":"outbox_lag.lane-1.now","rule":"outbox_lag","severity":"warning","state":"open","subject":{"kind":"lane","id":"lane-1"},"rule_says":"What is durable reaches the bank's books soon.","expected":"at most 60 s and 1000000 records","found":"75 s, 4096 records","record":null,"account_id":null,"currency":null,"at":"2026-11-23T01:00:00.000000Z","first_seen":"2026-11-23T01:00:00.000000Z","last_seen":"2026-11-23T01:02:00.000000Z","times_seen":3,"times_reopened":0,"acknowledged":null,"resolved":null}],"next_cursor":null}"#,
        },
    )
};

/// Reads an alert.
pub(super) const GET: Operation = Operation {
    roles: BOOKS,
    named: NAMED,
    refusals: &[404],
    ..Operation::read(
        "alerts.get",
        "/alerts/{id}",
        "Read an alert",
        Described { shape: Shape::of::<AlertAnswer>(), example: OPEN },
    )
};

/// Acknowledges an alert.
pub(super) const ACKNOWLEDGE: Operation = Operation {
    is_privileged: true,
    roles: Roles::of(&[Role::Ops, Role::Approver]),
    named: NAMED,
    status: 200,
    key: KeyRule::Unused,
    refusals: &[404, 409],
    notes: "Once: who has it stays who acknowledged it first.",
    ..Operation::command(
        "alerts.acknowledge",
        "/alerts/{id}/acknowledge",
        "Say that somebody has an alert",
        Described { shape: Shape::of::<AcknowledgeRequest<'_>>(), example: r#"{"note":"looking"}"# },
        Described { shape: Shape::of::<AlertAnswer>(), example: ACKNOWLEDGED },
    )
};

/// Resolves an alert.
pub(super) const RESOLVE: Operation = Operation {
    is_privileged: true,
    roles: Roles::of(&[Role::Ops, Role::Approver]),
    named: NAMED,
    status: 200,
    key: KeyRule::Unused,
    refusals: &[404],
    notes: "Once. A condition that comes again opens its alert again; a record that is judged again does not.",
    ..Operation::command(
        "alerts.resolve",
        "/alerts/{id}/resolve",
        "Say that an alert is done with",
        Described { shape: Shape::of::<ResolveRequest<'_>>(), example: r#"{"note":"a test of the restore"}"# },
        Described { shape: Shape::of::<AlertAnswer>(), example: RESOLVED },
    )
};

/// An alert's id.
#[derive(Clone, Debug)]
pub(super) struct AlertId(String);

/// A text that is no alert's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an alert has an id of rule, subject and place, such as negative_balance.acc_0008000000003.1-42")]
pub(super) struct AlertIdError;

impl FromStr for AlertId {
    type Err = AlertIdError;

    fn from_str(text: &str) -> Result<Self, AlertIdError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let is_one = (1..=ALERT_ID_LEN_MAX).contains(&text.len()) && text.bytes().all(plain);
        is_one.then(|| Self(text.to_owned())).ok_or(AlertIdError)
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Named for AlertId {
    fn not_found(detail: String) -> Problem {
        Problem::new(ApiCode::AlertNotFound, detail)
    }
}

impl From<Note> for NoteAnswer {
    fn from(note: Note) -> Self {
        Self { by: note.by, at: Shown(note.at), note: note.text }
    }
}

impl From<KeptAlert> for AlertAnswer {
    fn from(alert: KeptAlert) -> Self {
        let place = |position: hwan_domain::id::Position| PlaceAnswer {
            lane: position.lane().number(),
            seq: position.seq().number(),
        };
        Self {
            id: alert.id,
            rule_says: Rule::parse(&alert.rule).map(Rule::explanation),
            rule: alert.rule,
            severity: alert.severity.as_str(),
            state: alert.state.as_str(),
            subject: SubjectAnswer { kind: alert.subject_kind, id: alert.subject },
            expected: alert.expected,
            found: alert.found,
            record: alert.record.map(place),
            account_id: alert.account.map(Shown),
            currency: alert.pair,
            at: Shown(alert.at),
            first_seen: Shown(alert.first_seen),
            last_seen: Shown(alert.last_seen),
            times_seen: alert.times_seen,
            times_reopened: alert.times_reopened,
            acknowledged: alert.acknowledged.map(NoteAnswer::from),
            resolved: alert.resolved.map(NoteAnswer::from),
        }
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        // What it says of the store is for the log.
        tracing::warn!(%error, "alerts cannot be read");
        match error {
            DeskError::Unavailable(_) => Self::new(ApiCode::AlertsUnavailable, "the store of the alerts is away"),
            DeskError::Damaged(_) => Self::new(ApiCode::LedgerDamaged, "the alerts wait for an operator"),
        }
    }
}

/// Where a page ended: when its last alert was found first, and its id.
fn cursor_of(alert: &KeptAlert) -> String {
    URL_SAFE_NO_PAD.encode(format!("{} {}", alert.first_seen.micros(), alert.id))
}

fn read_cursor(text: &str) -> Result<(Timestamp, String), Problem> {
    let malformed =
        || Problem::at(ApiCode::MalformedCursor, page::CURSOR.name, "pass on the next_cursor of the page before");
    let text = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(malformed)?;
    let (seen, id) = text.split_once(' ').ok_or_else(malformed)?;
    let id: AlertId = id.parse().map_err(|_| malformed())?;
    Ok((Timestamp::from_micros(seen.parse().map_err(|_| malformed())?), id.0))
}

/// A parameter whose value is one of a closed set.
fn one_of<T>(
    query: &Query<'_>,
    parameter: &Parameter,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let wrong =
        || Problem::at(ApiCode::OutOfRange, parameter.name, format!("no such value, such as {}", parameter.example));
    query.text(parameter).map(|text| parse(text).ok_or_else(wrong)).transpose()
}

/// What may be the name of a subject, see [`SubjectText`].
fn subject(text: &str) -> Option<String> {
    let is_of_it = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    ((1..=32).contains(&text.len()) && text.bytes().all(is_of_it)).then(|| text.to_owned())
}

/// GET /v1/alerts
pub(super) async fn list(context: web::Data<Context>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, &LIST)?;
    let asked = AlertQuery {
        rule: one_of(&query, &OF_RULE, Rule::parse)?.map(|rule| rule.as_str().to_owned()),
        severity: one_of(&query, &OF_SEVERITY, Severity::parse)?,
        state: one_of(&query, &IN_STATE, AlertState::parse)?,
        subject: one_of(&query, &ABOUT, subject)?,
        after: query.text(&page::CURSOR).map(read_cursor).transpose()?,
        limit: query.limit()?,
    };
    let alerts = context.desk()?.list(&asked).await?;
    let next_cursor = alerts.last().filter(|_| alerts.len() == asked.limit).map(cursor_of);
    Ok(answer::ok(&AlertPage { items: alerts.into_iter().map(AlertAnswer::from).collect(), next_cursor }))
}

/// GET /v1/alerts/{id}
pub(super) async fn get(context: web::Data<Context>, id: PathId<AlertId>) -> Result<HttpResponse, Problem> {
    let alert = context.desk()?.get(&id.0.0).await?.ok_or_else(|| id.not_found())?;
    Ok(answer::ok(&AlertAnswer::from(alert)))
}

/// What somebody says now.
fn note(context: &Context, by: &By, text: Option<&Text<'_>>) -> Result<Note, Problem> {
    let text = text.map_or("", |text| text.as_str().trim());
    if text.chars().count() > NOTE_LEN_MAX || text.chars().any(char::is_control) {
        let detail = format!("a note has at most {NOTE_LEN_MAX} characters, none of them a control character");
        return Err(Problem::at(ApiCode::OutOfRange, "note", detail));
    }
    let (now, _) = context.engine.now();
    Ok(Note { by: by.viewer().name.to_string(), at: now, text: text.to_owned() })
}

/// POST /v1/alerts/{id}/acknowledge
pub(super) async fn acknowledge(
    context: web::Data<Context>,
    by: By,
    id: PathId<AlertId>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: AcknowledgeRequest<'_> = body.read()?;
    let note = note(&context, &by, request.note.as_ref())?;
    match context.desk()?.acknowledge(&id.0.0, &note).await?.ok_or_else(|| id.not_found())? {
        Decided::Now(alert) | Decided::Before(alert) => Ok(answer::ok(&AlertAnswer::from(alert))),
        Decided::Resolved(alert) => {
            Err(Problem::new(ApiCode::AlertResolved, format!("{} is resolved: nobody needs to have it", alert.id)))
        }
    }
}

/// POST /v1/alerts/{id}/resolve
pub(super) async fn resolve(
    context: web::Data<Context>,
    by: By,
    id: PathId<AlertId>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: ResolveRequest<'_> = body.read()?;
    let note = note(&context, &by, Some(&request.note))?;
    if note.text.is_empty() {
        return Err(Problem::at(ApiCode::OutOfRange, "note", "say what it was and what was done"));
    }
    match context.desk()?.resolve(&id.0.0, &note).await?.ok_or_else(|| id.not_found())? {
        Decided::Now(alert) | Decided::Before(alert) | Decided::Resolved(alert) => {
            Ok(answer::ok(&AlertAnswer::from(alert)))
        }
    }
}
