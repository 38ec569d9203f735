//! Clients that send commands and write down what they sent and how it ended.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use hwan_client::{
    AccountKind, Client, ClientError, Connection, Movement, NewCustomer, Quote, QuoteRequest, Request, Sent, ServerAddr,
};

use super::{
    history::{AccountSeen, Acknowledgement, Effect, Ended, Observed, Recorded, Standing},
    load::{self, Order},
};

/// How long an answer may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// Attempts of a command that the engine asks to repeat.
const ATTEMPTS_MAX: usize = 50;

/// A customer with two accounts and money in both.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) accounts: [String; 2],
}

/// Opens customers with 5,000,000 won and 5,000.00 USD each. The deposits are the history's beginning.
pub(crate) async fn open_customers(
    server: &ServerAddr,
    client: &Client,
    count: usize,
    observed: &mut Observed,
) -> (Vec<Customer>, Vec<Recorded>) {
    let (mut customers, mut history) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let id = client.open_customer(&NewCustomer::default()).await.unwrap().value.id;
        let mut accounts = Vec::new();
        for (kind, currency, minor) in [(AccountKind::Won, "KRW", 5_000_000), (AccountKind::Foreign, "USD", 500_000)] {
            let account = client.open_account(&id, kind).await.unwrap().value.id;
            observed.opened.insert(account.clone(), read_account(client, &account).await);
            let movement = Movement { account_id: account.clone(), amount: load::money(currency, minor) };
            let mut deposit = load::recorded("/v1/deposits", &movement, vec![load::asked(&account, currency, minor)]);
            attempt(server, &mut None, &mut deposit).await;
            assert_eq!(deposit.acknowledgements().count(), 1, "a deposit into a new account: {deposit:?}");
            history.push(deposit);
            accounts.push(account);
        }
        customers.push(Customer { id, accounts: accounts.try_into().unwrap() });
    }
    (customers, history)
}

/// Sends a command once, over `connection` if it is open, and writes down how it ended. Gives whether it was sent.
pub(crate) async fn attempt(server: &ServerAddr, connection: &mut Option<Connection>, command: &mut Recorded) -> bool {
    let prepared = Request::post(command.path, command.request.clone()).with_key(&command.key).prepare(server).unwrap();
    let Some(connection) = opened(server, connection).await else {
        command.attempts.push(Ended::NotSent);
        return false;
    };
    let sent_at = Instant::now();
    let ended = match connection.call(&prepared, DEADLINE).await {
        Ok(reply) if reply.status < 300 => {
            let effect: Effect = serde_json::from_slice(reply.body).expect("an acknowledgement has id and postings");
            Ended::Acknowledged(Acknowledgement { replayed: reply.replayed, body: reply.body.to_vec(), effect })
        }
        Ok(reply) => {
            let problem: serde_json::Value = serde_json::from_slice(reply.body).unwrap_or_default();
            let code = problem["code"].as_str().unwrap_or("a problem without a code").to_owned();
            let retryable = problem["retryable"].as_bool().expect("a problem says whether it is retryable");
            Ended::Refused { status: reply.status, code, retryable }
        }
        Err(ClientError::Connection { sent: Sent::Nothing, .. }) => Ended::NotSent,
        Err(ClientError::Connection { cause, .. }) => {
            Ended::Unanswered { how: cause.kind(), waited: sent_at.elapsed() }
        }
        Err(error) => panic!("{} {}: {error}", command.path, command.key),
    };
    let sent = ended != Ended::NotSent;
    command.attempts.push(ended);
    sent
}

/// The connection, opened again if it is not open; `None` if nobody listens.
async fn opened<'a>(server: &ServerAddr, connection: &'a mut Option<Connection>) -> Option<&'a mut Connection> {
    let open = match connection.take().filter(Connection::is_open) {
        Some(open) => open,
        None => Connection::open(server, DEADLINE).await.ok()?,
    };
    Some(connection.insert(open))
}

/// A random command. One that has no quote to trade at, because the engine is going, trades at market.
async fn next_command(server: &ServerAddr, connection: &mut Option<Connection>, customers: &[Customer]) -> Recorded {
    match load::random_order(customers) {
        Order::Ready(command) => command,
        Order::NeedsQuote(order) => match ask_quote(server, connection, &order).await {
            Some(quote) => load::at_quote(&quote),
            None => load::at_market(customers),
        },
    }
}

/// A quote, unless the engine is going.
async fn ask_quote(server: &ServerAddr, connection: &mut Option<Connection>, order: &QuoteRequest) -> Option<Quote> {
    let prepared = Request::post("/v1/quotes", serde_json::to_vec(order).unwrap()).prepare(server).unwrap();
    let reply = opened(server, connection).await?.call(&prepared, DEADLINE).await.ok()?;
    match reply.status {
        201 => Some(serde_json::from_slice(reply.body).expect("a quote is read as one")),
        503 => None,
        status => panic!("no quote: {status} {}", String::from_utf8_lossy(reply.body)),
    }
}

