//! `[site]`: what stands where, what depends on what, and when it is worked on. One line of text an entry.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::SiteSettings;
use crate::clock::{SECOND_US, TimestampUs};
use crate::document::{Weekday, duration_us};
use crate::incident::{Asset, Dependency, Maintenance, MaintenanceScope, MaintenanceTimes, Topology};
use crate::operations::ConfiguredWindows;

/// Text that is no entry of `[site]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}`: {why}")]
pub struct SiteError {
    /// The entry.
    pub entry: String,
    /// What is wrong with it.
    pub why: String,
}

/// What is known of the site: what stands where, and when it is worked on; or all that is wrong with what was written.
pub fn parse_site(site: &SiteSettings) -> Result<(Topology, ConfiguredWindows), Vec<SiteError>> {
    let mut errors = Vec::new();
    let hosts = all(&site.hosts, parse_host, &mut errors);
    let edges = all(&site.depends_on, parse_dependency, &mut errors);
    let zone = TimeZone::get(&site.time_zone).unwrap_or_else(|_| {
        let entry = format!("time_zone = {}", site.time_zone);
        errors.push(SiteError { entry, why: "there is no such time zone; write a name such as Europe/Vienna".to_owned() });
        TimeZone::UTC
    });
    all(&site.maintenance, |entry| parse_maintenance(entry, &zone, 0), &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let entries = site.maintenance.clone();
    let maintenance = move |at_us| entries.iter().filter_map(|entry| parse_maintenance(entry, &zone, at_us).ok()).collect();
    Ok((Topology::new(&hosts, &edges), Arc::new(maintenance)))
}

/// What could be read of the entries; the rest is an error each.
fn all<T>(entries: &[String], parse: impl Fn(&str) -> Result<T, SiteError>, errors: &mut Vec<SiteError>) -> Vec<T> {
    entries.iter().filter_map(|entry| parse(entry).map_err(|error| errors.push(error)).ok()).collect()
}

fn wrong(entry: &str, why: impl Into<String>) -> SiteError {
    SiteError { entry: entry.to_owned(), why: why.into() }
}

/// Reads `db01: services=orders,postgres rack=A3`.
fn parse_host(entry: &str) -> Result<Asset, SiteError> {
    let (name, rest) = entry.split_once(':').unwrap_or((entry, ""));
    let mut asset = Asset { name: name_of(entry, name)?, ..Asset::default() };
    for word in rest.split_whitespace() {
        match word.split_once('=') {
            Some(("services", names)) => asset.services = list(names),
            Some(("rack", rack)) => asset.rack = Some(rack.to_owned()),
            _ => return Err(wrong(entry, format!("`{word}` is neither services=a,b nor rack=name"))),
        }
    }
    Ok(asset)
}

/// Reads `shop -> orders`: the left one needs the right one.
fn parse_dependency(entry: &str) -> Result<Dependency, SiteError> {
    let (dependent, upstream) = entry.split_once("->").ok_or_else(|| wrong(entry, "write what needs -> what is needed"))?;
    Ok(Dependency { dependent: name_of(entry, dependent)?, upstream: name_of(entry, upstream)? })
}

/// Reads `patch night: hosts=web*,db01 weekly=sat,sun@02:00+4h` or `move: services=shop at=2026-12-01T20:00Z/2026-12-02T02:00Z`;
/// `rules=` and `label:mountpoint=/backup` narrow it further. Weekly times are in `zone`, with the offset that holds at
/// `now_us`.
fn parse_maintenance(entry: &str, zone: &TimeZone, now_us: TimestampUs) -> Result<Maintenance, SiteError> {
    let (name, rest) = entry.split_once(": ").ok_or_else(|| wrong(entry, "begin with its name and a colon"))?;
    let (mut scope, mut times) = (MaintenanceScope::default(), None);
    for word in rest.split_whitespace() {
        let (key, value) = word.split_once('=').ok_or_else(|| wrong(entry, format!("`{word}` is not key=value")))?;
        match key {
            "hosts" => scope.hosts = list(value),
            "services" => scope.services = list(value),
            "rules" => scope.rules = list(value),
            "weekly" => times = Some(weekly(value, zone, now_us).ok_or_else(|| wrong(entry, "write weekly=sat,sun@02:00+4h"))?),
            "at" => times = Some(once(value).ok_or_else(|| wrong(entry, "write at=2026-12-01T20:00Z/2026-12-02T02:00Z"))?),
            key => match key.strip_prefix("label:") {
                Some(label) => scope.labels.push((label.to_owned(), value.to_owned())),
                None => return Err(wrong(entry, format!("`{key}` is none of hosts, services, rules, label:name, weekly, at"))),
            },
        }
    }
    let times = times.ok_or_else(|| wrong(entry, "it says no time: add weekly=... or at=..."))?;
    if scope == MaintenanceScope::default() {
        return Err(wrong(entry, "it covers everything; say so with hosts=*"));
    }
    Ok(Maintenance { name: name_of(entry, name)?, scope, times })
}

fn name_of(entry: &str, name: &str) -> Result<String, SiteError> {
    Some(name.trim().to_owned()).filter(|name| !name.is_empty()).ok_or_else(|| wrong(entry, "a name is missing"))
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn weekly(text: &str, zone: &TimeZone, now_us: TimestampUs) -> Option<MaintenanceTimes> {
    let (days, time) = text.split_once('@')?;
    let names = list(days);
    let days = names.iter().map(|day| Weekday::ALL.iter().position(|one| day.eq_ignore_ascii_case(one.word())).map(|at| at as u8));
    let (start, length) = time.split_once('+')?;
    let (hours, minutes) = start.split_once(':')?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some(MaintenanceTimes::Weekly {
        days: days.collect::<Option<Vec<_>>>().filter(|days| !days.is_empty())?,
        start_s: hours * 3600 + minutes * 60,
        length_s: u32::try_from(duration_us(length).ok()? / SECOND_US).ok()?,
        utc_offset_s: zone.to_offset(jiff::Timestamp::from_microsecond(now_us).ok()?).seconds(),
    })
}

fn once(text: &str) -> Option<MaintenanceTimes> {
    let (from, until) = text.split_once('/')?;
    let moment = |text: &str| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond);
    let (from, until) = (moment(from)?, moment(until)?);
    (from < until).then(|| MaintenanceTimes::At(vec![(from, until)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_dependencies() {
        let host = parse_host("db01: services=orders,postgres rack=A3").unwrap();
        assert_eq!((host.name.as_str(), host.services.len(), host.rack.as_deref()), ("db01", 2, Some("A3")));
        assert_eq!(parse_host("sw01").unwrap(), Asset { name: "sw01".into(), ..Asset::default() });
        let edge = parse_dependency("shop -> orders").unwrap();
        assert_eq!((edge.dependent.as_str(), edge.upstream.as_str()), ("shop", "orders"));
    }

    #[test]
    fn maintenance_follows_local_time() {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let moment = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        for (now, hour_utc) in [("2026-07-05T00:00:00Z", "00"), ("2026-12-06T00:00:00Z", "01")] {
            let window = parse_maintenance("patches: hosts=web* weekly=sun@02:00+4h", &zone, moment(now)).unwrap();
            let inside = moment(&format!("{}T{hour_utc}:30:00Z", &now[..10]));
            assert!(window.times.interval_at(inside).is_some() && window.times.interval_at(inside - 3600 * SECOND_US).is_none(), "{now}");
        }
        let once = parse_maintenance("move: label:mountpoint=/backup at=2026-12-01T20:00:00Z/2026-12-02T02:00:00Z", &zone, 0).unwrap();
        assert!(once.times.interval_at(moment("2026-12-01T21:00:00Z")).is_some());
        assert_eq!(once.scope.labels, [("mountpoint".to_owned(), "/backup".to_owned())]);
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let good = SiteSettings { time_zone: "UTC".into(), hosts: vec!["db01".into()], ..SiteSettings::default() };
        assert!(parse_site(&good).is_ok());
        let bad = SiteSettings {
            time_zone: "Mars/Olympus".into(),
            hosts: vec!["a: place=here".into(), "b".into(), ": rack=1".into()],
            depends_on: vec!["a b".into()],
            maintenance: vec!["p".into()],
        };
        let errors: Vec<String> = parse_site(&bad).err().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(errors.len(), 5, "{errors:?}");
        assert!(errors.iter().any(|error| error.contains("Mars/Olympus") && error.contains("Europe/Vienna")), "{errors:?}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let zone = TimeZone::UTC;
        for (entry, why) in [
            ("patches", "begin with its name"),
            ("p: hosts=a", "says no time"),
            ("p: weekly=sun@02:00+4h", "say so with hosts=*"),
            ("p: hosts=a weekly=someday@02:00+4h", "write weekly="),
            ("p: hosts=a weekly=sun@25:00+4h", "write weekly="),
            ("p: hosts=a at=tomorrow", "write at="),
            ("p: host=a weekly=sun@02:00+4h", "`host` is none of"),
        ] {
            let error = parse_maintenance(entry, &zone, 0).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains(entry), "{error}");
        }
        assert!(parse_host("a: place=here").unwrap_err().to_string().contains("neither services="));
        assert!(parse_dependency("shop orders").unwrap_err().to_string().contains("->"));
    }
}
