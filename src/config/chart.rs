//! The chart of accounts: data, not code.

use std::path::Path;

use hwan_domain::ledger::{AccountClass, AccountCode, Chart, ChartAccount, Role};
use serde::Deserialize;

use super::ConfigError;

/// The chart that hwan comes with.
const BUILT_IN: &str = include_str!("../../config/chart_of_accounts.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChartFile {
    account: Vec<AccountEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountEntry {
    code: u32,
    name: String,
    class: String,
    role: String,
    #[serde(default)]
    per_currency: bool,
}

/// The built-in chart.
pub fn built_in() -> Result<Chart, ConfigError> {
    parse(BUILT_IN, "config/chart_of_accounts.toml (built in)")
}

/// The chart in a file.
pub fn from_file(path: &Path) -> Result<Chart, ConfigError> {
    let place = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Chart { place: place.clone(), cause: error.to_string() })?;
    parse(&text, &place)
}

fn parse(text: &str, place: &str) -> Result<Chart, ConfigError> {
    let refused = |cause: String| ConfigError::Chart { place: place.to_owned(), cause };
    let file: ChartFile = toml::from_str(text).map_err(|error| refused(error.to_string()))?;
    let accounts = file.account.into_iter().map(account).collect::<Result<_, _>>().map_err(refused)?;
    Chart::new(accounts).map_err(|error| refused(error.to_string()))
}

fn account(entry: AccountEntry) -> Result<ChartAccount, String> {
    let AccountEntry { code, name, class, role, per_currency } = entry;
    Ok(ChartAccount {
        code: AccountCode::new(code).ok_or_else(|| format!("code {code}: it is 1 to {}", AccountCode::MAX))?,
        class: AccountClass::parse(&class).ok_or_else(|| {
            let known = AccountClass::ALL.map(AccountClass::as_str).join(", ");
            format!("account {code}: {class:?} is no class: it is one of {known}")
        })?,
        role: Role::parse(&role).ok_or_else(|| {
            let known: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
            format!("account {code}: {role:?} is no role: it is one of {}", known.join(", "))
        })?,
        name,
        per_currency,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_chart_has_the_seventeen_accounts_under_their_numbers() {
        let chart = built_in().unwrap();
        let codes: Vec<u32> = chart.iter().map(|account| account.code.number()).collect();
        assert_eq!(
            codes,
            [1010, 1110, 1310, 1900, 1901, 2010, 2110, 2310, 2320, 2410, 2420, 4110, 4120, 5010, 5110, 5120, 5900]
        );
        let per_currency: Vec<u32> =
            chart.iter().filter(|account| account.per_currency).map(|account| account.code.number()).collect();
        assert_eq!(per_currency, [1110, 1900, 1901, 2110, 2310]);
        assert_eq!(chart.code(Role::ForeignDeposits).number(), 2110);
    }

    #[test]
    fn what_is_no_chart_is_refused_by_place_and_cause() {
        for (from, to, cause) in [
            ("per_currency = true", "per_curency = true", "per_curency"),
            ("class = \"asset\"", "class = \"assets\"", "\"assets\" is no class"),
            ("role = \"nostro\"", "role = \"vostro\"", "\"vostro\" is no role"),
            ("code = 1110", "code = 1010", "account 1010 stands twice"),
            ("code = 1010", "code = 0", "code 0"),
            ("role = \"unclaimed\"", "role = \"suspense\"", "per_currency of account 2320 is true"),
            ("role = \"withholding_tax\"", "role = \"unclaimed\"", "role unclaimed is given to 2320 and to 2420"),
            ("name = \"Nostro\"", "name = \" \"", "account 1110 has no name"),
        ] {
            assert!(BUILT_IN.contains(from), "{from}");
            let error = parse(&BUILT_IN.replacen(from, to, 1), "my.toml").unwrap_err().to_string();
            assert!(error.contains("my.toml") && error.contains(cause), "{error}");
        }
        let short = BUILT_IN.rsplit_once("[[account]]").unwrap().0;
        assert!(parse(short, "my.toml").unwrap_err().to_string().contains("no account has the role correction_loss"));
    }
}
