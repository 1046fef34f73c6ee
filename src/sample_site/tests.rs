//! The invariants of the front door, a test each, over whole days.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use super::*;
use crate::clock::{DAY_US, HOUR_US, SECOND_US, TimestampUs};

/// Monday, 5 October 2026, 00:00 UTC.
const MONDAY: TimestampUs = 1_791_158_400 * SECOND_US;

fn site(seed: u64, days: u32) -> Site {
    Site::new(SiteConfig { seed, start_us: MONDAY, days, metrics_step_s: 60, log_rate: 1.0 }).unwrap()
}

fn text(event: &LogEvent) -> &str {
    std::str::from_utf8(&event.line).unwrap()
}

/// A week that several tests look at, with all its events.
static WEEK: LazyLock<(Site, Vec<LogEvent>)> = LazyLock::new(|| {
    let site = site(7, 7);
    let events = site.events(MONDAY, site.end_us()).collect();
    (site, events)
});

/// Lines of a host in that week that contain a text.
fn lines(host: &str, shows: &str, from_us: TimestampUs, to_us: TimestampUs) -> usize {
    let events = &WEEK.1;
    let at = |at_us| events.partition_point(|event| event.time_us < at_us);
    events[at(from_us)..at(to_us)].iter().filter(|event| event.host == host && text(event).contains(shows)).count()
}

/// The values of a host's series with all of these labels, in the order of time.
fn values(site: &Site, host: &str, labels: &[(&str, &str)], from_us: TimestampUs, to_us: TimestampUs) -> Vec<f64> {
    let fits = |sample: &&Sample| labels.iter().all(|(name, value)| sample.labels.get(name) == Some(value));
    let of_host = site.metrics(from_us, to_us).filter(|scrape| scrape.host == host);
    of_host.filter_map(|scrape| scrape.series.iter().find(fits).map(|sample| sample.value)).collect()
}

fn incident(site: &Site, kind: IncidentKind) -> Incident {
    site.incidents().iter().find(|incident| incident.kind == kind).cloned().unwrap()
}

/// Growth of a counter an hour.
fn growth(site: &Site, host: &str, labels: &[(&str, &str)], from_us: TimestampUs, to_us: TimestampUs) -> f64 {
    let values = values(site, host, labels, from_us, to_us);
    (values[values.len() - 1] - values[0]) * HOUR_US as f64 / (to_us - from_us) as f64
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let written = |seed| {
        let site = site(seed, 2);
        let mut bytes = Vec::new();
        write_logs(&site, MONDAY, MONDAY + 6 * HOUR_US, &mut bytes).unwrap();
        write_metrics_jsonl(&site, MONDAY, MONDAY + HOUR_US, &mut bytes).unwrap();
        write_labels_json(&site, &mut bytes).unwrap();
        bytes
    };
    assert_eq!(written(3), written(3));
    assert_ne!(written(3), written(4));
}

#[test]
fn stretches_join_without_a_seam_also_after_the_period() {
    let site = site(11, 1);
    // Borders within a minute and around the end of the period, where the disk goes on filling up.
    let borders = [MONDAY + 23 * HOUR_US, MONDAY + 23 * HOUR_US + 17_345_678, MONDAY + DAY_US, MONDAY + DAY_US + HOUR_US / 2 + 1];
    let (from_us, to_us) = (borders[0], borders[3]);
    let whole: Vec<LogEvent> = site.events(from_us, to_us).collect();
    let joined: Vec<LogEvent> = borders.windows(2).flat_map(|pair| site.events(pair[0], pair[1])).collect();
    assert!(whole.len() > 800, "an hour and a half at night: {}", whole.len());
    assert_eq!(whole, joined);
    let flat = |scrapes: &mut dyn Iterator<Item = Scrape>| -> Vec<(TimestampUs, &'static str, Vec<u64>)> {
        scrapes.map(|scrape| (scrape.time_us, scrape.host, scrape.series.iter().map(|sample| sample.value.to_bits()).collect())).collect()
    };
    let whole = flat(&mut site.metrics(from_us, to_us));
    assert_eq!(whole, flat(&mut borders.windows(2).flat_map(|pair| site.metrics(pair[0], pair[1]))));
    assert!(whole.is_sorted_by_key(|scrape| scrape.0));
}

