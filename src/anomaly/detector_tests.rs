//! What a detector promises, tested on the whole of it.

use proptest::prelude::*;

use super::{DEFAULT_THRESHOLD, Detector, Reading, StateError, Stream};

/// Bytes that a series may take, in memory and saved.
const MOST_BYTES: usize = 2_560;
const DAY_S: i64 = 86_400;

/// A daily wave of amplitude 10 with scattered noise of about ±2; an hour is added to the clock from `moved_s` on.
fn wave(timestamp_s: i64, moved_s: i64) -> f64 {
    let local = timestamp_s + if timestamp_s >= moved_s { 3_600 } else { 0 };
    let angle = local.rem_euclid(DAY_S) as f64 / DAY_S as f64 * std::f64::consts::TAU;
    let noise = ((timestamp_s / 300) * 7_919 % 1_009 + (timestamp_s / 300) * 104_729 % 997) as f64 / 500.0 - 2.0;
    100.0 + 10.0 * angle.sin() + noise
}

fn alarms(points: impl Iterator<Item = (i64, f64)>) -> Vec<(i64, Reading)> {
    let mut detector = Detector::new(300);
    points
        .filter_map(|(timestamp_s, value)| {
            let reading = detector.update(timestamp_s, value);
            detector.alarm(&reading, DEFAULT_THRESHOLD).then_some((timestamp_s, reading))
        })
        .collect()
}

#[test]
fn the_state_is_small() {
    assert!(size_of::<Detector>() <= MOST_BYTES, "{}", size_of::<Detector>());
    let mut detector = Detector::new(300);
    (0..20_000).for_each(|step| {
        detector.update(step * 300, wave(step * 300, i64::MAX));
    });
    assert!(detector.to_bytes().len() <= MOST_BYTES, "{}", detector.to_bytes().len());
}

#[test]
fn a_wave_with_a_clock_change_and_gaps_is_quiet() {
    let moved = 40 * DAY_S;
    let points = (0..288 * 60).map(|step| step * 300).filter(|time| time % 7_700 != 0).map(|time| (time, wave(time, moved)));
    assert_eq!(alarms(points), vec![]);
}

#[test]
fn a_spike_a_dip_and_a_missing_season_are_said_with_what_was_expected() {
    let odd = |time: i64| match time {
        time if (20 * DAY_S..20 * DAY_S + 900).contains(&time) => 160.0,
        time if (25 * DAY_S..25 * DAY_S + 900).contains(&time) => 40.0,
        time if (30 * DAY_S..31 * DAY_S).contains(&time) => 100.0,
        time => wave(time, i64::MAX),
    };
    let found = alarms((0..288 * 35).map(|step| (step * 300, odd(step * 300))));
    for (day, hours) in [(20, 0), (25, 0), (30, 12)] {
        let begin = day * DAY_S;
        let first = found.iter().find(|(time, _)| (begin..begin + 900 + hours * 3_600).contains(time));
        let Some((time, reading)) = first else { panic!("nothing on day {day}: {found:?}") };
        assert!((reading.expected - wave(*time, i64::MAX)).abs() < 8.0, "{reading:?}");
        assert!(reading.p() < 0.01 && reading.evidence >= DEFAULT_THRESHOLD && !reading.stream.as_str().is_empty());
    }
    assert!(found.len() <= 12, "{found:?}");
}

#[test]
fn the_first_hundred_points_are_silent_and_expect_nothing() {
    let mut detector = Detector::new(300);
    for step in 0..100 {
        let reading = detector.update(step * 300, if step == 50 { 1e9 } else { 1.0 });
        assert!(reading.score == 0.0 && reading.expected.is_nan());
    }
}

#[test]
fn the_score_fades_after_an_event() {
    let mut detector = Detector::new(300);
    let scores: Vec<f64> = (0..5_000_i64)
        .map(|step| detector.update(step * 300, if step == 4_000 { 500.0 } else { wave(step * 300, i64::MAX) }).score)
        .collect();
    assert!(scores[4_000] > DEFAULT_THRESHOLD && scores[4_020] > 0.7 * scores[4_000] && scores[4_900] < 0.5 * scores[4_000]);
}

