//! One random sequence: an engine on a store that fails, clients in waves, an operator who restarts what has stopped,
//! and at the end the check.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use hwan::{
    actors::{
        command::{Command, Reach, Refusal},
        engine::{Engine, EngineLimits, EngineParts, Placement},
        view::LaneStatus,
    },
    clock::{Clock as _, ManualClock},
    storage::{fake::FakeStore, port::JournalRow},
};
use hwan_domain::{account::AccountKind, guard::GuardPolicy, id::LaneId, limit::LimitPolicy, money::Money};

use crate::{
    board::BoardAct,
    check,
    counts::Counts,
    dice::Dice,
    history::{Act, Answer, History, Op},
    line::{Line, Sky, Weather},
    report::Failure,
    rules,
    stage::{Numbered, Stage, client},
    views,
    workload::Clients,
    world,
};

/// Longer than any answer may take in the engine's own time.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often an operation is tried again once everything works.
const RETRIES_MAX: usize = 12;

/// What a sequence is made of.
struct Scene {
    limits: EngineLimits,
    policy: LimitPolicy,
    stage: Rc<Stage>,
    engines: usize,
}

impl Scene {
    fn new(dice: &mut Dice) -> Self {
        let lanes = if dice.one_in(3) { 2 } else { 1 };
        let number = |dice: &mut Dice, low: i64, high: i64| usize::try_from(dice.within(low, high)).unwrap_or(1);
        let limits = EngineLimits {
            customer_lanes: lanes,
            in_flight_max: number(dice, 6, 14),
            in_flight_per_customer_max: u32::try_from(dice.within(3, 12)).unwrap_or(3),
            batch_records_max: number(dice, 1, 8),
            command_deadline: Duration::from_millis(200 + dice.below(3_000)),
            idle_after: Duration::from_secs(1 + dice.below(2)),
            resident_customers_max: number(dice, 1, 3),
            key_window: Duration::from_millis(200 + dice.below(8_000)),
            keys_max: number(dice, 1, 12),
            key_retention: Duration::from_secs(3_600),
            projection_lag_max: 1_000,
            outbox_backlog_max: u64::MAX,
        };
        let policy = match dice.below(3) {
            0 => LimitPolicy::default(),
            1 => LimitPolicy { daily_won: 150_000, monthly_won: 180_000, limited_account_daily_won: 30_000 },
            _ => LimitPolicy { daily_won: 400_000, monthly_won: 300_000, limited_account_daily_won: 90_000 },
        };
        let start = world::instant(dice.any(world::BEGINNINGS));
        let stage = Stage {
            history: RefCell::new(History { policy, clocks: vec![start], ..History::default() }),
            store: Arc::new(FakeStore::new()),
            sky: Sky::new(dice.child()),
            clock: Arc::new(ManualClock::at(start)),
            lanes,
            owner: RefCell::new(0),
        };
        let (sky, store) = (stage.sky.clone(), Arc::downgrade(&stage.store));
        stage.store.direct(move |batch| {
            let owns = store.upgrade().is_some_and(|store| store.epoch(batch.lane) == batch.epoch);
            sky.lock().unwrap_or_else(PoisonError::into_inner).plan(owns)
        });
        Self { limits, policy, stage: Rc::new(stage), engines: 0 }
    }

    /// Starts an engine, which becomes the owner of the lanes.
    async fn start(&mut self) -> Result<Numbered, String> {
        self.engines += 1;
        let number = self.engines;
        *self.stage.owner.borrow_mut() = number;
        let line = Arc::new(Line::new(self.stage.store.clone(), self.stage.sky.clone()));
        let parts = EngineParts {
            store: line.clone(),
            clock: self.stage.clock.clone(),
            currencies: world::currencies(),
            business_day: hwan_domain::business_day::BusinessDay::SEOUL,
            policy: self.policy,
            guard: GuardPolicy::default(),
            interest: Arc::default(),
            quote_lifetime_max: Duration::from_secs(300),
            limits: self.limits.clone(),
            outbox: None,
            placement: Placement::CallersThread,
        };
        // A start that fails is the operator's to repeat; here it never does.
        let weather = std::mem::replace(&mut self.sky().weather, Weather::Calm);
        let started = Engine::start(parts).await;
        self.sky().weather = weather;
        Ok(Numbered { engine: started.map_err(|error| format!("no engine starts: {error}"))?, number, line })
    }

