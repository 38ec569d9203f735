//! Which Debian mirrors this machine's apt uses already, read from its lists of sources. Pure but for [`read`].
//!
//! Both ways of writing a source are understood: a line that begins with `deb`, and a stanza of fields. Only sources
//! whose address ends in `/debian` or `/debian-security` count: what other vendors offer is left alone.

use std::{fs, path::Path};

use crate::{Error, Result};

/// The keys that Debian signs with, where a source does not name its own.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where packages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    /// Debian's unstable suite, which has what releases do not.
    Unstable,
    /// What this machine itself is made of, with its security updates.
    Release,
}

/// A source that this machine has.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    address: String,
    suites: Vec<String>,
    signed_by: Option<String>,
}

/// The sources for a private apt that takes packages of `suite`, in apt's own words.
pub(crate) fn read(suite: Suite) -> Result<String> {
    let mut texts = vec![fs::read_to_string("/etc/apt/sources.list").unwrap_or_default()];
    for entry in fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten() {
        texts.push(fs::read_to_string(entry.path()).unwrap_or_default());
    }
    let sources: Vec<Source> = texts.iter().flat_map(|text| parse(text)).collect();
    compose(&sources, suite, Path::new(KEYRING).exists())
        .ok_or_else(|| Error::Unsupported("this machine's apt uses no Debian mirror: give a server's URL".to_owned()))
}

fn compose(sources: &[Source], suite: Suite, has_keyring: bool) -> Option<String> {
    let line = |source: &Source, suite: &str| {
        let keys = source.signed_by.clone().or_else(|| has_keyring.then(|| KEYRING.to_owned()));
        let keys = keys.map(|keys| format!("[signed-by={keys}] ")).unwrap_or_default();
        format!("deb {keys}{} {suite} main\n", source.address)
    };
    let main = sources.iter().find(|source| source.address.ends_with("/debian"))?;
    Some(match suite {
        Suite::Unstable => line(main, "sid"),
        Suite::Release => {
            sources.iter().flat_map(|source| source.suites.iter().map(|suite| line(source, suite))).collect()
        }
    })
}

fn parse(text: &str) -> Vec<Source> {
    let lines = text.lines().filter_map(parse_line);
    let stanzas = text.split("\n\n").flat_map(parse_stanza);
    lines.chain(stanzas).filter(|source| is_debian(&source.address)).collect()
}

fn is_debian(address: &str) -> bool {
    address.ends_with("/debian") || address.ends_with("/debian-security")
}

/// `deb [signed-by=KEYS arch=amd64] ADDRESS SUITE main contrib`
fn parse_line(line: &str) -> Option<Source> {
    let rest = line.trim().strip_prefix("deb ")?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let address = words.next()?.trim_end_matches('/').to_owned();
    let suites = vec![words.next()?.to_owned()];
    let signed_by = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by=")).map(str::to_owned);
    Some(Source { address, suites, signed_by })
}

/// `Types: deb`, `URIs: …`, `Suites: …`, `Signed-By: …`, each on its line.
fn parse_stanza(stanza: &str) -> Vec<Source> {
    let field = |name: &str| {
        stanza.lines().filter_map(|line| line.split_once(':')).find_map(|(key, value)| {
            (key.eq_ignore_ascii_case(name)).then(|| value.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        })
    };
    let disabled = field("Enabled").is_some_and(|words| words.iter().any(|word| word == "no"));
    if disabled || !field("Types").is_some_and(|types| types.iter().any(|kind| kind == "deb")) {
        return vec![];
    }
    let suites = field("Suites").unwrap_or_default();
    // A key that is written out in the stanza itself has no path to be named by.
    let signed_by = field("Signed-By").and_then(|words| words.into_iter().find(|word| word.starts_with('/')));
    let addresses = field("URIs").unwrap_or_default().into_iter();
    addresses
        .map(|address| Source {
            address: address.trim_end_matches('/').to_owned(),
            suites: suites.clone(),
            signed_by: signed_by.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANZAS: &str = "\
Types: deb
# a comment: with a colon
URIs: http://mirror.test/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/some.gpg

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main

Types: deb-src
URIs: http://mirror.test/debian
Suites: bookworm

Enabled: no
Types: deb
URIs: http://off.test/debian
Suites: bookworm
";
    const LINES: &str = "\
# deb http://commented.test/debian bookworm main
deb [arch=amd64 signed-by=/keys.gpg] https://mirror.test/debian bookworm main
deb https://packages.vendor.test/apt vendor main
deb-src https://mirror.test/debian bookworm main
";

    #[test]
    fn stanzas_and_lines_give_the_debian_sources_and_no_others() {
        assert_eq!(
            compose(&parse(STANZAS), Suite::Release, false).unwrap(),
            "deb [signed-by=/usr/share/keyrings/some.gpg] http://mirror.test/debian bookworm main\n\
             deb [signed-by=/usr/share/keyrings/some.gpg] http://mirror.test/debian bookworm-updates main\n\
             deb http://mirror.test/debian-security bookworm-security main\n"
        );
        assert_eq!(
            compose(&parse(LINES), Suite::Release, true).unwrap(),
            "deb [signed-by=/keys.gpg] https://mirror.test/debian bookworm main\n"
        );
    }

    #[test]
    fn the_unstable_suite_comes_from_the_first_mirror_alone() {
        let composed = compose(&parse(STANZAS), Suite::Unstable, true).unwrap();
        assert_eq!(composed, "deb [signed-by=/usr/share/keyrings/some.gpg] http://mirror.test/debian sid main\n");
    }

    #[test]
    fn a_machine_without_a_debian_mirror_gives_nothing() {
        assert_eq!(compose(&parse("deb http://archive.test/ubuntu noble main\n"), Suite::Release, true), None);
    }
}
