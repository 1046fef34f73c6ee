//! What holds for every calendar and every history, and an oracle that walks minute by minute.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::samples::{MINUTE_US, at};
use super::{
    Calendar, Calendars, Change, Entry, Holiday, Hours, OpeningHours, Phase, Promise, Promises, SlaClock, SlaPolicy, SlaRule, Timeline,
    Verdict, WeekHours, clocks, next_event_us,
};
use crate::clock::{DAY_US, TimestampUs};
use crate::record::{Hold, Priority, TicketKind};

/// Hours of a day in quarters of an hour since midnight.
type Day = Vec<(i64, i64)>;

/// A calendar before it is written down.
#[derive(Debug, Clone)]
struct Sketch {
    zone: &'static str,
    week: Vec<Day>,
    holidays: BTreeMap<Date, Day>,
}

/// Days on which the zones change their clocks, in either direction, or skip a day; and one on which nothing happens.
const CHANGES: [(&str, &str); 12] = [
    ("Europe/Berlin", "2026-03-29T01:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00Z"),
    ("America/New_York", "2026-03-08T07:00Z"),
    ("America/New_York", "2026-11-01T06:00Z"),
    ("Asia/Kolkata", "2026-07-01T00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30Z"),
    ("Pacific/Apia", "2011-12-30T10:00Z"),
    ("America/St_Johns", "2026-03-08T05:30Z"),
    ("America/St_Johns", "2026-11-01T04:30Z"),
    // Ramadan in Morocco, and midnight that does not exist in Lebanon.
    ("Africa/Casablanca", "2026-02-15T02:00Z"),
    ("Asia/Beirut", "2026-03-28T22:00Z"),
];

impl Sketch {
    fn hours_on(&self, date: Date) -> &Day {
        let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap();
        self.holidays.get(&date).unwrap_or(&self.week[weekday])
    }

    /// Whether the clock on the wall shows an opening hour.
    fn is_open(&self, zone: &TimeZone, at_us: TimestampUs) -> bool {
        let local = Timestamp::from_microsecond(at_us).unwrap().to_zoned(zone.clone());
        let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
        self.hours_on(local.date()).iter().any(|&(from, until)| (from * 15..until * 15).contains(&minute))
    }

    fn written(&self) -> Calendar {
        let texts = |day: &Day| -> Vec<String> {
            let text = |quarter: i64| format!("{:02}:{:02}", quarter / 4, quarter % 4 * 15);
            day.iter().map(|&(from, until)| format!("{}-{}", text(from), text(until))).collect()
        };
        let [mon, tue, wed, thu, fri, sat, sun] = std::array::from_fn(|weekday| texts(&self.week[weekday]));
        let holiday = |(date, day): (&Date, &Day)| Holiday { date: date.to_string(), hours: texts(day), ..Holiday::default() };
        Calendar {
            time_zone: self.zone.to_owned(),
            ical: String::new(),
            hours: Hours::Week(Box::new(WeekHours { mon, tue, wed, thu, fri, sat, sun })),
            holidays: self.holidays.iter().map(holiday).collect(),
        }
    }

    fn laid_out(&self) -> OpeningHours {
        self.written().resolve().unwrap()
    }
}

fn days() -> impl Strategy<Value = Day> {
    prop::collection::btree_set(0_i64..=96, 0..7).prop_map(|cuts| {
        let cuts: Vec<i64> = cuts.into_iter().collect();
        cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    })
}

/// A calendar, and a moment near which its zone's clocks change.
fn sketches() -> impl Strategy<Value = (Sketch, TimestampUs)> {
    let holidays = prop::collection::vec((-3_i64..4, days()), 0..3);
    (prop::sample::select(CHANGES.to_vec()), prop::collection::vec(days(), 7), holidays).prop_map(|((zone, change), mut week, holidays)| {
        if week.iter().all(Vec::is_empty) {
            week[6] = vec![(0, 96)];
        }
        let near = |days: i64| Timestamp::from_microsecond(at(change) + days * DAY_US).unwrap().to_zoned(TimeZone::UTC).date();
        let holidays = holidays.into_iter().map(|(days, day)| (near(days), day)).collect();
        (Sketch { zone, week, holidays }, at(change))
    })
}

/// Any moment from 1990 to 2080, a microsecond's resolution.
fn moments() -> impl Strategy<Value = TimestampUs> {
    at("1990-01-01T00:00Z")..at("2080-01-01T00:00Z")
}

const REASONS: [Hold; 3] = [Hold::User, Hold::Supplier, Hold::Part];

