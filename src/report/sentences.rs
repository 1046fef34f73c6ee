//! What a resource does and what should be done about it, in sentences that a manager reads.

use jiff::civil::Date;

use super::dates::{days_between, spoken};
use super::html::name;
use super::model::{CapacityReport, Option_, Proposal, Resource, Status};
use super::money::{money, share};
use super::units::{Unit, number, percent};

/// What a resource is, as the beginning of a sentence. The kinds that come with the product are named in words.
pub(super) fn subject(resource: &Resource) -> String {
    let part = |wanted: &str| resource.entity.iter().find(|(key, value)| key == wanted && !value.is_empty()).map(|(_, value)| name(value));
    let of = |parts: [&str; 2], say: fn(&str, &str) -> String| Some(say(&part(parts[0])?, &part(parts[1])?));
    let one = |key: &str, say: fn(&str) -> String| part(key).map(|value| say(&value));
    let told = match resource.kind.as_str() {
        "filesystem" => of(["mountpoint", "host"], |mountpoint, host| format!("The file system {mountpoint} on {host}")),
        "memory" => one("host", |host| format!("The memory of {host}")),
        "cpu" => one("host", |host| format!("The load of the processors of {host}")),
        "network_port" => of(["port", "host"], |port, host| format!("The port {port} of {host}")),
        "database_connections" => one("host", |host| format!("The number of database connections to {host}")),
        "database_size" => of(["database", "host"], |database, host| format!("The database {database} on {host}")),
        "log_volume" => one("app", |app| format!("The log volume of {app}")),
        "licence" => one("product", |product| format!("The number of licences of {product}")),
        "backup_window" => of(["job", "host"], |job, host| format!("The backup {job} of {host}")),
        "certificate" => of(["certificate", "host"], |certificate, host| format!("The certificate {certificate} on {host}")),
        _ => None,
    };
    told.unwrap_or_else(|| format!("The {} {}", name(&resource.kind.replace('_', " ")), name(&resource.name)))
}

/// A status in words.
pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::OverThreshold => "over its threshold",
        Status::Crosses => "reaches its threshold",
        Status::BeyondHorizon => "grows, and lasts",
        Status::Steady => "steady",
        Status::Shrinking => "shrinking",
        Status::Oversized => "too big",
        Status::NotEnoughHistory => "not enough history",
        Status::LimitGone => "limit not measured any more",
        Status::NotSeen => "not measured any more",
        Status::NoLimit => "no limit known",
    }
}

/// How a resource stands and what is to come.
pub(super) fn outlook(resource: &Resource, seen_from: Date) -> String {
    let unit = Unit::of(&resource.kind, &resource.unit);
    let subject = subject(resource);
    let used = used(resource, &unit);
    let growth = resource.growth_per_month.filter(|growth| growth.is_finite());
    match resource.status {
        Status::OverThreshold => {
            let threshold = resource.threshold.map(|threshold| format!(" of {}", unit.amount(threshold))).unwrap_or_default();
            format!("{subject} is over its threshold{threshold} already: {used}.")
        }
        Status::Crosses => format!("{subject} {}.", crossing(resource, &unit, seen_from)),
        Status::BeyondHorizon if unit == Unit::Calendar => format!("{subject} need not be renewed yet: {used}."),
        Status::BeyondHorizon => {
            let grows = growth.map(|growth| format!("grows by {} a month and ", unit.difference(growth))).unwrap_or_default();
            let lasts = resource.crossing.as_ref().map_or_else(
                || "lasts for as long as is planned".to_owned(),
                |it| format!("lasts for the next {} days; the chance that it does not is {}", it.horizon_days, percent(it.chance)),
            );
            format!("{subject} {grows}{lasts}.")
        }
        Status::Steady => format!("{subject} goes nowhere: {used}."),
        Status::Shrinking => {
            let less = growth.map(|growth| format!(" by {} a month", unit.difference(growth.abs()))).unwrap_or_default();
            format!("{subject} becomes less{less}: {used}.")
        }
        Status::Oversized => {
            let enough = resource.enough.map(|enough| format!("; {} would be enough", unit.amount(enough))).unwrap_or_default();
            format!("{subject} is bigger than it needs to be: {used}{enough}.")
        }
        Status::NotEnoughHistory => format!("{subject} has not enough history for a forecast: {used}."),
        Status::NotSeen => format!("{subject} is not measured any more: look whether it is still there."),
        Status::LimitGone => format!("{subject} has a limit that is not measured any more, so nobody can say when it is reached."),
        Status::NoLimit => format!("{subject} has no limit that anybody has said: {used}."),
    }
}

