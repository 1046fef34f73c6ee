//! The sheet for the talk with a supplier.
//!
//! The **walk-away price** is the price of one piece at which the offer is as dear, for each unit of capacity that will be used and
//! each month, as the best other feasible offer: above it that one is better. Where the budget line ends before that, it ends
//! there. Without another feasible offer and without a budget line there is none. The **target price** is the lowest price that
//! something in hand speaks for, and never more than is asked or than a walk-away
//! price above 0.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::days::days_between;
use super::error::PurchaseError;
use super::need::Need;
use super::option::{OptionKind, PurchaseOption};
use super::options::{NamedOffer, Options};
use super::policy::PurchasePolicy;
use super::price::{Priced, convert, fine_price, piece_price, priced};
use super::price_history::{PastPrice, PricePoint, change_a_year, price_points};
use super::questions::{next_step, questions};
use super::term::Term;
use super::unit::{convert as convert_unit, counted, fine_number};
use crate::inventory::{Money, Offer};

/// Another way to meet the need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// Its place in the order of the options, from 1.
    pub place: usize,
    /// What is done.
    pub kind: OptionKind,
    /// The same in words.
    pub title: String,
    /// Whether it is feasible.
    pub feasible: bool,
    /// Its present value over the term, minor units of the options' currency.
    pub npv_minor: i64,
    /// That for each month and unit of the capacity that will be used.
    pub per_used_unit_and_month_minor: Option<f64>,
    /// What stands against it.
    pub against: Vec<String>,
}

/// A price of one piece, and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceGoal {
    /// One piece, in the offer's currency.
    pub piece: Money,
    /// The reasons, the one that decides first.
    pub because: Vec<String>,
}

/// What to know and to ask in the talk about an offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NegotiationSheet {
    /// The resource.
    pub resource: String,
    /// What it needs, in a sentence.
    pub need: String,
    /// The offer.
    pub offer: String,
    /// What it is.
    pub item: String,
    /// Who sells it.
    pub supplier: String,
    /// Pieces.
    pub quantity: u32,
    /// What is asked for one.
    pub asked_piece: Money,
    /// The day on which the decision must be made; none where no crossing is seen.
    pub deadline: Option<Date>,
    /// Days until then; negative if it is over.
    pub days_left: Option<i64>,
    /// The other options, best first.
    pub alternatives: Vec<Alternative>,
    /// What the item cost before, oldest first.
    pub price_history: Vec<PricePoint>,
    /// Change a year from the first known price to the asked one, in percent.
    pub change_percent_a_year: Option<f64>,
    /// What to reach.
    pub target: PriceGoal,
    /// Where to stop.
    pub walk_away: Option<PriceGoal>,
    /// What to ask.
    pub questions: Vec<String>,
    /// Every number.
    pub terms: Vec<Term>,
}

/// What the prices are worked out from.
struct Talk<'t> {
    options: &'t Options,
    option: &'t PurchaseOption,
    offer: &'t Offer,
    priced: Priced,
    policy: &'t PurchasePolicy,
}

