//! `hwan token`: API keys, made and ended by whoever may write the data directory.
//!
//! A new key goes to standard output and nothing else does, so that `KEY=$(hwan token create …)` works; what it is goes
//! to standard error. Every change is a line of the audit trail.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::Path,
};

use clap::Subcommand;
use hwan_domain::time::Timestamp;
use serde::Serialize;

use super::{EXIT_FAILURE, EXIT_OK, EXIT_USAGE};
use crate::{
    access::{
        api_key::{FreshKey, KeyId},
        audit::{self, Noted},
        kept_key::{self, KeptKey},
        key_file::{KeyFile, KeyFileError, NewKey, Revoked},
        last_use,
        role::{Role, Roles},
    },
    clock::{Clock, SystemClock},
    config::{Config, Overrides},
    secret_file,
};

const CREATE_EXAMPLES: &str = "\
Examples:
  hwan token create --name app --role customer_channel
  KEY=$(hwan token create --name desk --role rates --role ops --expires-in 30d)
  hwan token create --name batch --role teller --rate-per-second 2000 --data /var/lib/hwan

Several keys may have one name: they are the same caller. A caller's customers,
idempotency keys and allowance go by its name.

Exit codes:
  0  made; standard output holds the key, and it is shown only now
  1  failed, nothing was made
  2  the command line or the configuration is wrong";

const ROTATE_EXAMPLES: &str = "\
Examples:
  hwan token rotate 0k3v9x2m4q7w --overlap 24h   both keys are good for a day
  hwan token rotate 0k3v9x2m4q7w --overlap 0s    the old one ends at once";

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a key and print it, once.
    #[command(after_help = CREATE_EXAMPLES)]
    Create {
        /// The caller, as the journal names it: 1 to 64 letters, digits and -_.@
        #[arg(long, value_parser = name)]
        name: String,
        /// What it may do: customer_channel, teller, rates, ops, auditor, approver or treasury; may be given several times
        #[arg(long = "role", required = true, value_parser = role, value_name = "ROLE")]
        roles: Vec<Role>,
        /// For how long it is good, such as 12h or 90d; `never`: until it is revoked.
        #[arg(long, default_value = "90d", value_parser = lifetime, value_name = "TIME")]
        expires_in: Lifetime,
        /// Requests a second that the caller may ask by this key, in place of access.requests_per_second.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        rate_per_second: Option<u32>,
    },
    /// Make a key with the name, roles, rate and lifetime of another one, which ends after an overlap.
    #[command(after_help = ROTATE_EXAMPLES)]
    Rotate {
        /// The key's id, as `hwan token list` shows it.
        #[arg(value_parser = key_id)]
        id: KeyId,
        /// For how long the old key is still good.
        #[arg(long, default_value = "24h", value_parser = seconds, value_name = "TIME")]
        overlap: i64,
    },
    /// List all keys, those that have ended in the last 90 days included.
    List {
        /// As JSON, an array of objects.
        #[arg(long)]
        json: bool,
    },
    /// End a key at once.
    Revoke {
        /// The key's id, as `hwan token list` shows it.
        #[arg(value_parser = key_id)]
        id: KeyId,
    },
}

/// For how long a key is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    Seconds(i64),
    UntilRevoked,
}

fn name(text: &str) -> Result<String, String> {
    if kept_key::is_caller_name(text) {
        return Ok(text.to_owned());
    }
    Err("take 1 to 64 letters, digits and -_.@, and no name under which hwan itself acts".to_owned())
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| format!("the roles are {}", Roles::all()))
}

fn key_id(text: &str) -> Result<KeyId, String> {
    KeyId::parse(text)
        .ok_or_else(|| "give the 12 characters between the key's dots, as hwan token list shows".to_owned())
}

fn lifetime(text: &str) -> Result<Lifetime, String> {
    match text {
        "never" => Ok(Lifetime::UntilRevoked),
        _ => seconds(text).and_then(|seconds| match seconds {
            0 => Err("a key that ends at once is of no use".to_owned()),
            _ => Ok(Lifetime::Seconds(seconds)),
        }),
    }
}

/// `90d`, `24h`, `15m`, `30s`, in seconds; ten years at most.
fn seconds(text: &str) -> Result<i64, String> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let unit_seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("write a number and s, m, h or d, such as 90d".to_owned()),
    };
    let total = number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit_seconds));
    total.filter(|total| *total <= 3_660 * 86_400).ok_or_else(|| "write ten years at most, such as 3650d".to_owned())
}

