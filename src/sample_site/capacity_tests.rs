//! The past of what capacity is asked about, held against the week that follows it and against its labels.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::*;
use crate::clock::{DAY_US, HOUR_US, SECOND_US, TimestampUs};

/// Monday, 5 October 2026, 00:00 UTC.
const MONDAY: TimestampUs = 1_791_158_400 * SECOND_US;

fn site(seed: u64) -> Site {
    Site::new(SiteConfig { seed, start_us: MONDAY, days: 7, metrics_step_s: 60, log_rate: 1.0 }).unwrap()
}

/// A whole past, which several tests look at.
static PAST: LazyLock<(Site, Vec<Scrape>)> = LazyLock::new(|| {
    let site = site(7);
    let scrapes = site.capacity_history(MAX_HISTORY_DAYS).collect();
    (site, scrapes)
});

/// The value of a host's series with all of these labels in the first minute from a moment.
fn value(site: &Site, host: &str, name: &str, labels: &BTreeLabels, at_us: TimestampUs) -> Option<f64> {
    let scrape = site.metrics(at_us, at_us + 60 * SECOND_US).find(|scrape| scrape.host == host)?;
    let fits = |sample: &&Sample| sample.labels.name() == name && labels.iter().all(|(name, value)| sample.labels.get(name) == Some(value));
    scrape.series.iter().find(fits).map(|sample| sample.value)
}

type BTreeLabels = std::collections::BTreeMap<&'static str, String>;

fn day_us(date: &str) -> TimestampUs {
    format!("{date}T00:00:00Z").parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

/// Size or number that belongs to a metric of what is used or free.
fn limit_of(metric: &str) -> &'static str {
    match metric {
        "node_filesystem_avail_bytes" => "node_filesystem_size_bytes",
        "windows_logical_disk_free_bytes" => "windows_logical_disk_size_bytes",
        "vmware_datastore_free_bytes" => "vmware_datastore_capacity_bytes",
        "node_memory_MemAvailable_bytes" => "node_memory_MemTotal_bytes",
        "windows_memory_available_bytes" => "windows_memory_physical_total_bytes",
        "license_used" => "license_total",
        other => panic!("{other} has no limit"),
    }
}

/// The share of a limit that is used in the minute from a moment.
fn share(site: &Site, host: &str, metric: &str, labels: &BTreeLabels, at_us: TimestampUs) -> Option<f64> {
    let share = value(site, host, metric, labels, at_us)? / value(site, host, limit_of(metric), labels, at_us)?;
    Some(if metric == "license_used" { share } else { 1.0 - share })
}

/// Growth of a counter over an hour, a second.
fn rate(site: &Site, host: &str, name: &str, labels: &BTreeLabels, at_us: TimestampUs) -> f64 {
    let at = |at_us| value(site, host, name, labels, at_us).unwrap();
    (at(at_us + HOUR_US) - at(at_us)) / 3_600.0
}

fn label(site: &Site, kind: CapacityKind) -> CapacityLabel {
    site.capacity_labels().into_iter().find(|label| label.kind == kind).unwrap()
}

fn is_counter(name: &str) -> bool {
    name.starts_with("ifHC")
        || name.contains("cpu")
        || name.starts_with("node_network") && name.ends_with("_total")
        || name.starts_with("log_")
}

#[test]
fn the_past_ends_where_the_week_begins_and_is_once_an_hour() {
    let (site, scrapes) = &*PAST;
    assert!(scrapes.is_sorted_by_key(|scrape| scrape.time_us));
    assert_eq!(scrapes[0].time_us, MONDAY - 400 * DAY_US);
    assert_eq!(scrapes[scrapes.len() - 1].time_us, MONDAY - HOUR_US);
    let hours = scrapes.iter().filter(|scrape| scrape.host == "db01").map(|scrape| scrape.time_us).collect::<Vec<_>>();
    assert!(hours.len() == 9_600 && hours.windows(2).all(|pair| pair[1] - pair[0] == HOUR_US));
    let samples: usize = scrapes.iter().map(|scrape| scrape.series.len()).sum();
    assert!((900_000..1_500_000).contains(&samples), "{samples}");
    // A shorter past is the end of a long one.
    let short: Vec<Scrape> = site.capacity_history(3).collect();
    let flat = |scrapes: &[Scrape]| -> Vec<(TimestampUs, Vec<u64>)> {
        scrapes.iter().map(|scrape| (scrape.time_us, scrape.series.iter().map(|sample| sample.value.to_bits()).collect())).collect()
    };
    assert_eq!(flat(&short), flat(&scrapes[scrapes.len() - short.len()..]));
    assert_eq!(site.capacity_history(0).count(), 0);
    let config = SiteConfig { seed: 7, start_us: MONDAY + 23 * 60 * SECOND_US, days: 7, metrics_step_s: 60, log_rate: 1.0 };
    let other = Site::new(config).unwrap();
    let hours: Vec<TimestampUs> = other.capacity_history(1).map(|scrape| scrape.time_us).collect();
    assert!(hours.iter().all(|time_us| time_us % HOUR_US == 0), "whole hours, wherever the period begins");
    assert_eq!((hours.first(), hours.last()), (Some(&(MONDAY - 23 * HOUR_US)), Some(&MONDAY)));
    assert_eq!(site.capacity_history(5_000).next().map(|scrape| scrape.time_us), Some(MONDAY - 400 * DAY_US));
}