    /// Another engine takes the lanes; the old one does not know yet.
    async fn succeed(&mut self, old: &mut Numbered) -> Result<Numbered, String> {
        old.line.retire();
        let new = self.start().await?;
        Ok(std::mem::replace(old, new))
    }

    fn sky(&self) -> MutexGuard<'_, Sky> {
        self.stage.sky.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, op: Op) -> usize {
        let mut history = self.stage.history.borrow_mut();
        history.ops.push(op);
        history.ops.len() - 1
    }
}

/// A sequence that was played: what its own course complained of, and all that can be checked.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) outcome: Result<(), String>,
    pub(crate) history: History,
    pub(crate) rows: Vec<Vec<JournalRow>>,
    pub(crate) counts: Counts,
}

/// Plays the sequence of a seed. Must be called within an actix system whose time stands still.
pub(crate) async fn played(seed: u64) -> Played {
    let mut dice = Dice::new(seed);
    let mut scene = Scene::new(&mut dice);
    let mut clients = Clients::new(dice.child());
    let outcome = play(&mut scene, &mut clients, &mut dice).await;
    let stage = &scene.stage;
    Played {
        outcome,
        history: stage.history.borrow().clone(),
        rows: (0..=stage.lanes).filter_map(LaneId::new).map(|lane| stage.store.rows(lane)).collect(),
        counts: scene.sky().counts.clone(),
    }
}

/// Plays and checks the sequence of a seed. Must be called within an actix system whose time stands still.
pub async fn run(seed: u64) -> Result<Counts, Failure> {
    let Played { outcome, history, rows, mut counts } = played(seed).await;
    match outcome.and_then(|()| check::journal_and_answers(&history, &rows, &mut counts)) {
        Ok(()) => Ok(counts),
        Err(wrong) => Err(Failure::new(seed, wrong, &history, &rows)),
    }
}

async fn play(scene: &mut Scene, clients: &mut Clients, dice: &mut Dice) -> Result<(), String> {
    let stage = scene.stage.clone();
    let mut current = scene.start().await?;
    found_town(scene, &current, clients, dice).await?;
    scene.sky().weather = Weather::Rough(dice.any([3, 6, 12, 30]));
    let mut zombie: Option<Numbered> = None;
    for _ in 0..dice.within(2, 5) {
        wave(scene, &current, zombie.as_ref(), clients, dice).await?;
        if let Some(zombie) = zombie.take() {
            drain(&zombie).await?;
        }
        turn_clock(&stage, dice);
        if dice.one_in(2) {
            tokio::time::sleep(Duration::from_millis(dice.below(6_000))).await;
        }
        let stopped = current.engine.lanes().iter().any(|lane| lane.status == LaneStatus::Stopped);
        if stopped || dice.one_in(12) {
            stage.count(if stopped {
                "engine started anew: a lane had stopped"
            } else {
                "engine started anew: two owners"
            });
            zombie = Some(scene.succeed(&mut current).await?);
        }
    }
    scene.sky().weather = Weather::Calm;
    // Both are gone before the last one starts: what either had sent might depose it.
    for old in [Some(current), zombie].into_iter().flatten() {
        drain(&old).await?;
    }
    let current = scene.start().await?;
    heal(scene, &current).await?;
    let history = stage.history.borrow().clone();
    views::engine_and_store(&current.engine, &stage.store, &history).await?;
    drain(&current).await
}

async fn drain(engine: &Numbered) -> Result<(), String> {
    tokio::time::timeout(PATIENCE, engine.engine.drain()).await.map_err(|_| "an engine does not drain".to_owned())
}