fn used(resource: &Resource, unit: &Unit) -> String {
    let Some(limit) = resource.limit else { return format!("{} in use", unit.amount(resource.used)) };
    match unit {
        Unit::Calendar => format!("it ends on {}", unit.amount(limit)),
        Unit::Ratio => format!("{} in use", unit.amount(resource.used)),
        _ if limit > 0.0 => format!("{} of {} in use ({})", unit.amount(resource.used), unit.amount(limit), percent(resource.used / limit)),
        _ => format!("{} of {} in use", unit.amount(resource.used), unit.amount(limit)),
    }
}

/// When the threshold is reached: `is full on 14 February (between 2 February and 9 March)`.
fn crossing(resource: &Resource, unit: &Unit, seen_from: Date) -> String {
    let limit_itself = resource.limit.is_some() && resource.limit == resource.threshold;
    let what = match (unit, resource.threshold) {
        (Unit::Calendar, _) => "must be renewed".to_owned(),
        _ if limit_itself => "is full".to_owned(),
        (_, Some(threshold)) => format!("reaches its threshold of {}", unit.amount(threshold)),
        (_, None) => "reaches its threshold".to_owned(),
    };
    let on = if *unit == Unit::Calendar { "by" } else { "on" };
    let day = |day: Date| spoken(day, seen_from);
    let Some(crossing) = &resource.crossing else { return format!("{what} within the planning horizon") };
    match (crossing.lower, crossing.median, crossing.upper) {
        (Some(lower), Some(median), Some(upper)) if lower == median && median == upper => format!("{what} {on} {}", day(median)),
        (Some(lower), Some(median), Some(upper)) => format!("{what} {on} {} (between {} and {})", day(median), day(lower), day(upper)),
        (Some(lower), Some(median), None) => format!("{what} {on} {} (not before {}, perhaps much later)", day(median), day(lower)),
        (Some(lower), None, _) => format!("may reach its threshold from {} on, but as likely as not does so much later", day(lower)),
        (None, Some(median), _) => format!("{what} {on} {}", day(median)),
        (None, None, _) => format!("{what} within the planning horizon with a chance of {}", percent(crossing.chance)),
    }
}

/// Until when must be ordered, and why then.
pub(super) fn order(resource: &Resource, order_by: Option<Date>, seen_from: Date) -> Option<String> {
    let by = order_by?;
    let delivery = resource.order_by_terms.iter().find(|term| term.name.contains("delivery") && term.unit.starts_with("day"));
    if delivery.is_none() && Unit::of(&resource.kind, &resource.unit) == Unit::Calendar {
        // What must be renewed says until when by itself, and nobody delivers it.
        return None;
    }
    let delivery = delivery.map(|term| format!("Delivery takes {}: ", Unit::Calendar.difference(term.value)));
    Some(match days_between(seen_from, by) {
        ..0 => format!("The last day to order in time was {}: order now.", spoken(by, seen_from)),
        0 if delivery.is_some() => format!("{}order today.", delivery.unwrap_or_default()),
        0 => "Order today.".to_owned(),
        _ if delivery.is_some() => format!("{}order by {}.", delivery.unwrap_or_default(), spoken(by, seen_from)),
        _ => format!("Order by {}.", spoken(by, seen_from)),
    })
}

/// What stands above a report of a site; a server that nobody gave an address has no name.
pub(super) fn heading(what: &str, site: &str) -> String {
    if site.is_empty() { what.to_owned() } else { format!("{what} of {}", name(site)) }
}

/// The kind of the option that is always there.
pub(super) const DO_NOTHING: &str = "do_nothing";

/// The option that a proposal is about: what was taken, else the best that can be carried out, else the first. Doing nothing is
/// not proposed.
pub(super) fn chosen(proposal: &Proposal) -> Option<&Option_> {
    let taken = proposal.decision.as_ref().and_then(|decision| decision.option);
    let taken = taken.and_then(|rank| proposal.options.iter().find(|option| option.rank == rank));
    let doing = || proposal.options.iter().filter(|option| option.kind != DO_NOTHING);
    let best = || doing().filter(|option| option.feasible).min_by_key(|option| option.rank);
    taken.or_else(best).or_else(|| doing().min_by_key(|option| option.rank))
}