#[test]
fn the_past_meets_the_week_without_a_jump() {
    let (site, scrapes) = &*PAST;
    let first: HashMap<_, _> = site
        .metrics(MONDAY, MONDAY + 60 * SECOND_US)
        .flat_map(|scrape| scrape.series)
        .map(|sample| (sample.labels.pairs().to_vec(), sample.value))
        .collect();
    let runs = series_runs(scrapes);
    assert!(runs.len() > 200, "{}", runs.len());
    for run in &runs {
        // What is not measured any more in the week is a label's story.
        let Some(first) = first.get(run.labels.pairs()) else {
            assert!(run.labels.name() == "license_total" || run.labels.name() == "vmware_datastore_capacity_bytes");
            continue;
        };
        let at = |hours_before: usize| run.samples[run.samples.len() - hours_before].1;
        let last = at(1);
        if is_counter(run.labels.name()) {
            // The hours before midnight are quieter every hour, except for what people do not cause.
            let usual = (2..30).map(|hours| at(hours) - at(hours + 1)).fold(0.0, f64::max);
            assert!(*first >= last && first - last <= 1.5 * usual + 2.0, "{:?}: {last}, then {first}", run.labels.pairs());
        } else {
            let usual = (1..30).map(|hours| (at(hours) - at(hours + 1)).abs()).fold(0.0, f64::max);
            assert!((first - last).abs() <= 2.5 * usual + 1.0, "{:?}: {last}, then {first}", run.labels.pairs());
        }
    }
}

#[test]
fn counters_of_the_past_never_fall_except_over_a_reboot_and_shares_stay_within_their_limits() {
    let scrapes = &PAST.1;
    let mut falls: HashMap<&str, usize> = HashMap::new();
    for run in series_runs(scrapes) {
        let name = run.labels.name();
        assert!(run.samples.iter().all(|sample| sample.1.is_finite() && sample.1 >= 0.0), "{:?}", run.labels.pairs());
        if is_counter(name) {
            let fallen = run.samples.windows(2).filter(|pair| pair[1].1 < pair[0].1).count();
            assert!(fallen <= 7, "{:?} fell {fallen} times", run.labels.pairs());
            *falls.entry(if name.starts_with("node_cpu") { "processors" } else { "others" }).or_default() += fallen;
            // After a reboot a counter begins at zero: it cannot have more than its hour.
            if name == "node_cpu_seconds_total" {
                assert!(run.samples.windows(2).all(|pair| pair[1].1 >= pair[0].1 || pair[1].1 <= 3_600.0), "{:?}", run.labels.pairs());
            }
        }
    }
    assert!(falls["processors"] > 10, "hosts were rebooted in more than a year: {falls:?}");
    for scrape in scrapes.iter().step_by(97) {
        let of =
            |name: &str| scrape.series.iter().filter(|sample| sample.labels.name() == name).map(|sample| sample.value).collect::<Vec<_>>();
        for (free, size) in of("node_filesystem_avail_bytes").iter().zip(of("node_filesystem_size_bytes")) {
            assert!(*free < size && *free > 0.0, "{}: {free} of {size}", scrape.host);
        }
    }
}

