//! How many pieces.

use super::need::Need;
use super::policy::PurchasePolicy;
use super::price::{Priced, priced, term_of};
use super::unit::{counted, number, shown};
use crate::inventory::{Offer, OfferAction};

/// A million pieces: who needs more has the wrong unit.
pub(super) const MOST_PIECES: f64 = 1e6;
/// A millionth of a piece too little is a rounding error of units, not a lack.
pub(super) const TOLERANCE: f64 = 1e-6;

/// The quantity that is bought, and why.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub priced: Priced,
    /// Capacity gained, in the need's unit.
    pub gained: f64,
    /// Pieces that the need alone asks for.
    pub smallest: u32,
    /// Whether the gain is what is needed.
    pub covers: bool,
    pub why: String,
}

/// What `quantity` pieces of `capacity` each add to the resource.
pub(super) fn gain(offer: &Offer, capacity: f64, quantity: u32, need: &Need) -> f64 {
    let total = capacity * f64::from(quantity);
    match offer.action {
        OfferAction::Add => total,
        OfferAction::Replace => total - need.limit,
    }
}

/// Pieces that the need alone asks for, one at least.
pub(super) fn smallest(offer: &Offer, capacity: f64, need: &Need) -> Result<u32, String> {
    let wanted = match offer.action {
        OfferAction::Add => need.needed,
        OfferAction::Replace => need.needed + need.limit,
    };
    let pieces = (wanted / capacity - TOLERANCE).ceil().max(1.0);
    if pieces <= MOST_PIECES {
        return Ok(pieces as u32);
    }
    let (wanted, capacity) = (shown(wanted, &need.unit), shown(capacity, &need.unit));
    Err(format!("{} pieces of {capacity} would be needed for {wanted}; check the unit of the offer", number(pieces)))
}

/// Whether a gain is enough.
pub(super) fn covers(gained: f64, need: &Need) -> bool {
    gained >= need.needed - TOLERANCE * need.needed.max(1e-12)
}

/// The quantity to buy: the smallest that covers the need and that the supplier sells, or a volume step above it where the
/// whole is cheaper. `capacity` is that of one piece in the need's unit.
pub(super) fn choose(offer: &Offer, capacity: f64, need: &Need, policy: &PurchasePolicy) -> Result<Chosen, String> {
    let smallest = smallest(offer, capacity, need)?;
    let most = offer.max_quantity.unwrap_or(u32::MAX);
    let least = smallest.max(offer.min_quantity);
    if most < offer.min_quantity.max(1) {
        return Err(format!("it is sold from {} and up to {most} pieces: no quantity is both; correct the offer", offer.min_quantity));
    }
    let term = term_of(offer, policy);
    let mut best = priced(offer, least.min(most), term, policy)?;
    let mut why = match least {
        _ if most < least => format!("{} at most are sold; {smallest} would be needed", counted(most, "piece")),
        least if least > smallest => format!("{} would cover the need; {least} are the fewest that are sold", counted(smallest, "piece")),
        least => format!("{least} is the smallest number of pieces that covers the need"),
    };
    let base = best.quantity;
    let mut steps: Vec<u32> =
        offer.steps.iter().map(|step| step.from).filter(|from| (base.saturating_add(1)..=most).contains(from)).collect();
    steps.sort_unstable();
    for from in steps {
        // A step too large to be counted is not cheaper.
        let Ok(at_step) = priced(offer, from, term, policy) else { continue };
        if at_step.npv.minor < best.npv.minor {
            why = format!(
                "{from} pieces at the price from {from} on cost {} in all, less than {} for {}",
                at_step.npv, best.npv, best.quantity
            );
            best = at_step;
        }
    }
    let gained = gain(offer, capacity, best.quantity, need);
    if gained <= 0.0 {
        let total = shown(capacity * f64::from(best.quantity), &need.unit);
        return Err(format!("it replaces {} by {total}: nothing is gained", shown(need.limit, &need.unit)));
    }
    Ok(Chosen { covers: covers(gained, need), priced: best, gained, smallest, why })
}
