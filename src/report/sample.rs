//! A made-up report with a resource of every status, the same each time.

use jiff::civil::{Date, date};
use serde_json::json;

use super::dates::later;
use super::model::*;

pub(crate) const AS_OF: Date = date(2026, 11, 22);
const TIB: f64 = 1_099_511_627_776.0;
const GIB: f64 = 1_073_741_824.0;

/// Radians a day of what comes again each week.
const WEEKLY: f64 = std::f64::consts::TAU / 7.0;

/// Between -1 and 1, the same for the same number.
fn noise(at: usize) -> f64 {
    let mixed = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f64 / (1_u64 << 23) as f64 - 1.0
}

fn term(name: &str, value: f64, unit: &str, text: &str) -> Term {
    Term { name: name.to_owned(), value, unit: unit.to_owned(), text: text.to_owned() }
}

/// A resource whose day values are `at(day from 0 to days)`; the day's spread and noise are shares of its last value.
fn resource(id: &str, kind: &str, entity: &[(&str, &str)], unit: &str, status: Status, days: usize, at: impl Fn(f64) -> f64) -> Resource {
    let last = at(days as f64).abs().max(1e-9);
    let value = |day: usize| at(day as f64) + 0.008 * last * noise(day);
    let history = (1..=days).map(|day| HistoryDay {
        day: later(AS_OF, day as i64 - days as i64),
        value: (day % 97 != 0).then(|| value(day)),
        low: Some(value(day) - 0.01 * last),
        high: Some(value(day) + 0.03 * last * (1.0 + noise(day + 7))),
        limit: None,
    });
    Resource {
        id: id.to_owned(),
        question: format!("{kind}_question"),
        kind: kind.to_owned(),
        entity: entity.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        name: entity.iter().map(|(_, value)| *value).collect::<Vec<_>>().join(" "),
        unit: unit.to_owned(),
        status,
        used: value(days),
        limit: None,
        threshold: None,
        headroom_text: "10 % of the limit stay free".to_owned(),
        limit_source: None,
        growth_per_month: Some((at(days as f64) - at(days as f64 - 30.0)).clamp(-1e18, 1e18)),
        crossing: None,
        order_by: None,
        order_by_terms: Vec::new(),
        needed: None,
        enough: None,
        history: history.collect(),
        fan: Vec::new(),
        backtest: Vec::new(),
        backtest_covered: (0, 0),
        why: vec!["It has grown on 24 of the last 30 days.".to_owned()],
        sql: format!(
            "SELECT timestamp, host, max(value) AS used\nFROM metrics\nWHERE timestamp >= $window_start AND name = '{kind}'\nGROUP BY 1, 2"
        ),
        forecast_sql: String::new(),
        parameters: vec![("window_start".into(), "2025-11-22T00:00:00Z".into()), ("window_end".into(), "2026-11-23T00:00:00Z".into())],
        largest_consumers: Vec::new(),
    }
}

fn limited(mut resource: Resource, limit: f64, headroom: f64) -> Resource {
    resource.limit = Some(limit);
    resource.threshold = Some(limit * (1.0 - headroom));
    resource.limit_source = Some(LimitSource::Metric);
    resource.history.iter_mut().for_each(|day| day.limit = Some(limit));
    resource
}

/// With a fan that goes on as the values did, and what was said earlier each month.
fn forecast(mut resource: Resource, at: impl Fn(f64) -> f64, spread: f64) -> Resource {
    let days = resource.history.len() as f64;
    let fan = |ahead: i64| {
        let width = spread * (ahead as f64).sqrt();
        let median = at(days + ahead as f64);
        FanDay { day: later(AS_OF, ahead), lower: median - width, median, upper: median + 1.2 * width }
    };
    resource.fan = (1..=365).map(fan).collect();
    for month in 1..=((days as i64 / 30) - 2).max(0) {
        let about = month * 30 + 60;
        let actual = at(about as f64) + if month == 4 { 8.0 * spread } else { 3.0 * spread * noise(month as usize) };
        let (mean, half) = (at(about as f64) + spread * noise(month as usize + 50), 5.5 * spread);
        let day = |at: i64| later(AS_OF, at - days as i64);
        resource.backtest.push(Statement {
            said_on: day(about - 30),
            about: day(about),
            mean,
            lower: mean - half,
            upper: mean + half,
            actual: Some(actual),
        });
    }
    let held = |said: &&Statement| said.actual.is_some_and(|actual| (said.lower..=said.upper).contains(&actual));
    resource.backtest_covered = (resource.backtest.iter().filter(held).count(), resource.backtest.len());
    resource
}

