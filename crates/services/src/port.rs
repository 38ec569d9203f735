//! A free port on loopback.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, TcpListener},
};

use crate::{Error, Result};

/// The lowest port that is given out.
const LOWEST: u16 = 15_000;
/// How far a server's second port is from its first, if it is free.
const BESIDE: u64 = 500;
/// Where the system begins to give ports to outgoing connections, if it does not say.
const OUTGOING_FROM: u16 = 32_768;

/// A port of loopback's on which nobody listens, below those that the system gives to outgoing connections: a server
/// that is down must find its port again when it comes back, and a client that connects to a port of that range while
/// nobody listens could even be connected to itself.
pub fn free_port() -> Result<u16> {
    // Each process begins elsewhere, so that two of them hardly ever choose the same.
    free_from(RandomState::new().hash_one(std::process::id()))
}

/// Another one, for a server that has this port and needs two. It is not one that [`free_port`] would give at the same moment.
pub(crate) fn free_port_beside(port: u16) -> Result<u16> {
    free_from(u64::from(port.saturating_sub(LOWEST)) + BESIDE)
}

fn free_from(start: u64) -> Result<u16> {
    let (from, to) = (LOWEST, outgoing_from().max(LOWEST + 1_000));
    let range = u64::from(to - from);
    (0..range)
        .filter_map(|step| u16::try_from(u64::from(from) + (start % range + step) % range).ok())
        .find(|port| is_free(*port))
        .ok_or_else(|| Error::Unsupported(format!("no port between {from} and {to} is free on loopback")))
}

/// Whether nobody listens there.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn outgoing_from() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    range.split_whitespace().next().and_then(|low| low.parse().ok()).unwrap_or(OUTGOING_FROM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_listened_on_and_is_then_not_free() {
        let port = free_port().unwrap();
        assert!(port >= LOWEST);
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert!(!is_free(port));
        assert_ne!(free_port().unwrap(), port);
        assert_ne!(free_port_beside(port).unwrap(), port);
    }
}
