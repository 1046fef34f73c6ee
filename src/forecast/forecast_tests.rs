use proptest::prelude::*;

use super::random::Random;
use super::season::find_seasons;
use super::{ForecastError, Options, SeasonOption, forecast};

const HOUR: i64 = 3_600_000_000;

/// A daily wave on a line with noise.
fn wave(n: usize, season: usize, noise: f64) -> Vec<f64> {
    let mut random = Random::from_values(&[noise, n as f64]);
    (0..n)
        .map(|t| {
            let angle = std::f64::consts::TAU * (t % season) as f64 / season as f64;
            100.0 + 0.02 * t as f64 + 20.0 * angle.sin() + noise * (random.unit() + random.unit() - 1.0)
        })
        .collect()
}

#[test]
fn a_season_is_found_by_itself_and_noise_has_none() {
    assert_eq!(find_seasons(&wave(500, 24, 2.0)).first(), Some(&24));
    assert_eq!(find_seasons(&wave(365, 7, 2.0)).first(), Some(&7));
    assert_eq!(find_seasons(&wave(10_000, 288, 2.0)).first(), Some(&288));
    let mut random = Random::from_values(&[1.0]);
    let noise: Vec<f64> = (0..500).map(|_| random.unit()).collect();
    assert_eq!(find_seasons(&noise), Vec::<usize>::new());
    assert_eq!(find_seasons(&[5.0; 300]), Vec::<usize>::new());
}

#[test]
fn a_wave_goes_on_and_the_interval_holds_it() {
    let all = wave(548, 24, 2.0);
    let said = forecast(&all[..500], HOUR, &Options::new(48)).unwrap();
    assert_eq!((said.mean.len(), said.lower.len(), said.upper.len()), (48, 48, 48));
    let error = said.mean.iter().zip(&all[500..]).map(|(said, came)| (said - came).abs()).sum::<f64>() / 48.0;
    assert!(error < 1.5, "mean error {error}, the noise's own is 0.7");
    let inside = (0..48).filter(|&h| (said.lower[h]..=said.upper[h]).contains(&all[500 + h])).count();
    assert!(inside >= 42, "{inside} of 48");
    assert!(said.upper[0] - said.lower[0] < 12.0, "{} wide", said.upper[0] - said.lower[0]);
    assert!(said.why.iter().any(|why| why.contains("24 steps (1 day)")), "{:?}", said.why);
}

#[test]
fn the_back_test_is_what_was_really_said_and_came() {
    let values = wave(400, 24, 3.0);
    let test = forecast(&values, HOUR, &Options::new(24)).unwrap().backtest;
    assert!(test.origins.len() >= 8);
    for origin in &test.origins {
        for (step, came) in origin.actual.iter().enumerate() {
            assert!((came - values[origin.at + step]).abs() < 1e-9);
        }
    }
    assert!((0.85..=1.0).contains(&test.coverage), "{}", test.coverage);
    assert!(test.error < test.naive_error, "{} against {}", test.error, test.naive_error);
}

#[test]
fn a_level_shift_is_followed() {
    let mut values = wave(400, 24, 1.0);
    values[200..].iter_mut().for_each(|value| *value += 300.0);
    let said = forecast(&values, HOUR, &Options::new(24)).unwrap();
    let mean = said.mean.iter().sum::<f64>() / 24.0;
    assert!((mean - 408.0).abs() < 10.0, "{mean}");
}

#[test]
fn gaps_and_a_wild_value_change_little() {
    let clean = wave(400, 24, 1.0);
    let mut torn = clean.clone();
    for place in (30..380).step_by(11) {
        torn[place] = f64::NAN;
    }
    torn[150] = 1e6;
    torn[201..215].fill(f64::INFINITY);
    let options = Options::new(24);
    let (said, with) = (forecast(&clean, HOUR, &options).unwrap(), forecast(&torn, HOUR, &options).unwrap());
    let apart = said.mean.iter().zip(&with.mean).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart < 5.0, "{apart}");
    assert!(with.why.iter().any(|why| why.contains("missing values were filled")), "{:?}", with.why);
}

#[test]
fn a_gap_at_the_end_moves_the_beginning() {
    let all = wave(400, 24, 0.5);
    let mut torn = all[..376].to_vec();
    torn[366..].fill(f64::NAN);
    let said = forecast(&torn, HOUR, &Options::new(24)).unwrap();
    let error = said.mean.iter().zip(&all[376..]).map(|(said, came)| (said - came).abs()).sum::<f64>() / 24.0;
    assert!(said.mean.len() == 24 && error < 2.0, "{error}");
}

#[test]
fn constants_and_counts_are_no_trouble() {
    let said = forecast(&[7.0; 100], HOUR, &Options::new(10)).unwrap();
    assert!(said.mean.iter().chain(&said.lower).chain(&said.upper).all(|value| (value - 7.0).abs() < 1e-6), "{said:?}");
    let counts: Vec<f64> = (0..200).map(|t| f64::from(u8::from(t % 9 == 0))).collect();
    let said = forecast(&counts, HOUR, &Options::new(18)).unwrap();
    assert!(said.lower.iter().all(|&value| value >= 0.0), "never negative before");
    assert_eq!(forecast(&[0.0; 50], HOUR, &Options::new(5)).unwrap().upper, [0.0; 5]);
}