#[derive(Debug, thiserror::Error)]
enum TokenError {
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    #[error(transparent)]
    Directory(#[from] secret_file::SecretFileError),
    #[error("{0} is not there: give the data directory by --data, as hwan serve has it")]
    NoDirectory(String),
    #[error("what was done could not be noted in the audit trail: {0}")]
    Audit(#[from] crate::access::audit_file::AuditFileError),
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

impl TokenCommand {
    /// Does it; returns the exit code.
    pub(super) fn run(&self, overrides: &Overrides) -> u8 {
        let mut errors = io::stderr().lock();
        let config = match Config::load(overrides) {
            Ok(config) => config,
            Err(error) => {
                let _written = writeln!(errors, "hwan: {error}");
                return EXIT_USAGE;
            }
        };
        let directory = &config.store.directory;
        match self.run_in(directory, SystemClock.now(), &mut io::stdout().lock(), &mut errors) {
            Ok(()) => EXIT_OK,
            Err(error) => {
                let _written = writeln!(errors, "hwan: {error}");
                EXIT_FAILURE
            }
        }
    }

    fn run_in(
        &self,
        directory: &Path,
        now: Timestamp,
        out: &mut impl Write,
        explained: &mut impl Write,
    ) -> Result<(), TokenError> {
        let file = KeyFile::of(directory);
        match self {
            TokenCommand::Create { name, roles, expires_in, rate_per_second } => {
                secret_file::create_directory(directory)?;
                let lifetime_seconds = match expires_in {
                    Lifetime::Seconds(seconds) => Some(*seconds),
                    Lifetime::UntilRevoked => None,
                };
                let roles = roles.iter().copied().collect();
                let new = NewKey { name: name.clone(), roles, lifetime_seconds, rate_per_second: *rate_per_second };
                let (fresh, kept) = file.create(&new, now)?;
                show(&fresh, &kept, out, explained)?;
                note(directory, now, "token_created", &kept, &kept.roles.to_string())
            }
            TokenCommand::Rotate { id, overlap } => {
                self.needs(directory)?;
                let (fresh, kept) = file.rotate(*id, *overlap, now)?;
                show(&fresh, &kept, out, explained)?;
                writeln!(explained, "key {id} ends at {} or earlier", now.plus_seconds(*overlap))?;
                note(directory, now, "token_rotated", &kept, &format!("in place of {id}, overlap {overlap} s"))
            }
            TokenCommand::Revoke { id } => {
                self.needs(directory)?;
                let (kept, revoked) = file.revoke(*id, now)?;
                match revoked {
                    Revoked::Now => {
                        writeln!(explained, "key {id} of {} is revoked", kept.name)?;
                        note(directory, now, "token_revoked", &kept, "by hwan token revoke")
                    }
                    Revoked::Before => Ok(writeln!(explained, "key {id} of {} was revoked before", kept.name)?),
                }
            }
            TokenCommand::List { json } => {
                self.needs(directory)?;
                let keys = file.read()?.unwrap_or_default();
                let uses = last_use::read(directory);
                if *json { list_json(&keys, &uses, now, out) } else { list(&keys, &uses, now, out) }
            }
        }
    }

    /// A wrong `--data` should not look like a directory without keys.
    fn needs(&self, directory: &Path) -> Result<(), TokenError> {
        if directory.is_dir() { Ok(()) } else { Err(TokenError::NoDirectory(directory.display().to_string())) }
    }
}

fn show(fresh: &FreshKey, kept: &KeptKey, out: &mut impl Write, explained: &mut impl Write) -> io::Result<()> {
    let end = kept.expires_at.map_or("when it is revoked".to_owned(), |end| end.to_string());
    writeln!(explained, "key {} of {} ({}) ends {end}; it is shown only now:", kept.id, kept.name, kept.roles)?;
    writeln!(out, "{}", fresh.reveal())?;
    out.flush()
}

/// Who did it is the system's user: whoever may write the directory may make keys.
fn note(directory: &Path, now: Timestamp, event: &'static str, kept: &KeptKey, detail: &str) -> Result<(), TokenError> {
    let user = std::fs::metadata("/proc/self").map_or("unknown user".to_owned(), |own| format!("user {}", own.uid()));
    let detail = format!("{user}: {detail}");
    let noted = Noted {
        event,
        caller: Some(&kept.name),
        key: Some(kept.id.as_str()),
        detail: Some(&detail),
        ..Noted::default()
    };
    Ok(audit::append(directory, now, &noted)?)
}

#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    name: &'a str,
    roles: Vec<&'static str>,
    state: &'static str,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used: Option<String>,
    rate_per_second: Option<u32>,
}

fn list_json(
    keys: &[KeptKey],
    uses: &BTreeMap<KeyId, Timestamp>,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), TokenError> {
    let listed = |key: &'_ KeptKey| {
        serde_json::to_value(Listed {
            id: key.id.as_str(),
            name: &key.name,
            roles: key.roles.iter().map(Role::as_str).collect(),
            state: key.state(now).as_str(),
            created_at: key.created_at.to_rfc3339(),
            expires_at: key.expires_at.map(Timestamp::to_rfc3339),
            revoked_at: key.revoked_at.map(Timestamp::to_rfc3339),
            last_used: uses.get(&key.id).map(|at| at.to_rfc3339()),
            rate_per_second: key.rate_per_second,
        })
        .map_err(io::Error::from)
    };
    let listed: Vec<serde_json::Value> = keys.iter().map(listed).collect::<Result<_, _>>()?;
    Ok(writeln!(out, "{:#}", serde_json::Value::Array(listed))?)
}

fn list(
    keys: &[KeptKey],
    uses: &BTreeMap<KeyId, Timestamp>,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), TokenError> {
    // To the second: nobody reads more in a table.
    let second = |at: Timestamp| at.to_rfc3339().get(..19).map_or_else(String::new, |text| format!("{text}Z"));
    let mut rows = vec![["ID", "NAME", "STATE", "CREATED", "EXPIRES", "LAST USED", "RATE", "ROLES"].map(str::to_owned)];
    for key in keys {
        rows.push([
            key.id.to_string(),
            key.name.clone(),
            key.state(now).as_str().to_owned(),
            second(key.created_at),
            key.expires_at.map_or("never".to_owned(), second),
            uses.get(&key.id).map_or("never".to_owned(), |at| second(*at)),
            key.rate_per_second.map_or("-".to_owned(), |rate| rate.to_string()),
            key.roles.to_string(),
        ]);
    }
    let mut widths = [0; 8];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.len().max(*width);
        }
    }
    for row in &rows {
        let line: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_with_a_unit() {
        for (text, expected) in [("90d", 7_776_000), ("24h", 86_400), ("15m", 900), ("0s", 0)] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for bad in ["", "d", "90", "90D", "-1d", "1.5h", "9999999999999999999d", "4000d", "1dd", "é"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert_eq!(lifetime("never"), Ok(Lifetime::UntilRevoked));
        assert!(lifetime("0s").is_err());
    }
}
