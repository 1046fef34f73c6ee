//! How much of a limit is to stay free.

use super::knee::knee;

/// What lies between the limit and the threshold that is forecast.
#[derive(Debug, Clone, PartialEq)]
pub enum Headroom {
    /// A share of the limit, 0 to below 1.
    Share(f64),
    /// An amount in the question's unit.
    Amount(f64),
    /// What lies above the knee of the response time; the column says how many servers (processors) share the work.
    Knee(String),
}

impl Headroom {
    /// Reads `15%`, an amount such as `30`, or `knee COLUMN`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no headroom; write a share such as `10%`, an amount such as `30`, or `knee cores`");
        if let Some(column) = text.strip_prefix("knee ") {
            let column = column.trim();
            let is_column = !column.is_empty() && column.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            return if is_column { Ok(Self::Knee(column.to_owned())) } else { Err(wrong()) };
        }
        let (number, is_share) = text.strip_suffix('%').map_or((text, false), |share| (share, true));
        match number.trim().parse::<f64>() {
            Ok(share) if is_share && (0.0..100.0).contains(&share) => Ok(Self::Share(share / 100.0)),
            Ok(amount) if !is_share && amount.is_finite() && amount >= 0.0 => Ok(Self::Amount(amount)),
            _ => Err(wrong()),
        }
    }

    /// The column with the number of servers, where it counts.
    pub fn servers(&self) -> Option<&String> {
        match self {
            Self::Knee(column) => Some(column),
            Self::Share(_) | Self::Amount(_) => None,
        }
    }

    /// The value that is not to be reached. `servers` is what the question's column says; one if it says nothing.
    pub fn threshold(&self, limit: f64, servers: Option<f64>) -> f64 {
        match self {
            Self::Share(share) => limit * (1.0 - share),
            Self::Amount(amount) => limit - amount,
            Self::Knee(_) => limit * knee(servers.unwrap_or(1.0)),
        }
    }

    /// The limit that has this threshold: what is needed so that so much may be used.
    pub fn limit_for(&self, threshold: f64, servers: Option<f64>) -> f64 {
        match self {
            Self::Share(share) => threshold / (1.0 - share),
            Self::Amount(amount) => threshold + amount,
            Self::Knee(_) => threshold / knee(servers.unwrap_or(1.0)),
        }
    }

    /// For people: what stays free of a limit, and why.
    pub fn told(&self, servers: Option<f64>) -> String {
        match self {
            Self::Share(share) => format!("{} % of the limit stay free", round(100.0 * share)),
            Self::Amount(amount) => format!("{} stay free", round(*amount)),
            Self::Knee(_) => {
                let servers = servers.unwrap_or(1.0);
                format!("with {} processors work takes twice its time at {} % (M/M/c)", round(servers), round(100.0 * knee(servers)))
            }
        }
    }
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_and_limits_are_each_others_inverse() {
        for text in ["10%", "0%", "30", "knee cores"] {
            let headroom = Headroom::parse(text).unwrap();
            for servers in [None, Some(1.0), Some(4.0)] {
                let threshold = headroom.threshold(100.0, servers);
                assert!((headroom.limit_for(threshold, servers) - 100.0).abs() < 1e-9, "{text}");
            }
        }
        assert_eq!(Headroom::parse("15 %").unwrap(), Headroom::Share(0.15));
        for text in ["", "100%", "-1", "NaN", "knee", "knee Cores", "inf"] {
            assert!(Headroom::parse(text).is_err(), "{text}");
        }
    }
}
