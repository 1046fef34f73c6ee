use proptest::prelude::*;

use super::level_shift::find_jumps;
use super::random::Random;
use super::{Calibration, ForecastError, ThresholdOptions, TimeToThreshold, time_to_threshold};

/// A line from 20 with this growth a day and this much noise.
fn line(days: usize, growth: f64, noise: f64) -> Vec<f64> {
    let mut random = Random::from_values(&[growth, noise]);
    (0..days).map(|day| 20.0 + growth * day as f64 + noise * (random.unit() + random.unit() + random.unit() - 1.5)).collect()
}

fn ask(values: &[f64], threshold: f64) -> TimeToThreshold {
    time_to_threshold(values, &ThresholdOptions::new(threshold)).unwrap()
}

#[test]
fn a_line_is_full_when_it_is_full() {
    // 20 + 0.2 a day: 55.8 on day 179, 65 on day 225, which is 46 days later.
    let said = ask(&line(180, 0.2, 0.3), 65.0);
    let (lower, median, upper) = (said.lower.unwrap(), said.median.unwrap(), said.upper.unwrap());
    assert!(lower <= 46.0 && 46.0 <= upper, "{lower} {median} {upper}");
    assert!((median - 46.0).abs() <= 4.0 && upper - lower < 25.0, "{lower} {median} {upper}");
    assert!((said.shape.growth_per_day - 0.2).abs() < 0.02);
    assert_eq!(said.chance, 1.0);
}

#[test]
fn what_does_not_grow_is_not_full_within_the_year() {
    let said = ask(&line(300, 0.0, 1.0), 95.0);
    assert_eq!((said.lower, said.median, said.upper), (None, None, None));
    assert_eq!(said.chance, 0.0);
    assert_eq!(ask(&line(300, -0.05, 1.0), 95.0).median, None);
}

#[test]
fn what_is_full_is_full_now() {
    let said = ask(&line(100, 0.5, 0.1), 60.0);
    assert_eq!((said.lower, said.upper), (Some(0.0), Some(0.0)));
    assert!(said.why[0].contains("already"), "{:?}", said.why);
}

#[test]
fn a_jump_is_found_and_is_no_growth() {
    let mut values = line(200, 0.1, 0.3);
    values[120..].iter_mut().for_each(|value| *value += 25.0);
    let jumps = find_jumps(&values, 1.0);
    assert_eq!(jumps.iter().map(|jump| jump.at).collect::<Vec<_>>(), [120]);
    let said = ask(&values, 75.0);
    // 64.9 on the last day and 0.1 a day: 101 days.
    let median = said.median.unwrap();
    assert!((median - 101.0).abs() < 12.0, "{median}");
    assert_eq!(said.shape.shifted_at, Some(120));
}

#[test]
fn a_change_of_growth_is_followed() {
    let mut values = line(150, 0.02, 0.3);
    let last = values[149];
    values.extend((1..60).map(|day| last + 0.4 * f64::from(day)));
    let said = ask(&values, 60.0);
    let truth = (60.0 - values[values.len() - 1]) / 0.4;
    assert!((said.median.unwrap() - truth).abs() < 5.0, "{:?} for {truth}", said.median);
}

#[test]
fn clean_ups_are_seen_and_the_peaks_count() {
    let mut random = Random::from_values(&[3.0]);
    // Up 12 in 20 days, down 10: 2 more each cycle. Peaks at 32, 34, ...
    let values: Vec<f64> =
        (0..210).map(|day| 20.0 + 2.0 * f64::from(day / 20) + 12.0 * f64::from(day % 20) / 19.0 + 0.2 * random.unit()).collect();
    let said = ask(&values, 58.0);
    let (count, cycle) = said.shape.clean_ups.unwrap();
    assert_eq!((count, cycle), (10, 20));
    // The peak of cycle 13, day 279, is the first at 58: 70 days after day 209.
    let (lower, upper) = (said.lower.unwrap(), said.upper.unwrap());
    assert!(lower <= 70.0 && 70.0 <= upper && upper - lower < 70.0, "{lower} {upper}");
}