/// What is to be said for the best option, and what it does to the budget.
pub(super) fn recommendation(proposal: &Proposal, currency: &str) -> Option<String> {
    let option = chosen(proposal)?;
    let from = option.supplier.as_deref().map(|supplier| format!(" from {}", name(supplier))).unwrap_or_default();
    let subject = format!("{}{from}", name(&option.title));
    if !option.feasible {
        let against = option.against.first().map(|why| format!(": {}", name(why).trim_end_matches('.'))).unwrap_or_default();
        return Some(format!("No option can be carried out as it is; the nearest is {subject}{against}."));
    }
    let reason = match rivals(proposal, option).count() {
        _ if !option.in_time => format!("{subject} is the first choice, but comes too late"),
        0 => format!("{subject} is the only option that can be carried out in time"),
        _ if is_cheapest(proposal, option) => {
            format!("{subject} is the cheapest per {} and month that arrives in time", name(&option.cost_unit))
        }
        _ => format!("{subject} is the first choice"),
    };
    let line = option.budget_line.as_deref().map_or_else(|| "the budget".to_owned(), |line| format!("the {} budget", name(line)));
    let budget = match (option.budget_left_minor, option.budget_left_after_minor) {
        (_, Some(after)) if after < 0 => {
            format!("; it goes {} over {line}", money(after.saturating_neg(), option.budget_currency(currency)))
        }
        (Some(left), Some(after)) => share(left.saturating_sub(after), left)
            .map(|share| format!("; it takes {} of what is left of {line}", percent(share)))
            .unwrap_or_default(),
        _ => String::new(),
    };
    Some(format!("{reason}{budget}."))
}

/// The other options that can be carried out in time.
fn rivals<'a>(proposal: &'a Proposal, option: &'a Option_) -> impl Iterator<Item = &'a Option_> {
    proposal.options.iter().filter(|other| other.kind != DO_NOTHING && other.feasible && other.in_time && other.rank != option.rank)
}

/// Whether none of them costs less for a unit and a month.
fn is_cheapest(proposal: &Proposal, option: &Option_) -> bool {
    let Some(cost) = option.cost_per_unit_month_minor.filter(|cost| cost.is_finite()) else { return false };
    let is_dearer =
        |other: &Option_| other.cost_unit != option.cost_unit || other.cost_per_unit_month_minor.is_none_or(|theirs| theirs >= cost);
    rivals(proposal, option).all(is_dearer)
}

/// What was decided.
pub(super) fn decision(proposal: &Proposal, seen_from: Date) -> Option<String> {
    let decision = proposal.decision.as_ref()?;
    let option = decision.option.map(|rank| format!(" (option {rank})")).unwrap_or_default();
    let others: Vec<String> = decision.together_with.iter().map(i64::to_string).collect();
    let together = match others.as_slice() {
        [] => String::new(),
        [other] => format!(" in one order with proposal {other}"),
        others => format!(" in one order with proposals {}", others.join(", ")),
    };
    let why = if decision.why.is_empty() { String::new() } else { format!(": {}", name(&decision.why).trim_end_matches('.')) };
    let ticket = proposal.ticket.map(|ticket| format!(" The change is ticket {ticket}.")).unwrap_or_default();
    let (what, by, on) = (name(&decision.what), name(&decision.by), spoken(decision.on, seen_from));
    Some(format!("Decided: {what}{option}{together} by {by} on {on}{why}.{ticket}"))
}

/// How good earlier forecasts of the resource were.
pub(super) fn backtest(resource: &Resource) -> Option<String> {
    let (held, all) = resource.backtest_covered;
    (all > 0).then(|| {
        let share = percent(held as f64 / all as f64);
        format!(
            "Of {} earlier statements {} ({share}) had what came in their interval; 95 % were meant.",
            number(all as f64),
            number(held as f64)
        )
    })
}

/// All that the manager's page says of a proposal.
pub(super) fn proposal(report: &CapacityReport, proposal: &Proposal) -> String {
    let resource = report.resources.iter().find(|resource| resource.id == proposal.resource_id);
    let outlook = resource.map(|resource| outlook(resource, report.as_of));
    let order_by = proposal.order_by.or_else(|| resource?.order_by);
    let order = resource.and_then(|resource| order(resource, order_by, report.as_of));
    let said: Vec<String> = [outlook, order, recommendation(proposal, &report.currency)].into_iter().flatten().collect();
    if said.is_empty() { name(&proposal.title) } else { said.join(" ") }
}
