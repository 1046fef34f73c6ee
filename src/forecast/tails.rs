//! What lies outside an interval, for people.

/// The share of futures below an interval of this level: `2.5 %` of 0.95.
pub fn lower_tail(level: f64) -> String {
    percent(0.5 * (1.0 - level))
}

/// The share of futures below the upper end of an interval of this level: `97.5 %` of 0.95.
pub fn upper_tail(level: f64) -> String {
    percent(0.5 * (1.0 + level))
}

/// In percent, with two digits behind the point where they say something.
fn percent(share: f64) -> String {
    format!("{} %", (share * 1e4).round() / 1e2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tails_of_a_level_are_a_half_of_the_rest_each() {
        for (level, lower, upper) in [(0.95, "2.5 %", "97.5 %"), (0.9, "5 %", "95 %"), (0.985, "0.75 %", "99.25 %"), (0.5, "25 %", "75 %")]
        {
            assert_eq!((lower_tail(level).as_str(), upper_tail(level).as_str()), (lower, upper));
        }
    }
}
