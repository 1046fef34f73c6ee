//! Cleaning up: what the largest hold, what somebody has agreed to remove, and what has become of that.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::days::{days_between, plus_days};
use super::need::{Consumer, Need};
use super::option::{OptionKind, PurchaseOption};
use super::options::Question;
use super::price::{Cost, convert};
use super::quantity::covers;
use super::term::Term;
use super::unit::{fine_number, number, shown, shown_finely};
use super::without_purchase::{load_text, plain, plain_until};
use crate::inventory::Money;

/// The part of an agreed amount by which use must fall at least: what grows meanwhile, and what is measured by the day, hides the rest.
const FALL_SHARE: f64 = 0.5;

/// What somebody has agreed to remove from a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreedCleanUp {
    /// Load that goes, in the need's unit.
    pub amount: f64,
    /// What goes.
    pub what: String,
    /// On this day it is gone.
    pub by_when: Date,
    /// Who has agreed.
    pub by: String,
    /// On which day.
    pub agreed_on: Date,
    /// The median of the last day that was measured then.
    pub used_before: f64,
    /// For how many days use goes down so far by itself and comes back ([`usual_dip_days`]); 0 where it never does.
    #[serde(default)]
    pub usual_dip_days: i64,
    /// What of it is seen to have gone already: the need has become smaller by that.
    #[serde(default)]
    pub gone: f64,
    /// What the work costs, if somebody has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labour_cost: Option<Money>,
}

/// What has become of an agreement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "became", rename_all = "snake_case")]
pub enum CleanUpOutcome {
    /// Its day has not passed, and no more than this is seen of it.
    Waits {
        /// In the need's unit.
        fallen: f64,
    },
    /// Use has fallen by so much.
    Measured {
        /// In the need's unit.
        fallen: f64,
    },
    /// Its day has passed, and use has fallen by no more than this.
    Lapsed {
        /// In the need's unit.
        fallen: f64,
    },
    /// Its day has passed long ago, and nobody measures the resource any more.
    Unseen,
}

/// Days after which nobody waits for measurements any more.
const UNSEEN_DAYS: i64 = 30;

impl AgreedCleanUp {
    /// What has become of it, by the days that were measured from [`DIP_WITHIN_DAYS`] before the agreement on. Use has fallen from the highest
    /// of them, because it may have grown until somebody cleaned up; the fall must be half of what was agreed at least, and last longer
    /// than use goes down so far by itself. A day is given to the last one: whoever cleans up in the evening is seen on the day after.
    pub fn outcome(&self, days: &[(Date, f64)]) -> CleanUpOutcome {
        let mut days: Vec<(Date, f64)> = days.iter().copied().filter(|(_, used)| used.is_finite()).collect();
        days.sort_unstable_by_key(|(day, _)| *day);
        let Some((last, used)) = days.last().copied().filter(|(day, _)| *day >= self.agreed_on) else {
            return CleanUpOutcome::Waits { fallen: 0.0 };
        };
        // Where use goes up and down, what was high before the agreement is high as well; else what fell before is another fall.
        let counted_from = if self.usual_dip_days > 0 { plus_days(self.agreed_on, -DIP_WITHIN_DAYS) } else { self.agreed_on };
        days.retain(|(day, _)| *day >= counted_from);
        let fall = self.least_fall();
        let mut highest = self.used_before;
        let mut fell: Option<(Date, f64)> = None;
        for (day, used) in &days {
            match fell {
                Some((_, from)) if *used <= from - fall => {}
                _ => {
                    highest = highest.max(*used);
                    fell = (*used <= highest - fall).then_some((*day, highest));
                }
            }
        }
        match fell {
            Some((since, from)) if days_between(since, last) + 1 > self.usual_dip_days => CleanUpOutcome::Measured { fallen: from - used },
            None if last > self.by_when => CleanUpOutcome::Lapsed { fallen: highest - used },
            // Where use goes up and down by itself, a fall says nothing before it has lasted.
            _ => CleanUpOutcome::Waits { fallen: if self.usual_dip_days == 0 { highest - used } else { 0.0 } },
        }
    }

