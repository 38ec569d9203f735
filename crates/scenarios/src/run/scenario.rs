//! One scenario: its customers, its steps, the common ground.

use std::time::Instant;

use serde_json::{Value, json};

use super::{
    step::Running,
    target::{Outgoing, Target},
};
use crate::{
    check::{AccountEnd, Failure, Household, judge_ground},
    language::{GivenCustomer, Scenario},
    report::{StepReport, Verdict},
};

/// Entries of a passbook in one page: as many as the API gives.
const PAGE: &str = "1000";
/// The longest passbook that is read to its beginning, in pages.
const PAGES_MAX: usize = 1_000;
/// Faults of the common ground that are listed.
const FAULTS_LISTED_MAX: usize = 20;

/// Runs a scenario. `run` is the name of this run: no two have customers of the same reference.
pub(super) async fn run(target: &Target, scenario: &Scenario, run: &str) -> (Verdict, Vec<StepReport>) {
    let mut running = Running::new(target);
    let mut steps = Vec::new();
    let id: String = scenario.title.split_whitespace().next().unwrap_or_default().chars().take(20).collect();
    if !scenario.customers.is_empty() {
        let started = Instant::now();
        let names: Vec<&str> = scenario.customers.iter().map(|customer| customer.name.as_str()).collect();
        let failure = open_all(&mut running, scenario, &format!("{id}-{run}")).await.err();
        let failed = failure.is_some();
        let (title, line) = (format!("given {}", names.join(", ")), scenario.at.line);
        steps.push(StepReport { title, line, took: started.elapsed(), failure });
        if failed {
            return (Verdict::Failed, steps);
        }
    }
    let mut verdict = Verdict::Passed;
    for step in &scenario.steps {
        let started = Instant::now();
        let failure = running.run(step).await.err();
        let failed = failure.is_some();
        steps.push(StepReport { title: step.title.clone(), line: step.at.line, took: started.elapsed(), failure });
        if failed {
            verdict = Verdict::Failed;
            break;
        }
    }
    // Also after a failure: whatever went wrong, the ground must hold.
    let started = Instant::now();
    let failure = ground(&running).await.err();
    if failure.is_some() {
        verdict = Verdict::Failed;
    }
    let title = "common ground: balances, passbooks, money conserved".to_owned();
    steps.push(StepReport { title, line: scenario.at.line, took: started.elapsed(), failure });
    (verdict, steps)
}

async fn open_all(running: &mut Running<'_>, scenario: &Scenario, run: &str) -> Result<(), Failure> {
    for customer in &scenario.customers {
        open(running, customer, &format!("{}-{run}", customer.name)).await?;
    }
    Ok(())
}

/// Opens a customer with accounts and money, and keeps their ids under the customer's name.
async fn open(running: &mut Running<'_>, given: &GivenCustomer, reference: &str) -> Result<(), Failure> {
    let reference: String = reference.chars().take(64).collect();
    let mut body = json!({ "reference": reference });
    if let (Some(channel), Some(fields)) = (&given.channel, body.as_object_mut()) {
        fields.insert("channel".to_owned(), Value::from(channel.as_str()));
    }
    let customer = create(running, given.by.as_deref(), "/v1/customers", &body).await?;
    let mut ids = json!({ "id": customer, "reference": reference });
    for kind in &given.accounts {
        let body = json!({ "customer_id": customer, "kind": kind });
        let account = create(running, given.by.as_deref(), "/v1/accounts", &body).await?;
        if let Some(fields) = ids.as_object_mut() {
            fields.insert((*kind).to_owned(), Value::from(account));
        }
    }
    for (amount, currency) in &given.money {
        if amount.bytes().all(|digit| matches!(digit, b'0' | b'.')) {
            continue; // nothing to pay in: it says that the balance is zero
        }
        let kind = if currency == "KRW" { "won" } else { "foreign" };
        let account = ids.get(kind).cloned().unwrap_or_default();
        let body = json!({ "account_id": account, "amount": { "amount": amount, "currency": currency } });
        create(running, None, "/v1/deposits", &body).await?;
    }
    running.values.add_customer(&given.name, ids);
    Ok(())
}

/// Posts what has to succeed; gives the id.
async fn create(running: &mut Running<'_>, by: Option<&str>, path: &str, body: &Value) -> Result<String, Failure> {
    let mut outgoing = Outgoing::post(path, body);
    outgoing.key = Some(running.values.key(None));
    let exchanged = running.target.send(by, outgoing, None).await.map_err(|why| Failure::of("an answer", why))?;
    running.note(&exchanged);
    let id = exchanged.body.as_ref().and_then(|body| body.get("id")).and_then(Value::as_str).map(str::to_owned);
    match id {
        Some(id) if exchanged.status < 400 => Ok(id),
        _ => {
            let got = String::from_utf8_lossy(&exchanged.answer.body).into_owned();
            Err(Failure { request: Some(Box::new(exchanged)), ..Failure::of(format!("{path} completed"), got) })
        }
    }
}

/// Reads every account and its passbook, and judges what must always hold.
async fn ground(running: &Running<'_>) -> Result<(), Failure> {
    let mut household = Household::default();
    for id in &running.accounts {
        let account = read(running.target, Outgoing::get(format!("/v1/accounts/{id}"))).await?;
        let entries = passbook(running.target, id).await?;
        household.accounts.push(AccountEnd { id: id.clone(), account, entries });
    }
    let wrong = judge_ground(&household, &running.acknowledged);
    if wrong.is_empty() {
        return Ok(());
    }
    let more = if wrong.len() > FAULTS_LISTED_MAX {
        format!("; and {} more", wrong.len() - FAULTS_LISTED_MAX)
    } else {
        String::new()
    };
    let listed: Vec<&str> = wrong.iter().take(FAULTS_LISTED_MAX).map(String::as_str).collect();
    Err(Failure::of("the common ground holds", format!("{}{more}", listed.join("; "))))
}

async fn passbook(target: &Target, account: &str) -> Result<Vec<Value>, Failure> {
    let mut entries = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let mut outgoing = Outgoing::get(format!("/v1/accounts/{account}/entries"));
        outgoing.query.push(("limit", PAGE.to_owned()));
        outgoing.query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = read(target, outgoing).await?;
        entries.extend(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(entries),
        }
    }
    Err(Failure::of(
        "a passbook that can be read to its beginning",
        format!("{account} has more than {PAGES_MAX} pages"),
    ))
}

async fn read(target: &Target, outgoing: Outgoing) -> Result<Value, Failure> {
    let path = outgoing.path.clone();
    let exchanged = target.send(None, outgoing, None).await.map_err(|why| Failure::of("an answer", why))?;
    match &exchanged.body {
        Some(body) if exchanged.status < 400 => Ok(body.clone()),
        _ => {
            let got = String::from_utf8_lossy(&exchanged.answer.body).into_owned();
            Err(Failure { request: Some(Box::new(exchanged)), ..Failure::of(format!("{path} can be read"), got) })
        }
    }
}
