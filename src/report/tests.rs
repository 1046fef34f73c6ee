use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::sample::{AS_OF, sample};
use super::sentences::{backtest, outlook, proposal as told};
use super::*;

/// Elements that have no end.
const VOID: [&str; 1] = ["meta"];

/// Every tag is closed in order, every attribute is quoted, no id is there twice, every link leads somewhere, every drawing
/// has its texts, no attribute has a number that is none, and nothing runs or is loaded.
fn check(page: &str) {
    let rest = page.strip_prefix("<!doctype html>\n").expect("a doctype");
    let (mut open, mut ids, mut links, mut labels) = (Vec::new(), BTreeSet::new(), Vec::new(), Vec::new());
    let mut headings = vec![0];
    let mut pieces = rest.split('<');
    assert_eq!(pieces.next(), Some(""));
    for piece in pieces {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "a stray end of a tag after <{tag}>: {}", text.chars().take(80).collect::<String>());
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "</{name}>");
            continue;
        }
        let name = tag.split(' ').next().unwrap();
        for (attribute, value) in attributes(&tag[name.len()..]) {
            assert!(!attribute.starts_with("on") && attribute != "src" && attribute != "style", "{tag}");
            assert!(!value.contains("NaN") && !value.contains("inf") || attribute == "aria-label", "{tag}");
            match attribute {
                "id" => assert!(ids.insert(value.to_owned()), "the id {value} is there twice"),
                "href" => links.push(value.strip_prefix('#').expect("links stay on the page").to_owned()),
                "aria-labelledby" => labels.extend(value.split(' ').map(str::to_owned)),
                "clip-path" => links.push(value["url(#".len()..value.len() - 1].to_owned()),
                _ => {}
            }
        }
        if name == "svg" {
            assert!(tag.contains("role=\"img\"") && tag.contains("aria-labelledby=\"") && text.is_empty(), "{tag}");
        }
        if let Some(level) = name.strip_prefix('h').and_then(|level| level.parse::<u32>().ok()) {
            assert!(level <= headings.last().unwrap() + 1, "a heading {level} after {headings:?}");
            headings.push(level);
        }
        assert!(!["script", "link", "img", "iframe", "object", "foreignObject", "use", "image"].contains(&name), "<{tag}>");
        if !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    for wanted in links.iter().chain(&labels) {
        assert!(ids.contains(wanted), "nothing has the id {wanted}");
    }
    assert_eq!(page.matches("<svg").count(), page.matches("<desc").count());
    assert!(!page.contains("@import") && page.matches("url(").count() == page.matches("clip-path=\"url(#").count());
    assert!(page.contains("<html lang=\"en\">") && page.matches("<h1>").count() == 1);
}

/// Names and values of ` a="b" c="d"`.
fn attributes(mut text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.strip_prefix(' ').and_then(|text| text.split_once("=\"")).unwrap_or_else(|| panic!("no attribute: {text}"));
        let (value, rest) = rest.split_once('"').expect("a closing quote");
        assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name}");
        found.push((name, value));
        text = rest;
    }
    found
}

/// The same document with every text replaced.
fn with_texts(value: &mut Value, hostile: &str) {
    match value {
        Value::Object(entries) => entries
            .iter_mut()
            // These are words of a list; whoever writes another gets no report.
            .filter(|(key, _)| !["status", "limit_source"].contains(&key.as_str()))
            .for_each(|(_, value)| with_texts(value, hostile)),
        Value::Array(values) => values.iter_mut().for_each(|value| with_texts(value, hostile)),
        Value::String(text) if text.parse::<Date>().is_err() => *text = hostile.to_owned(),
        _ => {}
    }
}

/// The sample with fewer days, for what is drawn many times.
fn brief() -> CapacityReport {
    let mut report = sample();
    for resource in &mut report.resources {
        resource.history.drain(..resource.history.len().saturating_sub(30));
        resource.fan.truncate(30);
    }
    report
}

