//! What holds for every rota: random ones, in zones with all kinds of changes of the clocks.

use proptest::prelude::*;

use super::test_rotas::at;
use super::*;
use crate::clock::{DAY_US, HOUR_US, SECOND_US, TimestampUs};
use crate::document::Weekday;

const PEOPLE: [&str; 4] = ["ines", "tom", "ada", "zoe"];
const ZONES: [&str; 5] = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"];

/// All random rotas live in weeks with a change of the clocks in four of the zones.
const START: &str = "2026-03-01T00:00:00Z";
const DAYS: i64 = 45;

fn person() -> impl Strategy<Value = String> {
    prop::sample::select(&PEOPLE[..]).prop_map(str::to_owned)
}

/// A time of day to the quarter of an hour; with whole hours half of the time, so that things meet.
fn time() -> impl Strategy<Value = String> {
    (0..24, prop::sample::select(&[0, 0, 0, 15, 30][..])).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"))
}

fn some_hours() -> impl Strategy<Value = Hours> {
    (prop::sample::subsequence(Weekday::ALL.to_vec(), 0..=4), time(), time()).prop_map(|(weekdays, from, to)| Hours { weekdays, from, to })
}

fn some_layer() -> impl Strategy<Value = Layer> {
    let rotation = prop_oneof![Just(Rotation::Daily), Just(Rotation::Weekly), (1_u32..60).prop_map(Rotation::Hours)];
    let hours = prop::collection::vec(some_hours(), 0..3);
    (prop::collection::vec(person(), 1..5), rotation, 1..20, time(), hours, prop::option::of(21..31)).prop_map(
        |(people, rotation, starts, hand_over, hours, ends)| Layer {
            name: String::new(),
            people,
            rotation,
            starts_on: format!("2026-03-{starts:02}"),
            hand_over,
            hours,
            ends_on: ends.map(|day| format!("2026-03-{day:02}")),
        },
    )
}

fn some_override() -> impl Strategy<Value = Override> {
    (1..31, time(), 1..31, time(), person(), prop::option::of(person())).prop_filter_map(
        "a period",
        |(day, from, until, to, person, replaced)| {
            let (from, to) = (format!("2026-03-{day:02}T{from}"), format!("2026-03-{until:02}T{to}"));
            (from < to && replaced.as_ref() != Some(&person)).then_some(Override { from, to, person, in_place_of: replaced })
        },
    )
}

fn some_rota() -> impl Strategy<Value = Rota> {
    let zone = prop::sample::select(&ZONES[..]);
    (zone, prop::collection::vec(some_layer(), 1..4), prop::collection::vec(some_override(), 0..4))
        .prop_map(|(zone, layers, overrides)| Rota { time_zone: zone.into(), calendar: None, layers, overrides })
}

fn some_absences() -> impl Strategy<Value = Vec<Absence>> {
    let absence = (person(), 0..DAYS * 96, 1_i64..400).prop_map(|(person, from, length)| {
        let from_us = at(START) + from * 900 * SECOND_US;
        Absence { person, from_us, to_us: from_us + length * 900 * SECOND_US }
    });
    prop::collection::vec(absence, 0..6)
}

/// Who is on call at a minute, asked of the document word by word. Right away from changes of the clocks only.
fn oracle(rota: &Rota, absences: &[Absence], at_us: TimestampUs) -> Option<String> {
    let zone = jiff::tz::TimeZone::get(&rota.time_zone).unwrap();
    let local = zone.to_datetime(jiff::Timestamp::from_microsecond(at_us).unwrap());
    let here = |person: &String| !absences.iter().any(|one| one.person == *person && one.from_us <= at_us && at_us < one.to_us);
    let mut on_call = None;
    for layer in &rota.layers {
        let hand_over = |date: &str| -> jiff::civil::DateTime { format!("{date}T{}", layer.hand_over).parse().unwrap() };
        let first = hand_over(&layer.starts_on);
        if local < first || layer.ends_on.as_ref().is_some_and(|ends| local >= hand_over(ends)) {
            continue;
        }
        let covers = |hours: &Hours| {
            let (now, yesterday) = (local.strftime("%H:%M").to_string(), local.date().yesterday().unwrap());
            let on = |date: jiff::civil::Date| hours.weekdays.is_empty() || hours.weekdays.contains(&date.weekday().into());
            if hours.from < hours.to {
                return on(local.date()) && hours.from <= now && now < hours.to;
            }
            (on(local.date()) && now >= hours.from) || (on(yesterday) && now < hours.to)
        };
        if !layer.hours.is_empty() && !layer.hours.iter().any(covers) {
            continue;
        }
        let hours_since = local.duration_since(first).as_hours();
        let turn = hours_since
            / match layer.rotation {
                Rotation::Daily => 24,
                Rotation::Weekly => 168,
                Rotation::Hours(hours) => i64::from(hours),
            };
        let order = (0..layer.people.len()).map(|next| &layer.people[(turn as usize + next) % layer.people.len()]);
        on_call = order.into_iter().find(|person| here(person)).cloned().or(on_call);
    }
    for one in &rota.overrides {
        let moment = |text: &str| zone.to_timestamp(text.parse().unwrap()).unwrap().as_microsecond();
        let holds = (moment(&one.from)..moment(&one.to)).contains(&at_us) && (one.in_place_of.is_none() || one.in_place_of == on_call);
        if holds && here(&one.person) {
            on_call = Some(one.person.clone());
        }
    }
    on_call
}