#[test]
fn events_come_in_the_order_of_time_within_the_stretch() {
    let site = site(2, 2);
    let times: Vec<TimestampUs> = site.events(MONDAY + 7, MONDAY + DAY_US).map(|event| event.time_us).collect();
    assert!(times.is_sorted());
    assert!(times.iter().all(|at_us| (MONDAY + 7..MONDAY + DAY_US).contains(at_us)));
}

#[test]
fn a_week_has_its_size_and_shape() {
    let (site, events) = &*WEEK;
    let mut by_hour: HashMap<i64, u32> = HashMap::new();
    let mut by_host: BTreeMap<&str, u32> = BTreeMap::new();
    for event in events {
        *by_hour.entry((event.time_us - MONDAY) / HOUR_US).or_default() += 1;
        *by_host.entry(event.host).or_default() += 1;
    }
    let total: u32 = by_hour.values().sum();
    assert!((180_000..240_000).contains(&total), "about 200,000 lines a week: {total}");
    assert_eq!(by_host.len(), site.hosts().len(), "every host logs: {by_host:?}");
    let (noon, night) = (by_hour[&(2 * 24 + 11)], by_hour[&(6 * 24 + 5)]);
    assert!(noon > 3 * night, "Wednesday noon {noon}, Sunday 5 a.m. {night}");
    let samples = site.metrics(MONDAY, MONDAY + HOUR_US).map(|scrape| scrape.series.len()).sum::<usize>() * 24 * 7;
    assert!((3_000_000..6_000_000).contains(&samples), "three to six million samples a week at 60 s: {samples}");
}

#[test]
fn incidents_lie_within_the_period_whatever_its_start() {
    for seed in 0..200 {
        for days in [1, 2, 7, 15] {
            let start_us = MONDAY + seed as i64 * 3_671 * SECOND_US;
            let site = Site::new(SiteConfig { seed, start_us, days, metrics_step_s: 15, log_rate: 0.1 }).unwrap();
            let incidents = site.incidents();
            let kinds: std::collections::HashSet<_> = incidents.iter().map(|incident| incident.kind).collect();
            assert_eq!(kinds.len(), 6, "seed {seed}, {days} days: every kind is planted");
            assert!(incidents.is_sorted_by_key(|incident| incident.start_us));
            for incident in incidents {
                assert!(
                    incident.start_us > site.config().start_us && incident.start_us < incident.end_us && incident.end_us <= site.end_us()
                );
                assert_eq!(incident.resolved, incident.kind != IncidentKind::DiskFilling);
                assert!(incident.traces.len() >= 2);
            }
            assert!(site.live_incident().start_us > site.end_us());
        }
    }
}

#[test]
fn every_trace_in_the_logs_is_plain_to_see() {
    let site = &WEEK.0;
    for incident in site.incidents() {
        for trace in incident.traces.iter().filter(|trace| trace.table == TraceTable::Logs) {
            // What ends an incident is said in the minute after it.
            let end_us = (incident.end_us + 60 * SECOND_US).min(site.end_us());
            let during = lines(trace.host, &trace.shows, incident.start_us, end_us);
            let length_us = end_us - incident.start_us;
            let before = lines(trace.host, &trace.shows, incident.start_us - length_us, incident.start_us);
            assert!(during > 4 * before, "{:?}, {:?}: {during} lines, {before} before", incident.kind, trace);
        }
    }
    let count = |kind, shows| {
        let incident = incident(site, kind);
        lines(incident.host, shows, incident.start_us, incident.end_us + 60 * SECOND_US)
    };
    assert!((500..700).contains(&count(IncidentKind::SshBruteForce, "Failed password for")));
    let flapping = incident(site, IncidentKind::LinkFlapping);
    let changes = format!("%LINK-3-UPDOWN: Interface {}, changed", flapping.entity);
    assert_eq!(count(IncidentKind::LinkFlapping, &changes), 30);
    assert!(count(IncidentKind::DiskFilling, "o space left on device") > 100);
    assert!(count(IncidentKind::DatabaseSlow, "statement timeout") > 90);
    assert_eq!(count(IncidentKind::HostSilent, "Linux version"), 1);
}

