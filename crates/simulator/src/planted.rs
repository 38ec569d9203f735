//! The checker checked: honest sequences into which a lie is planted, each of which has to be found.

use std::sync::Arc;

use hwan::{
    actors::command::{Delivery, NotDone, Reach, Refusal},
    storage::{
        codec,
        port::{ChainHash, JournalRow},
    },
};
use hwan_domain::{
    account::AccountKind,
    check::{Check, Fact},
    id::{Position, Seq},
    money::Money,
    record::{Event, Landing, Record},
    rejection::{Code, Rejection},
    time::Timestamp,
};

use crate::{
    check,
    counts::Counts,
    history::{Answer, History},
    in_still_time,
    sequence::{Played, played},
};

/// Plants a lie, where there is a place for it.
type Plant = fn(&mut History, &mut Vec<Vec<JournalRow>>) -> Option<()>;

/// Plays honest sequences until a lie could be planted in some, and expects every one to be found, with these words.
fn is_found(words: &str, plant: Plant) {
    let mut planted = 0;
    in_still_time(async {
        for seed in 500.. {
            let Played { outcome, mut history, mut rows, .. } = played(seed).await;
            outcome.unwrap();
            check::journal_and_answers(&history, &rows, &mut Counts::default()).unwrap();
            if plant(&mut history, &mut rows).is_none() {
                assert!(seed < 1_500, "nowhere to plant it");
                continue;
            }
            let found = check::journal_and_answers(&history, &rows, &mut Counts::default());
            let wrong = found.expect_err("a lie was planted and not found");
            assert!(wrong.contains(words), "seed {seed}: found as something else: {wrong}");
            planted += 1;
            if planted == 5 {
                break;
            }
        }
    });
}

/// Gives every record of a lane its place, its text and its hash again.
fn rechain(rows: &mut [JournalRow]) {
    let mut hash = ChainHash::GENESIS;
    for (number, row) in (1..).zip(rows) {
        let lane = row.record.position.lane();
        let record = Record { position: Position::new(lane, Seq::new(number).unwrap()), ..(*row.record).clone() };
        let body = codec::encode(&record);
        hash = codec::chain(hash, &body);
        *row = JournalRow { record: Arc::new(record), body: body.into(), hash };
    }
}

/// Changes the last record that fits, and all that follows from its text.
fn change_last(
    rows: &mut [Vec<JournalRow>],
    fits: fn(&Event) -> bool,
    change: fn(&mut Record) -> Option<()>,
) -> Option<()> {
    let lane = &mut rows[1];
    let row = lane.iter_mut().rfind(|row| fits(&row.record.event))?;
    let mut record = (*row.record).clone();
    change(&mut record)?;
    row.record = Arc::new(record);
    rechain(lane);
    Some(())
}

fn executed_first(history: &History) -> Option<usize> {
    history.attempts.iter().rposition(|attempt| {
        attempt
            .executed()
            .is_some_and(|done| done.delivery == Delivery::First && done.record.position.lane().number() == 1)
    })
}

#[test]
fn a_lost_record_is_found() {
    is_found("is not in the journal", |history, rows| {
        let last = rows[1].last()?.record.position;
        let answered = history.attempts.iter().filter_map(|attempt| attempt.executed());
        answered.filter(|done| done.record.position == last).count().checked_sub(1)?;
        rows[1].pop().map(drop)
    });
}

#[test]
fn a_record_done_twice_is_found() {
    is_found("done twice", |_, rows| {
        let mut again = rows[1].iter().rfind(|row| matches!(row.record.event, Event::CustomerOpened { .. }))?.clone();
        let mut record = (*again.record).clone();
        let last = &rows[1].last()?.record;
        (record.at, record.business_date) = (last.at, last.business_date);
        record.origin.key = record.origin.key.filter(|_| false);
        again.record = Arc::new(record);
        (again.record.origin.caller.starts_with("founder")).then_some(())?;
        rows[1].push(again);
        rechain(&mut rows[1]);
        Some(())
    });
}

#[test]
fn a_key_used_twice_is_found() {
    is_found("done twice", |_, rows| {
        let again = rows[1].iter().rfind(|row| row.record.origin.key.is_some())?.clone();
        let last = rows[1].last()?.record.clone();
        let record = Record { at: last.at, business_date: last.business_date, ..(*again.record).clone() };
        rows[1].push(JournalRow { record: Arc::new(record), ..again });
        rechain(&mut rows[1]);
        Some(())
    });
}

#[test]
fn records_out_of_order_are_found() {
    is_found("a gap", |_, rows| {
        let last = rows[1].len().checked_sub(2)?;
        rows[1].swap(last, last + 1);
        Some(())
    });
}

#[test]
fn a_journal_cut_in_the_middle_is_found() {
    is_found("a gap", |_, rows| {
        let middle = rows[1].len() / 2;
        rows[1].remove(middle);
        Some(())
    });
}