/// Rates, customers, accounts, and some money: everything works still.
async fn found_town(scene: &Scene, engine: &Numbered, clients: &mut Clients, dice: &mut Dice) -> Result<(), String> {
    let stage = scene.stage.clone();
    let mut acts = Vec::new();
    let now = stage.clock.now();
    for code in ["USD", "JPY", "VND"] {
        let mut publication = clients.publication(world::currency(code), 1_000, now);
        publication.valid_until = now.plus_seconds(7_200);
        acts.push(Act::Board(BoardAct::Publish(publication)));
    }
    let customers = dice.within(2, 4);
    acts.extend((0..customers).map(|_| {
        let channel = Some(clients.channel());
        Act::Command(Command::OpenCustomer { reference: None, channel })
    }));
    one_by_one(&stage, engine, clients, acts).await?;
    let mut acts = Vec::new();
    for family in clients.town.families.clone() {
        for kind in [AccountKind::Won, AccountKind::Foreign] {
            acts.push(Act::Command(Command::OpenAccount { customer: family.customer, kind }));
        }
    }
    one_by_one(&stage, engine, clients, acts).await?;
    let mut acts = Vec::new();
    for family in clients.town.families.clone() {
        let won = Money::won(dice.within(50_000, 400_000)).map_err(|error| error.to_string())?;
        let dollars = Money::from_minor(dice.within(1, 20_000), world::currency("USD")).map_err(|e| e.to_string())?;
        acts.extend(family.won.map(|account| Act::Command(Command::Deposit { account, amount: won })));
        acts.extend(family.foreign.map(|account| Act::Command(Command::Deposit { account, amount: dollars })));
    }
    one_by_one(&stage, engine, clients, acts).await
}

async fn one_by_one(stage: &Rc<Stage>, engine: &Numbered, clients: &mut Clients, acts: Vec<Act>) -> Result<(), String> {
    for act in acts {
        let mut op = clients.op(act, stage.clock.now());
        (op.key, op.reach) = (None, Reach::All);
        op.caller = Arc::from(format!("founder-{}", stage.history.borrow().ops.len()));
        stage.history.borrow_mut().ops.push(op);
        let op = stage.history.borrow().ops.len() - 1;
        let attempt = client(stage.clone(), engine.clone(), op, None, 0).await;
        let history = stage.history.borrow();
        match history.attempts[attempt].executed() {
            Some(executed) => clients.town.learn(&executed.record),
            None => return Err(format!("attempt {attempt}: the town cannot be founded")),
        }
    }
    Ok(())
}

/// Up to a dozen clients at once.
async fn wave(
    scene: &Scene,
    engine: &Numbered,
    zombie: Option<&Numbered>,
    clients: &mut Clients,
    dice: &mut Dice,
) -> Result<(), String> {
    let stage = &scene.stage;
    let mut running = Vec::new();
    for _ in 0..dice.within(1, 12) {
        let Some(op) = next_op(scene, clients, dice) else { continue };
        let chosen = zombie.filter(|_| dice.one_in(4)).unwrap_or(engine).clone();
        let patience = dice.one_in(7).then(|| dice.below(25));
        let turns = if dice.one_in(2) { dice.below(12) } else { 0 };
        running.push(actix::spawn(client(stage.clone(), chosen, op, patience, turns)));
    }
    // Sometimes the time changes while commands are on their way.
    if dice.one_in(3) {
        for _ in 0..dice.below(20) {
            tokio::task::yield_now().await;
        }
        turn_clock(stage, dice);
    }
    for task in running {
        let ended = tokio::time::timeout(PATIENCE, task).await.map_err(|_| "a client waits for ever".to_owned())?;
        let attempt = ended.map_err(|error| format!("a client panicked: {error}"))?;
        let history = stage.history.borrow();
        match &history.attempts[attempt].ended {
            Some((_, Answer::Executed(executed))) => clients.town.learn(&executed.record),
            Some((_, Answer::Quoted(quote))) => clients.town.quotes.push(*quote),
            Some((_, Answer::Account(Some(view)))) => {
                clients.town.revisions.insert(view.state.id, view.state.revision());
            }
            _ => {}
        }
    }
    Ok(())
}