#[test]
fn a_silent_host_sends_nothing_and_comes_back() {
    let site = &WEEK.0;
    let gone = incident(site, IncidentKind::HostSilent);
    assert_eq!(lines(gone.host, "", gone.start_us, gone.end_us), 0);
    assert_eq!(site.metrics(gone.start_us, gone.end_us).filter(|scrape| scrape.host == gone.host).count(), 0);
    assert!(lines(gone.host, "", gone.start_us - HOUR_US, gone.start_us) > 10);
    assert!(lines(gone.host, "", gone.end_us, gone.end_us + HOUR_US) > 10);
    let bytes = [("__name__", "node_network_receive_bytes_total")];
    let before = values(site, gone.host, &bytes, gone.start_us - HOUR_US, gone.start_us);
    let after = values(site, gone.host, &bytes, gone.end_us, gone.end_us + HOUR_US);
    assert!(after[0] < before[0] / 1_000.0, "the boot begins the counters at zero: {} after {}", after[0], before[0]);
    let boots = values(site, gone.host, &[("__name__", "node_boot_time_seconds")], gone.end_us, gone.end_us + HOUR_US);
    assert_eq!(boots[0], (gone.end_us / SECOND_US - 20) as f64);
}

#[test]
fn incidents_show_in_the_metrics() {
    let site = site(9, 7);
    let disk = incident(&site, IncidentKind::DiskFilling);
    let share = |at_us| {
        let of =
            |name| values(&site, disk.host, &[("__name__", name), ("mountpoint", disk.entity.as_str())], at_us, at_us + 60 * SECOND_US)[0];
        1.0 - of("node_filesystem_avail_bytes") / of("node_filesystem_size_bytes")
    };
    let (first, last) = (share(disk.start_us), share(site.end_us() - 60 * SECOND_US));
    assert!((0.69..0.71).contains(&first) && (0.955..0.965).contains(&last), "from {first} to {last}");
    assert!(share(site.end_us() + DAY_US) > 0.95, "nobody repairs it");

    let slow = incident(&site, IncidentKind::DatabaseSlow);
    let middle_us = (slow.start_us + slow.end_us) / 2;
    let active =
        |at_us| values(&site, "db01", &[("__name__", "pg_stat_activity_count"), ("state", "active")], at_us, at_us + 60 * SECOND_US)[0];
    assert!(active(middle_us) > 90.0 && active(slow.start_us - HOUR_US) < 15.0);
    let waiting = [("__name__", "node_cpu_seconds_total"), ("cpu", "0"), ("mode", "iowait")];
    let during = growth(&site, "db01", &waiting, slow.start_us, slow.end_us);
    assert!(during > 5.0 * growth(&site, "db01", &waiting, slow.start_us - HOUR_US, slow.start_us));

    let burst = incident(&site, IncidentKind::DeploymentErrors);
    let failed = [("__name__", "http_requests_total"), ("code", "500")];
    let during = growth(&site, "api01", &failed, burst.start_us, burst.end_us);
    assert!(during > 50.0 * growth(&site, "api01", &failed, burst.start_us - HOUR_US, burst.start_us).max(1.0));

    let attack = incident(&site, IncidentKind::SshBruteForce);
    let opened = [("__name__", "node_netstat_Tcp_PassiveOpens")];
    let during = growth(&site, attack.host, &opened, attack.start_us, attack.end_us);
    assert!(during > 5.0 * growth(&site, attack.host, &opened, attack.start_us - HOUR_US, attack.start_us));

    let flapping = incident(&site, IncidentKind::LinkFlapping);
    let port = [("__name__", "ifOperStatus"), ("ifName", flapping.entity.as_str())];
    let states = values(&site, "core-sw01", &port, flapping.start_us, flapping.end_us);
    assert!(states.windows(2).filter(|pair| pair[0] != pair[1]).count() >= 3, "{states:?}");
    assert!(values(&site, "core-sw01", &port, flapping.end_us, flapping.end_us + HOUR_US).iter().all(|state| *state == 1.0));
}