fn inventory() -> InventoryReport {
    let count = |name: &str, count: usize| Count { name: name.to_owned(), count };
    let end = |name: &str, ends_on: Date| AssetEnd {
        name: name.to_owned(),
        kind: "server".to_owned(),
        place: Some("Graz, rack 2".to_owned()),
        ends_on,
    };
    InventoryReport {
        site: "Musterwerk".to_owned(),
        as_of: AS_OF,
        generated_at_us: 1_795_392_000_000_000,
        time_zone: "Europe/Vienna".to_owned(),
        assets: 96,
        by_kind: vec![count("server", 40), count("switch", 36), count("disk", 20)],
        by_state: vec![count("in_use", 90), count("spare", 4), count("in_repair", 2)],
        by_age: vec![count("under a year", 10), count("1 to 3 years", 46), count("over 3 years", 40)],
        warranty_ends: vec![end("db01", date(2026, 12, 1)), end("db02", date(2026, 11, 1))],
        support_ends: Vec::new(),
        contracts: sample().contracts,
    }
}

#[test]
fn the_pages_are_well_formed_and_can_be_read_by_all() {
    check(&html(&sample()));
    check(&inventory_html(&inventory()));
}

#[test]
fn hostile_names_are_text_wherever_they_stand() {
    for hostile in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onload='alert(1)",
        "</svg></title></style>&lt;b&gt;",
        "]]>--!>\u{202e}\u{0}",
        "",
    ] {
        let mut document = serde_json::to_value(brief()).unwrap();
        with_texts(&mut document, hostile);
        let report: CapacityReport = serde_json::from_value(document).unwrap();
        let page = html(&report);
        check(&page);
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{202e}') && !page.contains('\0'), "{hostile}");
        csv(&report);
        let mut document = serde_json::to_value(inventory()).unwrap();
        with_texts(&mut document, hostile);
        check(&inventory_html(&serde_json::from_value(document).unwrap()));
    }
    // An id that another resource has too leads to one place, not to two.
    let mut report = brief();
    report.resources.iter_mut().for_each(|resource| resource.id = "same".to_owned());
    check(&html(&report));
}

#[test]
fn hostile_numbers_draw_no_nonsense() {
    let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 0.0, -0.0, f64::MIN_POSITIVE, 1e17];
    for number in numbers {
        for every in [1, 2] {
            let mut report = brief();
            for resource in &mut report.resources {
                (resource.used, resource.limit, resource.threshold) = (number, Some(number), Some(number));
                (resource.growth_per_month, resource.needed) = (Some(number), Some(number));
                resource
                    .history
                    .iter_mut()
                    .step_by(every)
                    .for_each(|day| (day.value, day.low, day.high, day.limit) = (Some(number), Some(number), Some(-number), Some(number)));
                resource.fan.iter_mut().step_by(every).for_each(|day| (day.lower, day.median, day.upper) = (number, number, -number));
                resource.backtest.iter_mut().for_each(|said| (said.mean, said.lower, said.actual) = (number, -number, Some(number)));
                resource.crossing.iter_mut().for_each(|crossing| crossing.chance = number);
                resource.largest_consumers = vec![("a".to_owned(), number), ("b".to_owned(), 1.0)];
            }
            for option in report.proposals.iter_mut().flat_map(|proposal| &mut proposal.options) {
                (option.capacity_gained, option.cost_per_unit_month_minor, option.late_chance) = (Some(number), Some(number), Some(number));
                option.terms.iter_mut().for_each(|term| term.value = number);
            }
            check(&html(&report));
            csv(&report);
        }
    }
    let mut report = brief();
    for minor in [i64::MIN, i64::MAX, 0] {
        for budget in &mut report.budgets {
            (budget.planned_minor, budget.spent_minor, budget.left_minor, budget.asked_minor) =
                (minor.saturating_neg(), minor, minor.saturating_neg(), minor);
        }
        for option in report.proposals.iter_mut().flat_map(|proposal| &mut proposal.options) {
            (option.one_off_minor, option.budget_left_minor, option.budget_left_after_minor) =
                (Some(minor), Some(minor), Some(minor.saturating_neg()));
        }
        check(&html(&report));
    }
}

#[test]
fn hostile_days_stay_on_the_page() {
    let days = [Date::MIN, Date::MAX, AS_OF];
    for (at, first) in days.into_iter().enumerate() {
        for as_of in days {
            let other = days[(at + 1) % days.len()];
            let mut report = brief();
            (report.as_of, report.planning_horizon_days, report.generated_at_us) = (as_of, u32::MAX, i64::MIN);
            for resource in &mut report.resources {
                resource.history.iter_mut().step_by(2).for_each(|day| day.day = first);
                resource.fan.iter_mut().step_by(3).for_each(|day| day.day = other);
                resource.crossing = Some(Crossing {
                    lower: Some(other),
                    median: Some(first),
                    upper: Some(other),
                    chance: 0.5,
                    level: 0.95,
                    horizon_days: 365,
                });
                resource.order_by = Some(first);
            }
            check(&html(&report));
        }
    }
}

