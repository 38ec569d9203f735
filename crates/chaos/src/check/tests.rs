//! Each bad run here is the good one with one planted lie, and the judge names the lie.

use std::sync::Arc;

use super::{Auditor, Sort, Violation};
use crate::{
    database::{BalanceRow, JournalRow, LaneRow, PassbookRow, Standing},
    fingerprint,
    history::{
        Acknowledgement, Attempt, Command, Effect, EngineId, History, Meaning, Order, Outcome, Posting, Reign,
        RetryAfter,
    },
    money::{Currency, Side},
    place::Place,
};

const CUSTOMER: Place = Place::new(1, 1);
const WON: Place = Place::new(1, 2);
const USD: Place = Place::new(1, 3);
const A: EngineId = EngineId(1);
const B: EngineId = EngineId(2);
const AT: i64 = 1_795_387_000_721_504;
const RATE: &str = "1350.50";

/// A run and what it left: a deposit; a buy, acknowledged and repeated; a sell whose answer was lost, found done; a sell
/// whose answer was lost, done later; a refusal; a command that never left; one that was certainly not done.
struct Run {
    history: History,
    journal: Vec<JournalRow>,
    passbook: Vec<PassbookRow>,
    standing: Standing,
}

fn posting(account: Place, currency: Currency, amount: i64, balance_after: i64, version: u64) -> Posting {
    Posting { account, currency, amount, balance_after, version }
}

fn exchange(side: Side, minor: i64) -> Order {
    Order::Exchange { side, won: WON, foreign: USD, currency: Currency::USD, minor }
}

fn effect(seq: u64, postings: &[Posting]) -> Effect {
    let (at, business_date) = ("2026-11-22T22:36:40.721504Z".into(), "2026-11-23".into());
    Effect { id: Place::new(1, seq), postings: postings.to_vec(), at, business_date }
}

fn done(effect: &Effect, replayed: bool) -> Outcome {
    let body = fingerprint::of_body(format!("{effect:?}").as_bytes());
    Outcome::Acknowledged(Acknowledgement { replayed, body, effect: Arc::new(effect.clone()) })
}

fn refused(meaning: Meaning) -> Outcome {
    let (status, code) = match meaning {
        Meaning::Rejected => (422, "insufficient_balance"),
        Meaning::NotDone => (503, "lane_closed"),
        Meaning::Unknown => (503, "outcome_unknown"),
    };
    Outcome::Refused { status, code: code.into(), meaning, retry_after: RetryAfter::Told }
}

/// A command whose attempts each take 10 µs from `invoked` on, 100 µs apart.
fn command(key: &str, order: Order, invoked: u64, outcomes: Vec<Outcome>) -> Command {
    let attempts = outcomes.into_iter().zip(0..).map(|(outcome, nth)| Attempt {
        engine: A,
        invoked: invoked + 100 * nth,
        ended: invoked + 100 * nth + 10,
        outcome,
    });
    Command {
        key: key.into(),
        key_digest: fingerprint::key_digest(key, "operator", CUSTOMER),
        request_digest: fingerprint::request_digest("/v1/exchanges", key),
        customer: CUSTOMER,
        order,
        attempts: attempts.collect(),
    }
}