#[test]
fn a_changed_text_is_found() {
    is_found("its text is not that of the record", |_, rows| {
        let row = rows[1].last_mut()?;
        row.body = row.body.replace("caller", "Caller").into();
        Some(())
    });
}

#[test]
fn time_that_goes_back_is_found() {
    is_found("time goes back", |_, rows| {
        change_last(
            rows,
            |_| true,
            |record| {
                record.at = Timestamp::from_micros(0);
                Some(())
            },
        )
    });
}

#[test]
fn two_orders_in_one_account_are_found() {
    is_found("is due", |_, rows| {
        // Two postings of one account change places, each with the version and balance that it had.
        let lane = &mut rows[1];
        let account = |row: &JournalRow| match &row.record.event {
            Event::Deposited { credit } => Some(credit.account),
            _ => None,
        };
        let last = (1..lane.len()).rev().find(|index| account(&lane[*index]).is_some())?;
        let before = (1..last).rev().find(|index| account(&lane[*index]) == account(&lane[last]))?;
        let (one, other) = (lane[before].record.clone(), lane[last].record.clone());
        let event = |to: &Record, from: &Record| {
            let (event, origin) = (from.event.clone(), from.origin.clone());
            Arc::new(Record { event, origin, ..to.clone() })
        };
        lane[before].record = event(&one, &other);
        lane[last].record = event(&other, &one);
        rechain(lane);
        Some(())
    });
}

#[test]
fn a_torn_exchange_is_found() {
    is_found("is not what operation", |_, rows| {
        let exchanged = |event: &Event| matches!(event, Event::Exchanged { quote: None, .. });
        change_last(rows, exchanged, |record| {
            if let Event::Exchanged { debit, .. } = &record.event {
                record.event = Event::Withdrawn { debit: *debit, limited_won: None };
            }
            Some(())
        })
    });
}

#[test]
fn a_won_of_rounding_is_found() {
    is_found("won at", |history, rows| {
        let exchanged = |event: &Event| matches!(event, Event::Exchanged { quote: Some(_), .. });
        history.ops.len().checked_sub(1)?;
        change_last(rows, exchanged, |record| {
            if let Event::Exchanged { debit, credit, .. } = &mut record.event {
                let leg = if debit.amount.currency().is_home() { debit } else { credit };
                leg.amount = Money::won(leg.amount.minor() + 1).unwrap();
                leg.balance_after = Money::won(leg.balance_after.minor() + 1).unwrap();
            }
            Some(())
        })
    });
}

#[test]
fn limit_counters_off_by_a_won_are_found() {
    is_found("counters", |_, rows| {
        let charged = |event: &Event| matches!(event, Event::Exchanged { limits: Some(_), .. });
        change_last(rows, charged, |record| {
            if let Event::Exchanged { limits: Some(limits), .. } = &mut record.event {
                limits.day_won += 1;
            }
            Some(())
        })
    });
}

#[test]
fn a_debit_despite_a_fact_in_force_is_found() {
    is_found("should have been rejected", |history, rows| {
        // A fact is slipped in before the last withdrawal.
        let lane = &mut rows[1];
        let debit = lane.iter().rposition(|row| matches!(row.record.event, Event::Withdrawn { .. }))?;
        let Event::Withdrawn { debit: leg, .. } = &lane[debit].record.event else { return None };
        let (account, customer) = (leg.account, leg.customer);
        let fact =
            Fact { check: Check::Pledged, effective_from: Timestamp::from_micros(0), effective_to: None, amount: None };
        let stated = lane.iter().rposition(|row| {
            matches!(row.record.event, Event::AccountFactStated { .. }) && row.record.origin.key.is_some()
        })?;
        (stated < debit).then_some(())?;
        let mut record = (*lane[stated].record).clone();
        let request = record.origin.key.as_ref()?.request;
        let op = history.ops.iter_mut().find(|op| op.request == request)?;
        op.act = crate::history::Act::Command(hwan::actors::command::Command::StateAccountFact {
            account,
            fact,
            expected: None,
        });
        record.event = Event::AccountFactStated { account, customer, fact };
        lane[stated].record = Arc::new(record);
        rechain(lane);
        Some(())
    });
}

#[test]
fn a_second_account_of_a_kind_is_found() {
    is_found("a second account of a kind", |history, rows| {
        for row in &mut rows[1] {
            let mut record = (*row.record).clone();
            if let Event::AccountOpened { kind, .. } = &mut record.event {
                *kind = AccountKind::Won;
            }
            row.record = Arc::new(record);
        }
        rechain(&mut rows[1]);
        // Whoever opened it, opened that.
        for op in &mut history.ops {
            if let crate::history::Act::Command(hwan::actors::command::Command::OpenAccount { kind, .. }) = &mut op.act
            {
                *kind = AccountKind::Won;
            }
        }
        Some(())
    });
}