/// The sheet for the talk about the offer `name`, which is one of the options of the need.
///
/// # Errors
/// [`PurchaseError::NoSuchOffer`] if it is none, [`PurchaseError::TooLarge`] if its price cannot be counted.
pub fn negotiation_sheet(
    need: &Need,
    options: &Options,
    offers: &[NamedOffer],
    name: &str,
    history: &[PastPrice],
    policy: &PurchasePolicy,
) -> Result<NegotiationSheet, PurchaseError> {
    let named = offers.iter().find(|(offer, _)| offer == name).map(|(_, offer)| offer);
    let (Some(option), Some(offer)) = (options.of_offer(name), named) else {
        let known: Vec<&str> = options.options.iter().filter_map(|option| option.offer.as_deref()).collect();
        let (offer, resource) = (name.to_owned(), options.resource.clone());
        return Err(PurchaseError::NoSuchOffer { offer, resource, known: known.join(", ") });
    };
    let priced = priced(offer, option.quantity, option.cost.term_months, policy).map_err(|what| PurchaseError::TooLarge { what })?;
    let talk = Talk { options, option, offer, priced, policy };
    let price_history = price_points(&offer.item, history, offer.currency, policy);
    let mut terms = option.terms.clone();
    let walk_away = talk.walk_away(&mut terms);
    let target = talk.target(&price_history, offers, walk_away.as_ref());
    terms.push(Term::money("target_price", target.piece, target.because.join("; ")));
    let deadline = option.schedule.order_by;
    let first = price_history.iter().find_map(|point| Some((point.offered_on, point.converted?)));
    let asked_on = offer.offered_on.unwrap_or(need.today);
    Ok(NegotiationSheet {
        resource: need.resource.clone(),
        need: need_in_words(need),
        offer: name.to_owned(),
        item: offer.item.clone(),
        supplier: offer.supplier.clone(),
        quantity: option.quantity,
        asked_piece: talk.priced.piece,
        deadline,
        days_left: deadline.map(|deadline| days_between(need.today, deadline)),
        alternatives: talk.alternatives(),
        change_percent_a_year: first.and_then(|(date, price)| change_a_year(date, price, asked_on, talk.priced.piece)),
        price_history,
        target,
        walk_away,
        questions: questions(offer, option, need),
        terms,
    })
}

fn need_in_words(need: &Need) -> String {
    let needed = super::unit::shown(need.needed, &need.unit);
    match (need.median, need.lower) {
        (Some(median), Some(lower)) => {
            format!("{} needs {needed} more; it reaches its threshold around {median}, {lower} at the earliest", need.resource)
        }
        (None, Some(lower)) => format!("{} needs {needed} more; it reaches its threshold on {lower} at the earliest", need.resource),
        _ => format!("{} needs {needed} more", need.resource),
    }
}

