//! Medians, and how many times one rate is another. In integers.

/// The place of the median among `values`: of an even number the lower one of the two in the middle.
pub(super) fn median_place(values: &[u64]) -> Option<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by_key(|place| values.get(*place));
    places.get(values.len().saturating_sub(1) / 2).copied()
}

/// How many times `rate` is `other`, in hundredths, rounded down; none where the other is nothing.
pub(super) fn ratio_hundredths(rate: u64, other: u64) -> Option<u64> {
    u64::try_from(u128::from(rate) * 100).ok()?.checked_div(other)
}

/// `871` as `8.71`.
pub(super) fn times(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(median_place(&[30, 10, 20]), Some(2));
        assert_eq!(median_place(&[30, 10, 20, 40]), Some(2), "the lower of two");
        assert_eq!(median_place(&[5]), Some(0));
        assert_eq!(median_place(&[]), None);
    }

    #[test]
    fn a_ratio_is_never_rounded_up() {
        assert_eq!(ratio_hundredths(17_420, 2_000).map(times).as_deref(), Some("8.71"));
        assert_eq!(ratio_hundredths(9_999, 2_000).map(times).as_deref(), Some("4.99"));
        assert_eq!((ratio_hundredths(1, 0), ratio_hundredths(0, 5)), (None, Some(0)));
    }
}
