//! The server is away: every answer comes in time and promises nothing, memory stays as it is, and when the server is back
//! everything goes on by itself.

use std::{
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use hwan_client::{Connection, Request, ServerAddr};

use crate::{
    bench::{Bench, resident_megabytes},
    common::{
        drive::{self, Customer, DEADLINE},
        history::{Ended, Recorded},
        load,
    },
};

const CLIENTS: usize = 12;
/// Commands that a client has open at once: while they are refused it asks for them again, as clients do.
const OPEN_MAX: usize = 25;
/// Commands that a client sends in all, so that checking them stays short.
const COMMANDS_MAX: usize = 400;
/// How long the server is away.
const AWAY: Duration = Duration::from_secs(10);
/// The longest that any answer may take: the engine's deadline for a command, and what surrounds it.
const ANSWER_MAX: Duration = Duration::from_secs(7);
/// What an outage may cost, in megabytes.
const GROWTH_MAX: u64 = 96;

/// What one client saw.
struct Seen {
    history: Vec<Recorded>,
    refused: usize,
    /// Attempts without an answer: their outcome was not known for as long as the client waited.
    unanswered: usize,
    /// The longest that a refusal took.
    slowest: Duration,
    /// When commands were acknowledged.
    acknowledged: Vec<Instant>,
}

/// Sends commands, and asks again for those that were refused, until it is told to stop.
async fn hammer(server: ServerAddr, customers: Arc<[Customer]>, stop: Arc<AtomicBool>) -> Seen {
    let mut seen = Seen { history: vec![], refused: 0, unanswered: 0, slowest: Duration::ZERO, acknowledged: vec![] };
    let (mut connection, mut open, mut next) = (None, Vec::new(), 0_usize);
    while !stop.load(Ordering::Relaxed) {
        if open.len() < OPEN_MAX && seen.history.len() + open.len() < COMMANDS_MAX {
            open.push(load::at_market(&customers));
        }
        if open.is_empty() {
            break;
        }
        next = (next + 1) % open.len();
        let begun = Instant::now();
        drive::attempt(&server, &mut connection, &mut open[next]).await;
        let waited = begun.elapsed();
        match open[next].attempts.last() {
            // Under way when the server went: only the server knows whether it was committed.
            Some(Ended::Unanswered { how: ErrorKind::TimedOut, .. }) => {
                seen.unanswered += 1;
                continue;
            }
            Some(Ended::Refused { status, retryable, code }) => {
                assert!(*status == 503 && *retryable, "{status} {code}");
                seen.refused += 1;
                seen.slowest = seen.slowest.max(waited);
                // What matters of a thousand refusals is that they were there.
                if open[next].attempts.len() > 8 {
                    open[next].attempts.remove(1);
                }
                // Slower than the engine could answer, and far faster than Retry-After asks for.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Some(Ended::Acknowledged(_)) => {
                seen.acknowledged.push(Instant::now());
                seen.history.push(open.swap_remove(next));
                // So that the load lasts for as long as the test does.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => panic!("the engine was there all the time: {other:?}"),
        }
    }
    seen.history.extend(open);
    seen
}

/// One command, and the head of its answer.
async fn probe(server: &ServerAddr, customers: &[Customer]) -> (u16, Option<u32>, Duration) {
    let command = load::at_market(customers);
    let prepared = Request::post(command.path, command.request).with_key(&command.key).prepare(server).unwrap();
    let mut connection = Connection::open(server, DEADLINE).await.unwrap();
    let begun = Instant::now();
    let reply = connection.call(&prepared, DEADLINE).await.unwrap();
    (reply.status, reply.retry_after_s, begun.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_away_clients_are_told_to_come_back_memory_stays_and_then_it_goes_on_by_itself() {
    let mut bench = Bench::open(8, 5_000).await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(hammer(bench.engine.server.clone(), bench.customers.clone(), stop.clone())))
        .collect();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let (pid, before) = (bench.engine.pid(), resident_megabytes(bench.engine.pid()));
    bench.server.instance.kill().unwrap();
    let (down, mut most) = (Instant::now(), before);
    let mut probes = 0;
    while down.elapsed() < AWAY {
        tokio::time::sleep(Duration::from_millis(500)).await;
        most = most.max(resident_megabytes(pid));
        let (status, retry_after, waited) = probe(&bench.engine.server, &bench.customers).await;
        assert_eq!(status, 503, "after {:?}", down.elapsed());
        assert!(retry_after.is_some_and(|seconds| (1..=30).contains(&seconds)), "Retry-After: {retry_after:?}");
        assert!(waited < ANSWER_MAX, "an answer took {waited:?}");
        probes += 1;
    }
    assert!(probes > 1);
    assert!(bench.engine.client.ready().await.is_err(), "it says that it is ready while it takes nothing");
    bench.server.instance.restart().unwrap();
    let back = Instant::now();
    tokio::time::sleep(Duration::from_secs(5)).await;
    stop.store(true, Ordering::Relaxed);
    let (mut sent, mut acknowledged) = (vec![], vec![]);
    let (mut refused, mut unanswered, mut slowest) = (0, 0, Duration::ZERO);
    for client in clients {
        let seen = client.await.unwrap();
        sent.extend(seen.history);
        refused += seen.refused;
        unanswered += seen.unanswered;
        slowest = slowest.max(seen.slowest);
        acknowledged.extend(seen.acknowledged);
    }
    let first = acknowledged.iter().filter(|at| **at > back).min().expect("it works again");
    let early = acknowledged.iter().filter(|at| **at < down).count();
    let late = acknowledged.len() - early;
    eprintln!(
        "{early} acknowledged before, {late} after, {refused} refused, {unanswered} unanswered, slowest {slowest:?}, memory {before} to {most} MB, \
         first acknowledged {:?} after the server was back",
        *first - back
    );
    assert!(early > 50 && late > 50 && refused > 100, "no load");
    assert!(unanswered <= CLIENTS, "{unanswered} commands without an answer: more than were under way");
    assert!(slowest < ANSWER_MAX, "an answer took {slowest:?}");
    assert!(most <= before + GROWTH_MAX, "memory grew from {before} to {most} MB");
    assert!(*first - back < Duration::from_secs(4), "{:?} until it worked again", *first - back);
    bench.accept(sent, "after the outage").await;
    bench.verify();
}