impl Talk<'_> {
    fn alternatives(&self) -> Vec<Alternative> {
        let others = self.options.options.iter().enumerate().filter(|(_, other)| other.offer != self.option.offer);
        others
            .map(|(at, other)| Alternative {
                place: at + 1,
                kind: other.kind,
                title: other.title.clone(),
                feasible: other.feasible,
                npv_minor: other.cost.npv_minor,
                per_used_unit_and_month_minor: other.cost.per_used_unit_and_month_minor,
                against: other.against.clone(),
            })
            .collect()
    }

    /// The price of a piece if all pieces, and what is paid once beside them, may cost so much; rounded down, 0 at least.
    fn piece_of(&self, once: Money) -> Option<Money> {
        let quantity = i64::from(self.priced.quantity);
        let pieces = self.priced.piece.minor.checked_mul(quantity)?;
        let beside = self.priced.asked_one_off.minor.checked_sub(pieces)?;
        let minor = once.minor.checked_sub(beside)?.checked_div_euclid(quantity)?.max(0);
        Some(Money { minor, currency: self.offer.currency })
    }

    /// The best other offer that is feasible.
    fn second(&self) -> Option<&PurchaseOption> {
        let other = |option: &&PurchaseOption| option.kind.is_bought() && option.feasible && option.offer != self.option.offer;
        self.options.options.iter().find(other)
    }

    fn walk_away(&self, terms: &mut Vec<Term>) -> Option<PriceGoal> {
        let parity = self.parity(terms);
        let budget = self.budget_end(terms);
        let mut goals: Vec<(Money, String)> = parity.into_iter().chain(budget).collect();
        goals.sort_by_key(|(price, _)| price.minor);
        let piece = goals.first()?.0;
        terms.push(Term::money(
            "walk_away_price",
            piece,
            "the lower of the price that the second-best offer sets and that the budget allows",
        ));
        Some(PriceGoal { piece, because: goals.into_iter().map(|(_, why)| why).collect() })
    }

    /// The price at which the second-best offer is as good.
    fn parity(&self, terms: &mut Vec<Term>) -> Option<(Money, String)> {
        let second = self.second()?;
        let each = second.cost.per_used_unit_and_month_minor?;
        let size = convert_unit(1.0, &self.options.price_unit, &self.option.unit).unwrap_or(1.0);
        let (units, months) = (self.option.capacity_used / size, f64::from(self.option.cost.term_months));
        let whole = each * units * months;
        // Beyond 2^53 a float has no cents any more.
        if !(whole.is_finite() && whole.abs() < 9e15) {
            return None;
        }
        let money = |minor| Money { minor, currency: self.policy.currency };
        let whole = money(whole.floor() as i64);
        let once = money(whole.minor.checked_sub(self.priced.running_present.minor)?);
        let asked = convert(once, self.offer.currency, self.policy).ok()?;
        let piece = self.piece_of(asked)?;
        let (unit, each) = (&self.options.price_unit, fine_price(each, self.policy.currency));
        let text = format!(
            "{each} per {unit} and month of “{}” × {} {unit} × {months} months = {whole}; − running {} = {once}; ÷ {} = {piece}",
            second.title,
            fine_number(units),
            self.priced.running_present,
            counted(self.priced.quantity, "piece")
        );
        let text = match once.minor {
            0.. => text,
            _ => format!("{text}, 0 at least: at no price is it as good while its running costs are what they are"),
        };
        terms.push(Term::money("price_as_good_as_second_best", piece, text.clone()));
        Some((piece, text))
    }

    /// The price at which the budget line is used up.
    fn budget_end(&self, terms: &mut Vec<Term>) -> Option<(Money, String)> {
        let budget = self.option.budget.as_ref()?;
        let left = Money { minor: budget.left_after_minor, currency: budget.currency };
        let once = convert(self.priced.asked_one_off, budget.currency, self.policy).ok()?;
        let most = Money { minor: once.minor.checked_add(left.minor)?, ..once };
        let piece = self.piece_of(convert(most, self.offer.currency, self.policy).ok()?)?;
        let text = format!(
            "budget line {} allows {once} + {left} left after it = {most} once; ÷ {} = {piece}",
            budget.line,
            counted(self.priced.quantity, "piece")
        );
        terms.push(Term::money("price_that_the_budget_allows", piece, text.clone()));
        Some((piece, text))
    }

    fn target(&self, history: &[PricePoint], offers: &[NamedOffer], walk_away: Option<&PriceGoal>) -> PriceGoal {
        let asked = self.priced.piece;
        let mut grounds: Vec<(i64, String)> = Vec::new();
        if let Some((from, price)) = next_step(self.offer, self.priced.quantity) {
            grounds.push((price.minor, format!("{price} is asked from {from} pieces on: ask for it at {}", self.priced.quantity)));
        }
        let past = history.iter().filter_map(|point| Some((point.converted?, point)));
        if let Some((price, point)) = past.min_by_key(|(price, point)| (price.minor, point.offered_on)) {
            grounds.push((price.minor, format!("{price} was the best price before: {} on {}", point.supplier, point.offered_on)));
        }
        let same = offers.iter().filter(|(name, other)| {
            other.item == self.offer.item && Some(name) != self.option.offer.as_ref() && other.valid_until >= self.options.today
        });
        let elsewhere = same.filter_map(|(name, other)| {
            let price = Money { minor: piece_price(other, self.priced.quantity), currency: other.currency };
            Some((convert(price, self.offer.currency, self.policy).ok()?, name, other))
        });
        if let Some((price, name, other)) = elsewhere.min_by_key(|(price, name, _)| (price.minor, (*name).clone())) {
            grounds.push((price.minor, format!("{price} is what {} asks for the same item ({name})", other.supplier)));
        }
        if let Some(goal) = walk_away {
            grounds.push((goal.piece.minor, format!("{} is the walk-away price", goal.piece)));
        }
        // Nobody sells for nothing: a walk-away price of 0 says that there is nothing to talk about, and is no target.
        grounds.retain(|(price, _)| (1..asked.minor).contains(price));
        grounds.sort();
        let minor = grounds.first().map_or(asked.minor, |(price, _)| *price);
        let mut because: Vec<String> = grounds.into_iter().map(|(_, why)| why).collect();
        if because.is_empty() {
            because.push(format!("{asked} is asked, and nothing in hand speaks for less"));
        }
        PriceGoal { piece: Money { minor, ..asked }, because }
    }
}

#[cfg(test)]
#[path = "negotiation_tests.rs"]
mod tests;
