//! How often a rule with detectors may be wrong, in words.

use std::fmt;

use crate::anomaly::threshold_for;

/// "About once in N weeks": how often a series on which nothing happens may alarm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensitivity {
    /// Weeks between two false alarms of one series.
    pub weeks: f64,
}

impl Sensitivity {
    /// Reads `about once in 8 weeks`; the unit may be days, weeks, months or years, `about` may be missing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no sensitivity; write `about once in 8 weeks` (or days, months, years)");
        let rest = text.trim().strip_prefix("about ").unwrap_or(text.trim());
        let rest = rest.strip_prefix("once in ").or_else(|| rest.strip_prefix("once a ")).ok_or_else(wrong)?;
        let (count, unit) = rest.split_once(' ').unwrap_or(("1", rest));
        let count: f64 = if count == "a" { 1.0 } else { count.parse().map_err(|_| wrong())? };
        let weeks = match unit.trim_end_matches('s') {
            "day" => count / 7.0,
            "week" => count,
            "month" => count * 365.25 / 12.0 / 7.0,
            "year" => count * 365.25 / 7.0,
            _ => return Err(wrong()),
        };
        if !(0.1..=5_300.0).contains(&weeks) {
            return Err(format!("`{text}` is out of range; write a day to 100 years"));
        }
        Ok(Self { weeks })
    }

    /// The score from which on a series with a point every `period_us` alarms.
    pub fn threshold(self, period_us: i64) -> f64 {
        threshold_for(self.weeks, u32::try_from(period_us / crate::clock::SECOND_US).unwrap_or(u32::MAX))
    }
}

impl fmt::Display for Sensitivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.weeks {
            weeks if weeks < 1.0 => write!(f, "about once in {:.0} days", weeks * 7.0),
            weeks if weeks < 104.0 => write!(f, "about once in {weeks:.0} weeks"),
            weeks => write!(f, "about once in {:.0} years", weeks * 7.0 / 365.25),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_weeks_and_read_back() {
        for (text, weeks) in
            [("about once in 8 weeks", 8.0), ("once a week", 1.0), ("once in 14 days", 2.0), ("about once in 2 years", 104.357)]
        {
            assert!((Sensitivity::parse(text).unwrap().weeks - weeks).abs() < 0.01, "{text}");
        }
        assert_eq!(Sensitivity::parse("about once in 2 years").unwrap().to_string(), "about once in 2 years");
        for wrong in ["often", "once in many weeks", "once in 3 blue moons", "once in 0 weeks", "once in 2000 years"] {
            assert!(Sensitivity::parse(wrong).unwrap_err().contains("write "), "{wrong}");
        }
    }

    #[test]
    fn rarer_alarms_need_higher_scores() {
        let threshold = |text| Sensitivity::parse(text).unwrap().threshold(300 * crate::clock::SECOND_US);
        assert!(
            threshold("once in 1 week") < threshold("once in 10 weeks") && threshold("once in 10 weeks") < threshold("once in 10 years")
        );
    }
}