fn leg(posting: &Posting) -> String {
    let scale = |minor: i64| posting.currency.text(minor);
    format!(
        r#"{{"account":"{}","customer":"{}","currency":"{}","amount":"{}","balance_after":"{}","version":{}}}"#,
        posting.account.id("acc"),
        CUSTOMER.id("cus"),
        posting.currency.code(),
        if posting.amount < 0 { "-" } else { "" }.to_owned() + &scale(posting.amount.abs()),
        scale(posting.balance_after),
        posting.version
    )
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The row of a record; hashes are put in by [`rechain`].
fn row(seq: u64, of: Option<&Command>, kind: &str, postings: &[Posting]) -> JournalRow {
    let mut body = format!(
        r#"{{"v":1,"lane":1,"seq":{seq},"type":"{kind}","at":"2026-11-22T22:36:40.721504Z","business_date":"2026-11-23","caller":"operator""#
    );
    if let Some(command) = of {
        body += &format!(r#","key":"{}","request":"{}""#, hex(&command.key_digest), hex(&command.request_digest));
    }
    if kind == "exchanged" {
        let side = if postings[0].account == WON { "buy" } else { "sell" };
        body += &format!(r#","terms":{{"side":"{side}","rate":{{"won":"{RATE}","per":1}}}}"#);
    }
    for posting in postings {
        let side = if posting.amount < 0 { "debit" } else { "credit" };
        body += &format!(r#","{side}":{}"#, leg(posting));
    }
    body += "}";
    JournalRow {
        id: Place::new(1, seq),
        kind: kind.into(),
        customer: of.map(|_| CUSTOMER),
        key_digest: of.map(|command| command.key_digest),
        at: AT,
        business_date: 20_780,
        body,
        hash: [0; 32],
    }
}

/// The chain of hashes, over the rows as they stand, and the lane's head.
fn rechain(run: &mut Run) {
    let mut hash = [0; 32];
    for row in &mut run.journal {
        hash = fingerprint::link(&hash, &row.body);
        row.hash = hash;
    }
    run.standing.lanes[0].hash = hash;
}

fn good() -> Run {
    let deposit = [posting(WON, Currency::KRW, 10_000, 10_000, 1)];
    let buy = [posting(WON, Currency::KRW, -1_351, 8_649, 2), posting(USD, Currency::USD, 100, 100, 1)];
    let sell = [posting(USD, Currency::USD, -50, 50, 2), posting(WON, Currency::KRW, 675, 9_324, 3)];
    let late = [posting(USD, Currency::USD, -50, 0, 3), posting(WON, Currency::KRW, 675, 9_999, 4)];
    let effects = [effect(4, &deposit), effect(5, &buy), effect(6, &sell), effect(7, &late)];
    let answer = |nth: usize, replayed| done(&effects[nth], replayed);
    let deposited = Order::Deposit { account: WON, currency: Currency::KRW, minor: 10_000 };
    let commands = vec![
        command("k1", deposited, 0, vec![answer(0, false)]),
        command("k2", exchange(Side::Buy, 100), 1_000, vec![answer(1, false), answer(1, true)]),
        command("k3", exchange(Side::Sell, 50), 2_000, vec![Outcome::Unanswered, answer(2, true), answer(2, true)]),
        command(
            "k4",
            exchange(Side::Sell, 50),
            3_000,
            vec![Outcome::Unanswered, refused(Meaning::NotDone), answer(3, false)],
        ),
        command("k5", exchange(Side::Sell, 50), 4_000, vec![refused(Meaning::Unknown), refused(Meaning::Rejected)]),
        command("k6", exchange(Side::Sell, 50), 5_000, vec![Outcome::NotSent]),
        command("k7", exchange(Side::Sell, 50), 6_000, vec![refused(Meaning::NotDone)]),
    ];
    let mut journal: Vec<JournalRow> = (1..=3)
        .map(|seq| row(seq, None, ["", "customer_opened", "account_opened", "account_opened"][seq as usize], &[]))
        .collect();
    journal.push(row(4, Some(&commands[0]), "deposited", &deposit));
    journal.push(row(5, Some(&commands[1]), "exchanged", &buy));
    journal.push(row(6, Some(&commands[2]), "exchanged", &sell));
    journal.push(row(7, Some(&commands[3]), "exchanged", &late));
    let passbook = effects
        .iter()
        .flat_map(|effect| effect.postings.iter().map(|posting| (effect.id, *posting)))
        .map(|(record, Posting { account, currency, amount, balance_after, version })| PassbookRow {
            account,
            version,
            record,
            currency,
            amount,
            balance_after,
        })
        .collect();
    let balances = vec![
        BalanceRow { account: WON, currency: Currency::KRW, amount: 9_999, version: 4 },
        BalanceRow { account: USD, currency: Currency::USD, amount: 0, version: 3 },
    ];
    let lanes = vec![LaneRow { lane: 1, seq: 7, hash: [0; 32], projected: Some(7) }];
    let reigns = vec![Reign { lane: 1, epoch: 1, engine: A, seq_first_seen: 0, seq_last_seen: 7 }];
    let mut run = Run {
        history: History { began_at: AT - 8_000, commands, reigns },
        journal,
        passbook,
        standing: Standing { lanes, balances },
    };
    rechain(&mut run);
    run
}

fn judged(run: &Run) -> Vec<Violation> {
    let mut auditor = Auditor::of(&run.history);
    run.journal.iter().for_each(|row| auditor.journal(row));
    run.passbook.iter().for_each(|row| auditor.passbook(row));
    auditor.finish(&run.standing).1
}

/// The names of what the judge finds after a lie was planted.
fn found(lie: impl FnOnce(&mut Run)) -> Vec<&'static str> {
    let mut run = good();
    lie(&mut run);
    let violations = judged(&run);
    let mut names: Vec<&str> = violations.iter().map(Violation::name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn answer_of(attempt: &mut Attempt) -> &mut Acknowledgement {
    let Outcome::Acknowledged(answer) = &mut attempt.outcome else { panic!("not an acknowledgement") };
    answer
}

/// Takes the row at `index` out of everything that the database says, as if it had never been.
fn erase_last(run: &mut Run) {
    let row = run.journal.pop().unwrap();
    run.passbook.retain(|line| line.record != row.id);
    run.standing.lanes[0] = LaneRow { lane: 1, seq: 6, hash: [0; 32], projected: Some(6) };
    run.standing.balances[0] = BalanceRow { account: WON, currency: Currency::KRW, amount: 9_324, version: 3 };
    run.standing.balances[1] = BalanceRow { account: USD, currency: Currency::USD, amount: 50, version: 2 };
    rechain(run);
}

/// One more sell of the same 50 cents, whole in every table.
fn append(run: &mut Run, of: Option<&Command>) {
    run.standing.balances[1].amount = 0;
    let postings = [posting(WON, Currency::KRW, -1_351, 8_648, 5), posting(USD, Currency::USD, 100, 100, 4)];
    run.journal.push(row(8, of, "exchanged", &postings));
    for Posting { account, currency, amount, balance_after, version } in postings {
        let record = Place::new(1, 8);
        run.passbook.push(PassbookRow { account, version, record, currency, amount, balance_after });
    }
    run.standing.lanes[0] = LaneRow { lane: 1, seq: 8, hash: [0; 32], projected: Some(8) };
    run.standing.balances[0] = BalanceRow { account: WON, currency: Currency::KRW, amount: 8_648, version: 5 };
    run.standing.balances[1] = BalanceRow { account: USD, currency: Currency::USD, amount: 100, version: 4 };
    rechain(run);
}

#[test]
fn nothing_is_wrong_with_a_good_run() {
    assert_eq!(judged(&good()), []);
    let mut run = good();
    run.history.commands.reverse();
    run.passbook.reverse();
    assert_eq!(judged(&run), []);
}

#[test]
fn a_good_run_is_counted() {
    let run = good();
    let mut auditor = Auditor::of(&run.history);
    run.journal.iter().for_each(|row| auditor.journal(row));
    let (counts, _) = auditor.finish(&run.standing);
    assert_eq!((counts.commands, counts.acknowledged, counts.acknowledged_exchanges), (7, 4, 3));
    assert_eq!((counts.repetitions, counts.unknown_attempts, counts.journal_rows, counts.movements), (2, 3, 7, 4));
}

#[test]
fn an_acknowledged_exchange_that_is_not_there_is_lost() {
    let names = found(erase_last);
    assert_eq!(names, ["lost", "not_conserved"]);
}

#[test]
fn an_acknowledged_exchange_in_whose_place_stands_another_is_lost() {
    let names = found(|run| {
        let other = run.history.commands[4].clone();
        let postings = [posting(USD, Currency::USD, -50, 0, 3), posting(WON, Currency::KRW, 675, 9_999, 4)];
        run.journal[6] = row(7, Some(&other), "exchanged", &postings);
        rechain(run);
    });
    assert_eq!(names, ["done_though_refused", "lost"], "the other was refused after its unknown outcome");
}

#[test]
fn a_key_that_took_effect_twice_is_doubled() {
    let names = found(|run| {
        let twice = run.history.commands[1].clone();
        append(run, Some(&twice));
    });
    assert_eq!(names, ["doubled", "lost", "not_conserved"], "the second is at another place than answered");
}

#[test]
fn money_that_moves_for_nobody_is_a_phantom() {
    assert_eq!(found(|run| append(run, None)), ["not_conserved", "phantom"]);
    let stranger = command("never sent", exchange(Side::Buy, 100), 0, vec![]);
    assert_eq!(found(|run| append(run, Some(&stranger))), ["not_conserved", "phantom"]);
    let unsent = good().history.commands[5].clone();
    assert_eq!(found(|run| append(run, Some(&unsent))), ["not_conserved", "phantom"]);
}

#[test]
fn an_exchange_with_one_leg_is_torn() {
    let names = found(|run| {
        let one = [posting(WON, Currency::KRW, -1_351, 8_649, 2)];
        run.journal[4] = row(5, Some(&run.history.commands[1].clone()), "exchanged", &one);
        rechain(run);
    });
    assert!(names.contains(&"torn"), "{names:?}");
}

#[test]
fn an_exchange_whose_legs_do_not_fit_is_torn() {
    let names = found(|run| {
        let legs = [posting(WON, Currency::KRW, -1_350, 8_650, 2), posting(USD, Currency::USD, 100, 100, 1)];
        run.journal[4] = row(5, Some(&run.history.commands[1].clone()), "exchanged", &legs);
        rechain(run);
    });
    assert!(names.contains(&"torn"), "{names:?}");
}

#[test]
fn an_exchange_of_which_one_balance_row_was_not_written_is_found() {
    let names = found(|run| {
        run.standing.balances[1] = BalanceRow { account: USD, currency: Currency::USD, amount: 50, version: 2 };
    });
    assert_eq!(names, ["not_conserved", "wrong_balance"]);
    assert_eq!(found(|run| run.standing.balances.truncate(1)), ["wrong_balance"], "of 0.00 only the row is missing");
}

#[test]
fn exchanges_in_another_order_than_they_were_acknowledged_in_are_reordered() {
    // The deposit was acknowledged at 10, says the journal, after the buy: but the buy was not sent before 1,000.
    let names = found(|run| {
        run.history.commands[0].attempts[0].invoked = 9_000;
        run.history.commands[0].attempts[0].ended = 9_010;
    });
    assert_eq!(names, ["reordered"]);
}

#[test]
fn exchanges_that_overlap_may_come_in_any_order() {
    let names = found(|run| {
        run.history.commands[0].attempts[0].invoked = 1_005;
        run.history.commands[0].attempts[0].ended = 9_010;
    });
    assert_eq!(names, [""; 0]);
}

#[test]
fn an_outcome_that_was_never_learnt_is_unresolved() {
    for last in [Outcome::Unanswered, refused(Meaning::Unknown)] {
        assert_eq!(found(|run| run.history.commands[4].attempts[1].outcome = last), ["unresolved"]);
    }
    let early = found(|run| run.history.commands[4].attempts.swap(0, 1));
    assert_eq!(early, [""; 0], "what counts is when they were sent, and that is told by their times");
    let rejected_before = found(|run| {
        let attempts = &mut run.history.commands[4].attempts;
        let (first, second) = (attempts[0].outcome.clone(), attempts[1].outcome.clone());
        (attempts[0].outcome, attempts[1].outcome) = (second, first);
    });
    assert_eq!(rejected_before, ["unresolved"]);
}

#[test]
fn an_answer_that_changes_is_found() {
    assert_eq!(found(|run| answer_of(&mut run.history.commands[1].attempts[1]).body = [7; 32]), ["answer_changed"]);
}

#[test]
fn two_answers_that_are_no_repetitions_are_two_executions() {
    let names = found(|run| answer_of(&mut run.history.commands[1].attempts[1]).replayed = false);
    assert_eq!(names, ["executed_twice"]);
}

#[test]
fn a_repetition_of_what_was_certainly_not_done_is_found() {
    let names = found(|run| {
        let attempts = &mut run.history.commands[2].attempts;
        attempts[0].outcome = refused(Meaning::NotDone);
    });
    assert_eq!(names, ["repeated_nothing"]);
    // Told that it is not done; then sent again, and only much later than the record was made.
    let names = found(|run| {
        run.history.began_at = AT - 2_050;
        let attempts = &mut run.history.commands[2].attempts;
        attempts[0].outcome = refused(Meaning::NotDone);
        attempts[1].outcome = Outcome::Unanswered;
        (attempts[1].invoked, attempts[1].ended) = (40_000, 40_010);
        (attempts[2].invoked, attempts[2].ended) = (50_000, 50_010);
    });
    assert_eq!(names, ["repeated_nothing"]);
}

#[test]
fn what_is_done_though_it_was_refused_is_found() {
    for refusal in [refused(Meaning::Rejected), refused(Meaning::NotDone)] {
        let names = found(|run| {
            run.history.commands[3].attempts =
                vec![Attempt { outcome: refusal, engine: A, invoked: 3_000, ended: 3_010 }]
        });
        assert_eq!(names, ["done_though_refused", "not_conserved"]);
    }
}

#[test]
fn an_acknowledgement_that_is_taken_back_is_found() {
    assert_eq!(found(|run| run.history.commands[1].attempts[1].outcome = refused(Meaning::Rejected)), ["taken_back"]);
}

#[test]
fn two_keys_with_one_effect_are_found() {
    let names = found(|run| {
        let effect = run.history.commands[1].attempts[0].outcome.clone();
        run.history.commands[6].attempts[0].outcome = effect;
    });
    assert!(names.contains(&"shared") && names.contains(&"lost"), "{names:?}");
}

#[test]
fn an_answer_that_the_journal_does_not_have_so_is_found() {
    let names = found(|run| {
        for attempt in &mut run.history.commands[1].attempts {
            let answer = answer_of(attempt);
            let mut effect = Effect::clone(&answer.effect);
            effect.postings[0].balance_after += 1;
            answer.effect = Arc::new(effect);
        }
    });
    assert_eq!(names, ["recorded_differently"]);
    let request = found(|run| run.history.commands[1].request_digest = [7; 16]);
    assert_eq!(request, ["recorded_differently"]);
}

#[test]
fn an_effect_that_nobody_asked_for_is_found() {
    assert_eq!(found(|run| run.history.commands[1].order = exchange(Side::Buy, 200)), ["wrong_effect"]);
    assert_eq!(found(|run| run.history.commands[1].order = exchange(Side::Sell, 100)), ["wrong_effect"]);
}

#[test]
fn a_zombies_commit_is_found() {
    let taken_over = |run: &mut Run, engine_of_last: EngineId| {
        run.history.reigns = vec![
            Reign { lane: 1, epoch: 1, engine: A, seq_first_seen: 0, seq_last_seen: 5 },
            Reign { lane: 1, epoch: 2, engine: B, seq_first_seen: 6, seq_last_seen: 7 },
        ];
        run.history.commands[3].attempts[2].engine = engine_of_last;
    };
    assert_eq!(found(|run| taken_over(run, B)), [""; 0]);
    assert_eq!(found(|run| taken_over(run, A)), ["zombie_commit"], "A acknowledges 7, which is of B's time");
    let unseen = found(|run| {
        taken_over(run, A);
        run.history.reigns[1].epoch = 3;
        run.history.reigns[1].seq_first_seen = 7;
    });
    assert_eq!(unseen, [""; 0], "epoch 2 passed unseen, and may have been A's");
}

#[test]
fn a_refusal_for_now_that_does_not_say_until_when_is_found() {
    let names = found(|run| {
        let Outcome::Refused { retry_after, .. } = &mut run.history.commands[6].attempts[0].outcome else { panic!() };
        *retry_after = RetryAfter::Missing;
    });
    assert_eq!(names, ["no_retry_after"]);
}

#[test]
fn a_gap_a_broken_chain_and_a_wrong_head_are_found() {
    assert!(found(|run| drop(run.journal.remove(2))).contains(&"gap"));
    assert!(found(|run| run.journal.insert(2, good().journal[1].clone())).contains(&"gap"));
    assert_eq!(found(|run| run.journal[3].body.push(' ')), ["broken_chain"]);
    assert_eq!(found(|run| run.standing.lanes[0].seq = 8), ["wrong_head"]);
    assert_eq!(found(|run| run.standing.lanes[0].hash = [7; 32]), ["wrong_head"]);
    assert_eq!(found(|run| run.standing.lanes.clear()), ["wrong_head"]);
}

#[test]
fn columns_that_say_something_else_than_the_text_are_found() {
    assert_eq!(found(|run| run.journal[0].kind = "account_opened".into()), ["damaged"]);
    let later = found(|run| run.journal[6].at += 1);
    assert_eq!(later, ["damaged"]);
    assert!(found(|run| run.journal[2].at += 1).contains(&"time_went_back"));
    assert!(found(|run| run.journal[5].body = "{".into()).contains(&"damaged"));
}

#[test]
fn a_passbook_that_is_not_the_journals_legs_each_once_is_found() {
    assert_eq!(found(|run| run.passbook.truncate(6)), ["wrong_passbook"]);
    assert_eq!(found(|run| run.passbook.push(good().passbook[0].clone())), ["wrong_passbook"]);
    assert_eq!(found(|run| run.passbook[2].balance_after += 1), ["wrong_passbook"]);
    assert_eq!(found(|run| run.passbook[2].version = 77), ["wrong_passbook"]);
}

#[test]
fn projections_that_did_not_catch_up_are_found() {
    assert_eq!(found(|run| run.standing.lanes[0].projected = Some(6)), ["projection_behind"]);
    assert_eq!(found(|run| run.standing.lanes[0].projected = None), ["projection_behind"]);
}

#[test]
fn postings_of_an_account_that_do_not_follow_each_other_are_found() {
    let names = found(|run| {
        let legs = [posting(USD, Currency::USD, -50, 50, 3), posting(WON, Currency::KRW, 675, 9_324, 3)];
        run.journal[5] = row(6, Some(&run.history.commands[2].clone()), "exchanged", &legs);
        rechain(run);
    });
    assert!(names.contains(&"broken_account"), "{names:?}");
}

#[test]
fn what_the_result_line_counts_is_sorted() {
    let (key, id): (Box<str>, Place) = ("k".into(), CUSTOMER);
    assert_eq!(Violation::Lost { key: key.clone(), id }.sort(), Sort::Lost);
    assert_eq!(Violation::Doubled { key: key.clone(), first: id, second: id }.sort(), Sort::Doubled);
    assert_eq!(Violation::Phantom { id }.sort(), Sort::Doubled);
    assert_eq!(Violation::Unresolved { key }.sort(), Sort::Unresolved);
    assert_eq!(Violation::Torn { id, found: String::new() }.sort(), Sort::Other);
}
