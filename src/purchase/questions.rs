//! What to ask a supplier: what is missing or weak in an offer.

use super::days::{DAYS_A_MONTH, days_between, plus_days};
use super::delivery::PromisedBy;
use super::need::Need;
use super::option::PurchaseOption;
use super::unit::counted;
use crate::inventory::{Money, Offer};

/// Questions, in the order in which they matter.
pub(super) fn questions(offer: &Offer, option: &PurchaseOption, need: &Need) -> Vec<String> {
    [delivery(option, need), validity(offer, option), support(offer, option), price(offer, option), vec![warranty(offer)]].concat()
}

fn delivery(option: &PurchaseOption, need: &Need) -> Vec<String> {
    let schedule = &option.schedule;
    let Some(delivery) = &schedule.delivery else { return Vec::new() };
    let mut questions = Vec::new();
    if let (false, Some(lower)) = (schedule.in_time, need.lower) {
        let latest = plus_days(lower, -i64::from(schedule.installation_days));
        let ordered = plus_days(need.today, i64::from(schedule.approval_days));
        let days = days_between(ordered, latest);
        questions.push(match days {
            1.. => format!("Can you deliver within {days} days of the order, by {latest}, instead of {}?", delivery.taken_days),
            _ => "What can you lend, or deliver in part, at once? The need comes before any delivery".to_owned(),
        });
    }
    if delivery.promised_by != PromisedBy::Offer {
        questions.push("Which delivery time do you commit to? The offer names none".to_owned());
    }
    if let Some(seen) = delivery.seen_days.filter(|seen| *seen > delivery.promised_days) {
        let promised = delivery.promised_days;
        questions.push(format!("You promise {promised} days and have taken up to {seen}: what do you grant if it is late again?"));
    }
    questions
}

fn validity(offer: &Offer, option: &PurchaseOption) -> Vec<String> {
    let schedule = &option.schedule;
    let Some(order_by) = schedule.order_by else { return Vec::new() };
    let ordered = plus_days(order_by, i64::from(schedule.approval_days));
    let ends_before = offer.valid_until < ordered;
    let ask = || format!("Will you hold the price until {ordered}? The offer ends on {}, before we have to order", offer.valid_until);
    ends_before.then(ask).into_iter().collect()
}

fn support(offer: &Offer, option: &PurchaseOption) -> Vec<String> {
    let mut questions = Vec::new();
    let term = option.cost.term_months;
    let term_ends = plus_days(option.schedule.arrives_on, (f64::from(term) * DAYS_A_MONTH) as i64);
    match offer.support_until {
        Some(until) if until < term_ends => {
            questions.push(format!(
                "Support ends on {until}, and we will use it for {term} months until {term_ends}: what does support cost until then?"
            ));
        }
        Some(_) => {}
        None => questions.push(format!("Until when is it supported? We will use it for {term} months until {term_ends}")),
    }
    if offer.support_level.is_none() {
        questions.push("Which support is included, with which times of response and repair?".to_owned());
    }
    questions
}

fn price(offer: &Offer, option: &PurchaseOption) -> Vec<String> {
    let mut questions = Vec::new();
    match next_step(offer, option.quantity) {
        Some((from, price)) => {
            questions.push(format!("We take {}: will you give us the {price} that you ask from {from} pieces on?", option.quantity))
        }
        None if offer.steps.is_empty() => questions.push("From which quantity on is a piece cheaper, and by how much?".to_owned()),
        None => {}
    }
    if option.quantity > option.smallest_quantity && offer.min_quantity > option.smallest_quantity {
        questions.push(format!("Will you sell {} instead of at least {}?", counted(option.smallest_quantity, "piece"), offer.min_quantity));
    }
    if offer.running_minor > 0 {
        questions.push("For how long are the running costs fixed, and what do they cost afterwards?".to_owned());
    }
    questions
}

fn warranty(offer: &Offer) -> String {
    let description = offer.description.to_lowercase();
    if description.contains("warranty") {
        return "Does the warranty include work on site and a replacement in advance?".to_owned();
    }
    "How long is the warranty, and does it include work on site? The offer does not say".to_owned()
}

/// The next volume step: from how many pieces on, and the price of a piece.
pub(super) fn next_step(offer: &Offer, quantity: u32) -> Option<(u32, Money)> {
    let next = offer.steps.iter().filter(|step| step.from > quantity).min_by_key(|step| step.from)?;
    Some((next.from, Money { minor: next.one_off_minor, currency: offer.currency }))
}
