//! The servers of one test run: small, empty, on free ports, and gone when the run is.
//!
//! A server that is given, or that `up` has brought up, is used and left alone. The others are the run's own, in folders
//! that bear its process number. A guard, a process of its own that a Ctrl-C in the terminal does not reach, waits for
//! the run to end, and clears those folders: after a run that ended in order there is nothing left for it to do.

use std::{
    io::Read,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use hwan_services::{Instance, Options, Product};

use super::{
    bring::{given, native},
    docker::{self, Engine},
    heartbeat, in_parallel,
    place::{Place, Tenant},
    urls::variable,
};

/// What a test run may use. Dropping it takes along what was started for it.
pub(crate) struct ForTests {
    /// The variables that tests read, with their values.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// What could not be brought up, a line each.
    pub(crate) missing: Vec<String>,
    place: Place,
    tenant: Tenant,
    servers: Vec<Instance>,
    in_docker: Vec<(Engine, Product)>,
    guard: Option<Child>,
}

enum Ready {
    /// Somebody else's: it is left alone.
    Theirs(String),
    Docker(Engine),
    Native(Box<Instance>),
}

impl ForTests {
    /// Brings up every product, at the same time. What fails is named in `missing`.
    pub(crate) fn bring_up() -> Self {
        let (place, tenant) = (Place::of_project(), Tenant::Test(std::process::id()));
        println!("==> servers: {}", Product::ALL.map(Product::name).join(", "));
        let guard = start_guard();
        let mut all = Self {
            variables: vec![],
            missing: vec![],
            place: place.clone(),
            tenant,
            servers: vec![],
            in_docker: vec![],
            guard: None,
        };
        match guard {
            Ok(guard) => all.guard = Some(guard),
            Err(error) => println!("what a broken run leaves behind will not be cleared at once: {error}"),
        }
        let engine = docker::engine();
        let outcomes = in_parallel(&Product::ALL, |product| bring(&place, *product, tenant, engine.as_ref()));
        for (product, outcome) in Product::ALL.into_iter().zip(outcomes) {
            let url = match outcome {
                Err(reason) => {
                    all.missing.push(format!("{product} could not be brought up: {reason}"));
                    continue;
                }
                Ok(Ready::Theirs(url)) => url,
                Ok(Ready::Docker(engine)) => {
                    all.in_docker.push((engine, product));
                    docker::url(product)
                }
                Ok(Ready::Native(server)) => {
                    let url = server.url("hwan");
                    println!("{product:<8} {url}  process {}", server.pid());
                    all.servers.push(*server);
                    url
                }
            };
            all.variables.push((variable(product), url));
        }
        all
    }
}

impl Drop for ForTests {
    fn drop(&mut self) {
        self.servers.clear(); // killed: their data are thrown away
        for product in Product::ALL {
            if let Err(reason) = self.place.clear(product, self.tenant) {
                println!("{product}: {reason}");
            }
        }
        for (engine, product) in &self.in_docker {
            if let Err(reason) = engine.remove(*product) {
                println!("{product}: {reason}");
            }
        }
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take()); // the sign that it waits for
            let _ = guard.wait(); // it says itself what it could not do
        }
    }
}

/// Waits until the run that holds the other end of the input is gone, and clears what it left behind.
pub(crate) fn guard(place: &Place, tenant: Tenant) -> Result<(), String> {
    let _ = std::io::stdin().read_to_end(&mut Vec::new()); // nothing is ever written: it ends with the run
    Product::ALL.into_iter().try_for_each(|product| place.clear(product, tenant))
}

fn start_guard() -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["services", "guard", &std::process::id().to_string()])
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
}

fn bring(place: &Place, product: Product, tenant: Tenant, engine: Option<&Engine>) -> Result<Ready, String> {
    for orphan in place.orphans(product) {
        place.clear(product, orphan)?;
    }
    if let Some(url) = given(product) {
        println!("{product:<8} given by {}", variable(product));
        return Ok(Ready::Theirs(url));
    }
    if let Some(brought) = native(place, product) {
        println!("{brought}");
        return Ok(Ready::Theirs(brought.url));
    }
    if let Some(engine) = engine {
        if engine.runs(product) {
            return Ok(Ready::Theirs(docker::url(product)));
        }
        heartbeat::during(&format!("bringing up {product} in Docker"), || engine.start(product))?;
        return Ok(Ready::Docker(engine.clone()));
    }
    let installed = place.install(product)?;
    let home = place.home(product, tenant);
    let started = heartbeat::during(&format!("starting {product}"), || installed.start(&home, Options::default()));
    started.map(Box::new).map(Ready::Native).map_err(|error| error.to_string())
}
