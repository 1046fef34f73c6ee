//! A plain detector for the evaluation: robust z-score against reference values, alarm beyond what those ever reached.

use watchroom::incident::Direction;

/// Beyond the record of the reference by this much, an alarm.
const OVER_RECORD: f64 = 1.2;

/// What is usual for one series.
#[derive(Debug, Clone)]
pub(super) struct Usual {
    median: f64,
    spread: f64,
    /// Largest |z| that counts as usual.
    record: f64,
}

impl Usual {
    /// Of reference values; `record_share` of their |z| are usual (1 = all: the reference has no faults). None with under 30 values.
    pub(super) fn of(values: &[f64], record_share: f64) -> Option<Self> {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        if sorted.len() < 30 {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let at = |sorted: &[f64], share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
        let median = at(&sorted, 0.5);
        let mut apart: Vec<f64> = sorted.iter().map(|value| (value - median).abs()).collect();
        apart.sort_by(f64::total_cmp);
        // A series that hardly ever moves has no spread of its own: a hundredth of its level stands in.
        let spread = (1.4826 * at(&apart, 0.5)).max(0.01 * median.abs()).max(1e-6);
        let record = (at(&apart, record_share) / spread).max(3.0);
        Some(Self { median, spread, record })
    }

    /// Direction and surprise of a value that is out of the usual.
    pub(super) fn judge(&self, value: f64) -> Option<(Direction, f64)> {
        let z = (value - self.median) / self.spread;
        let over = z.abs() / self.record;
        let direction = if z > 0.0 { Direction::Up } else { Direction::Down };
        (over.is_finite() && over > OVER_RECORD).then(|| (direction, (3.0 + 2.0 * over.log10()).min(6.0)))
    }
}
