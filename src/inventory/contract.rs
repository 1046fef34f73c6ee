//! What the department is bound to.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::field::Complaints;
use super::{CostPer, Currency, Money};
use crate::document::Complaint;

/// Longest notice and longest time before it: two years.
const MAX_NOTICE_DAYS: u32 = 731;
/// Longest renewal: ten years.
const MAX_RENEWAL_MONTHS: u32 = 120;
/// Days before the notice date at which people are reminded, unless the contract says otherwise.
const USUAL_REMIND_DAYS: u32 = 30;

/// A contract with a supplier: maintenance, licences, a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// With whom.
    pub supplier: String,
    /// About what.
    #[serde(default)]
    pub description: String,
    /// Its first day.
    pub starts_on: Date,
    /// The last day of its first term; without one it goes on until notice is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<Date>,
    /// Notice must be given so many days before the end.
    #[serde(default)]
    pub notice_days: u32,
    /// Whether it goes on by itself when nobody gives notice.
    #[serde(default)]
    pub auto_renews: bool,
    /// For how long it goes on then, months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_months: Option<u32>,
    /// What it costs, in minor units of the currency.
    pub cost_minor: i64,
    /// The currency of the cost.
    pub currency: Currency,
    /// How often the cost comes.
    pub cost_per: CostPer,
    /// What it covers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<String>,
    /// The service of the setup that needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The team that gets the ticket before the notice date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Days before the notice date at which that ticket comes.
    #[serde(default = "default_remind_days")]
    pub remind_days: u32,
}

fn default_remind_days() -> u32 {
    USUAL_REMIND_DAYS
}

/// A term of a contract, and what must be done before it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ContractTerm {
    /// Its last day.
    pub ends_on: Date,
    /// The last day on which notice can be given.
    pub notice_on: Date,
    /// The day on which people are reminded.
    pub remind_on: Date,
}