#[test]
fn counters_never_fall_except_over_a_reboot() {
    let site = site(4, 7);
    let gone = incident(&site, IncidentKind::HostSilent);
    let mut last: HashMap<(String, String), f64> = HashMap::new();
    // Every seventh minute of the whole week, and some of the time after it.
    for number in 0..(7 * 1440 + 300) / 7 {
        let at_us = MONDAY + number * 7 * 60 * SECOND_US;
        for scrape in site.metrics(at_us, at_us + 60 * SECOND_US) {
            let rebooted = scrape.host == gone.host && (gone.end_us..gone.end_us + 8 * 60 * SECOND_US).contains(&scrape.time_us);
            for sample in &scrape.series {
                assert!(sample.value.is_finite() && sample.value >= 0.0, "{:?} {}", sample.labels.pairs(), sample.value);
                let name = sample.labels.name();
                let counts = name.contains("_total") && !name.contains("physical")
                    || name.starts_with("ifHC")
                    || name.contains("xact")
                    || name == "ifInErrors";
                if counts {
                    let before = last.insert((scrape.host.to_owned(), format!("{:?}", sample.labels.pairs())), sample.value);
                    assert!(rebooted || before.is_none_or(|before| before <= sample.value), "{:?} at {at_us}", sample.labels.pairs());
                }
            }
        }
    }
    assert!(last.len() > 200, "{}", last.len());
}

#[test]
fn every_line_is_valid_in_the_format_of_its_host() {
    let site = site(6, 2);
    let formats: HashMap<&str, ClockFormat> = site.hosts().iter().map(|host| (host.name, host.clock_format)).collect();
    for event in site.events(MONDAY, site.end_us()) {
        let line = text(&event);
        let (pri, rest) = line.strip_prefix('<').and_then(|line| line.split_once('>')).unwrap();
        assert!(pri.parse::<u8>().unwrap() <= 191 && !line.contains('\n'), "{line}");
        let second = jiff::Timestamp::from_second(event.time_us.div_euclid(SECOND_US)).unwrap();
        let bsd = second.strftime("%b %e %H:%M:%S").to_string();
        let name = event.host;
        match formats[name] {
            ClockFormat::Bsd => assert!(rest.starts_with(&format!("{bsd} {name} ")), "no year, whole seconds: {line}"),
            ClockFormat::CiscoAsa => assert!(rest.contains(&format!(" 2026 {} {name} : %ASA-", second.strftime("%H:%M:%S"))), "{line}"),
            ClockFormat::CiscoIos => assert!(rest.contains(&format!(": {name}: {bsd}.")) && rest.contains(": %"), "{line}"),
            ClockFormat::KeyValue => {
                assert!(rest.starts_with(&format!("date={} ", second.strftime("%Y-%m-%d time=%H:%M:%S devname=\"fw02\""))), "{line}")
            }
            ClockFormat::IsoBsd => assert_eq!(rest.split(' ').nth(1), Some(name), "{line}"),
            ClockFormat::Rfc5424 => {
                let fields: Vec<&str> = rest.splitn(7, ' ').collect();
                assert_eq!((fields[0], fields[2]), ("1", name), "{line}");
                assert_eq!(fields[1].parse::<jiff::Timestamp>().unwrap().as_microsecond(), event.time_us, "{line}");
                assert!(fields[6].starts_with("- ") || fields[6].starts_with('[') && fields[6].contains("\"] "), "{line}");
            }
        }
    }
}