#[test]
fn empty_and_one_day_histories_have_a_page() {
    for kept in [0, 1] {
        let mut report = sample();
        for resource in &mut report.resources {
            resource.history.truncate(kept);
            resource.fan.truncate(kept);
            resource.backtest.truncate(kept);
        }
        check(&html(&report));
    }
    let mut report = sample();
    (report.resources, report.proposals, report.budgets) = (Vec::new(), Vec::new(), Vec::new());
    (report.contracts, report.questions) = (Vec::new(), Vec::new());
    let page = html(&report);
    check(&page);
    assert!(page.contains("Nothing waits for a decision.") && page.contains("Nothing is reached within the planning horizon."), "{page}");
}

#[test]
fn ten_thousand_resources_are_bounded_and_it_is_said() {
    let mut report = brief();
    let one = report.resources[2].clone();
    report.resources = (0..10_000).map(|at| Resource { id: format!("r{at}"), ..one.clone() }).collect();
    report.proposals =
        (0..2_000).map(|at| Proposal { number: at, resource_id: format!("r{}", at % 7), ..report.proposals[1].clone() }).collect();
    report.shown_of = (10_000, 12_000);
    let page = html(&report);
    check(&page);
    assert!(page.len() < 12_000_000, "{}", page.len());
    for said in [
        "10000 of 12000 resources",
        "The first 60 have a section",
        "And 9440 more, which CSV and JSON have.",
        "The first 10 of 2000 that wait",
    ] {
        assert!(page.contains(said), "{said}");
    }
    assert_eq!(csv(&report).lines().count(), 10_001);
}

#[test]
fn the_manager_reads_what_when_and_for_how_much() {
    let report = sample();
    let said = |at: usize| told(&report, &report.proposals[at]).replace(['\u{a0}', '\u{202f}'], " ");
    assert_eq!(
        said(1),
        "The file system /var/lib/postgresql on db01 reaches its threshold of 1.8 TiB on 14 February (between 2 February and 9 March). \
         Delivery takes 30 days: order by 3 January. Offer B: two NVMe disks of 1 TiB from Brunner Systeme is the cheapest per TiB and \
         month that arrives in time; it takes 71 % of what is left of the storage budget."
    );
    let over = said(0);
    assert!(over.contains("order now.") && over.ends_with("it goes 5900.00 EUR over the software budget."), "{over}");
    // What costs more is not said to be the cheapest, and what cannot be done is not recommended.
    let mut dearer = report.proposals[1].clone();
    dearer.options[1].cost_per_unit_month_minor = Some(1.0);
    assert!(told(&report, &dearer).contains("is the first choice;"), "{}", told(&report, &dearer));
    dearer.options.iter_mut().for_each(|option| option.feasible = false);
    dearer.options[0].against = vec!["It has expired.".to_owned()];
    assert!(told(&report, &dearer).ends_with("from Brunner Systeme: It has expired."), "{}", told(&report, &dearer));
    // Doing nothing can always be carried out, and is not proposed for that.
    dearer.options[3].feasible = true;
    assert!(!told(&report, &dearer).contains("Do nothing"), "{}", told(&report, &dearer));
}

#[test]
fn a_full_volume_is_called_full() {
    let mut resource = sample().resources[2].clone();
    resource.threshold = resource.limit;
    assert!(outlook(&resource, AS_OF).contains("on db01 is full on 14\u{a0}February"), "{}", outlook(&resource, AS_OF));
    resource.backtest_covered = (0, 0);
    assert_eq!(backtest(&resource), None);
}

#[test]
fn every_status_has_its_sentence_on_the_page() {
    let page = html(&sample()).replace('\u{a0}', " ");
    let sentences = [
        "is over its threshold of 114 licences already",
        "must be renewed by 24 December.",
        "(not before 22 March, perhaps much later)",
        "lasts for the next 365 days; the chance that it does not is 1 %.",
        "goes nowhere:",
        "becomes less by",
        "is bigger than it needs to be: 18.1 GiB of 256 GiB in use (7 %); 25 GiB would be enough.",
        "has not enough history for a forecast",
        "has a limit that is not measured any more",
        "has no limit that anybody has said",
        "Decided: approved (option 1) in one order with proposal 10 by lena on 18 November: The shop runs on it. The change is ticket 4711.",
    ];
    for sentence in sentences {
        assert!(page.contains(sentence), "{sentence}");
    }
}

