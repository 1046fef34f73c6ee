//! The manager's page: what is to be decided, with date, money and budget; then budgets, contracts, and when what is reached.

use super::combined::combined;
use super::dates::{days_between, short};
use super::drawing::{LINE_HEIGHT, Legend, WIDTH, drawing, line, rectangle, text};
use super::html::{Column, Element, Table, details, name, paragraph, scrolled, shortened};
use super::model::{Budget, CapacityReport, Contract, Proposal};
use super::money::{amount, money, money_or_blank};
use super::sentences::{chosen, heading, proposal as told};
use super::timeline::timeline;

/// Decisions on the page; the others are said to be there.
const MAX_DECISIONS: usize = 10;

/// Budget lines that are drawn.
const MAX_BUDGETS: usize = 20;

/// Contracts that are listed.
const MAX_CONTRACTS: usize = 30;

/// What the figures of this page are, as statements that give them as they stand now; those of a resource stand beside it.
pub const PAGE_QUERIES: [(&str, &str); 4] = [
    ("Resources by how they stand", "SELECT status, count(*) AS resources FROM capacity_resources GROUP BY status ORDER BY resources DESC"),
    (
        "What is to be decided, and by when",
        "SELECT number, title, order_by, best, budget_line FROM proposals WHERE state = 'open' ORDER BY order_by, number",
    ),
    ("Budgets", "SELECT year, line, currency, planned_minor, spent_minor, committed_minor, left_minor FROM budgets ORDER BY year, line"),
    (
        "Contracts",
        "SELECT name, supplier, starts_on, ends_on, notice_days, auto_renews, renewal_months, cost_minor, currency, cost_per \
         FROM contracts ORDER BY ends_on",
    ),
];

/// The page. `anchor` says where the section of a resource is, if it has one.
pub(super) fn front(report: &CapacityReport, anchor: &dyn Fn(&str) -> Option<String>) -> Element {
    let lead = format!(
        "As of {}, planned {} days ahead. Days are those of {}.",
        short(report.as_of),
        report.planning_horizon_days,
        name(&report.time_zone)
    );
    Element::group()
        .child(Element::new("h1").text(&heading("Capacity", &report.site)))
        .child(Element::new("p").class("lead").text(&lead))
        .child(figures(report))
        .child(Element::new("h2").text("To be decided"))
        .child(decisions(report, anchor))
        .child(combined(report))
        .child(Element::new("h2").text("Budgets"))
        .child(budgets(&report.budgets))
        .child(contracts(report.as_of, &report.contracts))
        .child(Element::new("div").class("keep").child(Element::new("h2").text("When what is reached")).child(timeline(report, "timeline")))
        .child(queries())
}

fn queries() -> Element {
    let one = |(what, sql): &(&str, &str)| {
        Element::group().child(paragraph(what)).child(Element::new("pre").child(Element::new("code").text(sql)))
    };
    details("The queries of this page, as things stand now", Element::new("div").all(PAGE_QUERIES.iter().map(one)))
}

/// A list of numbers with their names.
pub(super) fn figure_list(class: &'static str, figures: impl IntoIterator<Item = (String, String)>) -> Element {
    let pair = |(what, how_much): (String, String)| {
        Element::new("div").child(Element::new("dt").text(&what)).child(Element::new("dd").text(&how_much))
    };
    Element::new("dl").class(class).all(figures.into_iter().map(pair))
}

fn figures(report: &CapacityReport) -> Element {
    let summary = &report.summary;
    let all = [
        ("resources", summary.resources.to_string()),
        ("reach their threshold", summary.crossing_within_horizon.to_string()),
        ("to be ordered within 14 days", summary.order_now.to_string()),
        ("too big", summary.oversized.to_string()),
        ("not enough history", summary.not_enough_history.to_string()),
        ("limit not measured", summary.limit_gone.to_string()),
        ("not measured", summary.not_seen.to_string()),
        ("open proposals", summary.proposals_open.to_string()),
        ("asked for", money(summary.asked_minor, &report.currency)),
    ];
    figure_list("figures large", all.into_iter().map(|(what, how_much)| (what.to_owned(), how_much)))
}

fn decisions(report: &CapacityReport, anchor: &dyn Fn(&str) -> Option<String>) -> Element {
    let open: Vec<&Proposal> = report.proposals.iter().filter(|proposal| proposal.decision.is_none()).collect();
    if open.is_empty() {
        return paragraph("Nothing waits for a decision.");
    }
    let columns = [
        ("No.", Column::Number),
        ("What", Column::Text),
        ("Order by", Column::Text),
        ("First choice", Column::Text),
        ("Once", Column::Number),
        ("A month", Column::Number),
        ("Budget", Column::Text),
        ("Left after", Column::Number),
    ];
    let mut table = Table::new("Decisions", &columns);
    let mut sentences = Element::new("ul");
    for proposal in open.iter().take(MAX_DECISIONS) {
        let option = chosen(proposal);
        let title = linked(&shortened(&proposal.title, 80), anchor(&proposal.resource_id));
        let cells = [
            order_by(report, proposal),
            option.map(|option| shortened(&option.title, 60)).unwrap_or_default(),
            money_or_blank(option.and_then(|option| option.one_off_minor), &report.currency),
            money_or_blank(option.and_then(|option| option.running_minor_per_month), &report.currency),
            option.and_then(|option| option.budget_line.as_deref()).map(name).unwrap_or_default(),
            money_or_blank(
                option.and_then(|option| option.budget_left_after_minor),
                option.map_or(report.currency.as_str(), |option| option.budget_currency(&report.currency)),
            ),
        ];
        let number = Element::group().text(&proposal.number.to_string());
        table.row([number, title].into_iter().chain(cells.iter().map(|cell| Element::group().text(cell))));
        sentences.push(Element::new("li").text(&told(report, proposal)));
    }
    let mut all = Element::group().child(table.element()).child(sentences);
    if open.len() > MAX_DECISIONS {
        let more = format!("The first {MAX_DECISIONS} of {} that wait; the others stand with their resources.", open.len());
        all.push(Element::new("p").class("note").text(&more));
    }
    all
}

