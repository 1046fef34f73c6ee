//! Days of the week.

use serde::{Deserialize, Serialize};

/// A day of the week; in documents `mon`, `tue` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    /// All of them, Monday first (ISO 8601).
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// The word for it, as in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }
}

impl From<jiff::civil::Weekday> for Weekday {
    fn from(weekday: jiff::civil::Weekday) -> Self {
        match weekday {
            jiff::civil::Weekday::Monday => Self::Mon,
            jiff::civil::Weekday::Tuesday => Self::Tue,
            jiff::civil::Weekday::Wednesday => Self::Wed,
            jiff::civil::Weekday::Thursday => Self::Thu,
            jiff::civil::Weekday::Friday => Self::Fri,
            jiff::civil::Weekday::Saturday => Self::Sat,
            jiff::civil::Weekday::Sunday => Self::Sun,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_by_their_words() {
        for day in Weekday::ALL {
            assert_eq!(serde_json::to_value(day).unwrap(), day.word());
            assert_eq!(serde_json::from_value::<Weekday>(day.word().into()).unwrap(), day);
        }
        assert!(serde_json::from_value::<Weekday>("monday".into()).is_err());
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        // 2 November 2026 is a Monday.
        let week = (2..9).map(|day| jiff::civil::date(2026, 11, day).weekday());
        assert_eq!(week.map(Weekday::from).collect::<Vec<_>>(), Weekday::ALL);
    }
}