impl Contract {
    /// What is wrong with the record, field by field; empty if it may be kept. Whether what it names exists is for the caller.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints.text("supplier", &self.supplier);
        complaints.description(&self.description);
        complaints.day("starts_on", Some(self.starts_on));
        complaints.day("ends_on", self.ends_on);
        complaints.in_order(("starts_on", Some(self.starts_on)), ("ends_on", self.ends_on));
        complaints.within("notice_days", self.notice_days, 0, MAX_NOTICE_DAYS);
        complaints.within("remind_days", self.remind_days, 0, MAX_NOTICE_DAYS);
        if let Some(months) = self.renewal_months {
            complaints.within("renewal_months", months, 1, MAX_RENEWAL_MONTHS);
        }
        if self.auto_renews && self.ends_on.is_none() {
            complaints.add("ends_on", "it is not given, but the contract renews itself; write the last day of its first term");
        }
        if self.auto_renews && self.renewal_months.is_none() {
            complaints.add("renewal_months", "it is not given, but the contract renews itself; write for how many months, such as 12");
        }
        complaints.price("cost_minor", self.cost_minor);
        complaints.list("assets", &self.assets);
        complaints.optional("service", self.service.as_ref());
        complaints.optional("owner", self.owner.as_ref());
        complaints.into_vec()
    }

    /// What it costs each time.
    pub fn cost(&self) -> Money {
        Money::new(self.cost_minor, self.currency)
    }

    /// The term that there is still something to decide about: the first whose notice date has not passed, if the contract
    /// renews itself; the one term, until it ends, if it does not. `None` where it has no end, or has ended.
    ///
    /// Terms after the first are computed and never written: nobody has to keep the record up to date.
    pub fn term_to_decide(&self, today: Date) -> Option<ContractTerm> {
        let first = self.term(0)?;
        let Some(months) = self.renewal_months.filter(|months| self.auto_renews && *months > 0) else {
            return Some(first).filter(|term| today <= term.ends_on);
        };
        // Whole months between the two days, less one renewal for days that months do not tell: never beyond the term looked for.
        let behind = (i64::from(today.year()) - i64::from(first.notice_on.year())) * 12 + i64::from(today.month())
            - i64::from(first.notice_on.month());
        let renewals = u32::try_from(behind / i64::from(months) - 1).unwrap_or(0);
        (renewals..).map_while(|renewals| self.term(renewals)).find(|term| today <= term.notice_on)
    }

    /// The term after so many renewals; `None` beyond the calendar.
    fn term(&self, renewals: u32) -> Option<ContractTerm> {
        let months = i64::from(self.renewal_months.unwrap_or(0)).checked_mul(i64::from(renewals))?;
        // A term that ends on the last of a month is followed by one that does too: months are counted from the day after it.
        let after = self.ends_on?.checked_add(1.day()).ok()?;
        let ends_on = after.checked_add(jiff::Span::new().try_months(months).ok()?).ok()?.checked_sub(1.day()).ok()?;
        let notice_on = ends_on.checked_sub(i64::from(self.notice_days).days()).ok()?;
        let remind_on = notice_on.checked_sub(i64::from(self.remind_days).days()).ok()?;
        Some(ContractTerm { ends_on, notice_on, remind_on })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn contract(ends_on: Option<Date>, notice_days: u32, renewal_months: Option<u32>) -> Contract {
        Contract {
            supplier: "acme".to_owned(),
            description: String::new(),
            starts_on: date(2024, 1, 1),
            ends_on,
            notice_days,
            auto_renews: renewal_months.is_some(),
            renewal_months,
            cost_minor: 120_000,
            currency: Currency::EUR,
            cost_per: CostPer::Year,
            assets: Vec::new(),
            service: None,
            owner: None,
            remind_days: 30,
        }
    }

    #[test]
    fn a_contract_that_ends_is_decided_about_until_its_end() {
        let contract = contract(Some(date(2026, 12, 31)), 90, None);
        let term = ContractTerm { ends_on: date(2026, 12, 31), notice_on: date(2026, 10, 2), remind_on: date(2026, 9, 2) };
        assert_eq!(contract.term_to_decide(date(2026, 1, 1)), Some(term));
        assert_eq!(contract.term_to_decide(date(2026, 12, 31)), Some(term));
        assert_eq!(contract.term_to_decide(date(2027, 1, 1)), None);
    }

    #[test]
    fn a_contract_that_renews_itself_moves_on_after_its_notice_date() {
        let contract = contract(Some(date(2025, 2, 28)), 30, Some(1));
        let ends = |today| contract.term_to_decide(today).map(|term| (term.notice_on, term.ends_on));
        assert_eq!(ends(date(2025, 1, 29)), Some((date(2025, 1, 29), date(2025, 2, 28))), "the last day for notice");
        assert_eq!(ends(date(2025, 1, 30)), Some((date(2025, 3, 1), date(2025, 3, 31))), "the end of the month, not its 28th day");
        assert_eq!(ends(date(2026, 11, 22)), Some((date(2026, 12, 1), date(2026, 12, 31))));
    }

    #[test]
    fn a_contract_without_an_end_has_nothing_to_decide() {
        assert_eq!(contract(None, 90, None).term_to_decide(date(2026, 1, 1)), None);
    }

    #[test]
    fn what_does_not_go_together_is_named() {
        let mut wrong = contract(Some(date(2023, 12, 31)), 9_999, None);
        wrong.auto_renews = true;
        wrong.cost_minor = -1;
        let fields: Vec<String> = wrong.check().into_iter().map(|complaint| complaint.field).collect();
        assert_eq!(fields, ["ends_on", "notice_days", "renewal_months", "cost_minor"]);
        assert_eq!(contract(Some(date(2025, 12, 31)), 90, Some(12)).check(), []);
    }

    proptest! {
        #[test]
        fn the_term_is_the_first_that_can_still_be_ended(
            end in 0_i64..3_650, notice in 0_u32..400, months in 1_u32..120, today in 0_i64..15_000,
        ) {
            let day = |days: i64| date(2024, 1, 1).checked_add(days.days()).unwrap();
            let contract = contract(Some(day(end)), notice, Some(months));
            let found = contract.term_to_decide(day(today)).unwrap();
            let by_hand = (0..).map(|renewals| contract.term(renewals).unwrap()).find(|term| day(today) <= term.notice_on).unwrap();
            prop_assert_eq!(found, by_hand);
        }
    }
}