    /// The same as it is known today: what is not measured any more is not waited for forever.
    pub fn outcome_by(&self, days: &[(Date, f64)], today: Date) -> CleanUpOutcome {
        let last = days.iter().map(|(day, _)| *day).max();
        let is_unseen = days_between(self.by_when, today) > UNSEEN_DAYS && last.is_none_or(|last| days_between(last, today) > UNSEEN_DAYS);
        match self.outcome(days) {
            CleanUpOutcome::Waits { .. } if is_unseen => CleanUpOutcome::Unseen,
            outcome => outcome,
        }
    }

    fn least_fall(&self) -> f64 {
        self.amount * FALL_SHARE
    }
}

/// Days within which use comes back from a dip; what lasts longer is another level.
pub const DIP_WITHIN_DAYS: i64 = 35;

/// The most days in a row, of those given, on which use was lower by half of an amount than at some time in the [`DIP_WITHIN_DAYS`] before,
/// and after which it came back: where old files go each Sunday, or each month. 0 where that never happens.
pub fn usual_dip_days(days: &[(Date, f64)], amount: f64) -> i64 {
    let fall = amount * FALL_SHARE;
    let (mut longest, mut since) = (0, None);
    for (at, (day, used)) in days.iter().enumerate().filter(|(_, (_, used))| used.is_finite()) {
        let before = days[..at].iter().filter(|(other, used)| days_between(*other, *day) <= DIP_WITHIN_DAYS && used.is_finite());
        let highest = before.map(|(_, used)| *used).fold(f64::NEG_INFINITY, f64::max);
        match since {
            None if *used <= highest - fall => since = Some(*day),
            Some(began) if *used > highest - fall => {
                let lasted = days_between(began, *day);
                longest = if lasted <= DIP_WITHIN_DAYS { longest.max(lasted) } else { longest };
                since = None;
            }
            _ => {}
        }
    }
    longest
}

/// Cleaning up: as far as somebody has agreed to it, or else as far as somebody has said what can go. None without agreement and consumers.
pub(super) fn clean_up(question: &Question<'_>) -> Option<PurchaseOption> {
    match &question.need.agreed {
        Some(agreed) => Some(agreed_clean_up(question, agreed)),
        None => possible_clean_up(question),
    }
}

/// What is agreed counts as load that is gone on its day.
fn agreed_clean_up(question: &Question<'_>, agreed: &AgreedCleanUp) -> PurchaseOption {
    let need = question.need;
    let (share, unit) = (need.usable_share(), &need.unit);
    let freed = (agreed.amount - agreed.gone).max(0.0);
    let gained = freed / share;
    let wanted = need.needed * share;
    let mut terms = consumer_terms(need);
    terms.push(Term::new("load_wanted", wanted, unit, load_text(question, wanted)));
    let gone = if agreed.gone > 0.0 { format!(", of which {} have gone", shown_finely(agreed.gone, unit)) } else { String::new() };
    let (amount, by_when) = (shown_finely(agreed.amount, unit), agreed.by_when);
    let text = format!("{amount} on {by_when}{gone}: {}; {} agreed on {}", agreed.what, agreed.by, agreed.agreed_on);
    terms.push(Term::new("load_freed", freed, unit, text));
    terms.push(gained_term(question, freed, gained));
    let labour = agreed.labour_cost.map(|cost| convert(cost, question.policy.currency, question.policy)).transpose();
    let title = format!("Clean up {} by {}: {} ({} has agreed)", shown(agreed.amount, unit), agreed.by_when, agreed.what, agreed.by);
    let days = u32::try_from(days_between(need.today, agreed.by_when)).unwrap_or(0);
    let mut option = plain_until(question, OptionKind::CleanUp, title, gained, terms, None, days);
    match labour {
        Ok(None) => {}
        Ok(Some(labour)) => {
            let term_days = f64::from(question.policy.term_months) * super::days::DAYS_A_MONTH;
            let used = gained.min(need.needed.max(need.lacking_after(term_days)));
            option.capacity_used = used;
            option.terms.push(Term::money("labour", labour, format!("{labour} for the work, as {} said", agreed.by)));
            option.cost = Cost::labour(labour, [gained, used].map(|it| it / question.price_size), question.policy, &question.price_unit);
        }
        Err(why) => option.against.push(why),
    }
    option.judged(need)
}

