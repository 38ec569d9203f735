//! How accounts ended a day, while the projections have not followed what came since.

use hwan::storage::{
    conformance::fixture::{Scribe, money, records},
    port::LedgerStore,
    sealing::port::DayBalances as _,
};
use hwan_domain::{
    id::{LaneId, Seq},
    money::Money,
};

use super::database::{Database, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_projections_have_not_reached_is_taken_back_from_what_is_held() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        let store = database.mysql();
        let lane = LaneId::FIRST;
        let mut scribe = Scribe::taken(lane, &store.take_lane(lane).await.unwrap());
        let (quiet, busy) = (scribe.open_family(), scribe.open_family());
        let monday = scribe.clock().1;
        scribe.deposit(quiet.won, money("700", "KRW"));
        scribe.deposit(busy.won, money("900", "KRW"));
        let first = scribe.batch();
        store.commit(&first).await.unwrap();
        store.project(lane, Seq::ZERO, &records(&first)).await.unwrap();
        let end = first.head().unwrap().0;

        let tuesday = scribe.roll_date();
        scribe.deposit(busy.won, money("50", "KRW"));
        scribe.deposit(busy.won, money("3", "KRW"));
        scribe.deposit(busy.foreign, money("1.00", "USD"));
        let second = scribe.batch();
        store.commit(&second).await.unwrap();
        let ends = async |date| {
            let page = store.day_balances(lane, date, None, 10).await.unwrap();
            assert_eq!(page.next, None);
            let zero = |amount: &Money| amount.is_zero();
            let held = page.balances.into_iter().filter(|of| !zero(&of.opening) || !zero(&of.closing));
            held.map(|of| (of.account, of.opening.minor(), of.closing.minor())).collect::<Vec<_>>()
        };
        let expected = [(quiet.won, 0, 700), (busy.won, 0, 900)];
        assert_eq!(ends(monday).await, expected, "{server:?}: nothing of Tuesday is projected");
        store.project(lane, end, &records(&second)).await.unwrap();
        assert_eq!(ends(monday).await, expected, "{server:?}: all of it is");
        let expected = [(quiet.won, 700, 700), (busy.won, 900, 953), (busy.foreign, 0, 100)];
        assert_eq!(ends(tuesday).await, expected, "{server:?}");
    }
}
