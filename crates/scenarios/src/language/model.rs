//! What a file becomes once it is read.

use std::collections::BTreeMap;

use hwan_client::Method;

use super::template::Template;
use crate::yaml::Place;

/// A scenario: given, steps, and what must hold after it.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// The title; its first word is the id.
    pub(crate) title: String,
    pub(crate) at: Place,
    /// What it shows, in sentences.
    pub(crate) about: Option<String>,
    /// Rates by currency.
    pub(crate) rates: BTreeMap<String, GivenRate>,
    pub(crate) customers: Vec<GivenCustomer>,
    pub(crate) steps: Vec<Step>,
    /// Asked for by the file, beside what the steps themselves demand.
    pub(crate) alone: bool,
}

/// A rate that has to stand before the first step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenRate {
    pub(crate) mid: String,
    pub(crate) spread_percent: Option<String>,
    pub(crate) preference_percent: Option<String>,
}

/// A customer who is opened, with accounts and money, before the first step.
#[derive(Clone, Debug)]
pub(crate) struct GivenCustomer {
    pub(crate) name: String,
    /// Who opens it: a token's name.
    pub(crate) by: Option<String>,
    /// The channel that it belongs to, where a teller opens it for one.
    pub(crate) channel: Option<String>,
    /// `won`, `foreign`.
    pub(crate) accounts: Vec<&'static str>,
    /// What is paid in: amount, currency.
    pub(crate) money: Vec<(String, String)>,
}

/// One step.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) at: Place,
    pub(crate) title: String,
    /// Whose token; the default one without.
    pub(crate) by: Option<String>,
    /// Under which name the answer is kept.
    pub(crate) save_as: Option<String>,
    /// How often, in a parallel.
    pub(crate) times: u32,
    pub(crate) action: Action,
    pub(crate) expect: Expect,
}

/// What a step does.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// One request.
    Call(Box<CallPlan>),
    /// Both accounts of a customer, as one answer.
    Balances { customer: String },
    /// Moves the clock of the server.
    Clock(ClockMove),
    /// All at once.
    Parallel(Vec<Step>),
    /// Again and again, one after the other.
    Repeat { times: u32, steps: Vec<Step> },
}

/// One request, with the values that are known only when it is sent.
#[derive(Clone, Debug)]
pub(crate) struct CallPlan {
    pub(crate) method: Method,
    pub(crate) path: Template,
    pub(crate) query: Vec<(&'static str, Template)>,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) body: PlannedBody,
    pub(crate) key: PlannedKey,
    pub(crate) view: View,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub(crate) enum PlannedBody {
    /// None.
    Nothing,
    /// JSON.
    Json(Template),
    /// A text as it stands, so many times.
    Text(Template, usize),
}

/// The idempotency key of a request.
#[derive(Clone, Debug)]
pub(crate) enum PlannedKey {
    /// None.
    Without,
    /// A new one.
    Fresh,
    /// A name, which stands for one key within the scenario, or a reference to the key of an earlier step.
    Named(Template),
}

/// How an answer is shown to `expect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// As it is.
    Plain,
    /// With `count`, `ids`, `kinds`, `more` of its items.
    List,
    /// With `trades` and `findings` of its verdict.
    Verdict,
    /// With each item's `outcome`, and how often each occurs.
    Batch,
}

/// A movement of the clock, in microseconds where it is a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockMove {
    /// By so much.
    Advance { micros: i64 },
    /// To the next such time of day in Asia/Seoul, on that day of a month where one is named.
    Next { micros_of_day: i64, day_of_month: Option<u32> },
}

/// What a step's answer must be.
#[derive(Clone, Debug)]
pub(crate) struct Expect {
    pub(crate) wanted: Wanted,
    pub(crate) status: Option<u16>,
    pub(crate) replayed: Option<bool>,
    /// The step whose answer it must equal byte for byte.
    pub(crate) same_as: Option<String>,
    pub(crate) headers: Vec<(String, Matcher)>,
    pub(crate) fields: Vec<ExpectedField>,
    /// Of a parallel: outcomes and how often each.
    pub(crate) outcomes: Option<Vec<(String, Matcher)>>,
    /// Of a parallel: all answers equal byte for byte.
    pub(crate) one_answer: bool,
}

/// Whether the step is to succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A status below 400.
    Completed,
    /// A problem with this main code, and these besides.
    Rejected { code: Template, also: Vec<Template> },
    /// Whatever: the status or the fields say.
    Any,
}

/// A field of the answer and what it must be.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedField {
    pub(crate) name: String,
    pub(crate) matcher: Matcher,
}

/// What a value must be.
#[derive(Clone, Debug)]
pub(crate) enum Matcher {
    /// This text; money as `100.00 USD`, an object with a code or an id as that.
    Is(Template),
    /// Null.
    Null,
    /// Not there, or null.
    Absent,
    /// There.
    Present,
    /// So many elements.
    Count(Box<Matcher>),
    AtLeast(Template),
    AtMost(Template),
    Contains(Template),
    StartsWith(Template),
    AnyOf(Vec<Matcher>),
    Not(Box<Matcher>),
    /// These fields, and any others.
    Map(Vec<(String, Matcher)>),
    /// These elements, in this order, and no others.
    List(Vec<Matcher>),
}