#[test]
fn weekly_peaks_reach_the_threshold_first() {
    let values: Vec<f64> =
        line(140, 0.1, 0.2).iter().enumerate().map(|(day, value)| value + if day % 7 == 2 { 8.0 } else { 0.0 }).collect();
    let said = ask(&values, 50.0);
    assert_eq!(said.shape.seasons.first(), Some(&7));
    // The level reaches 50 after 161 days, the peaks of a week after about 81.
    assert!((70.0..=95.0).contains(&said.median.unwrap()), "{:?}", said.median);
}

#[test]
fn a_week_that_grows_with_its_visitors_grows_on() {
    // Monday to Friday 40 and 0.1 more each day, on Saturday and Sunday less than half of that: 85 after 450 days, a Thursday.
    let values: Vec<f64> = line(300, 0.0, 0.6)
        .iter()
        .enumerate()
        .map(|(day, noise)| (40.0 + 0.1 * day as f64) * if day % 7 > 4 { 0.45 } else { 1.0 } + noise - 20.0)
        .collect();
    let said = ask(&values, 85.0);
    let (lower, upper) = (said.lower.unwrap(), said.upper.unwrap());
    assert!((140.0..=151.0).contains(&lower) && (151.0..=165.0).contains(&upper), "{lower} {upper}");
}

#[test]
fn holidays_are_no_trend() {
    let mut values = line(200, 0.15, 0.3);
    for day in [50, 90, 91 + 40, 170, 196] {
        values[day] -= 15.0;
    }
    let truth = (60.0 - 20.0) / 0.15 - 199.0;
    assert!((ask(&values, 60.0).median.unwrap() - truth).abs() < 8.0);
}

#[test]
fn a_part_of_a_day_and_an_outage_are_no_growth() {
    let steady = line(67, 0.0, 3.0);
    let usual = ask(&steady, 40.0);
    assert!(usual.chance < 0.4, "{}", usual.chance);
    for (what, days) in [
        ("a first day of which a part was measured", 0..1),
        ("an outage early on", 4..6),
        ("a week of it", 30..37),
        ("one just over", 61..65),
    ] {
        let mut values = steady.clone();
        values[days.clone()].iter_mut().for_each(|value| *value *= 0.2);
        let said = ask(&values, 40.0);
        assert!(
            (said.chance - usual.chance).abs() < 0.2 && said.shape.shifted_at.is_none(),
            "{what}: {} for {}",
            said.chance,
            usual.chance
        );
        assert!(said.why.iter().any(|why| why.contains("were not taken at their word")), "{what}: {:?}", said.why);
    }
}

#[test]
fn an_outage_that_goes_on_is_one_where_there_were_others_and_else_a_fall() {
    let mut values = line(120, 0.1, 0.5);
    let truth = (45.0 - 20.0) / 0.1 - 119.0;
    for begin in [30, 70] {
        values[begin..begin + 4].iter_mut().for_each(|value| *value -= 15.0);
    }
    values[117..].iter_mut().for_each(|value| *value -= 15.0);
    assert!((ask(&values, 45.0).median.unwrap() - truth).abs() < 15.0);
    let mut once = line(120, 0.1, 0.5);
    once[117..].iter_mut().for_each(|value| *value -= 15.0);
    assert!(ask(&once, 45.0).median.is_none_or(|median| median > truth + 100.0), "somebody cleaned up");
}

#[test]
fn what_is_done_at_the_end_of_each_month_reaches_the_threshold_first() {
    // 0.05 a day and 20 more for two days a month: the level reaches 60 after 680 days, a peak the first time that it begins at 40.
    let values: Vec<f64> =
        line(300, 0.05, 0.3).iter().enumerate().map(|(day, value)| value + if day as f64 % 30.44 < 2.0 { 20.0 } else { 0.0 }).collect();
    let said = ask(&values, 60.0);
    let first = (400..).find(|day| f64::from(*day) % 30.44 < 2.0).unwrap() - 299;
    let (lower, upper) = (said.lower.unwrap(), said.upper.unwrap());
    assert!(lower <= f64::from(first) && f64::from(first) <= upper && upper - lower < 70.0, "{lower} {first} {upper}");
    assert!(said.shape.recurring_peaks >= 8 && said.why.iter().any(|why| why.contains("such peaks count")), "{:?}", said.why);
}

