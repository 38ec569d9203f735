//! Real servers for tests and measurements: MySQL, MariaDB and Redis, fetched from the Debian mirror that this machine's
//! apt already uses, and Kafka by Maven; unpacked inside the project and run from there, as root or not.
//!
//! An [`Installation`] fetches and unpacks; what comes of it, [`Installed`], makes and starts servers, each in a folder
//! of its own; an [`Instance`] is a server at work, which can be killed, stopped, started again, held and let go.
//!
//! Promises: nothing of the system is changed (no package is installed, no lock of apt or dpkg is taken); a download or
//! an unpacking that was interrupted is never half used; servers listen on loopback only; a process that is not ours is
//! never signalled, even if it has the number of one that was; a server goes with the process that started it, however that
//! ends, unless it is let go. Bounds: Linux, and a machine whose apt uses a Debian
//! mirror; for Kafka Java and Maven. Standard library only, blocking. Called by xtask and by the crates that test hwan against servers; it knows
//! nothing of hwan.

mod apt;
mod bounded;
mod error;
mod installation;
mod installed;
mod instance;
mod kafka;
mod leash;
mod mariadb;
mod mysql;
mod options;
mod os_process;
mod port;
mod product;
mod redis;
mod sources;
mod state;
mod unpack;

pub use error::{Error, Result};
pub use installation::Installation;
pub use installed::Installed;
pub use instance::Instance;
pub use leash::Leash;
pub use options::{Options, Profile};
pub use os_process::{OsProcess, Signal};
pub use port::free_port;
pub use product::Product;
pub use state::State;
