//! `cargo xtask services`: real servers for tests and measurements, brought up, looked at, stopped and thrown away.
//!
//! | where a server comes from | when |
//! |---|---|
//! | given | its URL is in the environment: it is used as it is, and never stopped |
//! | Docker | an engine answers: `compose.yaml` |
//! | native | else: fetched into `target/services` and run there |
//!
//! What was brought up by `up` stays until `down`. What a test run brings up is its own, and goes with it, however the
//! run ends. Called by [`crate::main`] and by the test run.

mod arguments;
mod bring;
mod docker;
mod for_tests;
mod heartbeat;
mod place;
mod urls;

use std::{fs, thread};

use hwan_services::Product;

pub(crate) use for_tests::ForTests;

use arguments::{Arguments, Command};
use bring::{Brought, Source, given, native};
use place::{Place, Tenant};

/// What `cargo xtask services --help` says.
const HELP: &str = "\
Real servers for tests and measurements, without root and without Docker

Usage: cargo xtask services <COMMAND> [OPTIONS] [mysql|mariadb|redis|kafka]...

Commands:
  up      Brings up the named servers, or all, and prints their URLs; also into
          target/services/env, as KEY=value lines. `mysql=13306` asks for a port.
  down    Stops them; what they hold stays.
  status  Says what runs where. Exits 1 if a named server (or one of all) does not run.
  reset   Stops them and removes what they hold; what was downloaded stays.
  guard   What a test run starts to clean up behind it: not for people.

Options:
  --small  up: small caches and logs, as tests have them. Without it MySQL and MariaDB get a
           buffer pool of 1 GB and a redo log of 2 GB each, Kafka a heap of 1 GB instead of
           512 MB. Durability is full either way.
  --all    reset: also removes the programs and what was downloaded.

A server's URL that is given by HWAN_TEST_MYSQL_URL, HWAN_TEST_MARIADB_URL,
HWAN_TEST_REDIS_URL or HWAN_TEST_KAFKA_BOOTSTRAP (host:port) is used as it is. Else Docker does it by compose.yaml, where an engine
answers. Else MySQL 9 comes from Debian's unstable suite, MariaDB and Redis from this machine's
release, from the mirror that its apt uses: fetched, checked and unpacked into target/services,
run from there, on loopback only. Kafka comes by Maven and runs on this machine's Java 17 or
newer. The first time takes some minutes and half a gigabyte.

  cargo xtask services up mysql
  set -a; . target/services/env; set +a; cargo test -p hwan
";

/// Runs one of the commands.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let arguments = match Arguments::parse(words) {
        Ok(arguments) => arguments,
        Err(reason) => return Err(format!("{reason}\n\n{HELP}")),
    };
    let place = Place::of_project();
    match arguments.command {
        Command::Help => {
            print!("{HELP}");
            Ok(())
        }
        Command::Up => up(&place, &arguments),
        Command::Down => down(&place, &arguments.products()),
        Command::Status => status(&place, &arguments.products()),
        Command::Reset => reset(&place, &arguments),
        Command::Guard(tenant) => for_tests::guard(&place, tenant),
    }
}

fn up(place: &Place, arguments: &Arguments) -> Result<(), String> {
    let engine = docker::engine();
    let brought = in_parallel(&arguments.wanted, |wanted| bring::up(place, wanted, arguments.profile, engine.as_ref()));
    let mut failed = Vec::new();
    for (wanted, outcome) in arguments.wanted.iter().zip(brought) {
        match outcome {
            Ok(brought) => println!("{brought}"),
            Err(reason) => failed.push(format!("{} could not be brought up: {reason}", wanted.product)),
        }
    }
    let running: Vec<Brought> = Product::ALL.into_iter().filter_map(|product| running(place, product)).collect();
    let file = urls::write(place, &running)?;
    println!("written to {}", file.display());
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn down(place: &Place, products: &[Product]) -> Result<(), String> {
    let engine = docker::engine();
    let stopped = in_parallel(products, |product| stop(place, *product, engine.as_ref()));
    let running: Vec<Brought> = Product::ALL.into_iter().filter_map(|product| running(place, product)).collect();
    urls::write(place, &running)?;
    stopped.into_iter().collect()
}

fn stop(place: &Place, product: Product, engine: Option<&docker::Engine>) -> Result<(), String> {
    for orphan in place.orphans(product) {
        place.clear(product, orphan)?;
        println!("{product}: cleared what a test run left behind");
    }
    if given(product).is_some() {
        println!("{product}: given by {}, which is not ours to stop", urls::variable(product));
        return Ok(());
    }
    if let Some(process) = place.alive(product, Tenant::Up)? {
        heartbeat::during(&format!("stopping {product}"), || place.stop(product, Tenant::Up))?;
        println!("{product}: stopped, {process}");
        return Ok(());
    }
    if let Some(engine) = engine.filter(|engine| engine.runs(product)) {
        engine.stop(product)?;
        println!("{product}: stopped in Docker");
        return Ok(());
    }
    println!("{product}: did not run");
    Ok(())
}

fn status(place: &Place, products: &[Product]) -> Result<(), String> {
    let mut missing = 0_u32;
    for product in products {
        if let Some(brought) = running(place, *product) {
            println!("{brought}");
        } else {
            missing += 1;
            let what = if place.is_installed(*product) { "is installed" } else { "is not installed" };
            println!("{:<8} does not run; {what}: cargo xtask services up {product}", product.name());
        }
    }
    if missing == 0 { Ok(()) } else { Err(format!("{missing} of {} do not run", products.len())) }
}

fn reset(place: &Place, arguments: &Arguments) -> Result<(), String> {
    let products = arguments.products();
    down(place, &products)?;
    let engine = docker::engine();
    for product in products {
        if let Some(engine) = &engine {
            engine.remove(product)?;
        }
        place.clear(product, Tenant::Up)?;
        if arguments.removes_downloads {
            let folder = place.folder(product);
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            }
        }
        println!("{product}: removed{}", if arguments.removes_downloads { " with all downloads" } else { "" });
    }
    Ok(())
}

/// A server that runs, wherever it comes from.
fn running(place: &Place, product: Product) -> Option<Brought> {
    if let Some(url) = given(product) {
        return Some(Brought { product, url, source: Source::Given });
    }
    if let Some(brought) = native(place, product) {
        return Some(brought);
    }
    let engine = docker::engine()?;
    engine.runs(product).then(|| Brought { product, url: docker::url(product), source: Source::Docker })
}

/// Does it for each at the same time; the outcomes are in the order of the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> Result<R, String> + Sync) -> Vec<Result<R, String>> {
    thread::scope(|scope| {
        let started: Vec<_> = items.iter().map(|item| scope.spawn(|| work(item))).collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("its thread panicked, see above".to_owned())))
            .collect()
    })
}
