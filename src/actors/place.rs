//! Where work beside the lane's actors runs: on a thread of its own, or, in simulation, on the caller's.

use actix::ArbiterHandle;
use tokio::sync::oneshot;

/// A thread to run futures on.
#[derive(Clone, Debug)]
pub enum Place {
    /// An arbiter's.
    On(ArbiterHandle),
    /// The caller's own.
    Here,
}

/// Ends what it belongs to when it is dropped.
#[derive(Debug)]
pub struct Leash {
    _held: oneshot::Sender<()>,
}

impl Place {
    /// Runs a future there until its end, or until the leash is dropped.
    pub fn keep(&self, work: impl Future<Output = ()> + Send + 'static) -> Leash {
        let (held, let_go) = oneshot::channel::<()>();
        let leashed = async move {
            tokio::select! {
                biased;
                _ = let_go => {}
                () = work => {}
            }
        };
        match self {
            Place::On(arbiter) => drop(arbiter.spawn(leashed)),
            Place::Here => drop(actix::spawn(leashed)),
        }
        Leash { _held: held }
    }

    /// Runs a future there and brings its value back; `None` if its thread has ended or it panicked.
    pub async fn run<T: Send + 'static>(self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        match self {
            Place::Here => Some(work.await),
            Place::On(arbiter) => {
                let (sender, value) = oneshot::channel();
                arbiter.spawn(async move {
                    let _nobody_waits = sender.send(work.await);
                });
                value.await.ok()
            }
        }
    }
}