/// Whether the clocks of the zone change within a day and a half of a moment.
fn near_a_change(rota: &Rota, at_us: TimestampUs) -> bool {
    let zone = jiff::tz::TimeZone::get(&rota.time_zone).unwrap();
    let offset = |hours: i64| zone.to_offset(jiff::Timestamp::from_microsecond(at_us + hours * HOUR_US).unwrap());
    offset(-36) != offset(36)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn shifts_never_overlap_and_on_call_at_agrees(rota in some_rota(), absences in some_absences(), moments in prop::collection::vec(0..DAYS * 24 * 60, 20)) {
        let plan = rota.plan().unwrap();
        let (from, to) = (at(START), at(START) + DAYS * DAY_US);
        let all = shifts(&plan, &absences, from, to).unwrap();
        prop_assert!(all.iter().all(|shift| shift.from_us < shift.to_us && shift.from_us < to && shift.to_us > from));
        prop_assert!(all.is_sorted_by(|a, b| a.to_us <= b.from_us));
        for shift in &all {
            let there = absences.iter().all(|one| one.person != shift.person || one.to_us <= shift.from_us || one.from_us >= shift.to_us);
            prop_assert!(there, "{shift:?}");
            for moment in [shift.from_us, shift.to_us - 1] {
                prop_assert_eq!(on_call_at(&plan, &absences, moment), Some(shift.clone()));
            }
        }
        for minute in moments {
            let moment = from + minute * 60 * SECOND_US;
            let found = all.iter().find(|shift| (shift.from_us..shift.to_us).contains(&moment)).cloned();
            prop_assert_eq!(on_call_at(&plan, &absences, moment), found);
        }
    }

    #[test]
    fn the_period_that_is_asked_for_changes_no_shift(rota in some_rota(), absences in some_absences(), begin in 0..DAYS * 24, length in 1..DAYS * 24) {
        let plan = rota.plan().unwrap();
        let (from, to) = (at(START) + begin * HOUR_US, at(START) + (begin + length) * HOUR_US);
        let mut all = shifts(&plan, &absences, at(START) - 60 * DAY_US, at(START) + 120 * DAY_US).unwrap();
        all.retain(|shift| shift.from_us < to && shift.to_us > from);
        prop_assert_eq!(shifts(&plan, &absences, from, to).unwrap(), all);
    }

    #[test]
    fn the_document_word_by_word_says_the_same(rota in some_rota(), absences in some_absences(), quarters in prop::collection::vec(0..DAYS * 96, 50)) {
        let plan = rota.plan().unwrap();
        for quarter in quarters {
            let moment = at(START) + quarter * 900 * SECOND_US + 1;
            if !near_a_change(&rota, moment) {
                let person = on_call_at(&plan, &absences, moment).map(|shift| shift.person);
                prop_assert_eq!(person, oracle(&rota, &absences, moment), "{}", moment);
            }
        }
    }

    #[test]
    fn coverage_adds_up(rota in some_rota(), absences in some_absences(), hours in prop::collection::vec(some_hours(), 0..3)) {
        let plan = rota.plan().unwrap();
        let (from, to) = (at(START), at(START) + DAYS * DAY_US);
        let always = coverage(&plan, &absences, &Wanted::default(), from, to).unwrap();
        let sum = |cover: &Coverage| cover.covered_us + cover.gaps.iter().map(|gap| gap.to_us - gap.from_us).sum::<i64>();
        prop_assert_eq!((always.wanted_us, sum(&always)), (to - from, to - from));
        let clipped = shifts(&plan, &absences, from, to).unwrap().iter().map(|shift| shift.to_us.min(to) - shift.from_us.max(from)).sum::<i64>();
        prop_assert_eq!(always.covered_us, clipped);
        let of_people: f64 = always.people.iter().map(|one| one.hours).sum();
        prop_assert!((of_people * HOUR_US as f64 - clipped as f64).abs() < 1e6);
        let wanted = coverage(&plan, &absences, &Wanted::of(&hours, &[]).unwrap(), from, to).unwrap();
        prop_assert_eq!(sum(&wanted), wanted.wanted_us);
        prop_assert!(wanted.wanted_us <= always.wanted_us && wanted.covered_us <= always.covered_us);
        prop_assert_eq!((wanted.people, wanted.double_cover), (always.people, always.double_cover));
    }

    #[test]
    fn documents_round_trip(rota in some_rota()) {
        let json = serde_json::to_string(&rota).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Rota>(&json).unwrap(), &rota);
        let text = toml::to_string(&rota).unwrap();
        prop_assert_eq!(&toml::from_str::<Rota>(&text).unwrap(), &rota);
    }
}