fn consumer_terms(need: &Need) -> Vec<Term> {
    let unit = &need.unit;
    let term = |consumer: &Consumer| {
        let can_go = match (consumer.removable, consumer.might_go) {
            (Some(amount), _) => format!("{} of it can go", shown(amount, unit)),
            (None, Some(amount)) => format!("by the question {} of it might go, and nobody has looked yet", shown(amount, unit)),
            (None, None) => "nobody has said how much of it can go".to_owned(),
        };
        Term::new("consumer", consumer.amount, unit, format!("{}: {}; {can_go}", consumer.name, shown(consumer.amount, unit)))
    };
    holding(need).map(term).collect()
}

fn holding(need: &Need) -> impl Iterator<Item = &Consumer> {
    need.consumers.iter().filter(|consumer| consumer.amount.is_finite() && consumer.amount > 0.0)
}

fn gained_term(question: &Question<'_>, freed: f64, gained: f64) -> Term {
    let (share, unit) = (question.need.usable_share(), &question.need.unit);
    let text = format!("{} ÷ {} = {}", shown_finely(freed, unit), fine_number(share), shown_finely(gained, unit));
    Term::new("capacity_gained", gained, unit, text)
}

fn possible_clean_up(question: &Question<'_>) -> Option<PurchaseOption> {
    let need = question.need;
    holding(need).next()?;
    let (share, unit) = (need.usable_share(), &need.unit);
    let held: f64 = sum(holding(need).map(|consumer| consumer.amount));
    let removable =
        |consumer: &Consumer| consumer.removable.filter(|amount| *amount > 0.0).map_or(0.0, |amount| amount.min(consumer.amount));
    let freed = sum(holding(need).map(removable));
    let wanted = need.needed * share;
    let percent = wanted / held * 100.0;
    let mut terms = consumer_terms(need);
    terms.push(Term::new("load_wanted", wanted, unit, load_text(question, wanted)));
    terms.push(Term::new(
        "share_wanted",
        percent,
        "percent",
        format!("{} ÷ {} that they hold", shown_finely(wanted, unit), shown_finely(held, unit)),
    ));
    terms.push(Term::new("load_freed", freed, unit, format!("{} can go in all", shown_finely(freed, unit))));
    let gained = freed / share;
    terms.push(gained_term(question, freed, gained));
    let part = if freed > 0.0 { shown(freed, unit) } else { "part".to_owned() };
    let title = format!("Clean up {part} of the {} that the largest hold", shown(held, unit));
    let mut option = plain(question, OptionKind::CleanUp, title, gained, terms, None);
    if holding(need).any(|consumer| consumer.removable.is_none()) && !covers(gained, need) {
        option.against.push(match percent {
            ..=100.0 => format!("nobody has said yet how much can go; {} % of what the largest hold would have to", number(percent)),
            _ => format!(
                "even all that the largest hold, {}, is less than the {} that would have to go",
                shown(held, unit),
                shown(wanted, unit)
            ),
        });
    }
    Some(option.judged(need))
}

/// The sum from the smallest up: it does not depend on the order of the inputs.
fn sum(amounts: impl Iterator<Item = f64>) -> f64 {
    let mut amounts: Vec<f64> = amounts.collect();
    amounts.sort_by(f64::total_cmp);
    amounts.into_iter().sum()
}

#[cfg(test)]
#[path = "clean_up_tests.rs"]
mod tests;
