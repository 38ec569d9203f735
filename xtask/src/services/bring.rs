//! Bringing one server up, from the first of the places that has it.

use std::fmt;

use hwan_services::{Options, Product, Profile};

use super::{
    arguments::Wanted,
    docker::{self, Engine},
    heartbeat,
    place::{Place, Tenant},
    urls::variable,
};

/// Where a server came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Given,
    Docker,
    Native { pid: u32 },
}

/// A server that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Brought {
    pub(crate) product: Product,
    pub(crate) url: String,
    pub(crate) source: Source,
}

impl fmt::Display for Brought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.product.name();
        match self.source {
            // Its URL may hold a password.
            Source::Given => write!(f, "{name:<8} given by {}", variable(self.product)),
            Source::Docker => write!(f, "{name:<8} {}  in Docker", self.url),
            Source::Native { pid } => write!(f, "{name:<8} {}  process {pid}", self.url),
        }
    }
}

/// The URL that was given for a product, if one was.
#[expect(
    clippy::disallowed_methods,
    reason = "a chore outside the engine: servers of one's own are said by the environment"
)]
pub(crate) fn given(product: Product) -> Option<String> {
    std::env::var(variable(product)).ok().filter(|url| !url.is_empty())
}

/// The server of the project's own that `up` started, if it runs.
pub(crate) fn native(place: &Place, product: Product) -> Option<Brought> {
    let state = place.running(product, Tenant::Up).ok()??;
    Some(Brought { product, url: state.url("hwan"), source: Source::Native { pid: state.process.pid() } })
}

/// Brings a server up to stay.
pub(crate) fn up(place: &Place, wanted: &Wanted, profile: Profile, engine: Option<&Engine>) -> Result<Brought, String> {
    let product = wanted.product;
    if let Some(url) = given(product) {
        return Ok(Brought { product, url, source: Source::Given });
    }
    if let Some(brought) = native(place, product) {
        return Ok(brought);
    }
    if let Some(engine) = engine {
        heartbeat::during(&format!("bringing up {product} in Docker"), || engine.start(product))?;
        return Ok(Brought { product, url: docker::url(product), source: Source::Docker });
    }
    let installed = place.install(product)?;
    let options = Options { port: wanted.port, profile, ..Options::default() };
    let home = place.home(product, Tenant::Up);
    let server = heartbeat::during(&format!("starting {product}"), || installed.start(&home, options))
        .map_err(|error| error.to_string())?;
    let brought = Brought { product, url: server.url("hwan"), source: Source::Native { pid: server.pid() } };
    server.let_go();
    Ok(brought)
}
