//! A place where hwan is at work: mysqld, up to two engines, a proxy before each, clients, and somebody who notes whose
//! the lanes are.
//!
//! Everything lies in one folder and listens on loopback at ports that it chose. Whatever is started here is killed when
//! it is dropped.

mod engine;
mod mysqld;
mod reader;
mod watcher;
mod whole;

pub use engine::{Engine, EngineFiles};
pub(crate) use mysqld::DATABASE;
pub use mysqld::{Direct, Mysqld};
pub use reader::read_into;
pub use watcher::Watcher;
pub(crate) use whole::CALLER;
pub use whole::{Judgement, LEASE, Site, SitePlan, Which};