/// What becomes of a client when its connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterEnd {
    /// It stops: the engine was killed.
    Stop,
    /// It connects again until that is refused: the engine drains.
    ConnectAgain,
}

/// Sends a mix of commands from `clients` connections, each at most `requests_max`, until the engine is gone.
pub(crate) async fn drive(
    server: &ServerAddr,
    customers: &Arc<[Customer]>,
    clients: usize,
    requests_max: usize,
    after_end: AfterEnd,
) -> Vec<Recorded> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let (server, customers) = (server.clone(), customers.clone());
        tasks.spawn(async move {
            let (mut connection, mut history, mut second) = (None, Vec::new(), None);
            for _ in 0..requests_max {
                let mut command = match second.take() {
                    Some(second) => second,
                    None => next_command(&server, &mut connection, &customers).await,
                };
                attempt(&server, &mut connection, &mut command).await;
                let last = command.attempts.last().cloned();
                if matches!(last, Some(Ended::Acknowledged(_))) && rand::random() {
                    second = load::under_another_key(&command, Standing::Used);
                }
                history.push(command);
                match (last, after_end) {
                    (Some(Ended::NotSent), _) if connection.is_none() => break, // refused: nobody listens any more
                    (Some(Ended::NotSent | Ended::Unanswered { .. }), AfterEnd::Stop) => break,
                    _ => {}
                }
            }
            history
        });
    }
    let mut history = Vec::new();
    while let Some(part) = tasks.join_next().await {
        history.extend(part.unwrap());
    }
    history
}

/// Retries every command of `history`: acknowledged ones once, the others until they are resolved and then once more.
pub(crate) async fn retry_all(server: &ServerAddr, history: Vec<Recorded>) -> Vec<Recorded> {
    each(history, server, async |server, connection, command| {
        for _ in 0..ATTEMPTS_MAX {
            attempt(server, connection, command).await;
            match command.attempts.last() {
                // Executed, or found executed, by this attempt: the next one must replay it.
                Some(Ended::Acknowledged(_)) if command.acknowledgements().count() == 1 => {}
                Some(Ended::Acknowledged(_) | Ended::Refused { retryable: false, .. }) => break,
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    })
    .await
}

/// Does `work` on every command over a few connections, and gives them back.
async fn each(
    history: Vec<Recorded>,
    server: &ServerAddr,
    work: impl AsyncFn(&ServerAddr, &mut Option<Connection>, &mut Recorded),
) -> Vec<Recorded> {
    let queue = Mutex::new(history.into_iter());
    let done = Mutex::new(Vec::new());
    let worker = async || {
        let mut connection = None;
        loop {
            let Some(mut command) = queue.lock().unwrap().next() else { break };
            work(server, &mut connection, &mut command).await;
            done.lock().unwrap().push(command);
        }
    };
    tokio::join!(worker(), worker(), worker(), worker(), worker(), worker(), worker(), worker());
    done.into_inner().unwrap()
}

/// Reads the effects of `history` back by id, those that were not read before.
pub(crate) async fn read_back(client: &Client, history: &[Recorded], observed: &mut Observed) {
    let ids: Vec<(&str, &str)> = history
        .iter()
        .filter_map(|command| Some((command.path, command.acknowledgements().next()?.effect.id.as_str())))
        .filter(|(_, id)| !observed.read_back.contains_key(*id))
        .collect();
    for chunk in ids.chunks(64) {
        let reads = chunk.iter().map(|(path, id)| async move {
            let resource = if *path == "/v1/exchanges" { "exchanges" } else { "transactions" };
            let found = match client.send(&Request::get(format!("/v1/{resource}/{id}"))).await {
                Ok(answer) => Some(answer.body),
                Err(ClientError::Problem(problem)) if problem.status == 404 => None,
                Err(error) => panic!("{id} could not be read: {error}"),
            };
            ((*id).to_owned(), found)
        });
        observed.read_back.extend(futures_util::future::join_all(reads).await);
    }
}

/// Reads all accounts.
pub(crate) async fn read_accounts(client: &Client, customers: &[Customer], observed: &mut Observed) {
    for account in customers.iter().flat_map(|customer| &customer.accounts) {
        observed.accounts.insert(account.clone(), read_account(client, account).await);
    }
}

async fn read_account(client: &Client, id: &str) -> AccountSeen {
    let balances = client.balances(id).await.unwrap().value;
    let booked: BTreeMap<String, i128> = balances
        .balances
        .into_iter()
        .map(|balance| {
            let minor = balance.booked.minor_units().unwrap();
            assert_eq!(balance.available, balance.booked, "{id}: nothing is in flight");
            (balance.currency, minor)
        })
        .collect();
    AccountSeen { version: balances.version, booked }
}

/// How many attempts were left without an answer.
pub(crate) fn unanswered(history: &[Recorded]) -> impl Iterator<Item = (&Recorded, ErrorKind, Duration)> {
    history.iter().flat_map(|command| {
        command.attempts.iter().filter_map(move |ended| match ended {
            Ended::Unanswered { how, waited } => Some((command, *how, *waited)),
            _ => None,
        })
    })
}
