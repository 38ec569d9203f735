//! Sums of money as text. A sum is wider than an amount: many amounts make one.

use std::fmt;

use hwan_domain::currency::Currency;

/// So many minor units of a currency; shown at its exact scale: `-135050`, `100.00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// How much, in minor units; negative for less than nothing.
    pub minor: i128,
    /// Of which currency.
    pub currency: Currency,
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let (minor, digits) = (self.minor.unsigned_abs(), usize::from(self.currency.minor_digits()));
        let scale = 10_u128.pow(u32::from(self.currency.minor_digits()));
        match digits {
            0 => f.pad(&format!("{sign}{minor}")),
            _ => f.pad(&format!("{sign}{}.{:0digits$}", minor / scale, minor % scale)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_shown_at_its_currencys_scale_however_large_it_is() {
        let currencies = crate::config::currencies::built_in().unwrap();
        let usd = currencies.find("USD").unwrap();
        let shown = |minor, currency| Sum { minor, currency }.to_string();
        assert_eq!(shown(0, usd), "0.00");
        assert_eq!(shown(-5, usd), "-0.05");
        assert_eq!(shown(-135_050, Currency::KRW), "-135050");
        assert_eq!(shown(i128::from(i64::MAX) * 100, usd), "9223372036854775807.00");
        assert_eq!(format!("{:>8}", Sum { minor: 100, currency: usd }), "    1.00");
    }
}