fn crossing(mut resource: Resource, days: [Option<i64>; 3], chance: f64, delivery: f64) -> Resource {
    let [lower, median, upper] = days.map(|days| days.map(|days| later(AS_OF, days)));
    resource.crossing = Some(Crossing { lower, median, upper, chance, level: 0.95, horizon_days: 365 });
    if delivery > 0.0 {
        resource.order_by = lower.map(|lower| later(lower, -(delivery as i64)));
        resource.order_by_terms = vec![
            term("lower", 72.0, "days", "The threshold is reached before 2 February 2027 in 2.5 % of the futures."),
            term("delivery", delivery, "days", "The supplier's last five deliveries took 30 days at most."),
        ];
    }
    resource
}

fn option(rank: usize, title: &str, supplier: Option<&str>, once: i64, per_unit: Option<f64>) -> Option_ {
    Option_ {
        rank,
        kind: if supplier.is_some() { "add" } else { "clean_up" }.to_owned(),
        title: title.to_owned(),
        supplier: supplier.map(str::to_owned),
        quantity: supplier.map(|_| 2),
        capacity_gained: Some(2.0 * TIB),
        one_off_minor: Some(once),
        running_minor_per_month: Some(4_500),
        npv_minor: Some(once + 150_000),
        cost_per_unit_month_minor: per_unit,
        cost_unit: "TiB".to_owned(),
        arrives_on: Some(date(2027, 1, 2)),
        in_time: true,
        late_chance: Some(0.004),
        budget_line: Some("storage".to_owned()),
        budget_currency: None,
        budget_left_minor: Some(1_200_000),
        budget_left_after_minor: Some(1_200_000 - once),
        feasible: true,
        against: Vec::new(),
        why_here: format!("It is number {rank} by its cost per TiB and month."),
        terms: vec![
            term("quantity", 2.0, "pieces", "The smallest number of pieces that cover 1.6 TiB, at 1 TiB each."),
            term("one_off", once as f64, "EUR minor", "Two pieces at the price of the offer."),
            term("capacity_gained", 2.0 * TIB, "bytes", "Two pieces."),
            term("discount_rate", 5.0, "%", "A year, from the purchase policy."),
        ],
    }
}

fn licences_proposal() -> Proposal {
    let mut licences = option(1, "Pack of 50 licences", Some("Papierlos GmbH"), 1_990_000, Some(1_105.0));
    (licences.cost_unit, licences.budget_line, licences.capacity_gained) = ("licence".into(), Some("software".into()), Some(50.0));
    (licences.budget_left_minor, licences.budget_left_after_minor) = (Some(1_400_000), Some(-590_000));
    Proposal {
        number: 14,
        resource_id: "licences-cad".to_owned(),
        title: "Licences of DraftStation".to_owned(),
        state: "open".to_owned(),
        order_by: Some(date(2026, 11, 10)),
        options: vec![licences],
        decision: None,
        ticket: None,
        sheet: None,
    }
}