fn changes() -> impl Strategy<Value = Change> {
    let phases = prop::sample::select(vec![
        Phase::Assigned,
        Phase::InProgress,
        Phase::OnHold(Some(Hold::User)),
        Phase::OnHold(Some(Hold::Supplier)),
        Phase::OnHold(Some(Hold::Part)),
        Phase::OnHold(None),
        Phase::Resolved,
        Phase::Reopened,
    ]);
    let others = prop::sample::select(vec![Change::Replied, Change::Replied, Change::Acknowledged, Change::Assigned]);
    prop_oneof![phases.prop_map(Change::Moved), others]
}

/// A ticket opened near a moment, with changes up to ten hours apart, and a rule for it; all in whole minutes.
#[derive(Debug, Clone)]
struct Case {
    sketch: Sketch,
    timeline: Timeline,
    rule: SlaRule,
    now_us: TimestampUs,
}

fn cases() -> impl Strategy<Value = Case> {
    let entries = prop::collection::vec((0_i64..600, changes()), 0..12);
    let targets = prop::array::uniform4(1_i64..1_500);
    let pauses = prop::sample::subsequence(REASONS.to_vec(), 0..=3);
    (sketches(), -2_000_i64..1_000, entries, 0_i64..1_500, targets, pauses).prop_map(
        |((sketch, near_us), start, entries, rest, targets, pauses_in)| {
            let opened_at_us = near_us + start * MINUTE_US;
            let mut at_us = opened_at_us;
            let mut after = |minutes: i64| {
                at_us += minutes * MINUTE_US;
                at_us
            };
            let entries = entries.into_iter().map(|(minutes, change)| Entry { at_us: after(minutes), change }).collect();
            let now_us = after(rest);
            let [response, update, resolution, supplier] = targets.map(|minutes| Some(format!("{minutes}m")));
            let rule =
                SlaRule { first_response: response, update, resolution, ola: supplier, pauses_in, ..SlaRule::new("rule", "calendar") };
            let timeline = Timeline { opened_at_us, kind: TicketKind::Incident, priority: Priority::P3, service: None, entries };
            Case { sketch, timeline, rule, now_us }
        },
    )
}

impl Case {
    fn promises(&self) -> Promises {
        let calendars = Calendars::resolve(&BTreeMap::from([("calendar".to_owned(), self.sketch.written())])).unwrap();
        SlaPolicy { rules: vec![self.rule.clone()] }.resolve(&calendars).unwrap()
    }

    fn pauses(&self, phase: Phase) -> bool {
        matches!(phase, Phase::OnHold(Some(reason)) if self.rule.pauses_in.contains(&reason))
    }

    fn target(&self, promise: Promise) -> i64 {
        let text = match promise {
            Promise::Response => &self.rule.first_response,
            Promise::Update => &self.rule.update,
            Promise::Resolution => &self.rule.resolution,
            Promise::Supplier => &self.rule.ola,
        };
        text.as_deref().unwrap().trim_end_matches('m').parse().unwrap()
    }

    /// Minutes used of each promise, and whether it was ever broken, by looking at every minute of the ticket's life.
    fn by_walking(&self) -> BTreeMap<Promise, (i64, bool)> {
        let zone = TimeZone::get(self.sketch.zone).unwrap();
        let mut found = BTreeMap::from(Promise::ALL.map(|promise| (promise, (0, false))));
        let (mut phase, mut responded, mut next) = (Phase::New, false, 0);
        let mut minute_us = self.timeline.opened_at_us;
        loop {
            while let Some(entry) = self.timeline.entries.get(next).filter(|entry| entry.at_us <= minute_us) {
                next += 1;
                match entry.change {
                    Change::Moved(to) => {
                        if !phase.is_open() && to.is_open() {
                            found.get_mut(&Promise::Update).unwrap().0 = 0;
                        }
                        responded |= to == Phase::InProgress || !to.is_open();
                        phase = to;
                    }
                    Change::Replied => {
                        responded = true;
                        if phase.is_open() {
                            found.get_mut(&Promise::Update).unwrap().0 = 0;
                        }
                    }
                    Change::Acknowledged => responded = true,
                    _ => {}
                }
            }
            if minute_us >= self.now_us {
                return found;
            }
            let open = self.sketch.is_open(&zone, minute_us);
            for (&promise, (used, broken)) in &mut found {
                let runs = match promise {
                    Promise::Supplier => phase == Phase::OnHold(Some(Hold::Supplier)),
                    Promise::Response => phase.is_open() && !self.pauses(phase) && !responded,
                    _ => phase.is_open() && !self.pauses(phase),
                };
                *broken |= runs && *used >= self.target(promise);
                *used += i64::from(runs && open);
            }
            minute_us += MINUTE_US;
        }
    }
}

