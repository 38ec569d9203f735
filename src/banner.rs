//! What a start says on standard output: where it listens, where the first key lies, and a first line to try.

use std::{
    io::{self, Write},
    path::Path,
};

use crate::{demonstration::DemonstrationCustomer, startup::Running};

/// Writes it; the first line is the API's address, the second the admin port's.
pub(crate) fn write(out: &mut impl Write, running: &Running) -> io::Result<()> {
    let api = format!("{}://{}", running.api.scheme, running.address);
    let token = match &running.token_path {
        Some(path) => {
            writeln!(out, "hwan listens on {api}, its token lies in {}", path.display())?;
            format!("$(cat {})", shell_word(path))
        }
        None => {
            writeln!(out, "hwan listens on {api}, keys are made by hwan token create")?;
            "$TOKEN".to_owned()
        }
    };
    writeln!(out, "health, version and metrics are on {}://{}", running.admin.scheme, running.admin_address)?;
    if let Some(clock) = &running.context.test_clock {
        writeln!(out, "the clock is a test's: it stands at {} until /clock there moves it", clock.stands_at())?;
    }
    match &running.demonstration {
        Some(DemonstrationCustomer { customer, .. }) => {
            writeln!(out, "A first exchange, at demonstration rates:\n")?;
            writeln!(
                out,
                "curl -sS -X POST {api}/v1/exchanges -H \"Authorization: Bearer {token}\" \
                 -H \"Idempotency-Key: first-exchange\" -H \"Content-Type: application/json\" \
                 -d '{{\"customer_id\":\"{customer}\",\"side\":\"buy\",\"currency\":\"USD\",\
                 \"foreign_amount\":{{\"amount\":\"100.00\",\"currency\":\"USD\"}}}}'\n"
            )?;
        }
        None => writeln!(out, "curl -sS {api}/v1/rates -H \"Authorization: Bearer {token}\"")?,
    }
    out.flush()
}

/// A path as one word of a shell's command line, inside double quotes.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte);
    if text.bytes().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_one_word() {
        assert_eq!(shell_word(Path::new("data/token")), "data/token");
        assert_eq!(shell_word(Path::new("my data/it's")), r"'my data/it'\''s'");
    }
}
