//! What was asked of `cargo xtask services`. Pure.

use hwan_services::{Product, Profile};

use super::place::Tenant;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Up,
    Down,
    Status,
    Reset,
    Guard(Tenant),
    Help,
}

/// A server that is wanted, on a port if one was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) product: Product,
    pub(crate) port: Option<u16>,
}

/// A parsed command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) command: Command,
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) profile: Profile,
    pub(crate) removes_downloads: bool,
}

impl Arguments {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut words = words.iter().map(String::as_str);
        let command = match words.next() {
            Some("up") => Command::Up,
            Some("down") => Command::Down,
            Some("status") => Command::Status,
            Some("reset") => Command::Reset,
            Some("help" | "--help" | "-h") => Command::Help,
            Some("guard") => {
                let pid =
                    words.next().and_then(|pid| pid.parse().ok()).ok_or("guard needs the run's process number")?;
                Command::Guard(Tenant::Test(pid))
            }
            Some(other) => return Err(format!("services has no command {other}")),
            None => return Err("services needs a command".to_owned()),
        };
        let mut arguments = Self { command, wanted: vec![], profile: Profile::Speed, removes_downloads: false };
        for word in words {
            match (word, command) {
                ("--help" | "-h", _) => arguments.command = Command::Help,
                ("--small", Command::Up) => arguments.profile = Profile::Test,
                ("--all", Command::Reset) => arguments.removes_downloads = true,
                _ => arguments.wanted.push(wanted(word, command)?),
            }
        }
        if arguments.wanted.is_empty() {
            arguments.wanted = Product::ALL.map(|product| Wanted { product, port: None }).to_vec();
        }
        Ok(arguments)
    }

    pub(crate) fn products(&self) -> Vec<Product> {
        self.wanted.iter().map(|wanted| wanted.product).collect()
    }
}

/// `mysql`, or `mysql=13306` where it is brought up.
fn wanted(word: &str, command: Command) -> Result<Wanted, String> {
    let (name, port) = match word.split_once('=') {
        Some((name, port)) if command == Command::Up => {
            (name, Some(port.parse().map_err(|_| format!("{port} is not a port"))?))
        }
        _ => (word, None),
    };
    let product = Product::by_name(name).ok_or_else(|| format!("{word} is not understood here"))?;
    Ok(Wanted { product, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn nothing_named_means_all() {
        assert_eq!(parse("down").unwrap().products(), Product::ALL);
    }

    #[test]
    fn a_port_is_asked_for_and_the_profile_is_chosen_when_it_is_brought_up() {
        let arguments = parse("up mysql=13306 redis --small").unwrap();
        let mysql = Wanted { product: Product::MySql, port: Some(13_306) };
        assert_eq!(arguments.wanted, [mysql, Wanted { product: Product::Redis, port: None }]);
        assert_eq!(arguments.profile, Profile::Test);
        assert_eq!(parse("up").unwrap().profile, Profile::Speed);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in ["", "sideways", "up oracle", "up mysql=x", "down mysql=1", "down --small", "up --all", "guard"] {
            assert!(parse(line).is_err(), "{line:?}");
        }
        assert_eq!(parse("up --help").unwrap().command, Command::Help);
    }
}