fn proposals() -> Vec<Proposal> {
    let mut late = option(3, "Shelf of twelve disks", Some("Nordlicht IT"), 1_420_000, Some(2_950.0));
    late.feasible = false;
    late.in_time = false;
    late.late_chance = Some(0.41);
    late.arrives_on = Some(date(2027, 2, 20));
    late.against = vec![
        "It arrives 18 days after the earliest day on which the threshold may be reached.".to_owned(),
        "It goes 2200.00 EUR over the budget line.".to_owned(),
    ];
    let mut nothing = option(4, "Do nothing", None, 0, None);
    (nothing.kind, nothing.in_time, nothing.feasible, nothing.capacity_gained) = ("do_nothing".to_owned(), false, false, None);
    (nothing.arrives_on, nothing.one_off_minor, nothing.running_minor_per_month, nothing.npv_minor) = (None, None, None, None);
    (nothing.budget_line, nothing.budget_left_minor, nothing.budget_left_after_minor, nothing.cost_unit) =
        (None, None, None, String::new());
    nothing.against = vec!["The chance that the threshold is reached within a year is over 99 %.".to_owned()];
    let storage = Proposal {
        number: 12,
        resource_id: "fs-db01".to_owned(),
        title: "More space for /var/lib/postgresql on db01".to_owned(),
        state: "open".to_owned(),
        order_by: Some(date(2027, 1, 3)),
        options: vec![
            option(1, "Offer B: two NVMe disks of 1 TiB", Some("Brunner Systeme"), 852_000, Some(3_120.0)),
            option(2, "Offer A: two NVMe disks of 1 TiB", Some("Adler & Sons"), 910_000, Some(3_350.0)),
            late,
            nothing,
        ],
        decision: None,
        ticket: None,
        sheet: Some(json!({
            "need": "1.6 TiB by 3 January 2027",
            "alternatives": [{ "title": "Offer A", "npv": "9100.00 EUR" }, { "title": "Clean up", "gains": "200 GiB" }],
            "questions": ["What does a third piece cost?", "Is the warranty as long as the term?"],
            "walk_away": { "one_off": "8990.00 EUR", "why": "At this price offer A costs the same." },
        })),
    };
    let mut memory = option(1, "128 GiB of memory", Some("Brunner Systeme"), 64_000, Some(310.0));
    memory.cost_unit = "GiB".to_owned();
    let memory = Proposal {
        number: 9,
        resource_id: "mem-app03".to_owned(),
        title: "Memory of app03".to_owned(),
        state: "approved".to_owned(),
        order_by: Some(date(2026, 12, 20)),
        options: vec![memory],
        decision: Some(Decision {
            what: "approved".into(),
            by: "lena".into(),
            on: date(2026, 11, 18),
            why: "The shop runs on it.".into(),
            option: Some(1),
            together_with: vec![10],
        }),
        ticket: Some(4_711),
        sheet: None,
    };
    vec![licences_proposal(), storage, memory]
}

fn combined_order() -> CombinedOrder {
    let part = |proposal: i64, resource: &str, quantity: u32, npv_minor: i64, state: &str| OrderPart {
        proposal,
        resource: resource.to_owned(),
        quantity,
        npv_minor,
        budget_minor: Some(npv_minor),
        state: state.to_owned(),
    };
    CombinedOrder {
        offer: "BS-2026-77".to_owned(),
        item: "128 GiB of memory".to_owned(),
        supplier: "Brunner Systeme".to_owned(),
        quantity: 3,
        one_off_minor: 160_000,
        npv_minor: 160_000,
        saving_minor: 32_000,
        best_options_npv_minor: Some(192_000),
        order_by: Some(date(2026, 12, 20)),
        budget_line: Some("servers".to_owned()),
        budget_currency: Some("EUR".to_owned()),
        budget_takes_minor: Some(160_000),
        budget_left_after_minor: Some(-20_000),
        against: vec!["it takes 1600.00 EUR of budget line servers, of which 1400.00 EUR are left: 200.00 EUR too much".to_owned()],
        parts: vec![part(9, "app03", 1, 53_333, "approved"), part(10, "app04", 2, 106_667, "delivered")],
        decision: Some(Decision {
            what: "approved".into(),
            by: "lena".into(),
            on: date(2026, 11, 18),
            why: "The shop runs on it.".into(),
            option: None,
            together_with: Vec::new(),
        }),
        ticket: Some(4_711),
        terms: vec![term("saving", 32_000.0, "EUR minor", "1920.00 EUR − 1600.00 EUR = 320.00 EUR")],
    }
}