/// A new operation, an old one again, or an old key with another body.
fn next_op(scene: &Scene, clients: &mut Clients, dice: &mut Dice) -> Option<usize> {
    let stage = &scene.stage;
    let now = stage.clock.now();
    let keyed: Vec<usize> = {
        let history = stage.history.borrow();
        history.ops.iter().enumerate().filter(|(_, op)| op.key.is_some()).map(|(index, _)| index).collect()
    };
    let recent = &keyed[keyed.len().saturating_sub(10)..];
    match dice.below(10) {
        0 | 1 => dice.pick(recent).copied(),
        2 if dice.one_in(2) => {
            let earlier = stage.history.borrow().ops[*dice.pick(recent)?].clone();
            let act = Act::Command(other_body(&earlier.act)?);
            let mut op = clients.op(act, now);
            (op.key, op.caller, op.reach) = (earlier.key, earlier.caller, earlier.reach);
            Some(scene.ask(op))
        }
        _ => {
            let act = clients.act(now)?;
            let op = clients.op(act, now);
            Some(scene.ask(op))
        }
    }
}

/// The same request to the same customer for another amount.
fn other_body(act: &Act) -> Option<Command> {
    let more = |amount: Money| Money::from_minor(amount.minor() + 1, amount.currency()).ok();
    match act {
        Act::Command(Command::Deposit { account, amount }) => {
            Some(Command::Deposit { account: *account, amount: more(*amount)? })
        }
        Act::Command(Command::Withdraw { account, amount }) => {
            Some(Command::Withdraw { account: *account, amount: more(*amount)? })
        }
        Act::Command(Command::Transfer { from, to, amount }) => {
            Some(Command::Transfer { from: *from, to: *to, amount: more(*amount)? })
        }
        _ => None,
    }
}

/// On by a little, by enough for keys and quotes to age, to just before or after something turns; or back.
fn turn_clock(stage: &Stage, dice: &mut Dice) {
    let now = stage.clock.now();
    let next = match dice.below(12) {
        0 => now,
        1 => now.plus_micros(-dice.within(1, 50_000)),
        2 => now.plus_micros(-dice.within(50_000, 8_000_000)),
        3 => now.plus_micros(dice.within(5_000_000, 20_000_000)),
        4 => rules::seoul_day(now).next().begins_at().plus_micros(dice.within(-2, 2)),
        5 => rules::seoul_day(now).begins_at().plus_seconds(9 * 3_600).plus_micros(dice.within(-2, 2)).max(now),
        _ => now.plus_micros(dice.within(1, 1_500_000)),
    };
    stage.set_clock(next);
}

/// Everything works again: whoever has no certain answer asks again until there is one.
async fn heal(scene: &Scene, engine: &Numbered) -> Result<(), String> {
    let stage = &scene.stage;
    let open: Vec<usize> = {
        let history = stage.history.borrow();
        let certain = |answer: &Answer| match answer {
            Answer::Executed(_) => true,
            Answer::Refused(Refusal::Key(_) | Refusal::Rejected(_)) => false, // certain of the attempt, not of the key
            _ => false,
        };
        let mut settled = vec![false; history.ops.len()];
        for attempt in &history.attempts {
            settled[attempt.op] |= attempt.ended.as_ref().is_some_and(|(_, answer)| certain(answer));
        }
        let ops = history.ops.iter().enumerate();
        ops.filter(|(index, op)| op.key.is_some() && !settled[*index]).map(|(index, _)| index).collect()
    };
    for op in open {
        let mut answered = false;
        for _ in 0..RETRIES_MAX {
            let attempt = client(stage.clone(), engine.clone(), op, None, 0).await;
            let again = matches!(
                &stage.history.borrow().attempts[attempt].ended,
                Some((_, Answer::Refused(Refusal::Unknown | Refusal::NotDone(_) | Refusal::Overloaded { .. })))
            );
            if !again {
                answered = true;
                break;
            }
            stage.count("retried after healing");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        if !answered {
            return Err(format!("operation {op} gets no answer although everything works"));
        }
    }
    Ok(())
}
