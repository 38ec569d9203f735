//! A producer that fails for good is replaced, and the lane goes on behind the last delivered record. The errors come from the
//! client library's own mock of a cluster: a real broker does not make them on demand.

use std::time::Duration;

use rdkafka::{
    mocking::MockCluster,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};

use super::{
    bank::{Bank, on_a_system},
    broker, seen,
};

const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_producer_that_fails_for_good_is_replaced_and_nothing_is_left_out() {
    on_a_system(async {
        let cluster = MockCluster::new(1).unwrap();
        let kafka = broker::options_at(&cluster.bootstrap_servers(), 2);
        cluster.create_topic(&kafka.topic, 2, 1).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let bank = Bank::open(dir.path(), &kafka).await;
        let accounts = bank.accounts(4).await;
        bank.deposit(&accounts, 300).await;
        bank.published(SOON).await;
        for error in [
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
        ] {
            cluster.request_errors(RDKafkaApiKey::Produce, &[error; 3]);
            bank.deposit(&accounts, 300).await;
            bank.published(SOON).await;
        }
        let repeats = seen::all_is_the_journal(bank.store.as_ref(), &kafka).await;
        println!("{repeats} repeats");
        bank.close().await;
    });
}
