//! SIGTERM under load: what was accepted is answered, the engine ends with 0, and a restart finds everything.
//!
//! What a client can see of "accepted": an answer that is cut off, or a connection that stays silent until it is closed
//! late, is a request that was read and left. A connection that ends soon and without a byte may have crossed the
//! request on its way (HTTP/1.1 has no other way to close an idle one), and that request must have had no effect: its
//! retry after the restart must not turn out to be a replay.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{io::ErrorKind, sync::Arc, time::Duration};

use common::{
    drive::{self, AfterEnd, Customer},
    engine_process::EngineProcess,
    history::{Ended, Observed, Recorded, judge},
};

const ROUNDS: usize = 3;
const CUSTOMERS: usize = 16;
const CLIENTS: usize = 16;
/// More than a client can send before the engine has drained.
const REQUESTS_MAX: usize = 100_000;
/// How soon after sending an end may still have crossed the request: a busy worker looks at it that late.
const CROSSING: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_termination_under_load_answers_what_was_accepted_and_ends_with_0() {
    let data = tempfile::tempdir().unwrap();
    let mut engine = EngineProcess::start(data.path()).await;
    let mut observed = Observed::default();
    let (customers, mut history) =
        drive::open_customers(&engine.server, &engine.client, CUSTOMERS, &mut observed).await;
    let customers: Arc<[Customer]> = customers.into();
    for round in 1..=ROUNDS {
        let server = engine.server.clone();
        let load = tokio::spawn({
            let customers = customers.clone();
            async move { drive::drive(&server, &customers, CLIENTS, REQUESTS_MAX, AfterEnd::ConnectAgain).await }
        });
        tokio::time::sleep(Duration::from_millis(400)).await;
        engine.terminate();
        let status = engine.ended(Duration::from_secs(30)).await;
        assert_eq!(status.code(), Some(0), "round {round}:\n{}", engine.output());
        let sent = tokio::time::timeout(Duration::from_secs(30), load).await.expect("clients end").unwrap();
        let executed = sent.iter().filter(|command| command.acknowledgements().next().is_some()).count();
        assert!(executed > CLIENTS, "round {round}: only {executed} exchanges were executed: no load");
        assert_drained(&sent, round);

        engine = EngineProcess::start(data.path()).await;
        let resolved = drive::retry_all(&engine.server, sent).await;
        assert_nothing_was_done_in_silence(&resolved, round);
        history.extend(resolved);
        observed.read_back.clear();
        drive::read_back(&engine.client, &history, &mut observed).await;
        drive::read_accounts(&engine.client, &customers, &mut observed).await;
        let faults = judge(&history, &observed);
        assert!(faults.is_empty(), "round {round}: {faults:?}");
    }
}

/// Every request was answered: executed, refused with a clean 503, or never read.
fn assert_drained(sent: &[Recorded], round: usize) {
    let mut crossed = 0;
    for (command, how, waited) in drive::unanswered(sent) {
        let ended_unread = matches!(how, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
        assert!(
            ended_unread && waited < CROSSING,
            "round {round}: {} was read and left: {how}, {waited:?}",
            command.key
        );
        crossed += 1;
    }
    // Each client's connection ends once, and once more if the next one was still in the listener's queue.
    assert!(crossed <= 2 * CLIENTS, "round {round}: {crossed} requests were left without an answer");
    for command in sent {
        for ended in &command.attempts {
            if let Ended::Refused { status, code, retryable } = ended {
                let drained = *status == 503 && *retryable;
                let business = *status == 422; // a customer who has run out of money
                assert!(drained || business, "round {round}: {} was refused with {status} {code}", command.key);
            }
        }
    }
}

/// A request that was left without an answer, or refused with 503 by the drain, had no effect: its retry is not a
/// replay.
fn assert_nothing_was_done_in_silence(resolved: &[Recorded], round: usize) {
    for command in resolved {
        let Some(first) = command.acknowledgements().next() else { continue };
        assert!(
            !first.replayed,
            "round {round}: {} took effect without an answer: {:?}",
            command.key, command.attempts
        );
    }
}