/// The last clock of a promise, and whether any was broken.
fn of(found: &[SlaClock], promise: Promise) -> Option<(&SlaClock, bool)> {
    let all = || found.iter().filter(|clock| clock.promise == promise);
    all().next_back().map(|last| (last, all().any(SlaClock::is_breached)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn business_time_is_additive_and_monotone((sketch, _) in sketches(), mut times in prop::collection::vec(moments(), 3)) {
        let hours = sketch.laid_out();
        times.sort_unstable();
        let (a, b, c) = (times[0], times[1], times[2]);
        prop_assert_eq!(hours.business_between(a, b) + hours.business_between(b, c), hours.business_between(a, c));
        prop_assert!(hours.business_between(a, b) <= hours.business_between(a, c));
        prop_assert!(hours.business_between(a, b) <= b - a);
    }

    #[test]
    fn a_deadline_inverts_business_time((sketch, near_us) in sketches(), start in -10_000_i64..10_000, business_us in 1_i64..200 * DAY_US) {
        let hours = sketch.laid_out();
        let from_us = near_us + start * MINUTE_US + 7;
        if let Some(at_us) = hours.deadline(from_us, business_us) {
            prop_assert_eq!(hours.business_between(from_us, at_us), business_us);
            prop_assert_eq!(hours.business_between(from_us, at_us - 1), business_us - 1);
            prop_assert!(hours.is_open_at(at_us - 1));
        } else {
            prop_assert!(hours.business_between(from_us, from_us + 3_650 * DAY_US) < business_us);
        }
    }

    #[test]
    fn the_next_opening_is_the_first((sketch, near_us) in sketches(), start in -10_000_i64..10_000) {
        let hours = sketch.laid_out();
        let from_us = near_us + start * MINUTE_US;
        let next_us = hours.next_opening(from_us).unwrap();
        prop_assert!(from_us <= next_us && hours.is_open_at(next_us));
        prop_assert_eq!(hours.business_between(from_us, next_us), 0);
        prop_assert_eq!(hours.is_open_at(from_us), next_us == from_us);
    }

    #[test]
    fn a_walk_by_minutes_comes_to_the_same((sketch, near_us) in sketches(), start in -4_000_i64..2_000, length in 1_i64..6_000) {
        let (hours, zone) = (sketch.laid_out(), TimeZone::get(sketch.zone).unwrap());
        let from_us = near_us + start * MINUTE_US;
        let minutes = (0..length).filter(|minute| sketch.is_open(&zone, from_us + minute * MINUTE_US)).count();
        prop_assert_eq!(hours.business_between(from_us, from_us + length * MINUTE_US), i64::try_from(minutes).unwrap() * MINUTE_US);
        for minute in (0..length).step_by(97) {
            let at_us = from_us + minute * MINUTE_US;
            prop_assert_eq!(hours.is_open_at(at_us), sketch.is_open(&zone, at_us));
        }
    }

    #[test]
    fn clocks_are_what_a_walk_through_the_ticket_finds(case in cases()) {
        let found = clocks(&case.timeline, &case.promises(), case.now_us);
        for (promise, (minutes, broken)) in case.by_walking() {
            let Some((last, any_broken)) = of(&found, promise) else {
                prop_assert!(promise == Promise::Supplier && minutes == 0);
                continue;
            };
            prop_assert_eq!((promise, last.elapsed_us), (promise, minutes * MINUTE_US));
            prop_assert_eq!((promise, any_broken), (promise, broken));
        }
    }

    #[test]
    fn what_is_broken_stays_broken(case in cases(), later in 1_i64..100_000) {
        let promises = case.promises();
        let now = clocks(&case.timeline, &promises, case.now_us);
        let then = clocks(&case.timeline, &promises, case.now_us + later * MINUTE_US);
        for promise in Promise::ALL {
            if let (Some((before, true)), Some((after, broken))) = (of(&now, promise), of(&then, promise)) {
                prop_assert!(broken);
                prop_assert!(!before.is_breached() || before.due_at_us == after.due_at_us);
            }
        }
    }

    #[test]
    fn nothing_happens_before_the_next_event_and_something_does_then(case in cases(), share in 0_u8..100) {
        let promises = case.promises();
        let stands = |at_us: TimestampUs| -> Vec<(Verdict, bool)> {
            clocks(&case.timeline, &promises, at_us).iter().map(|clock| (clock.verdict, clock.is_warning(at_us))).collect()
        };
        let next_us = next_event_us(&clocks(&case.timeline, &promises, case.now_us), case.now_us);
        let until_us = next_us.unwrap_or(case.now_us + 1_000 * DAY_US);
        let between_us = case.now_us + (until_us - 1 - case.now_us) / 100 * i64::from(share);
        prop_assert_eq!(stands(case.now_us), stands(between_us));
        prop_assert_eq!(stands(case.now_us), stands(until_us - 1));
        if next_us.is_some() {
            prop_assert_ne!(stands(case.now_us), stands(until_us));
        }
    }
}