#[test]
fn labelled_days_are_those_of_the_series() {
    for seed in [1, 7] {
        let site = site(seed);
        let mut checked = 0;
        let dated = [CapacityKind::SteadyGrowth, CapacityKind::SawTooth, CapacityKind::Resized, CapacityKind::Steps];
        for label in site.capacity_labels().into_iter().filter(|label| dated.contains(&label.kind)) {
            for (date, threshold) in
                [(&label.crosses_on, 1.0), (&label.headroom_on, if label.kind == CapacityKind::Steps { 0.95 } else { 0.9 })]
            {
                let day = day_us(date.as_ref().unwrap());
                let most = |from_us: TimestampUs| {
                    (0..24)
                        .filter_map(|hour| share(&site, label.host, label.metric, &label.labels, from_us + hour * HOUR_US))
                        .fold(0.0, f64::max)
                };
                assert!(most(day) > threshold - 0.001, "seed {seed}, {label:?}: {} on the day", most(day));
                for days_before in 1..20 {
                    assert!(most(day - days_before * DAY_US) < threshold, "seed {seed}, {label:?}: {days_before} days before");
                }
                checked += 1;
            }
        }
        assert_eq!(checked, 8);
    }
}

#[test]
fn what_was_planted_shows_in_the_past() {
    let (site, scrapes) = &*PAST;
    let labels = site.capacity_labels();
    let label = |kind| labels.iter().find(|label| label.kind == kind).unwrap();
    let runs = series_runs(scrapes);
    let run = |label: &CapacityLabel, metric: &str| {
        let fits = |run: &&SeriesRun| {
            run.labels.name() == metric
                && run.labels.get("host") == Some(label.host)
                && label.labels.iter().all(|(name, value)| run.labels.get(name) == Some(value))
        };
        runs.iter().find(fits).unwrap()
    };
    let used = |label: &CapacityLabel| -> Vec<f64> {
        let (free, size) = (run(label, label.metric), run(label, limit_of(label.metric)));
        free.samples.iter().zip(&size.samples).map(|(free, size)| 1.0 - free.1 / size.1).collect()
    };
    let steady = used(label(CapacityKind::SteadyGrowth));
    assert!(steady[0] < 0.16 && (0.80..0.84).contains(&steady[9_599]), "{} to {}", steady[0], steady[9_599]);
    let weekly: Vec<f64> = steady.chunks_exact(168).map(|week| week[167] - week[0]).collect();
    assert!(weekly.iter().all(|growth| (0.009..0.017).contains(growth)), "{weekly:?}");

    let saw = used(label(CapacityKind::SawTooth));
    let cleanups = saw.windows(2).filter(|pair| pair[1] < pair[0] - 0.03).count();
    assert_eq!(cleanups, 10, "every six weeks of fifty-seven, two weeks before the period");

    let resized = label(CapacityKind::Resized);
    let sizes = &run(resized, "node_filesystem_size_bytes").samples;
    let raised: Vec<_> = sizes.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| (pair[1].0, pair[0].1, pair[1].1)).collect();
    assert_eq!(raised, [(MONDAY - 150 * DAY_US, 4_400.0 * volume::GIB, 8_000.0 * volume::GIB)]);
    let before = used(resized)[(400 - 150) * 24 - 1];
    assert!((0.88..0.97).contains(&before), "nearly full when it was enlarged: {before}");

    let shifted = used(label(CapacityKind::LevelShift));
    let (before, after) = (shifted[(400 - 124) * 24], shifted[(400 - 118) * 24]);
    assert!((0.24..0.26).contains(&(after - before)), "{before}, then {after}");

    let young = label(CapacityKind::NotEnoughHistory);
    let first = run(young, young.metric).samples[0].0;
    assert_eq!(site.end_us() - first, 9 * DAY_US);

    let lost: Vec<&CapacityLabel> = labels.iter().filter(|label| label.kind == CapacityKind::LimitLost).collect();
    assert_eq!(lost.len(), 2);
    for label in lost {
        let last = run(label, limit_of(label.metric)).samples.last().unwrap().0;
        assert_eq!(site.end_us() - 21 * DAY_US - last, HOUR_US, "{label:?}");
        assert_eq!(run(label, label.metric).samples.last().unwrap().0, MONDAY - HOUR_US, "{label:?}");
        assert_eq!(value(site, label.host, limit_of(label.metric), &label.labels, MONDAY), None);
    }

    let licences = run(label(CapacityKind::Steps), "license_used");
    let steps: f64 = licences.samples.windows(2).map(|pair| pair[1].1 - pair[0].1).filter(|step| *step > 0.0).sum();
    assert!((28.0..=35.0).contains(&steps), "seven in each of the four or five quarters: {steps}");

    let memory = used(label(CapacityKind::Oversized));
    assert!(memory.iter().all(|used| *used < 0.2));
}

