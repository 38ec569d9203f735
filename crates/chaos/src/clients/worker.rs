//! One client: it sends, asks again until it knows, repeats itself now and then, and writes everything down.

use std::{sync::Arc, time::Duration};

use hwan_client::Request;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::{
    answer,
    call::{Called, Came, Endpoint, Line},
    crew::{Phase, Town},
    order::{self, Customer},
};
use crate::{
    fingerprint,
    history::{Attempt, Command, Meaning, Micros, Order, Outcome, RetryAfter},
};

/// The pause before the next attempt, growing up to the longest.
const PAUSE_MIN: Duration = Duration::from_millis(4);
const PAUSE_MAX: Duration = Duration::from_millis(64);
/// How long an engine is left alone that did not answer, in microseconds.
const SHUNNED_MICROS: Micros = 1_000_000;
/// One in so many acknowledged commands is sent once more at once.
const REPEATED_OF: u32 = 24;
/// One in so many commands is an earlier one, sent once more.
const OLD_OF: u32 = 32;
/// One in so many commands is sent twice at the same time.
const TWINS_OF: u32 = 96;

/// A client's place, its lines and its notes.
pub(super) struct Worker {
    town: Arc<Town>,
    random: StdRng,
    lines: Vec<Line>,
    spare: Line,
    at: usize,
    /// Until when each engine is left alone, because it did not answer.
    shunned: Vec<Micros>,
    notes: Vec<Command>,
}

impl Worker {
    pub(super) fn new(town: Arc<Town>, seed: u64) -> Self {
        let lines = town.endpoints.iter().map(|_| Line::default()).collect();
        let (random, spare) = (StdRng::seed_from_u64(seed), Line::default());
        let shunned = vec![0; town.endpoints.len()];
        Self { town, random, lines, spare, at: 0, shunned, notes: Vec::new() }
    }

    /// Sends commands one by one until the crew stops.
    pub(super) async fn run_singly(mut self) -> anyhow::Result<Vec<Command>> {
        while self.town.phase() == Phase::Work {
            if self.random.random_ratio(1, OLD_OF) && !self.notes.is_empty() {
                self.repeat_old_one().await?;
            }
            let Some(customer) = self.customer() else { break };
            let order = order::random_order(&customer, &mut self.random);
            let mut command = self.command(&customer, order);
            if self.random.random_ratio(1, TWINS_OF) {
                self.send_twins(&mut command).await?;
            }
            self.resolve(&mut command).await?;
            if command.acknowledgements().next().is_some() && self.random.random_ratio(1, REPEATED_OF) {
                self.attempt(&mut command).await?;
            }
            self.notes.push(command);
            self.town.pace(1).await;
        }
        Ok(self.notes)
    }

    /// Sends batches of exchanges until the crew stops.
    pub(super) async fn run_in_batches(mut self, items: usize) -> anyhow::Result<Vec<Command>> {
        while self.town.phase() == Phase::Work {
            let mut commands = Vec::with_capacity(items);
            for _ in 0..items {
                let Some(customer) = self.customer() else { return Ok(self.notes) };
                let order = order::random_exchange(&customer, &mut self.random);
                commands.push(self.command(&customer, order));
            }
            self.resolve_batch(&mut commands).await?;
            self.notes.extend(commands);
            self.town.pace(items).await;
        }
        Ok(self.notes)
    }

    /// Gives every customer of `mine` what he starts with.
    pub(super) async fn endow(mut self, mine: Vec<Customer>) -> anyhow::Result<Vec<Command>> {
        for customer in mine {
            for order in customer.endowment() {
                let mut command = self.command(&customer, order);
                self.resolve(&mut command).await?;
                let is_done = command.acknowledgements().next().is_some();
                self.notes.push(command);
                anyhow::ensure!(is_done, "a first deposit was not made: {:?}", self.notes.last());
            }
        }
        Ok(self.notes)
    }

    fn customer(&mut self) -> Option<Customer> {
        self.town.customers.choose(&mut self.random).copied()
    }

