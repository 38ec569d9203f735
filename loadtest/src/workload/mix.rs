//! Which side each exchange takes.

use std::str::FromStr;

/// Which side each exchange takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mix {
    /// Each customer buys and sells in turn.
    Alternate,
    /// By chance.
    Weighted {
        /// Weight of buys.
        buy: u32,
        /// Weight of sells.
        sell: u32,
    },
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "alternate" {
            return Ok(Self::Alternate);
        }
        let weights = text.split_once(':').and_then(|(buy, sell)| Some((buy.parse().ok()?, sell.parse().ok()?)));
        match weights {
            Some((buy @ 0..=1_000, sell @ 0..=1_000)) if buy + sell > 0 => Ok(Self::Weighted { buy, sell }),
            _ => Err(format!("{text:?} is neither `alternate` nor weights such as 70:30")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_alternates_or_has_weights() {
        assert_eq!("alternate".parse(), Ok(Mix::Alternate));
        assert_eq!("70:30".parse(), Ok(Mix::Weighted { buy: 70, sell: 30 }));
        assert_eq!("0:1".parse(), Ok(Mix::Weighted { buy: 0, sell: 1 }));
        for bad in ["", "buy", "0:0", "1:-1", "1", "2000:1"] {
            assert!(bad.parse::<Mix>().is_err(), "{bad}");
        }
    }
}