#[test]
fn a_rejection_without_reason_is_found() {
    is_found("fits no state", |history, _| {
        let attempt = history.attempts.iter_mut().rfind(|attempt| {
            !attempt.stale && matches!(&attempt.ended, Some((_, Answer::Refused(Refusal::Rejected(_)))))
        })?;
        let rejection = Rejection::one(Code::ExchangeNotFound, "planted");
        attempt.ended.as_mut()?.1 = Answer::Refused(Refusal::Rejected(rejection));
        Some(())
    });
}

#[test]
fn not_done_although_it_was_is_found() {
    is_found("although every attempt was told", |history, _| {
        let attempt = executed_first(history)?;
        let op = history.attempts[attempt].op;
        let alone = history.attempts.iter().filter(|other| other.op == op && other.is_open()).count() == 0;
        alone.then_some(())?;
        history.attempts[attempt].ended.as_mut()?.1 = Answer::Refused(Refusal::NotDone(NotDone::CommitFailed));
        Some(())
    });
}

#[test]
fn a_replay_that_calls_itself_first_is_found() {
    is_found("first", |history, _| {
        let attempt = history.attempts.iter().rposition(|attempt| {
            attempt.executed().is_some_and(|done| {
                let place = done.record.position;
                let before = attempt.begun.heads[usize::from(place.lane().number())];
                done.delivery == Delivery::Replayed && place.seq().number() <= before
            })
        })?;
        if let Some((_, Answer::Executed(executed))) = &mut history.attempts[attempt].ended {
            executed.delivery = Delivery::First;
        }
        Some(())
    });
}

#[test]
fn an_answer_before_it_is_durable_is_found() {
    is_found("before", |history, _| {
        let attempt = executed_first(history)?;
        let moment = &mut history.attempts[attempt].ended.as_mut()?.0;
        moment.heads[1] = 0;
        Some(())
    });
}

#[test]
fn a_read_of_what_never_was_is_found() {
    is_found("fits no state", |history, _| {
        let attempt = history.attempts.iter_mut().rfind(|attempt| {
            let seen =
                matches!(&attempt.ended, Some((_, Answer::Account(Some(view)))) if !view.state.balances.is_empty());
            seen && !attempt.stale
        })?;
        if let Some((_, Answer::Account(Some(view)))) = &mut attempt.ended {
            let balance = &mut view.state.balances[0];
            balance.amount = Money::from_minor(balance.amount.minor() + 1, balance.amount.currency()).unwrap();
        }
        Some(())
    });
}

#[test]
fn a_limit_that_a_reversal_did_not_give_back_is_found() {
    is_found("counters", |_, rows| {
        let given_back = |event: &Event| matches!(event, Event::Reversed { limits: Some(_), .. });
        change_last(rows, given_back, |record| {
            if let Event::Reversed { limits, .. } = &mut record.event {
                *limits = None;
            }
            Some(())
        })
    });
}

#[test]
fn money_in_suspense_although_its_account_is_open_is_found() {
    is_found("suspense although the account is open", |_, rows| {
        let on_account = |event: &Event| matches!(event, Event::Reversed { landing: Landing::Account(_), .. });
        change_last(rows, on_account, |record| {
            if let Event::Reversed { landing, .. } = &mut record.event {
                *landing = Landing::Suspense(landing.amount());
            }
            Some(())
        })
    });
}

#[test]
fn what_a_confined_caller_did_to_another_channel_s_customer_is_found() {
    is_found("does not reach the customer", |history, _| {
        let attempt = history.attempts.iter().rfind(|attempt| {
            let deposited =
                |done: &hwan::actors::command::Executed| matches!(done.record.event, Event::Deposited { .. });
            attempt.executed().is_some_and(deposited) && history.ops[attempt.op].caller.starts_with("alone")
        })?;
        history.ops[attempt.op].reach = Reach::OwnCustomers;
        Some(())
    });
}

#[test]
fn a_word_too_many_to_a_confined_caller_is_found() {
    is_found("fits no state", |history, _| {
        let ops = &history.ops;
        let attempt = history.attempts.iter_mut().rfind(|attempt| {
            let absent = |rejection: &Rejection| rejection.code() == Code::AccountNotFound;
            let told = matches!(&attempt.ended, Some((_, Answer::Refused(Refusal::Rejected(r)))) if absent(r));
            told && !attempt.stale && ops[attempt.op].reach == Reach::OwnCustomers && ops[attempt.op].key.is_none()
        })?;
        let rejection = Rejection::one(Code::AccountNotFound, "an account of another customer");
        attempt.ended.as_mut()?.1 = Answer::Refused(Refusal::Rejected(rejection));
        Some(())
    });
}
