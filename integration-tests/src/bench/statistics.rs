//! Medians and how far the rounds were apart. Quartiles and not a mean: one disturbed round of a busy
//! machine must not move what is told.

/// What a series of measurements comes to, in the unit of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The least.
    pub least: f64,
    /// A quarter of the values is below it.
    pub lower: f64,
    /// The one in the middle.
    pub median: f64,
    /// A quarter of the values is above it.
    pub upper: f64,
    /// The greatest.
    pub greatest: f64,
    /// How many values there were.
    pub count: usize,
}

impl Summary {
    /// The summary of `values`, or `None` when there are none. What is not a number is left out.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values
            .into_iter()
            .filter(|value| value.is_finite())
            .collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        Some(Self {
            least: first,
            lower: quantile(&sorted, 1),
            median: quantile(&sorted, 2),
            upper: quantile(&sorted, 3),
            greatest: last,
            count: sorted.len(),
        })
    }
}

/// The value at `quarters` quarters of the way through `sorted`, between two neighbours in proportion.
fn quantile(sorted: &[f64], quarters: usize) -> f64 {
    let steps = (sorted.len() - 1) * quarters;
    let (index, rest) = (steps / 4, steps % 4);
    let part = f64::from(u8::try_from(rest).unwrap_or(0)) / 4.0;
    let here = sorted[index];
    let next = sorted.get(index + 1).copied().unwrap_or(here);
    here + (next - here) * part
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn nothing_has_no_summary() {
        assert_eq!(Summary::of([]), None);
        assert_eq!(Summary::of([f64::NAN, f64::INFINITY]), None);
    }

    #[test]
    fn one_value_is_all_of_them() {
        let one = Summary::of([3.0]).unwrap();
        assert_eq!(
            (one.least, one.lower, one.median, one.upper, one.greatest),
            (3.0, 3.0, 3.0, 3.0, 3.0)
        );
        assert_eq!(one.count, 1);
    }

    #[test]
    fn order_does_not_matter() {
        let five = Summary::of([5.0, 1.0, 4.0, 2.0, 3.0]).unwrap();
        assert_eq!((five.lower, five.median, five.upper), (2.0, 3.0, 4.0));
        assert_eq!((five.least, five.greatest), (1.0, 5.0));
    }

    #[test]
    fn between_two_values_in_proportion() {
        let two = Summary::of([10.0, 20.0]).unwrap();
        assert_eq!((two.lower, two.median, two.upper), (12.5, 15.0, 17.5));
    }

    #[test]
    fn one_disturbed_round_moves_nothing() {
        let calm = Summary::of([1.0, 1.0, 1.0, 1.0, 1.0]).unwrap();
        let disturbed = Summary::of([1.0, 1.0, 90.0, 1.0, 1.0]).unwrap();
        assert_eq!(calm.median, disturbed.median);
        assert_eq!(calm.upper, disturbed.upper);
    }
}