fn crossing_resources() -> Vec<Resource> {
    let licences = |day: f64| 80.0 + day * 0.12;
    let licence = resource("licences-cad", "licence", &[("product", "DraftStation")], "licences", Status::OverThreshold, 300, licences);
    let mut licence = limited(forecast(licence, licences, 0.4), 120.0, 0.05);
    (licence.order_by, licence.used) = (Some(date(2026, 11, 10)), 116.0);
    let database = |day: f64| TIB * (0.75 + day * 0.0022 + 0.02 * (day / 9.0).sin());
    let mut volume = resource(
        "fs-db01",
        "filesystem",
        &[("host", "db01"), ("mountpoint", "/var/lib/postgresql")],
        "bytes",
        Status::Crosses,
        365,
        database,
    );
    volume = forecast(limited(volume, 2.0 * TIB, 0.10), database, 0.012 * TIB);
    volume.history.iter_mut().take(120).for_each(|day| day.limit = Some(1.25 * TIB));
    volume = crossing(volume, [Some(72), Some(84), Some(107)], 0.998, 30.0);
    volume.needed = Some(1.6 * TIB);
    volume.why.push("Its limit was raised from 1.25 TiB to 2 TiB on 22 March 2026; the forecast goes by what came after.".to_owned());
    volume.largest_consumers =
        vec![("orders.audit_log".into(), 620.0 * GIB), ("orders.line_items".into(), 410.0 * GIB), ("pg_wal".into(), 96.0 * GIB)];
    let saw = |day: f64| GIB * (40.0 + 0.15 * day + 18.0 * ((day % 28.0) / 28.0));
    let scratch =
        resource("fs-build", "filesystem", &[("host", "build02"), ("mountpoint", "/srv/cache")], "bytes", Status::Crosses, 240, saw);
    let scratch = crossing(
        forecast(limited(scratch, 140.0 * GIB, 0.1), |day| GIB * (52.0 + 0.15 * day), 1.2 * GIB),
        [Some(120), Some(238), None],
        0.71,
        14.0,
    );
    let grows = |day: f64| GIB * (70.0 + day * 0.09);
    let memory = resource("mem-app03", "memory", &[("host", "app03")], "bytes", Status::Crosses, 365, grows);
    let memory = crossing(forecast(limited(memory, 128.0 * GIB, 0.1), grows, 0.9 * GIB), [Some(70), Some(130), Some(200)], 0.97, 21.0);
    let cpu = |day: f64| 0.42 + day * 0.0007 + 0.04 * (day * WEEKLY).sin();
    let load = resource("cpu-web01", "cpu", &[("host", "web01")], "ratio", Status::Crosses, 300, cpu);
    let mut load = crossing(forecast(limited(load, 1.0, 0.2), |day| 0.46 + day * 0.0007, 0.006), [Some(190), Some(276), None], 0.62, 21.0);
    load.headroom_text = "with 8 processors work takes twice its time at 80 % (M/M/c)".to_owned();
    let mut certificate = resource(
        "cert-shop",
        "certificate",
        &[("host", "shop"), ("certificate", "shop.example.org")],
        "days",
        Status::Crosses,
        60,
        |day| 20_719.0 + day,
    );
    certificate
        .history
        .iter_mut()
        .for_each(|day| (day.low, day.high, day.value) = (None, None, Some(f64::from(20_779 - crate_days(day.day)))));
    (certificate.limit, certificate.threshold, certificate.used) = (Some(20_825.0), Some(20_811.0), 20_779.0);
    (certificate.limit_source, certificate.growth_per_month) = (Some(LimitSource::Metric), None);
    let mut certificate = crossing(certificate, [Some(32), Some(32), Some(32)], 1.0, 0.0);
    certificate.fan = (1..=90)
        .map(|day| FanDay {
            day: later(AS_OF, day),
            lower: 20_779.0 + day as f64,
            median: 20_779.0 + day as f64,
            upper: 20_779.0 + day as f64,
        })
        .collect();
    vec![licence, certificate, volume, memory, scratch, load]
}

fn crate_days(day: Date) -> i32 {
    super::dates::days_between(day, AS_OF) as i32
}

