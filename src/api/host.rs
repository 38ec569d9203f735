//! The header `Host`: which names this server answers to.
//!
//! A page in a browser can have its own name lead to 127.0.0.1 and call what listens there ("DNS rebinding"); its
//! requests then carry that name. So a request must name this machine as it is known: localhost, an address of loopback,
//! the address that it listens on, or a name that the configuration lists. The port is not compared.

use std::net::IpAddr;

use actix_web::{
    dev::ServiceRequest,
    http::{Version, header::HOST},
};

use super::problem::{ApiCode, Problem};

/// The names and addresses that are taken.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    addresses: Vec<IpAddr>,
    names: Vec<Box<str>>,
}

impl Hosts {
    /// Those that are listened on, and those that the configuration lists.
    pub fn new(listened_on: &[IpAddr], listed: &[String]) -> Self {
        let mut hosts = Self { addresses: listened_on.to_vec(), names: vec!["localhost".into()] };
        hosts.addresses.retain(|address| !address.is_unspecified());
        for host in listed {
            match host.parse() {
                Ok(address) => hosts.addresses.push(address),
                Err(_) => hosts.names.push(host.trim_end_matches('.').into()),
            }
        }
        hosts
    }

    /// Whether a request may name this host, port included.
    fn take(&self, authority: &str) -> bool {
        let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None => return false,
            },
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        if port.is_some_and(|port| port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit())) {
            return false;
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return address.is_loopback() || self.addresses.contains(&address);
        }
        let host = host.strip_suffix('.').unwrap_or(host);
        self.names.iter().any(|name| name.eq_ignore_ascii_case(host))
    }

    /// Whether the request names this server, and no other. HTTP/2 names it in the request's line, and so may HTTP/1.1,
    /// where the header is there too (without it the framework answers 400); HTTP/1.0 need not name it.
    pub(super) fn check(&self, request: &ServiceRequest) -> Result<(), Problem> {
        let authority = request.uri().authority().map(|authority| authority.as_str());
        let headers = request.headers().get_all(HOST).map(|value| value.to_str().unwrap_or_default());
        let mut named = authority.into_iter().chain(headers).peekable();
        if named.peek().is_none() && request.version() > Version::HTTP_10 {
            return Err(Problem::new(ApiCode::HostNotAllowed, "the request does not say which server it is for"));
        }
        match named.find(|host| !self.take(host)) {
            None => Ok(()),
            Some(host) => {
                let detail = format!("this server is not {host:?}: its names are in server.hosts of its configuration");
                Err(Problem::new(ApiCode::HostNotAllowed, detail))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_servers_names_are_taken() {
        let listed = ["fx.bank.example".to_owned(), "10.0.0.9".to_owned()];
        let hosts = Hosts::new(&["10.0.0.7".parse().unwrap(), "0.0.0.0".parse().unwrap()], &listed);
        for good in [
            "127.0.0.1:8080",
            "127.1.2.3",
            "[::1]:8080",
            "[::1]",
            "localhost",
            "LOCALHOST:1",
            "10.0.0.7:8080",
            "10.0.0.9",
            "fx.bank.example:8443",
            "FX.Bank.example.",
        ] {
            assert!(hosts.take(good), "{good}");
        }
        for bad in [
            "",
            ":8080",
            "attacker.example:8080",
            "localhost.attacker.example",
            "127.0.0.1.attacker.example",
            "localhost:8080@attacker.example",
            "localhost:",
            "[::1]x",
            "[::1",
            "::1",
            "0.0.0.0",
            "10.0.0.8",
            "127.1",
            "2130706433",
            "localhost/",
        ] {
            assert!(!hosts.take(bad), "{bad}");
        }
    }
}