/// Times of the alarms from day 30 on, since then, where `rise` is added to a noisy wave.
fn after_a_rise(rise: impl Fn(i64) -> f64) -> Vec<i64> {
    let begin = 30 * DAY_S;
    let points = (0..288 * 90).map(|step| step * 300).map(|time| (time, wave(time, i64::MAX) + rise(time - begin)));
    alarms(points).into_iter().map(|(time, _)| time - begin).filter(|since| *since >= 0).collect()
}

#[test]
fn a_small_rise_that_stays_is_found_within_the_day_and_said_once_or_twice() {
    let found = after_a_rise(|since| if since >= 0 { 4.0 } else { 0.0 });
    assert!(found.first().is_some_and(|since| *since < DAY_S) && found.len() <= 3, "{found:?}");
}

/// The wave with a lone spike of 9 every 97 points, which is as far as `rise` may reach.
fn alarms_among_spikes(points: i64, rise: impl Fn(i64) -> f64) -> Vec<(i64, Reading)> {
    let value = |step: i64| wave(step * 300, i64::MAX) + if step % 97 == 0 { 9.0 } else { 0.0 } + rise(step);
    let found = alarms((0..points).map(|step| (step * 300, value(step))));
    found.into_iter().map(|(time, reading)| (time / 300, reading)).collect()
}

#[test]
fn a_step_that_one_point_does_not_show_is_found_by_three() {
    // The spikes reach as far as the step, for one point: alone no point is news, three in a row are.
    let found = alarms_among_spikes(9_100, |step| if step >= 9_000 { 9.0 } else { 0.0 });
    let late: Vec<_> = found.iter().filter(|(step, _)| *step >= 6_000).collect();
    let first = late.first().map(|(step, reading)| (*step, reading.stream));
    assert!(matches!(first, Some((9_000..=9_002, Stream::Lasting))), "{found:?}");
}

#[test]
fn zeros_among_spikes_are_never_an_alarm() {
    // Spikes leave a little in the bins of the day, so that zeros deviate a little, and from one bin on by more than from any before.
    let value = |step: i64| if (step * 7_919 + step / 288 * 31) % 53 == 0 { 20.0 } else { 0.0 };
    let found = alarms((0..6_000).map(|step| (step * 300, value(step))));
    assert!(found.iter().all(|(time, _)| value(time / 300) > 0.0), "{found:?}");
}

#[test]
fn a_young_series_ranks_low_and_still_says_what_is_plain() {
    let last = |day: i64| {
        let mut detector = Detector::new(300);
        let points = (0..=288 * day).map(|step| (step * 300, wave(step * 300, i64::MAX) + if step == 288 * day { 200.0 } else { 0.0 }));
        points.map(|(time, value)| detector.update(time, value)).last()
    };
    let (Some(young), Some(old)) = (last(1), last(10)) else { panic!("no points") };
    assert!(young.score < 0.5 * old.score && young.evidence > 2.0, "{young:?} {old:?}");
}

#[test]
fn hours_that_are_high_every_few_nights_are_said_at_first_only() {
    let night = |since: i64| since >= 0 && since.div_euclid(DAY_S) % 4 == 0 && since.rem_euclid(DAY_S) < 2 * 3_600;
    let found = after_a_rise(|since| if night(since) { 3.0 } else { 0.0 });
    assert!(!found.is_empty() && found.len() <= 6, "{found:?}");
}

#[test]
fn what_lasts_scores_above_one_odd_point() {
    let after = |lasting: i64| {
        let mut detector = Detector::new(300);
        let rise = |step: i64| if (5_000..5_000 + lasting).contains(&step) { 12.0 } else { 0.0 };
        (0..5_030).map(|step| detector.update(step * 300, wave(step * 300, i64::MAX) + rise(step)).score).last()
    };
    assert!(after(10) > after(1), "{:?} {:?}", after(10), after(1));
}