#[test]
fn a_gap_at_the_end_shortens_the_time() {
    let values = line(200, 0.15, 0.2);
    let mut torn = values.clone();
    torn[180..].fill(f64::NAN);
    let (full, with) = (ask(&values, 60.0).median.unwrap(), ask(&torn, 60.0).median.unwrap());
    assert!((full - with).abs() < 8.0, "{full} {with}");
}

#[test]
fn the_past_is_told_as_it_was() {
    let values = line(200, 0.1, 1.0);
    let said = ask(&values, 60.0);
    assert!(said.backtest.len() > 20);
    for past in &said.backtest {
        assert!((past.actual - values[past.at + past.days]).abs() < 1e-9);
        assert!(past.lower <= past.mean && past.mean <= past.upper);
    }
    let held = said.backtest.iter().filter(|past| (past.lower..=past.upper).contains(&past.actual)).count();
    assert!(held * 10 >= said.backtest.len() * 8, "{held} of {}", said.backtest.len());
}

#[test]
fn a_class_with_large_errors_widens_the_interval() {
    let values = line(60, 0.3, 1.5);
    let class = Calibration::new(vec![6.0; 100], 50.0);
    assert!(class.factor() > 2.0 && Calibration::default().factor() == 1.0);
    let pooled = Calibration::pooled([&class, &Calibration::default()]);
    assert_eq!(pooled.origins(), 50.0);
    let width = |class| {
        let said = time_to_threshold(&values, &ThresholdOptions { class, ..ThresholdOptions::new(60.0) }).unwrap();
        said.upper.unwrap_or(366.0) - said.lower.unwrap()
    };
    let (alone, wide) = (width(None), width(Some(pooled.factor())));
    assert!(wide > 1.3 * alone, "{wide} against {alone}");
}

#[test]
fn what_cannot_be_said_is_refused() {
    assert_eq!(time_to_threshold(&[1.0; 13], &ThresholdOptions::new(5.0)), Err(ForecastError::NotEnoughHistory { have: 13, need: 14 }));
    let bad = [
        ThresholdOptions::new(f64::NAN),
        ThresholdOptions { days: 0, ..ThresholdOptions::new(1.0) },
        ThresholdOptions { days: usize::MAX, ..ThresholdOptions::new(1.0) },
        ThresholdOptions { level: 0.1, ..ThresholdOptions::new(1.0) },
    ];
    for options in bad {
        assert!(matches!(time_to_threshold(&[1.0; 40], &options), Err(ForecastError::BadOption { .. })), "{options:?}");
    }
}

#[test]
fn the_same_days_give_the_same_answer() {
    let values = line(100, 0.1, 1.0);
    assert_eq!(ask(&values, 50.0), ask(&values, 50.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_days_are_borne(
        values in prop::collection::vec(prop_oneof![
            8 => 0.0..100.0_f64,
            1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::MAX), Just(f64::MIN), Just(5e-324), Just(0.0)],
        ], 0..200),
        threshold in prop_oneof![-50.0..150.0_f64, Just(0.0), Just(f64::MAX), Just(f64::MIN), Just(1e-300)],
        days in 1_usize..500,
    ) {
        if let Ok(said) = time_to_threshold(&values, &ThresholdOptions { days, ..ThresholdOptions::new(threshold) }) {
            let [lower, median, upper] = [said.lower, said.median, said.upper].map(|day| day.unwrap_or(f64::INFINITY));
            prop_assert!(0.0 <= lower && lower <= median && median <= upper);
            prop_assert!(said.upper.is_none_or(|day| day <= days as f64));
            prop_assert!((0.0..=1.0).contains(&said.chance));
            prop_assert!(said.shape.growth_per_day.is_finite());
        }
    }
}