fn quiet_resources() -> Vec<Resource> {
    let port = |day: f64| 1e9 * (2.1 + day * 0.002 + 0.5 * (day * WEEKLY).sin());
    let link = resource(
        "port-sw1",
        "network_port",
        &[("host", "sw-core-1"), ("port", "Ethernet1/49")],
        "bits/s",
        Status::BeyondHorizon,
        365,
        port,
    );
    let link = crossing(forecast(limited(link, 10e9, 0.2), |day| 1e9 * (2.1 + day * 0.002), 0.08e9), [Some(900), None, None], 0.01, 0.0);
    let backup = |day: f64| 14_000.0 + 900.0 * (day * WEEKLY).sin();
    let window = resource("backup-db01", "backup_window", &[("host", "db01"), ("job", "nightly")], "seconds", Status::Steady, 200, backup);
    let mut window = forecast(limited(window, 28_800.0, 0.15), |_| 14_000.0, 150.0);
    window.limit_source = Some(LimitSource::Question);
    let logs = |day: f64| GIB * (9.0 - day * 0.012);
    let volume = resource("logs-erp", "log_volume", &[("app", "erp")], "bytes", Status::Shrinking, 200, logs);
    let mut volume = forecast(limited(volume, 12.0 * GIB, 0.2), logs, 0.08 * GIB);
    volume.limit_source = Some(LimitSource::Policy);
    let big = resource("mem-app07", "memory", &[("host", "app07")], "bytes", Status::Oversized, 365, |_| 18.0 * GIB);
    let mut big = forecast(limited(big, 256.0 * GIB, 0.1), |_| 18.0 * GIB, 0.2 * GIB);
    big.enough = Some(25.0 * GIB);
    let mut young = limited(
        resource("fs-new", "filesystem", &[("host", "new01"), ("mountpoint", "/")], "bytes", Status::NotEnoughHistory, 5, |day| {
            GIB * (8.0 + day)
        }),
        50.0 * GIB,
        0.1,
    );
    (young.growth_per_month, young.why) = (None, vec!["It has 5 days of history; 14 are needed.".to_owned()]);
    let mut gone =
        resource("fs-gone", "filesystem", &[("host", "old02"), ("mountpoint", "/data")], "bytes", Status::LimitGone, 90, |day| {
            GIB * (300.0 + day)
        });
    gone.history.iter_mut().take(60).for_each(|day| day.limit = Some(500.0 * GIB));
    gone.why = vec!["Its limit was last measured on 23 October 2026.".to_owned()];
    let unknown = resource("db-crm", "database_size", &[("host", "db02"), ("database", "crm")], "bytes", Status::NoLimit, 150, |day| {
        GIB * (60.0 + day * 0.2)
    });
    vec![link, window, volume, big, young, gone, unknown]
}

/// The report.
pub(crate) fn sample() -> CapacityReport {
    let budget = |line: &str, amounts: [i64; 5]| {
        let [planned_minor, committed_minor, spent_minor, left_minor, asked_minor] = amounts;
        Budget {
            line: line.to_owned(),
            year: 2026,
            currency: "EUR".to_owned(),
            planned_minor,
            committed_minor,
            spent_minor,
            left_minor,
            asked_minor,
        }
    };
    let contract = |name: &str, notice: Date, auto_renews: bool| Contract {
        name: name.to_owned(),
        supplier: "Nordlicht IT".to_owned(),
        ends_on: Some(later(notice, 90)),
        notice_on: Some(notice),
        auto_renews,
        cost_minor: 48_000,
        cost_per: "month".to_owned(),
        currency: "EUR".to_owned(),
    };
    let mut resources = crossing_resources();
    resources.extend(quiet_resources());
    CapacityReport {
        site: "Musterwerk".to_owned(),
        as_of: AS_OF,
        generated_at_us: 1_795_392_000_000_000,
        time_zone: "Europe/Vienna".to_owned(),
        currency: "EUR".to_owned(),
        planning_horizon_days: 365,
        summary: Summary {
            resources: 124,
            crossing_within_horizon: 6,
            order_now: 2,
            oversized: 1,
            not_enough_history: 1,
            limit_gone: 1,
            not_seen: 0,
            proposals_open: 2,
            asked_minor: 2_842_000,
        },
        shown_of: (resources.len(), 124),
        resources,
        proposals: proposals(),
        combined_orders: vec![combined_order()],
        combined_orders_in_all: 1,
        budgets: vec![
            budget("storage", [4_000_000, 600_000, 2_200_000, 1_200_000, 852_000]),
            budget("software", [3_000_000, 100_000, 1_500_000, 1_400_000, 1_990_000]),
            budget("network", [1_500_000, 0, 300_000, 1_200_000, 0]),
        ],
        contracts: vec![
            contract("Support of the storage", date(2026, 12, 31), true),
            contract("Leased line Graz", date(2027, 6, 30), false),
        ],
        questions: vec![Question {
            name: "filesystem_question".to_owned(),
            description: "Space in use on each file system, volume and datastore.".to_owned(),
            kind: "filesystem".to_owned(),
            unit: "bytes".to_owned(),
            sql: "SELECT timestamp, host, mountpoint, max(value) AS used\nFROM metrics\nGROUP BY 1, 2, 3".to_owned(),
            day_sql: "SELECT date_trunc('day', timestamp) AS day, approx_percentile_cont(used, 0.5) AS p50\nFROM question\nGROUP BY 1"
                .to_owned(),
        }],
    }
}