#[test]
fn the_unit_does_not_matter() {
    let values = wave(300, 24, 2.0);
    let large: Vec<f64> = values.iter().map(|value| value * 1e15).collect();
    let (small, large) = (forecast(&values, HOUR, &Options::new(24)).unwrap(), forecast(&large, HOUR, &Options::new(24)).unwrap());
    for (a, b) in small.upper.iter().zip(&large.upper) {
        assert!((a * 1e15 / b - 1.0).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn what_cannot_be_said_is_refused() {
    let options = Options::new(10);
    assert_eq!(forecast(&[1.0; 13], HOUR, &options), Err(ForecastError::NotEnoughHistory { have: 13, need: 14 }));
    assert_eq!(forecast(&[], HOUR, &options), Err(ForecastError::NotEnoughHistory { have: 0, need: 14 }));
    assert!(matches!(forecast(&[1.0; 40], HOUR, &Options::new(41)), Err(ForecastError::NotEnoughHistory { have: 40, need: 41 })));
    let mut torn = [f64::NAN; 100];
    (0..100).step_by(4).for_each(|place| torn[place] = 1.0);
    assert!(matches!(forecast(&torn, HOUR, &options), Err(ForecastError::TooManyGaps { missing: 72, of: 97 })));
    for bad in [
        Options { horizon: 0, ..Options::new(1) },
        Options { level: f64::NAN, ..Options::new(1) },
        Options { level: 1.0, ..Options::new(1) },
    ] {
        assert!(matches!(forecast(&[1.0; 40], HOUR, &bad), Err(ForecastError::BadOption { .. })), "{bad:?}");
    }
    assert!(matches!(forecast(&[1.0; 40], 0, &options), Err(ForecastError::BadOption { what: "step", .. })));
    let season = Options { season: SeasonOption::Steps(usize::MAX / 4), ..Options::new(3) };
    assert!(matches!(forecast(&[1.0; 40], HOUR, &season), Err(ForecastError::NotEnoughHistory { .. })));
}

#[test]
fn a_given_season_is_taken() {
    let values = wave(200, 10, 1.0);
    assert_eq!(forecast(&values, HOUR, &Options { season: SeasonOption::Steps(10), ..Options::new(5) }).unwrap().season, [10]);
    assert_eq!(
        forecast(&values, HOUR, &Options { season: SeasonOption::Steps(1), ..Options::new(5) }).unwrap().season,
        Vec::<usize>::new()
    );
}

#[test]
fn a_higher_level_is_a_wider_interval() {
    let values = wave(400, 24, 3.0);
    let at = |level| forecast(&values, HOUR, &Options { level, ..Options::new(24) }).unwrap();
    let (narrow, wide) = (at(0.5), at(0.95));
    assert!((0..24).all(|h| wide.upper[h] - wide.lower[h] >= narrow.upper[h] - narrow.lower[h]));
}

/// Anything that a broken exporter may send.
fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -1e3..1e3_f64,
        2 => (0..5_i32).prop_map(f64::from),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::MAX), Just(f64::MIN), Just(f64::MIN_POSITIVE), Just(5e-324), Just(0.0), Just(-0.0)],
    ]
}

#[test]
fn one_step_down_at_the_end_of_nothing() {
    let mut values = vec![0.0; 76];
    values[75] = -430.6463778767968;
    let said = forecast(&values, HOUR, &Options { horizon: 21, level: 0.985, season: SeasonOption::Steps(6) }).unwrap();
    for h in 0..21 {
        assert!(
            said.lower[h] <= said.mean[h] && said.mean[h] <= said.upper[h],
            "{h}: {} {} {}",
            said.lower[h],
            said.mean[h],
            said.upper[h]
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_values_are_borne(values in prop::collection::vec(any_value(), 0..160), horizon in 1_usize..40, season in 0_usize..60, level in 0.5..0.999_f64) {
        for season in [SeasonOption::Auto, SeasonOption::Steps(season)] {
            if let Ok(said) = forecast(&values, HOUR, &Options { horizon, level, season }) {
                prop_assert_eq!(said.mean.len(), horizon);
                for h in 0..horizon {
                    prop_assert!(said.lower[h].is_finite() && said.mean[h].is_finite() && said.upper[h].is_finite());
                    prop_assert!(said.lower[h] <= said.mean[h] && said.mean[h] <= said.upper[h]);
                }
                prop_assert!((said.method.iter().map(|member| member.weight).sum::<f64>() - 1.0).abs() < 1e-9);
                prop_assert!((0.0..=1.0).contains(&said.backtest.coverage));
            }
        }
    }
}