#[test]
fn foreign_bytes_are_refused_with_a_reason() {
    let whole = Detector::new(300).to_bytes();
    assert_eq!(Detector::from_bytes(&[]), Err(StateError::TooShort(0)));
    assert!(matches!(Detector::from_bytes(b"{\"a\": 1}"), Err(StateError::Foreign { .. })));
    let mut other = whole.clone();
    other[1] = 99;
    assert_eq!(Detector::from_bytes(&other), Err(StateError::Version { found: 99, expected: 3 }));
    assert!(matches!(Detector::from_bytes(&whole[..whole.len() - 1]), Err(StateError::TooShort(_))));
    let mut longer = whole.clone();
    longer.push(0);
    assert_eq!(Detector::from_bytes(&longer), Err(StateError::TooLong(1)));
    let mut damaged = whole;
    damaged[26..34].copy_from_slice(&f64::NAN.to_le_bytes());
    assert_eq!(Detector::from_bytes(&damaged), Err(StateError::Damaged("numbers")));
}

#[test]
fn every_stream_has_a_word() {
    let streams = [Stream::Value, Stream::ShortMean, Stream::LongMean, Stream::Spread, Stream::Novelty, Stream::Step, Stream::Lasting];
    let words: std::collections::BTreeSet<_> = streams.iter().map(|stream| stream.as_str()).collect();
    assert_eq!(words.len(), streams.len());
}

/// Steps of time and values as they may come, from plain to hostile.
fn any_points() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let step = prop_oneof![8 => Just(300_i64), 1 => -1_000_i64..100_000, 1 => any::<i64>()];
    let value = prop_oneof![8 => -100.0..100.0, 1 => any::<f64>(), 1 => Just(0.0), 1 => Just(f64::MAX)];
    prop::collection::vec((step, value), 0..800).prop_map(|points| {
        let mut time = 0_i64;
        points
            .into_iter()
            .map(|(step, value)| {
                time = time.wrapping_add(step);
                (time, value)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_restored_detector_goes_on_exactly_as_the_old_one(points in any_points(), cut in 0_usize..800, period in any::<u32>()) {
        let mut detector = Detector::new(period);
        let cut = cut.min(points.len());
        for point in &points[..cut] {
            let reading = detector.update(point.0, point.1);
            detector.alarm(&reading, DEFAULT_THRESHOLD);
        }
        let mut restored = Detector::from_bytes(&detector.to_bytes()).unwrap();
        prop_assert_eq!(&restored, &detector);
        for point in &points[cut..] {
            let (one, other) = (detector.update(point.0, point.1), restored.update(point.0, point.1));
            prop_assert_eq!(one.score.to_bits(), other.score.to_bits());
            prop_assert_eq!(one.expected.to_bits(), other.expected.to_bits());
            prop_assert_eq!(detector.alarm(&one, DEFAULT_THRESHOLD), restored.alarm(&other, DEFAULT_THRESHOLD));
        }
        prop_assert_eq!(restored.to_bytes(), detector.to_bytes());
    }

    #[test]
    fn scores_are_finite_and_in_range_on_any_input(points in any_points(), period in any::<u32>()) {
        let mut detector = Detector::new(period);
        for point in points {
            let reading = detector.update(point.0, point.1);
            prop_assert!((0.0..=20.0).contains(&reading.score), "{:?}", reading);
            prop_assert!((0.0..=1.0).contains(&reading.p()), "{:?}", reading);
            detector.alarm(&reading, DEFAULT_THRESHOLD);
        }
    }

    #[test]
    fn a_damaged_byte_is_refused_or_borne(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut detector = Detector::new(300);
        (0..700).for_each(|step| {
            detector.update(step * 300, wave(step * 300, i64::MAX));
        });
        let mut bytes = detector.to_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(mut restored) = Detector::from_bytes(&bytes) {
            for step in 700..800 {
                let reading = restored.update(step * 300, wave(step * 300, i64::MAX));
                restored.alarm(&reading, DEFAULT_THRESHOLD);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..3_000), honest in any::<bool>()) {
        let mut bytes = bytes;
        if honest && bytes.len() > 2 {
            bytes[..2].copy_from_slice(&Detector::new(300).to_bytes()[..2]);
        }
        if let Ok(mut detector) = Detector::from_bytes(&bytes) {
            detector.update(0, 1.0);
        }
    }
}