#[test]
fn one_of_three_web_servers_is_lost_within_two_quarters_whatever_the_seed() {
    for seed in 0..4 {
        let site = site(seed);
        let label = label(&site, CapacityKind::SpareLost);
        assert_eq!((label.host, label.peers.as_slice()), ("web01", &["web02", "web03"][..]));
        let lost = day_us(label.crosses_on.as_ref().unwrap());
        assert!((site.end_us() + 28 * DAY_US..site.end_us() + 182 * DAY_US).contains(&lost), "seed {seed}: {:?}", label.crosses_on);
        // Half of the week's days do it, and a month before none does: Wednesdays at eleven.
        let busy = |wednesday_us: TimestampUs| {
            let idle = |host: &str, cpu: &str| {
                let labels = BTreeLabels::from([("mode", "idle".to_owned()), ("cpu", cpu.to_owned())]);
                (8..16)
                    .map(|hour| 1.0 - rate(&site, host, "node_cpu_seconds_total", &labels, wednesday_us + hour * HOUR_US))
                    .collect::<Vec<_>>()
            };
            let all: Vec<Vec<f64>> = ["web01", "web02", "web03"].iter().flat_map(|host| ["0", "1"].map(|cpu| idle(host, cpu))).collect();
            (0..8).map(|hour| all.iter().map(|cpu| cpu[hour]).sum::<f64>() / 6.0).fold(0.0, f64::max)
        };
        let then = busy(lost + 2 * DAY_US);
        assert!((0.45..0.52).contains(&then), "seed {seed}: {then}");
        assert!(busy(lost - 40 * DAY_US - (lost - 40 * DAY_US - MONDAY) % (7 * DAY_US) + 2 * DAY_US) < then - 0.01, "seed {seed}");
    }
}

#[test]
fn a_load_grows_from_week_to_week_and_not_within_the_sample_week() {
    let (site, scrapes) = &*PAST;
    let sent = series_runs(scrapes)
        .into_iter()
        .find(|run| run.labels.name() == "ifHCOutOctets" && run.labels.get("ifName") == Some("GigabitEthernet1/0/24"))
        .unwrap();
    let at = |at_us: TimestampUs| sent.samples[((at_us - MONDAY) / HOUR_US + 9_600) as usize].1;
    let week = |weeks_before: i64| {
        let from_us = MONDAY - weeks_before * 7 * DAY_US;
        let growth = |day: i64| at(from_us + day * DAY_US + 16 * HOUR_US) - at(from_us + day * DAY_US + 8 * HOUR_US);
        // A day with a reboot has no growth.
        (0..5).map(growth).fold(0.0, f64::max)
    };
    let (young, old) = (week(2), week(52));
    let expected = (1.0 - 0.004 * 2.0) / (1.0 - 0.004 * 52.0);
    assert!((young / old / expected - 1.0).abs() < 0.05, "{young} after {old}, {expected} was to be expected");
    let busiest = (0..5).flat_map(|day| (8..16).map(move |hour| MONDAY + day * DAY_US + hour * HOUR_US));
    let labels = BTreeLabels::from([("ifName", "GigabitEthernet1/0/24".to_owned())]);
    let most = busiest.map(|at_us| 8.0 * rate(site, "core-sw01", "ifHCOutOctets", &labels, at_us)).fold(0.0, f64::max);
    assert!((6.5e7..8.2e7).contains(&most), "near the ceiling of 100 Mbit/s: {most}");
}

#[test]
fn what_has_no_label_is_quiet_for_a_year() {
    for seed in [1, 7] {
        let site = site(seed);
        let labels = site.capacity_labels();
        let scrapes: Vec<Scrape> = site.capacity_history(1).filter(|scrape| scrape.time_us == MONDAY - HOUR_US).collect();
        let mut quiet = 0;
        for sample in scrapes.iter().flat_map(|scrape| &scrape.series) {
            let (host, metric) = (sample.labels.get("host").unwrap(), sample.labels.name());
            let own: BTreeLabels = ["mountpoint", "volume", "datastore", "product"]
                .into_iter()
                .filter_map(|name| sample.labels.get(name).map(|value| (name, value.to_owned())))
                .collect();
            let planted = labels.iter().any(|label| label.host == host && label.metric == metric && label.labels == own);
            let measured = metric.contains("avail") || metric.contains("Avail") || metric.contains("free") || metric == "license_used";
            if planted || !measured {
                continue;
            }
            for day in (0..372).step_by(4) {
                // At eleven on changing days of the week.
                let share = share(&site, host, metric, &own, MONDAY + day * DAY_US + 11 * HOUR_US);
                assert!(share.is_some_and(|share| share < 0.9), "seed {seed}, {host} {metric} {own:?}: {share:?} after {day} days");
            }
            quiet += 1;
        }
        assert!(quiet > 30, "{quiet}");
    }
}

