//! The stage of a sequence: what its tasks share, and the client that asks and notes what it is answered.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use hwan::{
    actors::{
        command::{Caller, Executed, Order, Refusal},
        engine::Engine,
    },
    clock::ManualClock,
    storage::fake::FakeStore,
};
use hwan_domain::{id::LaneId, time::Timestamp};

use crate::{
    board::BoardAct,
    history::{Act, Answer, Attempt, History, Moment, Op},
    line::{Line, Sky},
};

/// Everything of one sequence that its tasks share.
pub(crate) struct Stage {
    pub(crate) history: RefCell<History>,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) sky: Arc<Mutex<Sky>>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) lanes: u16,
    /// The number of the engine that owns the lanes.
    pub(crate) owner: RefCell<usize>,
}

impl Stage {
    pub(crate) fn moment(&self) -> Moment {
        let mut history = self.history.borrow_mut();
        history.tick += 1;
        let heads = (0..=self.lanes).filter_map(LaneId::new).map(|lane| self.store.rows(lane).len() as u64).collect();
        Moment { tick: history.tick, heads, clock: history.clocks.len().saturating_sub(1) }
    }

    pub(crate) fn set_clock(&self, at: Timestamp) {
        self.clock.set(at);
        self.history.borrow_mut().clocks.push(at);
    }

    pub(crate) fn count(&self, what: &'static str) {
        self.sky.lock().unwrap_or_else(PoisonError::into_inner).counts.one(what);
    }

    pub(crate) fn begin(&self, op: usize) -> usize {
        let begun = self.moment();
        let mut history = self.history.borrow_mut();
        history.attempts.push(Attempt { op, begun, ended: None, stale: false });
        history.attempts.len() - 1
    }

    pub(crate) fn end(&self, attempt: usize, answer: Answer, engine: usize) {
        let ended = self.moment();
        let mut history = self.history.borrow_mut();
        history.attempts[attempt].ended = Some((ended, answer));
        history.attempts[attempt].stale = engine != *self.owner.borrow();
    }
}

/// An engine and its number.
#[derive(Clone)]
pub(crate) struct Numbered {
    pub(crate) engine: Engine,
    pub(crate) number: usize,
    pub(crate) line: Arc<Line>,
}

/// Asks the engine, and notes the answer; the client hangs up when it is polled once too often.
pub(crate) async fn client(stage: Rc<Stage>, engine: Numbered, op: usize, patience: Option<u64>, turns: u64) -> usize {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    let asked = stage.history.borrow().ops[op].clone();
    let attempt = stage.begin(op);
    let asking = Box::pin(ask(engine.engine, asked));
    match patience {
        None => {
            let answer = asking.await;
            stage.end(attempt, answer, engine.number);
        }
        Some(polls) => match (Impatient { asking, polls }).await {
            Some(answer) => stage.end(attempt, answer, engine.number),
            None => stage.count("hung up"),
        },
    }
    attempt
}

/// A client that is polled at every turn and hangs up after some.
struct Impatient<F> {
    asking: Pin<Box<F>>,
    polls: u64,
}

impl<F: Future> Future for Impatient<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(answer) = self.asking.as_mut().poll(cx) {
            return Poll::Ready(Some(answer));
        }
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

async fn ask(engine: Engine, op: Op) -> Answer {
    let who = op.who();
    let caller = Caller { who: who.clone(), key: op.key.map(Into::into), request: op.request };
    let executed = |outcome: Result<Executed, Refusal>| match outcome {
        Ok(executed) => Answer::Executed(executed),
        Err(refusal) => Answer::Refused(refusal),
    };
    match op.act {
        Act::Command(command) => executed(engine.execute(caller, command).await),
        Act::Board(BoardAct::Publish(publication)) => executed(engine.publish(caller, publication).await),
        Act::Board(BoardAct::Void(round)) => executed(engine.void(caller, round, "wrong").await),
        Act::Board(BoardAct::Halt(currency)) => executed(engine.halt(caller, currency, "looks wrong").await),
        Act::Board(BoardAct::Resume(currency)) => executed(engine.resume(caller, currency).await),
        Act::Quote(order, millis) => match engine.quote(&who, order, Duration::from_millis(millis)).await {
            Ok(quote) => Answer::Quoted(quote),
            Err(refusal) => Answer::Refused(refusal),
        },
        Act::Trial(order) => {
            engine.trial(&who, Order::AtMarket(order)).await.map_or_else(Answer::Refused, Answer::Tried)
        }
        Act::ReadCustomer(id) => engine.customer(&who, id).await.map_or_else(Answer::Refused, Answer::Customer),
        Act::ReadAccount(id) => engine.account(&who, id).await.map_or_else(Answer::Refused, Answer::Account),
        Act::ReadRecord(place) => engine.record(place).await.map_or_else(Answer::Refused, Answer::Record),
    }
}