    /// A command that was not sent yet. Half of the keys tell their time, half are opaque.
    fn command(&mut self, customer: &Customer, order: Order) -> Command {
        let key = if self.random.random() {
            uuid::Uuid::now_v7().to_string()
        } else {
            format!("order-{:032x}", self.random.random::<u128>())
        };
        Command {
            key_digest: fingerprint::key_digest(&key, &self.town.caller, customer.id),
            request_digest: fingerprint::request_digest(order::path(&order), &order::body(&order, customer.id)),
            key: key.into(),
            customer: customer.id,
            order,
            attempts: Vec::with_capacity(1),
        }
    }

    /// Sends until the outcome is known.
    async fn resolve(&mut self, command: &mut Command) -> anyhow::Result<()> {
        let mut pause = PAUSE_MIN;
        loop {
            self.attempt(command).await?;
            if is_settled(command) || self.town.phase() == Phase::Abandon {
                return Ok(());
            }
            self.look_elsewhere();
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Sends what is not settled of a batch until everything is.
    async fn resolve_batch(&mut self, commands: &mut [Command]) -> anyhow::Result<()> {
        let mut pause = PAUSE_MIN;
        loop {
            let mut open: Vec<&mut Command> = commands.iter_mut().filter(|command| !is_settled(command)).collect();
            if open.is_empty() || (self.town.phase() == Phase::Abandon && pause > PAUSE_MIN) {
                return Ok(());
            }
            let items: Vec<String> = open
                .iter()
                .map(|command| {
                    let exchange = order::body(&command.order, command.customer);
                    format!(r#"{{"key":"{}","exchange":{exchange}}}"#, command.key)
                })
                .collect();
            let body = format!(r#"{{"items":[{}]}}"#, items.join(","));
            let called = self.call(&Request::post("/v1/exchanges:batch", body)).await?;
            let all_settled = self.note_batch(&mut open, called)?;
            if !all_settled {
                self.look_elsewhere();
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }

    /// Writes down what became of each command of a batch; gives whether all are settled.
    fn note_batch(&self, open: &mut [&mut Command], called: Called) -> anyhow::Result<bool> {
        let Called { engine, invoked, ended, came } = called;
        let attempt = |outcome| Attempt { engine, invoked, ended, outcome };
        match came {
            Came::Answer { status: 200, retry_after, body, .. } => {
                let items = answer::items(&body)?;
                anyhow::ensure!(items.len() == open.len(), "{} outcomes of {} exchanges", items.len(), open.len());
                for (command, item) in open.iter_mut().zip(items) {
                    anyhow::ensure!(*item.key == *command.key, "an outcome of key {} for {}", item.key, command.key);
                    // Within a batch nothing can say when to come back but the batch.
                    let told = if retry_after == RetryAfter::Told { retry_after } else { RetryAfter::Told };
                    let outcome = answer::outcome(item.status, item.replayed, told, item.body.get().as_bytes())?;
                    self.note(command, attempt(outcome));
                }
            }
            Came::Answer { status, replayed, retry_after, body } => {
                let outcome = answer::outcome(status, replayed, retry_after, &body)?;
                for command in open.iter_mut() {
                    self.note(command, attempt(outcome.clone()));
                }
            }
            Came::Nothing | Came::NotSent => {
                let outcome = if matches!(came, Came::Nothing) { Outcome::Unanswered } else { Outcome::NotSent };
                for command in open.iter_mut() {
                    self.note(command, attempt(outcome.clone()));
                }
            }
        }
        Ok(open.iter().all(|command| is_settled(command)))
    }

    /// Sends a command once.
    async fn attempt(&mut self, command: &mut Command) -> anyhow::Result<()> {
        let called = self.call(&request(command)).await?;
        let attempt = to_attempt(called)?;
        self.note(command, attempt);
        Ok(())
    }

    /// Sends a command twice at once: to both engines where there are two, else over two connections.
    async fn send_twins(&mut self, command: &mut Command) -> anyhow::Result<()> {
        let request = request(command);
        let town = self.town.clone();
        let other = (self.at + 1) % town.endpoints.len();
        let (Some(here), Some(there)) = (town.endpoints.get(self.at), town.endpoints.get(other)) else { return Ok(()) };
        let there = if there.is_up() { there } else { here };
        let Some(line) = self.lines.get_mut(self.at) else { return Ok(()) };
        let (one, two) = tokio::join!(line.call(here, &request, town.clock), async {
            Line::default().call(there, &request, town.clock).await
        });
        let mut attempts = [to_attempt(one?)?, to_attempt(two?)?];
        attempts.sort_by_key(|attempt| attempt.invoked);
        for attempt in attempts {
            self.note(command, attempt);
        }
        Ok(())
    }

    async fn repeat_old_one(&mut self) -> anyhow::Result<()> {
        let nth = self.random.random_range(0..self.notes.len());
        let mut old = self.notes.swap_remove(nth);
        self.attempt(&mut old).await?;
        if !is_settled(&old) {
            self.resolve(&mut old).await?; // one that was refused may be done now
        }
        self.notes.push(old);
        Ok(())
    }

    async fn call(&mut self, request: &Request) -> anyhow::Result<Called> {
        let endpoint: &Endpoint = match self.town.endpoints.get(self.at) {
            Some(endpoint) => endpoint,
            None => anyhow::bail!("there is no engine {}", self.at),
        };
        let line = self.lines.get_mut(self.at).unwrap_or(&mut self.spare);
        let called = line.call(endpoint, request, self.town.clock).await?;
        if let (Came::Nothing, Some(shunned)) = (&called.came, self.shunned.get_mut(self.at)) {
            *shunned = called.ended + SHUNNED_MICROS;
        }
        Ok(called)
    }

    /// The next attempt goes to the other engine, if one is up and has not just kept silent, as a balancer would do it.
    fn look_elsewhere(&mut self) {
        let other = (self.at + 1) % self.town.endpoints.len().max(1);
        let now = self.town.clock.now();
        let is_shunned = self.shunned.get(other).is_some_and(|until| *until > now);
        if !is_shunned && self.town.endpoints.get(other).is_some_and(|endpoint| endpoint.is_up()) {
            self.at = other;
        }
    }

    /// Writes an attempt down, and tells the pulse. An answer that repeats an earlier one word for word shares its effect.
    fn note(&self, command: &mut Command, mut attempt: Attempt) {
        let pulse = &self.town.pulse;
        match &mut attempt.outcome {
            Outcome::Acknowledged(answer) => {
                let earlier = command.acknowledgements().find(|(_, earlier)| earlier.body == answer.body);
                match earlier {
                    Some((_, earlier)) => answer.effect = earlier.effect.clone(),
                    None => {
                        let is_exchange = matches!(command.order, Order::Exchange { .. });
                        let sent = if answer.replayed { 0 } else { attempt.invoked };
                        pulse.acknowledge(answer.effect.id.lane(), is_exchange, sent);
                    }
                }
            }
            Outcome::Refused { status: 503, retry_after: RetryAfter::Told, .. } => pulse.turn_away(),
            Outcome::Unanswered => pulse.unanswer(),
            Outcome::Refused { .. } | Outcome::NotSent => {}
        }
        command.attempts.push(attempt);
    }
}

fn request(command: &Command) -> Request {
    let body = order::body(&command.order, command.customer);
    Request::post(order::path(&command.order), body).with_key(&*command.key)
}

fn to_attempt(called: Called) -> anyhow::Result<Attempt> {
    let Called { engine, invoked, ended, came } = called;
    let outcome = match came {
        Came::Answer { status, replayed, retry_after, body } => answer::outcome(status, replayed, retry_after, &body)?,
        Came::Nothing => Outcome::Unanswered,
        Came::NotSent => Outcome::NotSent,
    };
    Ok(Attempt { engine, invoked, ended, outcome })
}

/// Whether nothing is to be learnt by asking again: acknowledged, or the last attempt was refused for good.
fn is_settled(command: &Command) -> bool {
    command.acknowledgements().next().is_some()
        || matches!(
            command.attempts.last().map(|attempt| &attempt.outcome),
            Some(Outcome::Refused { meaning: Meaning::Rejected, .. })
        )
}
