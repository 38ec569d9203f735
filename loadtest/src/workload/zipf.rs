//! Ranks by Zipf's law, without a table: rejection-inversion (W. Hörmann, G. Derflinger, "Rejection-inversion to generate
//! variates from monotone discrete distributions", ACM TOMACS 6(3), 1996). Constant memory for any number of customers.
#![expect(clippy::float_arithmetic, reason = "a distribution of load; no money")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks lie far below 2^52, and are held within their bounds"
)]

use rand::{RngExt, rngs::StdRng};

/// A distribution over ranks 0 to n - 1, rank r as often as 1 / (r + 1)^s.
#[derive(Debug)]
pub(crate) struct Zipf {
    n: usize,
    s: f64,
    h_first: f64,
    h_last: f64,
    squeeze: f64,
}

impl Zipf {
    /// Over `n` ranks, at least one.
    pub(crate) fn new(n: usize, exponent_hundredths: u16) -> Self {
        let n = n.max(1);
        let mut zipf = Self { n, s: f64::from(exponent_hundredths) / 100.0, h_first: 0.0, h_last: 0.0, squeeze: 0.0 };
        zipf.h_first = zipf.integral(1.5) - 1.0;
        zipf.h_last = zipf.integral(n as f64 + 0.5);
        zipf.squeeze = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.density(2.0));
        zipf
    }

    /// A rank.
    pub(crate) fn sample(&self, random: &mut StdRng) -> usize {
        loop {
            let u = self.h_last + random.random::<f64>() * (self.h_first - self.h_last);
            let x = self.inverse(u);
            let k = x.round().clamp(1.0, self.n as f64);
            if k - x <= self.squeeze || u >= self.integral(k + 0.5) - self.density(k) {
                return (k as usize - 1).min(self.n - 1);
            }
        }
    }

    fn density(&self, x: f64) -> f64 {
        x.powf(-self.s)
    }

    /// The integral of the density, and its inverse; s = 1 is the logarithm.
    fn integral(&self, x: f64) -> f64 {
        let log = x.ln();
        exp_less_one_by((1.0 - self.s) * log) * log
    }

    fn inverse(&self, y: f64) -> f64 {
        let t = (y * (1.0 - self.s)).max(-1.0);
        (log_of_one_plus_by(t) * y).exp()
    }
}

/// (e^x - 1) / x, also near zero.
fn exp_less_one_by(x: f64) -> f64 {
    if x.abs() > 1e-8 { x.exp_m1() / x } else { 1.0 + x * 0.5 }
}

/// ln(1 + x) / x, also near zero.
fn log_of_one_plus_by(x: f64) -> f64 {
    if x.abs() > 1e-8 { x.ln_1p() / x } else { 1.0 - x * 0.5 }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn ranks_come_as_often_as_the_law_says() {
        const SAMPLES: usize = 400_000;
        for (n, hundredths) in [(1, 100), (2, 99), (10, 100), (1_000, 99), (1_000, 150), (100, 30)] {
            let s = f64::from(hundredths) / 100.0;
            let zipf = Zipf::new(n, hundredths);
            let mut random = StdRng::seed_from_u64(7);
            let mut seen = vec![0_u32; n];
            for _ in 0..SAMPLES {
                seen[zipf.sample(&mut random)] += 1;
            }
            let total: f64 = (1..=n).map(|rank| (rank as f64).powf(-s)).sum();
            for rank in [1, 2, 3, 10, 100].into_iter().filter(|rank| *rank <= n) {
                let expected = (rank as f64).powf(-s) / total * SAMPLES as f64;
                let found = f64::from(seen[rank - 1]);
                // Five standard deviations of a count.
                assert!(
                    (found - expected).abs() < 5.0 * expected.sqrt() + 1.0,
                    "n {n}, s {s}, rank {rank}: {found}, {expected}"
                );
            }
        }
    }

    #[test]
    fn ten_million_ranks_need_no_table_and_stay_in_bounds() {
        let zipf = Zipf::new(10_000_000, 99);
        let mut random = StdRng::seed_from_u64(8);
        assert!((0..100_000).all(|_| zipf.sample(&mut random) < 10_000_000));
        assert!(size_of::<Zipf>() <= 64);
    }
}
