//! Holidays from an iCalendar text (RFC 5545): what authorities, Thunderbird and Google publish.
//!
//! Taken are events of whole days: `DTSTART` as a date, `DTEND` as the first day after (without it, one day: section 3.6.1), and
//! `RRULE:FREQ=YEARLY` with no more than `INTERVAL=1`, `COUNT`, `UNTIL`, or a `BYMONTH` and `BYMONTHDAY` that repeat the
//! start. Cancelled events are no holidays. Everything else that would make a day a holiday or not is a complaint that names
//! the event, because a holiday that is silently lost is a broken promise months later. Time zones, alarms and `X-` parts say
//! nothing about days and are passed over.
//!
//! The content lines are read one by one with the crate's property parser. Its parser of whole calendars recurses for each
//! `BEGIN`, which a hostile text can use up the stack with, and takes time quadratic in the text where lines end in LF only.

use icalendar::parser::{Property, unfold};
use jiff::civil::Date;

use crate::document::{Complaint, excerpt};

/// A feed of a country's holidays for ten years has some 50 kB.
const MAX_BYTES: usize = 1 << 20;
/// Holidays of ten years in sixteen federal states.
const MAX_EVENTS: usize = 2_000;
/// An iCalendar nests three deep: calendar, event, alarm.
const MAX_DEPTH: usize = 8;
/// A closure is a holiday, a bridge day or a company's shutdown. What is longer is an event of another sort.
const MAX_DAYS: i64 = 62;
/// After so many complaints the text is of another kind altogether.
const MAX_COMPLAINTS: usize = 50;

/// Days that an event closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Closure {
    /// The first day, in the first year.
    pub(super) first: Date,
    /// Number of days, 1 to 62.
    pub(super) days: i64,
    /// How often it comes; once if `None`.
    pub(super) yearly: Option<Yearly>,
}

/// A closure that comes every year on the same date. On 29 February: in leap years, as RFC 5545 (3.3.10) has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Yearly {
    /// It comes so many times.
    pub(super) count: Option<u32>,
    /// It does not begin after this day.
    pub(super) until: Option<Date>,
}

/// The closures in a text; what is wrong goes to `complaints`, field `ical`. An empty text has none.
pub(super) fn read(text: &str, complaints: &mut Vec<Complaint>) -> Vec<Closure> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    if text.len() > MAX_BYTES {
        let why = format!("{} bytes; give at most {MAX_BYTES}, for example only the years ahead", text.len());
        complaints.push(Complaint::new("ical", why));
        return Vec::new();
    }
    let mut whys = Vec::new();
    let closures = closures(text, &mut whys);
    if whys.len() > MAX_COMPLAINTS {
        let more = whys.len() - MAX_COMPLAINTS;
        whys.truncate(MAX_COMPLAINTS);
        whys.push(format!("and {more} more; is this a calendar of holidays?"));
    }
    complaints.extend(whys.into_iter().map(|why| Complaint::new("ical", why)));
    closures
}

fn closures(text: &str, whys: &mut Vec<String>) -> Vec<Closure> {
    let text = unfold(text.trim_start_matches('\u{feff}'));
    let events = match events(&text) {
        Ok(events) => events,
        Err(why) => {
            whys.push(why);
            return Vec::new();
        }
    };
    let mut found = Vec::with_capacity(events.len());
    for event in &events {
        match event.closure() {
            Ok(closure) => found.extend(closure),
            Err(why) => whys.push(format!("{}: {why}", event.name())),
        }
    }
    found
}

/// Properties that say which days are closed, or by which a person knows the event. The others are not even read.
const PROPERTIES: [&str; 11] =
    ["DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID", "STATUS", "SUMMARY", "UID"];

/// A component that may be about days, and the properties that stand in itself.
struct Event<'t> {
    component: &'t str,
    properties: Vec<Property<'t>>,
}

/// The components right inside the calendars, without time zones and private ones.
fn events(text: &str) -> Result<Vec<Event<'_>>, String> {
    let mut open: Vec<&str> = Vec::new();
    let mut events: Vec<Event<'_>> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let broken = |what: &str| format!("line {} (`{}`) {what}; give the text of an .ics file", index + 1, excerpt(line));
        if line.trim().is_empty() {
            continue;
        }
        if let Some(name) = after(line, "BEGIN:") {
            if open.is_empty() != name.eq_ignore_ascii_case("VCALENDAR") {
                return Err(broken("begins what does not belong here"));
            }
            open.push(name);
            if open.len() > MAX_DEPTH {
                return Err(broken("is nested too deep"));
            }
            if open.len() == 2 {
                events.push(Event { component: name, properties: Vec::new() });
            }
            if events.len() > MAX_EVENTS {
                return Err(format!("more than {MAX_EVENTS} events; give only the years ahead"));
            }
        } else if let Some(name) = after(line, "END:") {
            if !open.pop().is_some_and(|begun| begun.eq_ignore_ascii_case(name)) {
                return Err(broken("ends what was not begun"));
            }
        } else if open.is_empty() {
            return Err(broken("stands outside of BEGIN:VCALENDAR and END:VCALENDAR"));
        } else if let (2, true, Some(event)) = (open.len(), is_wanted(line), events.last_mut()) {
            event.properties.push(Property::try_from(line).map_err(|_| broken("is no property"))?);
        }
    }
    if let Some(name) = open.last() {
        return Err(format!("the text stops within {}; give the whole .ics file", excerpt(name)));
    }
    events.retain(|event| {
        let private = event.component.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("X-"));
        !private && !event.component.eq_ignore_ascii_case("VTIMEZONE")
    });
    Ok(events)
}

