//! Options that need no order: moving load, capacity that is too large elsewhere, and doing nothing. Cleaning up has a file of its own.
//!
//! Load that goes away is worth more capacity than it took: of a capacity of 100 with a threshold of 80, 8 of load are the place
//! of 10. So that all options compare, each tells its gain as capacity.

use super::delivery::Schedule;
use super::need::LastsUntil;
use super::option::{OptionKind, PurchaseOption, need_terms};
use super::options::{LeftOut, Neighbour, Question};
use super::price::Cost;
use super::quantity::covers;
use super::term::Term;
use super::unit::{convert, fine_number, number, shown, shown_finely};
use crate::inventory::Money;

/// Neighbours that are options, of each kind: nobody reads a hundred.
const MOST_NEIGHBOURS: usize = 3;

/// Moves to neighbours with room, and capacity that neighbours can give. The three with most are options; the others are left out.
pub(super) fn from_neighbours(
    question: &Question<'_>,
    neighbours: &[Neighbour],
    options: &mut Vec<PurchaseOption>,
    left_out: &mut Vec<LeftOut>,
) {
    let (mut moves, mut reuses) = (Vec::new(), Vec::new());
    let need = question.need;
    for neighbour in neighbours.iter().filter(|neighbour| neighbour.resource != need.resource) {
        let mut leave_out = |why: String| left_out.push(LeftOut { name: neighbour.resource.clone(), why });
        let amount = |amount: f64| convert(amount, &neighbour.unit, &need.unit);
        let (Some(spare), Some(releasable)) = (amount(neighbour.spare), amount(neighbour.releasable)) else {
            leave_out(format!("its unit `{}` cannot be told in `{}`", neighbour.unit, need.unit));
            continue;
        };
        if !(spare.is_finite() && releasable.is_finite()) {
            leave_out("how much room it has is not known".to_owned());
            continue;
        }
        if spare <= 0.0 && releasable <= 0.0 {
            leave_out("it has no room to the end of the planning horizon".to_owned());
        }
        if spare > 0.0 {
            moves.push((spare, &neighbour.resource));
        }
        if releasable > 0.0 {
            reuses.push((releasable, &neighbour.resource));
        }
    }
    for (found, option) in [(moves, move_load as fn(&Question<'_>, f64, &str) -> PurchaseOption), (reuses, reuse)] {
        let mut found: Vec<(f64, &String)> = found;
        found.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
        options.extend(found.iter().take(MOST_NEIGHBOURS).map(|(amount, resource)| option(question, *amount, resource)));
        for (amount, resource) in found.iter().skip(MOST_NEIGHBOURS) {
            let why = format!("its {} are less than what the {MOST_NEIGHBOURS} listed have", shown(*amount, &need.unit));
            left_out.push(LeftOut { name: (*resource).clone(), why });
        }
    }
}

fn move_load(question: &Question<'_>, spare: f64, resource: &str) -> PurchaseOption {
    let need = question.need;
    let share = need.usable_share();
    let wanted = need.needed * share;
    let moved = if wanted > 0.0 { wanted.min(spare) } else { spare };
    let gained = moved / share;
    let unit = &need.unit;
    let terms = vec![
        Term::new("spare", spare, unit, format!("{} of load that {resource} can take", shown_finely(spare, unit))),
        Term::new("load_wanted", wanted, unit, load_text(question, wanted)),
        Term::new("load_moved", moved, unit, format!("the smaller of the two: {}", shown_finely(moved, unit))),
        Term::new(
            "capacity_gained",
            gained,
            unit,
            format!("{} ÷ {} = {}", shown_finely(moved, unit), fine_number(share), shown_finely(gained, unit)),
        ),
    ];
    let title = format!("Move {} of load to {resource}", shown(moved, unit));
    plain(question, OptionKind::MoveLoad, title, gained, terms, Some(resource)).judged(need)
}

fn reuse(question: &Question<'_>, releasable: f64, resource: &str) -> PurchaseOption {
    let unit = &question.need.unit;
    let text = format!("{} that {resource} does not need", shown(releasable, unit));
    let terms = vec![Term::new("capacity_gained", releasable, unit, text)];
    let title = format!("Make {resource} smaller and use {} of it here", shown(releasable, unit));
    plain(question, OptionKind::Reuse, title, releasable, terms, Some(resource)).judged(question.need)
}

pub(super) fn load_text(question: &Question<'_>, wanted: f64) -> String {
    let need = question.need;
    let share = need.usable_share();
    let needed = shown_finely(need.needed, &need.unit);
    format!(
        "load that has the place of {needed}: {needed} × {} (threshold ÷ limit) = {}",
        fine_number(share),
        shown_finely(wanted, &need.unit)
    )
}

/// Nothing, with its risk. Where an outage has a cost, it lasts as long as the fastest purchase among `others` takes; without
/// one, as the policy's usual times are.
pub(super) fn do_nothing(question: &Question<'_>, others: &[PurchaseOption]) -> PurchaseOption {
    let (need, policy) = (question.need, question.policy);
    let bought = others.iter().filter(|option| option.kind.is_bought() && option.covers_need);
    let usual = i64::from(policy.approval_days) + i64::from(policy.delivery_days) + i64::from(policy.installation_days);
    let days = bought.map(|option| option.schedule.days()).min().unwrap_or(usual);
    let mut terms = vec![Term::new(
        "chance",
        need.chance,
        "share",
        format!("chance that the threshold is crossed by {}, the end of the planning horizon", question.horizon_ends),
    )];
    let risk = question.outage(need.chance, days);
    if let (Some(risk), Some(a_day)) = (risk, need.cost_of_outage_minor_per_day) {
        let money = |minor| Money { minor, currency: policy.currency };
        terms.push(Term::new(
            "outage_days",
            days as f64,
            "days",
            "the threshold counts as the outage, which lasts until the fastest purchase helps",
        ));
        terms.push(Term::money("outage_per_day", money(a_day), format!("{} for a day without it", money(a_day))));
        let text = format!("{:.6} × {days} days × {} = {}", need.chance, money(a_day), money(risk));
        terms.push(Term::money("risk", money(risk), text));
    }
    let mut option = plain(question, OptionKind::DoNothing, "Do nothing".to_owned(), 0.0, terms, None);
    option.schedule = Schedule { order_by: None, arrives_on: need.today, installation_days: 0, ..option.schedule };
    option.schedule.in_time = need.lower.is_none();
    option.schedule.chance_too_late = need.chance;
    option.lasts_until = LastsUntil { median: need.median, fast: need.lower };
    option.risk_minor = risk;
    if !option.covers_need || need.lower.is_some() {
        option.against.push(what_happens(question));
    }
    option.feasible = option.against.is_empty();
    option
}

fn what_happens(question: &Question<'_>) -> String {
    let need = question.need;
    let percent = number(need.chance * 100.0);
    let when = match (need.median, need.lower, need.upper) {
        (Some(median), Some(lower), Some(upper)) => format!("most likely around {median}, between {lower} and {upper}"),
        (Some(median), Some(lower), None) => format!("most likely around {median}, {lower} at the earliest"),
        (_, Some(lower), _) => format!("{lower} at the earliest"),
        _ => "none of the forecast's days is within it".to_owned(),
    };
    format!("the threshold is crossed by {} with a chance of {percent} %: {when}", question.horizon_ends)
}

/// An option that nothing is paid for, and that takes as long as an installation.
pub(super) fn plain(
    question: &Question<'_>,
    kind: OptionKind,
    title: String,
    gained: f64,
    terms: Vec<Term>,
    other_resource: Option<&str>,
) -> PurchaseOption {
    plain_until(question, kind, title, gained, terms, other_resource, question.policy.installation_days)
}

/// The same for one that is done in so many days.
pub(super) fn plain_until(
    question: &Question<'_>,
    kind: OptionKind,
    title: String,
    gained: f64,
    terms: Vec<Term>,
    other_resource: Option<&str>,
    days: u32,
) -> PurchaseOption {
    let (need, policy) = (question.need, question.policy);
    let schedule = Schedule::new(need, policy, 0, None, days);
    let nothing = kind == OptionKind::DoNothing;
    let when = if nothing { Vec::new() } else { [schedule.terms(need), question.risk_terms(&schedule)].concat() };
    PurchaseOption {
        kind,
        title,
        offer: None,
        item: None,
        supplier: None,
        other_resource: other_resource.map(str::to_owned),
        quantity: 0,
        smallest_quantity: 0,
        capacity_gained: gained,
        capacity_used: gained.min(need.needed),
        unit: need.unit.clone(),
        lasts_until: need.lasts_with(gained, question.horizon_ends),
        risk_minor: question.risk(&schedule),
        schedule,
        cost: Cost::nothing(policy, &question.price_unit),
        budget: None,
        covers_need: covers(gained, need),
        in_budget: true,
        feasible: false,
        against: Vec::new(),
        why_here: String::new(),
        terms: [need_terms(need), terms, when].concat(),
    }
}
