//! The watch's hand on the engine of this process: what a policy does, it does by commands like anybody's, in the watch's name.

use std::sync::Arc;

use async_trait::async_trait;
use hwan_domain::{
    check::{Check, Fact},
    currency::Currency,
    id::AccountId,
    record::RequestDigest,
};

use crate::{
    actors::{
        command::{Caller, Command, Viewer},
        engine::Engine,
    },
    watch::hand::Hand,
};

/// As whom the watch acts.
const NAME: &str = "watch";

/// Acts on an engine.
#[derive(Debug)]
pub(crate) struct EngineHand(pub(crate) Engine);

fn caller() -> Caller {
    Caller { who: Viewer::of_all(Arc::from(NAME)), key: None, request: RequestDigest([0; 16]) }
}

#[async_trait]
impl Hand for EngineHand {
    async fn halt_pair(&self, currency: Currency, reason: &str) -> Result<(), String> {
        if self.0.board().pair(currency).is_some_and(|pair| pair.halt.is_some()) {
            return Ok(());
        }
        self.0.halt(caller(), currency, reason).await.map(|_| ()).map_err(|refusal| refusal.to_string())
    }

    async fn freeze_account(&self, account: AccountId, _reason: &str) -> Result<(), String> {
        let (now, _) = self.0.now();
        let fact = Fact { check: Check::PaymentStopped, effective_from: now, effective_to: None, amount: None };
        let command = Command::StateAccountFact { account, fact, expected: None };
        self.0.execute(caller(), command).await.map(|_| ()).map_err(|refusal| refusal.to_string())
    }
}