#[test]
fn processors_and_ports_without_a_label_are_quiet() {
    // They do not grow: their last week before the period is as good as any.
    let mut by_host: HashMap<String, (Vec<f64>, usize)> = HashMap::new();
    let runs = series_runs(&PAST.1);
    let hourly = |run: &SeriesRun| -> Vec<f64> {
        run.samples[run.samples.len() - 169..].windows(2).map(|pair| ((pair[1].1 - pair[0].1) / 3_600.0).max(0.0)).collect()
    };
    let speed = |run: &SeriesRun| {
        let of = |name: &str, factor: f64| {
            let same = |other: &&SeriesRun| {
                let same = |label| other.labels.get(label) == run.labels.get(label);
                other.labels.name() == name && same("host") && same("ifName") && same("device")
            };
            runs.iter().find(same).map(|run| factor * run.samples[0].1)
        };
        of("ifHighSpeed", 1e6 / 8.0).or_else(|| of("node_network_speed_bytes", 1.0)).unwrap()
    };
    let busy_days = |hourly: &[f64], limit: f64| hourly.chunks(24).filter(|day| day.iter().any(|value| *value >= limit)).count();
    let mut ports = 0;
    for run in &runs {
        let name = run.labels.name();
        if name == "node_cpu_seconds_total" {
            let (idle, cpus) = by_host.entry(run.labels.get("host").unwrap().to_owned()).or_insert_with(|| (vec![0.0; 168], 0));
            idle.iter_mut().zip(hourly(run)).for_each(|(sum, idle)| *sum += idle);
            *cpus += 1;
        } else if name.starts_with("ifHC") || name.starts_with("node_network") && name.ends_with("_total") {
            let busy = busy_days(&hourly(run), 0.8 * speed(run));
            assert!(busy <= 3, "{:?}: busy on {busy} days of the week", run.labels.pairs());
            ports += 1;
        }
    }
    assert!(ports == 70 && by_host.len() == 11, "{ports} directions of ports, {} hosts", by_host.len());
    for (host, (idle, cpus)) in by_host {
        // The knee of two processors; that of four lies higher.
        let busy: Vec<f64> = idle.iter().map(|idle| 1.0 - idle / cpus as f64).collect();
        assert!(busy_days(&busy, 0.5_f64.sqrt()) == 0, "{host}: {busy:?}");
    }
}

#[test]
fn certificates_end_on_their_days() {
    let site = site(3);
    let ends: Vec<CapacityLabel> = site.capacity_labels().into_iter().filter(|label| label.kind == CapacityKind::CertificateEnds).collect();
    assert_eq!(ends.len(), 2);
    for label in &ends {
        let at_s = value(&site, label.host, label.metric, &label.labels, site.end_us()).unwrap();
        assert_eq!((at_s as i64 * SECOND_US).div_euclid(DAY_US) * DAY_US, day_us(label.crosses_on.as_ref().unwrap()));
        let warned = day_us(label.headroom_on.as_ref().unwrap());
        assert_eq!(day_us(label.crosses_on.as_ref().unwrap()) - warned, 14 * DAY_US);
        // No rule of the week is to be set off by it.
        assert!(warned > site.end_us());
    }
    let by_itself = BTreeLabels::from([("target", "https://www.example.net".to_owned())]);
    for day in 0..400 {
        let at_us = MONDAY + day * DAY_US;
        let left_s = value(&site, "mon01", "probe_ssl_earliest_cert_expiry", &by_itself, at_us).unwrap() - (at_us / SECOND_US) as f64;
        assert!((29.0 * 86_400.0..=91.0 * 86_400.0).contains(&left_s), "renewed with thirty of ninety days left: {left_s} s");
    }
}

#[test]
fn runs_of_series_hold_every_sample_of_the_scrapes() {
    let site = site(2);
    let scrapes: Vec<Scrape> = site.capacity_history(2).collect();
    let runs = series_runs(&scrapes);
    assert_eq!(runs.iter().map(|run| run.samples.len()).sum::<usize>(), scrapes.iter().map(|scrape| scrape.series.len()).sum::<usize>());
    let db: Vec<f64> = scrapes.iter().filter(|scrape| scrape.host == "db01").map(|scrape| scrape.series[1].value).collect();
    let labels = &scrapes.iter().find(|scrape| scrape.host == "db01").unwrap().series[1].labels;
    let run = runs.iter().find(|run| run.labels == *labels).unwrap();
    assert_eq!(run.samples.iter().map(|sample| sample.1).collect::<Vec<_>>(), db);
}
