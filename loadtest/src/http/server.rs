//! The server to be driven: its address and token, and whether it is one that can be.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use hwan_client::{Client, ClientConfig, ServerAddr};

use crate::{
    cli::TargetArguments,
    customers::{CustomersFile, SeededCustomer},
};

/// The address with its token, from the command line. Refuses what is not loopback.
pub(crate) fn address(arguments: &TargetArguments) -> Result<ServerAddr> {
    let server = ServerAddr::loopback(&arguments.url)?;
    let path = &arguments.token_file;
    let token = fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read: give --token-file as the server printed it", path.display()))?;
    ensure!(!token.trim().is_empty(), "{} is empty", path.display());
    Ok(server.with_token(&token))
}

/// A client for everything that is not the hot loop.
pub(crate) fn client(server: &ServerAddr, connections_max: u16) -> Client {
    Client::new(
        server.clone(),
        ClientConfig { connections_max: connections_max.into(), deadline: Duration::from_secs(10) },
    )
}

/// Says why the server cannot be driven with these customers, before thousands of answers say it.
pub(crate) async fn probe(client: &Client, file: Option<&CustomersFile>) -> Result<()> {
    let usd = client.rate("USD").await.context("the rate of USD cannot be read: is hwan running at --url?")?.value;
    ensure!(usd.status == "trading", "USD is {}: publish a round first", usd.status);
    if let Some(SeededCustomer { id, .. }) = file.and_then(|file| file.customers.first()) {
        client.customer(id).await.with_context(|| {
            format!("customer {id} of --customers-file is not this server's: the file belongs to another store")
        })?;
    }
    Ok(())
}