#[test]
fn nobody_is_silent_by_nature() {
    // A watcher of silence must hear from every host at least every quarter of an hour, also on a Sunday night.
    let (site, events) = &*WEEK;
    let mut last: HashMap<&str, TimestampUs> = HashMap::new();
    let gone = incident(site, IncidentKind::HostSilent);
    for event in events {
        let before = last.insert(event.host, event.time_us).unwrap_or(MONDAY);
        let silence_us = event.time_us - before;
        assert!(silence_us < HOUR_US / 4 || event.host == gone.host, "{} was silent for {} s", event.host, silence_us / SECOND_US);
    }
}

#[test]
fn impossible_sites_are_refused() {
    let good = SiteConfig { seed: 1, start_us: MONDAY, days: 1, metrics_step_s: 60, log_rate: 1.0 };
    for bad in [
        SiteConfig { days: 0, ..good },
        SiteConfig { metrics_step_s: 0, ..good },
        SiteConfig { log_rate: f64::NAN, ..good },
        SiteConfig { start_us: -1, ..good },
    ] {
        assert!(Site::new(bad.clone()).is_err(), "{bad:?}");
    }
    assert!(Site::new(good).is_ok());
}

/// The set in `sample-data/` is what its README's command makes: who changes the generator makes it anew.
#[test]
fn the_committed_set_is_what_the_generator_makes() {
    let start_us = 1_772_409_600 * SECOND_US;
    let site = Site::new(SiteConfig { seed: 1, start_us, days: 7, metrics_step_s: 600, log_rate: 0.25 }).unwrap();
    let mut labels = Vec::new();
    write_labels_json(&site, &mut labels).unwrap();
    assert_eq!(std::str::from_utf8(&labels).unwrap(), include_str!("../../sample-data/labels.json"));
    // A day of lines and an hour of samples: the beginnings of the files.
    let mut logs = Vec::new();
    write_logs(&site, start_us, start_us + DAY_US, &mut logs).unwrap();
    let committed = zstd::decode_all(include_bytes!("../../sample-data/logs.syslog.zst").as_slice()).unwrap();
    assert!(committed.starts_with(&logs) && logs.len() > 1_000_000, "{} bytes", logs.len());
    let mut metrics = Vec::new();
    write_metrics_jsonl(&site, start_us, start_us + HOUR_US, &mut metrics).unwrap();
    let committed = zstd::decode_all(include_bytes!("../../sample-data/metrics.jsonl.zst").as_slice()).unwrap();
    assert!(committed.starts_with(&metrics) && metrics.len() > 100_000, "{} bytes", metrics.len());
    // The first hours of every series of the past's first four weeks.
    let first: Vec<Scrape> =
        site.capacity_history(MAX_HISTORY_DAYS).take_while(|scrape| scrape.time_us < start_us - 400 * DAY_US + 3 * HOUR_US).collect();
    let committed = zstd::decode_all(include_bytes!("../../sample-data/capacity.jsonl.zst").as_slice()).unwrap();
    let mut lines = std::str::from_utf8(&committed).unwrap().lines();
    let mut runs = series_runs(&first);
    runs.sort_by_key(|run| run.labels.get("host").map(str::to_owned));
    assert!(runs.len() > 50, "{}", runs.len());
    for run in runs {
        let line: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!(line["metric"].as_object().unwrap().len(), run.labels.pairs().len());
        assert!(run.labels.pairs().iter().all(|(name, value)| line["metric"][name] == value.as_str()), "{line}");
        for (index, (time_us, value)) in run.samples.iter().enumerate() {
            assert_eq!((line["timestamps"][index].as_i64(), line["values"][index].as_f64()), (Some(time_us / 1_000), Some(*value)));
        }
    }
}