fn order_by(report: &CapacityReport, proposal: &Proposal) -> String {
    let Some(day) = proposal.order_by else { return String::new() };
    let past = if days_between(report.as_of, day) < 0 { " (past)" } else { "" };
    format!("{}{past}", short(day))
}

/// A text that leads somewhere, if there is a place.
pub(super) fn linked(text: &str, place: Option<String>) -> Element {
    match place {
        Some(place) => Element::new("a").with("href", format!("#{place}")).text(text),
        None => Element::group().text(text),
    }
}

/// A bar for each line: what is planned is its whole length, so that lines of any currency and size stand side by side.
fn budgets(budgets: &[Budget]) -> Element {
    const LEFT: f64 = 170.0;
    const BAR: f64 = 14.0;
    const ROW: f64 = BAR + LINE_HEIGHT + 12.0;
    /// Where what was planned ends; what goes over it is seen behind.
    const PLANNED: f64 = 640.0;
    if budgets.is_empty() {
        return paragraph("No budget has been entered.");
    }
    let shown = &budgets[..budgets.len().min(MAX_BUDGETS)];
    let mut legend = Legend::default();
    legend.area("bar", "spent");
    legend.area("bar-light", "committed");
    legend.area("bar-open", "asked for by open proposals");
    legend.area("bar-whole", "planned");
    let said: Vec<String> = shown.iter().map(|budget| format!("{} {}: {}", name(&budget.line), budget.year, amounts(budget))).collect();
    let bottom = shown.len() as f64 * ROW;
    let mut svg = drawing("budgets", "Budgets", &said.join("; "), bottom + legend.height() + 4.0);
    for (row, budget) in shown.iter().enumerate() {
        let y = row as f64 * ROW + 2.0;
        let long = |minor: i64| {
            if budget.planned_minor > 0 { (minor.max(0) as f64 / budget.planned_minor as f64 * PLANNED).min(2.0 * WIDTH) } else { 0.0 }
        };
        let room = WIDTH - LEFT - 2.0;
        let mut x = 0.0;
        svg.push(text("strong", 0.0, y + BAR - 2.0, &shortened(&format!("{} {}", budget.line, budget.year), 22)));
        for (class, minor) in [("bar", budget.spent_minor), ("bar-light", budget.committed_minor), ("bar-open", budget.asked_minor)] {
            let end = (x + long(minor)).min(room);
            if end > x {
                svg.push(rectangle(class, LEFT + x, y, end - x, BAR));
            }
            x = end;
        }
        svg.push(rectangle("bar-whole", LEFT, y, PLANNED, BAR));
        svg.push(line("axis", LEFT + PLANNED, y - 3.0, LEFT + PLANNED, y + BAR + 3.0));
        svg.push(text("", LEFT, y + BAR + LINE_HEIGHT - 2.0, &amounts(budget)));
    }
    svg.push(legend.element(bottom));
    let more = (budgets.len() > shown.len())
        .then(|| Element::new("p").class("note").text(&format!("The first {} of {}.", shown.len(), budgets.len())));
    Element::group().child(scrolled("Budgets", svg)).all(more)
}

fn amounts(budget: &Budget) -> String {
    let money = |minor: i64| money(minor, &budget.currency);
    let plain = |minor: i64| amount(minor, &budget.currency);
    let over = budget.asked_minor.saturating_sub(budget.left_minor);
    let over = if over > 0 && budget.asked_minor > 0 { format!(", {} too much", plain(over)) } else { String::new() };
    format!(
        "spent {}, committed {}, left {} of {}; asked {}{over}",
        plain(budget.spent_minor),
        plain(budget.committed_minor),
        plain(budget.left_minor),
        money(budget.planned_minor),
        plain(budget.asked_minor),
    )
}

/// Contracts whose notice date comes; nothing if there are none.
pub(super) fn contracts(as_of: jiff::civil::Date, contracts: &[Contract]) -> Element {
    if contracts.is_empty() {
        return Element::group();
    }
    let columns = [
        ("Contract", Column::Text),
        ("Supplier", Column::Text),
        ("Notice by", Column::Text),
        ("Ends", Column::Text),
        ("If nobody gives notice", Column::Text),
        ("Cost", Column::Number),
    ];
    let mut table = Table::new("Contracts", &columns);
    for contract in contracts.iter().take(MAX_CONTRACTS) {
        let notice = contract.notice_on.map(|day| format!("{}{}", short(day), if day < as_of { " (past)" } else { "" }));
        table.texts([
            name(&contract.name),
            name(&contract.supplier),
            notice.unwrap_or_default(),
            contract.ends_on.map_or_else(|| "no end".to_owned(), short),
            if contract.auto_renews { "it goes on" } else { "it ends" }.to_owned(),
            cost(contract),
        ]);
    }
    let more = contracts.len().checked_sub(MAX_CONTRACTS).filter(|more| *more > 0);
    let more = more.map(|more| Element::new("p").class("note").text(&format!("And {more} more, which the JSON has.")));
    Element::group().child(Element::new("h2").text("Contracts to give notice of, or to keep")).child(table.element()).all(more)
}

fn cost(contract: &Contract) -> String {
    let amount = money(contract.cost_minor, &contract.currency);
    if contract.cost_per == "once" { format!("{amount} once") } else { format!("{amount} a {}", name(&contract.cost_per)) }
}