fn is_wanted(line: &str) -> bool {
    let name = line.split([':', ';']).next().unwrap_or_default().trim();
    PROPERTIES.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
}

/// What follows a keyword, in whatever case that is written.
fn after<'t>(line: &'t str, keyword: &str) -> Option<&'t str> {
    let start = line.get(..keyword.len())?;
    if start.eq_ignore_ascii_case(keyword) { line.get(keyword.len()..).map(str::trim) } else { None }
}

impl Event<'_> {
    fn all(&self, name: &str) -> impl Iterator<Item = &Property<'_>> {
        self.properties.iter().filter(move |property| property.name.as_str().eq_ignore_ascii_case(name))
    }

    /// The value of a property that may stand once.
    fn one(&self, name: &str) -> Result<Option<&str>, String> {
        let mut values = self.all(name).map(|property| property.val.as_str().trim());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(format!("{name} stands twice; leave one")),
        }
    }

    /// What a person knows it by.
    fn name(&self) -> String {
        let first = |name| self.all(name).map(|property| excerpt(property.val.as_str())).next();
        let title = first("SUMMARY").or_else(|| first("UID")).unwrap_or_else(|| "without a name".to_owned());
        let start = first("DTSTART").map(|start| format!(" ({start})")).unwrap_or_default();
        format!("{} `{title}`{start}", excerpt(self.component))
    }

    /// The days it closes; `None` if it does not take place.
    fn closure(&self) -> Result<Option<Closure>, String> {
        if !self.component.eq_ignore_ascii_case("VEVENT") {
            return Err("only events can be holidays; remove it or make it a VEVENT".to_owned());
        }
        if self.one("STATUS")?.is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")) {
            return Ok(None);
        }
        for name in ["RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID", "DURATION"] {
            if self.all(name).next().is_some() {
                return Err(format!("{name} is not understood; write each date as an event of its own, with DTSTART and DTEND"));
            }
        }
        let start = self.one("DTSTART")?.ok_or("it has no DTSTART; give its first day, such as DTSTART;VALUE=DATE:20261224")?;
        let first = whole_day(start).ok_or_else(|| not_a_day("DTSTART", start))?;
        let days = match self.one("DTEND")? {
            None => 1,
            Some(end) => {
                let end = whole_day(end).ok_or_else(|| not_a_day("DTEND", end))?;
                // Some programs write the last day itself for an event of one day; RFC 5545 wants the day after.
                if end == first { 1 } else { end.duration_since(first).as_hours() / 24 }
            }
        };
        if days < 1 {
            return Err("it ends before it begins; DTEND is the first day after it".to_owned());
        }
        if days > MAX_DAYS {
            return Err(format!("it lasts {days} days; a holiday has at most {MAX_DAYS}, write longer closures in parts"));
        }
        let yearly = self.one("RRULE")?.map(|rule| yearly(rule, first)).transpose()?;
        Ok(Some(Closure { first, days, yearly }))
    }
}

fn not_a_day(name: &str, value: &str) -> String {
    format!("{name} `{}` is no whole day; only events of whole days can be holidays, write {name};VALUE=DATE:20261224", excerpt(value))
}

/// A date in RFC 5545's form, `20261224` (3.3.4).
fn whole_day(value: &str) -> Option<Date> {
    let digits = value.len() == 8 && value.bytes().all(|b| b.is_ascii_digit());
    let number = |from: usize, to: usize| value.get(from..to)?.parse::<i16>().ok();
    let (year, month, day) = digits.then(|| Some((number(0, 4)?, number(4, 6)?, number(6, 8)?)))??;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// A recurrence rule (3.3.10), if it says no more than "every year on this date".
fn yearly(rule: &str, first: Date) -> Result<Yearly, String> {
    let refused = |part: &str| {
        format!(
            "the recurrence `{}` is not understood at `{}`; only FREQ=YEARLY with COUNT or UNTIL is, write the others out by date",
            excerpt(rule),
            excerpt(part)
        )
    };
    let (mut yearly, mut every_year) = (Yearly::default(), false);
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').ok_or_else(|| refused(part))?;
        let same = |number: i8| value.parse() == Ok(number);
        match key.to_ascii_uppercase().as_str() {
            "FREQ" if value.eq_ignore_ascii_case("YEARLY") => every_year = true,
            "INTERVAL" if value == "1" => {}
            // The first day of the week matters to weekly rules only.
            "WKST" => {}
            "BYMONTH" if same(first.month()) => {}
            "BYMONTHDAY" if same(first.day()) => {}
            "COUNT" => yearly.count = Some(value.parse().ok().filter(|&count| count > 0).ok_or_else(|| refused(part))?),
            // A moment in UTC instead of a date may mean the day before or after, depending on who wrote it: refused.
            "UNTIL" => yearly.until = Some(whole_day(value).ok_or_else(|| refused(part))?),
            _ => return Err(refused(part)),
        }
    }
    if every_year { Ok(yearly) } else { Err(refused("no FREQ=YEARLY")) }
}

#[cfg(test)]
#[path = "holiday_feed_tests.rs"]
mod tests;
