//! Closed lists of words in records.

use crate::record::words;

words! {
    /// How much hangs on a thing; the later the more.
    Criticality, "criticality", {
        /// A few people, or nobody at once.
        Low => "low",
        /// A department, or one service of several.
        Medium => "medium",
        /// Many users, or a service that the business stands on.
        High => "high",
    }
}

words! {
    /// What a thing does just now.
    AssetState, "state of an asset", {
        /// It works for somebody.
        InUse => "in_use",
        /// It lies ready to take another's place.
        Spare => "spare",
        /// It is being repaired, or waits for it.
        InRepair => "in_repair",
        /// It is not used any more.
        Retired => "retired",
    }
}

words! {
    /// How often a cost comes.
    CostPer, "period of a cost", {
        /// Every month.
        Month => "month",
        /// Every three months.
        Quarter => "quarter",
        /// Every twelve months.
        Year => "year",
        /// Only once.
        Once => "once",
    }
}

words! {
    /// What an offer does to what is there.
    OfferAction, "action of an offer", {
        /// It comes on top.
        Add => "add",
        /// It takes the place of what is there.
        Replace => "replace",
    }
}

words! {
    /// What happens to the money of a budget line.
    EntryKind, "kind of entry", {
        /// It is promised for something that was decided.
        Committed => "committed",
        /// A promise was taken back, or became a bill.
        Released => "released",
        /// It was paid.
        Spent => "spent",
    }
}

impl CostPer {
    /// Months between two payments; `None` for what is paid once.
    pub fn months(self) -> Option<u32> {
        match self {
            Self::Month => Some(1),
            Self::Quarter => Some(3),
            Self::Year => Some(12),
            Self::Once => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_json() {
        for one in AssetState::ALL {
            assert_eq!((one.word().parse(), serde_json::to_value(one).unwrap()), (Ok(*one), one.word().into()));
        }
        assert_eq!("urgent".parse::<Criticality>().unwrap_err(), "`urgent` is no criticality; write one of low, medium, high");
        assert!(Criticality::Low < Criticality::High);
    }

    #[test]
    fn costs_come_in_months() {
        assert_eq!(CostPer::ALL.iter().map(|per| per.months()).collect::<Vec<_>>(), [Some(1), Some(3), Some(12), None]);
    }
}