#[test]
fn a_plot_shows_what_was_promised() {
    let page = html(&sample());
    let plot = page.split("<svg id=\"resource-3-plot\"").nth(1).and_then(|rest| rest.split("</svg>").next()).unwrap();
    for class in ["band", "fan", "line", "median", "limit", "threshold", "order", "today", "crossing", "said", "dot"] {
        assert!(plot.contains(&format!("class=\"{class}\"")), "{class}\n{plot}");
    }
    assert!(plot.contains("order by 3\u{a0}Jan\u{a0}2027") && plot.contains("threshold 1.8\u{a0}TiB"), "{plot}");
    // One of the statements did not hold: it is a cross, and the others are circles.
    assert_eq!(plot.matches("l7 7m0 -7l-7 7").count(), 2, "one, and one in the legend");
}

#[test]
fn orders_for_several_say_what_they_save_and_what_was_decided() {
    let mut report = sample();
    let page = html(&report);
    for said in [
        "3 × 128 GiB of memory of Brunner Systeme (BS-2026-77) for 2 proposals cost",
        "Decided: approved by lena on 18\u{a0}November: The shop runs on it. The change is ticket 4711.",
        "Against it: it takes 1600.00 EUR of budget line servers",
        "Decided: approved (option 1) in one order with proposal 10 by lena",
        "<td>delivered</td>",
    ] {
        assert!(page.contains(said), "{said}");
    }
    (report.combined_orders[0].decision, report.combined_orders[0].ticket) = (None, None);
    assert!(html(&report).contains("To be decided by"), "it is open");
    report.combined_orders.clear();
    assert!(!html(&report).contains("Ordered together"));
}

#[test]
fn the_query_and_its_parameters_stand_beside_the_figures() {
    let page = html(&sample());
    assert!(page.contains("AND name = &#39;filesystem&#39;") && page.contains("<td>$window_start</td><td>2025-11-22T00:00:00Z</td>"));
}

#[test]
fn the_csv_is_a_row_a_resource_that_a_spreadsheet_does_not_run() {
    let mut report = sample();
    report.resources.truncate(3);
    report.resources[0].name = "=cmd(\"x\")".to_owned();
    report.resources[1].used = f64::NAN;
    let csv = csv(&report);
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(lines.len(), 5, "{csv}");
    let columns = lines[0].split(',').count();
    assert!(lines[1].contains("\"'=cmd(\"\"x\"\")\"") && lines[1].ends_with(",1990000,4500,EUR,software,2027-01-02,"), "{csv}");
    assert!(lines[2].contains(",crosses,,20825,20811,metric,,2026-12-24,2026-12-24,2026-12-24,1,"), "{csv}");
    assert_eq!((lines[2].split(',').count(), lines[3].split(',').count()), (columns, columns), "{csv}");
}

#[test]
fn the_json_is_what_it_was() {
    let mut report = sample();
    report.resources.truncate(3);
    report.resources.drain(..2);
    report.proposals.truncate(2);
    for resource in &mut report.resources {
        resource.history.truncate(2);
        resource.fan.truncate(2);
        resource.backtest.truncate(1);
        // The last digits of powers and sines are not the same on every machine.
        let round = |value: &mut f64| *value = (*value / 1e6).round() * 1e6;
        resource.history.iter_mut().flat_map(|day| [&mut day.value, &mut day.low, &mut day.high]).flatten().for_each(round);
        resource.fan.iter_mut().flat_map(|day| [&mut day.lower, &mut day.median, &mut day.upper]).for_each(round);
        resource.backtest.iter_mut().flat_map(|said| [&mut said.mean, &mut said.lower, &mut said.upper]).for_each(round);
        resource.backtest.iter_mut().filter_map(|said| said.actual.as_mut()).for_each(round);
        round(&mut resource.used);
        resource.growth_per_month.iter_mut().for_each(round);
    }
    let written = format!("{}\n", serde_json::to_string_pretty(&report).unwrap());
    let golden = include_str!("golden.json");
    assert!(written == golden, "golden.json is no longer what is written; if that is meant, it is now:\n{written}");
    assert_eq!(serde_json::from_str::<CapacityReport>(golden).unwrap(), report);
    assert_eq!(serde_json::to_value(Status::OverThreshold).unwrap(), json!("over_threshold"));
}
