//! When paths into the future first reach a threshold.

use std::sync::LazyLock;

use super::local_trend::Trends;
use super::random::Random;
use super::recurring_peaks::RecurringPeaks;

/// Paths: the 2.5 % quantile then rests on fifty of them.
const PATHS: usize = 2_000;
/// Entries of the table of normal quantiles: fine enough that its granularity is below the paths' own error.
const TABLE: usize = 4_096;

/// What stands on top of the level.
#[derive(Debug)]
pub(super) struct Surface<'a> {
    /// Added to the level on each day ahead, repeating: the seasons.
    pub(super) profile: &'a [f64],
    /// The level that it belongs to, if it grows in proportion to the level.
    pub(super) grows_from: Option<f64>,
    /// Deviations of days from their level, in standard deviations of the noise; drawn in blocks of a week.
    pub(super) noise: &'a [f64],
    /// What comes again and again and stands above all that, instead of it.
    pub(super) peaks: Option<&'a RecurringPeaks>,
}

impl Surface<'_> {
    /// What the seasons add so many days ahead (from 1) where the level is this.
    fn season(&self, ahead: usize, level: f64) -> f64 {
        self.profile[ahead.saturating_sub(1) % self.profile.len()] * self.size(level)
    }

    /// How large the seasons are where the level is this.
    fn size(&self, level: f64) -> f64 {
        self.grows_from.map_or(1.0, |now| (level / now).max(0.0))
    }

    /// The peaks of a path, which are asked for day by day.
    fn peaks(&self, days: usize, random: &mut Random) -> PeaksAhead {
        PeaksAhead(self.peaks.map_or_else(Vec::new, |peaks| peaks.future(days, random)).into_iter().peekable())
    }
}

/// The peaks of a path.
struct PeaksAhead(std::iter::Peekable<std::vec::IntoIter<(usize, f64)>>);

impl PeaksAhead {
    /// What stands above the level on a day, which is later than the one asked for before.
    fn on(&mut self, day: usize) -> Option<f64> {
        while self.0.next_if(|(peak, _)| *peak < day).is_some() {}
        self.0.next_if(|(peak, _)| *peak == day).map(|(_, height)| height)
    }
}

/// Where and how far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goal {
    /// The value to be reached or passed.
    pub(super) threshold: f64,
    /// Days looked ahead.
    pub(super) days: usize,
    /// How much wider than the model says the errors have been.
    pub(super) widening: f64,
}

/// Standard normal numbers by the inverse of the distribution, in a table.
#[derive(Debug)]
struct Normals(Vec<f64>);

static NORMALS: LazyLock<Normals> = LazyLock::new(Normals::new);

impl Normals {
    fn new() -> Self {
        Self((0..TABLE).map(|place| normal_quantile((place as f64 + 0.5) / TABLE as f64)).collect())
    }

    /// The quantile of `share`, 0 to 1.
    fn at(&self, share: f64) -> f64 {
        self.0[((share * TABLE as f64) as usize).min(TABLE - 1)]
    }

    fn draw(&self, random: &mut Random) -> f64 {
        self.0[random.below(TABLE)]
    }
}

/// The standard normal quantile, to three digits: Odeh and Evans, "The percentage points of the normal distribution" (1974).
fn normal_quantile(p: f64) -> f64 {
    let tail = p.min(1.0 - p).max(1e-12);
    let y = (-2.0 * tail.ln()).sqrt();
    let upper = (((-0.000_045_364_221_014_8 * y - 0.020_423_121_024_5) * y - 0.342_242_088_547) * y - 1.0) * y - 0.322_232_431_088;
    let lower = (((0.003_856_070_063_4 * y + 0.103_537_752_85) * y + 0.531_103_462_366) * y + 0.588_581_570_495) * y + 0.099_348_462_606;
    let size = y + upper / lower;
    if p < 0.5 { -size } else { size }
}

/// Where a path starts, and how it goes on.
#[derive(Debug, Clone, Copy)]
struct Start {
    level: f64,
    slope: f64,
    damping: f64,
    wander: f64,
    bend: f64,
    noise: f64,
}

/// Four coordinates in [0, 1) of the path's start, spread evenly over all paths: Roberts' additive recurrence (2018) on the root 1.1673 of x⁵ = x + 1. Chance
/// alone would leave the far quantiles of 2,000 paths several days apart from run to run.
fn coordinates(path: usize) -> [f64; 4] {
    const STEPS: [f64; 4] = [0.856_674_883_854_502_9, 0.733_891_856_627_126, 0.628_706_721_037_808_6, 0.538_597_257_224_361_1];
    STEPS.map(|step| (0.5 + step * (path + 1) as f64).fract())
}

/// The present state of a path: a combination by its weight, then level, slope and noise within what is known of them.
fn draw_start(trends: &Trends, cumulated: &[f64], widening: f64, path: usize) -> Start {
    let [at, first, second, third] = coordinates(path);
    let model = &trends.models[cumulated.partition_point(|&sum| sum <= at).min(trends.models.len() - 1)];
    let known = f64::from(trends.seen().max(4));
    let noise = trends.noise_of(model) * (1.0 + NORMALS.at(third) / (2.0 * known).sqrt()).max(0.3);
    let (first, second) = (NORMALS.at(first), NORMALS.at(second));
    let level_sigma = model.level_variance.max(0.0).sqrt();
    let along = if level_sigma > 0.0 { model.covariance / level_sigma } else { 0.0 };
    let across = (model.slope_variance - along * along).max(0.0).sqrt();
    let wide = noise * widening;
    Start {
        level: model.level + wide * level_sigma * first,
        slope: model.slope + wide * (along * first + across * second),
        damping: model.damping,
        wander: wide * (7.0 * model.wander).sqrt(),
        bend: wide * (7.0 * model.bend).sqrt(),
        noise,
    }
}

/// Cumulated weights of the combinations.
fn cumulated(trends: &Trends) -> Vec<f64> {
    trends
        .weights()
        .iter()
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect()
}

/// A path a week at a time.
#[derive(Debug)]
struct Path {
    state: Start,
    fade: f64,
    reach: f64,
}

impl Path {
    fn new(state: Start) -> Self {
        let (mut fade, mut reach) = (1.0, 0.0);
        for _ in 0..7 {
            fade *= state.damping;
            reach += fade;
        }
        Self { state, fade, reach }
    }

    /// Level at the start and at the end of the next week.
    fn week(&mut self, random: &mut Random) -> (f64, f64) {
        let from = self.state.level;
        let bend = if self.state.bend > 0.0 { self.state.bend * NORMALS.draw(random) } else { 0.0 };
        let wander = if self.state.wander > 0.0 { self.state.wander * NORMALS.draw(random) } else { 0.0 };
        // The slope's change comes spread over the week: half of it counts for the week itself.
        self.state.level += self.reach * self.state.slope + 3.5 * bend + wander;
        self.state.slope = self.fade * self.state.slope + bend;
        (from, self.state.level)
    }

    fn noise(&self) -> f64 {
        self.state.noise
    }
}

/// The day (from 1) on which each path first reaches the threshold, sorted; paths that do not within `goal.days` are infinite.
pub(super) fn passages(trends: &Trends, surface: &Surface<'_>, goal: Goal, random: &mut Random) -> Vec<f64> {
    let cumulated = cumulated(trends);
    let highest_noise = surface.noise.iter().copied().fold(0.0, f64::max);
    let highest_peak = surface.peaks.map_or(f64::NEG_INFINITY, RecurringPeaks::highest);
    let highest_profile = surface.profile.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut days: Vec<f64> = (0..PATHS)
        .map(|path| {
            let start = draw_start(trends, &cumulated, goal.widening, path);
            let mut path = Path::new(start);
            let mut peaks = surface.peaks(goal.days, random);
            for week in 0..goal.days.div_ceil(7) {
                let (from, to) = path.week(random);
                let highest = from.max(to);
                if highest + (highest_profile * surface.size(highest) + highest_noise * path.noise()).max(highest_peak) < goal.threshold {
                    continue;
                }
                let block = random.below(surface.noise.len());
                for day in 1..=7 {
                    let ahead = 7 * week + day;
                    let level = from + (to - from) * day as f64 / 7.0;
                    let season = surface.season(ahead, level);
                    let noise = surface.noise[(block + day) % surface.noise.len()] * path.noise();
                    let above = peaks.on(ahead).unwrap_or(season + noise);
                    if ahead <= goal.days && level + above >= goal.threshold {
                        return ahead as f64;
                    }
                }
            }
            f64::INFINITY
        })
        .collect();
    days.sort_unstable_by(f64::total_cmp);
    days
}

/// The values of all paths on each of `days` (ascending, from 1), in no order; of a saw-tooth, those of its peaks. What is said of a day does
/// not depend on which other days up to the last are asked for.
pub(super) fn values_on(days: &[usize], trends: &Trends, surface: &Surface<'_>, widening: f64, random: &mut Random) -> Vec<Vec<f64>> {
    let cumulated = cumulated(trends);
    let mut values = vec![Vec::with_capacity(PATHS); days.len()];
    for path in 0..PATHS {
        let noises = random.clone();
        let mut peaks = surface.peaks(days.last().copied().unwrap_or(0), &mut noises.branch(0));
        let start = draw_start(trends, &cumulated, widening, path);
        let mut path = Path::new(start);
        let (mut week, mut from, mut to) = (0, start.level, start.level);
        for (day, on_day) in days.iter().zip(&mut values) {
            while week * 7 < *day {
                (from, to) = path.week(random);
                week += 1;
            }
            let share = 1.0 - (week * 7 - day) as f64 / 7.0;
            let level = from + (to - from) * share;
            let season = surface.season(*day, level);
            let noise = surface.noise[noises.branch(*day).below(surface.noise.len())] * path.noise();
            on_day.push(level + peaks.on(*day).unwrap_or(season + noise));
        }
    }
    values
}

/// When peaks of a saw-tooth first reach the threshold; `trends` follows the peaks.
pub(super) fn saw_tooth_passages(trends: &Trends, cycles: &[usize], phase: usize, rise: f64, goal: Goal, random: &mut Random) -> Vec<f64> {
    let cumulated = cumulated(trends);
    let mut days: Vec<f64> = (0..PATHS)
        .map(|path| {
            let start = draw_start(trends, &cumulated, goal.widening, path);
            let mut path = Path::new(start);
            let mut cycle = || cycles[random.below(cycles.len())].max(1);
            let mut next_peak = cycle().max(phase + 1) - phase;
            let peaks: Vec<usize> = std::iter::from_fn(|| {
                let at = next_peak;
                next_peak += cycle();
                (at <= goal.days + 7).then_some(at)
            })
            .collect();
            let (mut week, mut from, mut to) = (0, start.level, start.level);
            for peak in peaks {
                while week * 7 < peak {
                    (from, to) = path.week(random);
                    week += 1;
                }
                let share = 1.0 - (week * 7 - peak) as f64 / 7.0;
                let height = from + (to - from) * share + path.noise() * NORMALS.draw(random);
                if height >= goal.threshold {
                    let earlier = ((height - goal.threshold) / rise).floor().max(0.0);
                    let day = (peak as f64 - earlier).max(1.0);
                    return if day <= goal.days as f64 { day } else { f64::INFINITY };
                }
            }
            f64::INFINITY
        })
        .collect();
    days.sort_unstable_by(f64::total_cmp);
    days
}

/// The day up to which a `share` (0 to 1) of the sorted `days` lies; `None` where that is beyond what was looked at.
///
/// Many paths arrive on one day. Half of those count as before it (the mid-p of Lancaster, "Significance tests in discrete distributions", 1961): an interval
/// of few days that always takes the whole day in would hold more than it says.
pub(super) fn quantile(days: &[f64], share: f64) -> Option<f64> {
    let place = share * days.len() as f64;
    let day = *days.get((place as usize).min(days.len().saturating_sub(1)))?;
    let (from, to) = (days.partition_point(|&other| other < day), days.partition_point(|&other| other <= day));
    let before = 0.5 * (from + to) as f64;
    let nearer = match share {
        share if share < 0.5 && before < place => days.get(to),
        share if share > 0.5 && before > place => from.checked_sub(1).and_then(|earlier| days.get(earlier)),
        _ => None,
    };
    // What lies beyond the days looked at is no single day.
    if day.is_infinite() { None } else { Some(nearer.copied().filter(|day| day.is_finite()).unwrap_or(day)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_quantiles_are_right_to_three_digits() {
        for (p, z) in [(0.5, 0.0), (0.975, 1.959_96), (0.025, -1.959_96), (0.999, 3.090_23)] {
            assert!((normal_quantile(p) - z).abs() < 1e-3, "{p}");
        }
        assert!(normal_quantile(0.0).is_finite() && normal_quantile(1.0).is_finite());
    }

    #[test]
    fn a_quantile_takes_a_day_in_when_half_of_it_lies_inside() {
        let days = |counts: &[(f64, usize)]| counts.iter().flat_map(|&(day, count)| std::iter::repeat_n(day, count)).collect::<Vec<_>>();
        // Of 200 paths 2 arrive on day 10 and 12 on day 11: day 10 is before the 2.5 %, the middle of day 11 is not.
        let narrow = days(&[(10.0, 2), (11.0, 12), (12.0, 172), (13.0, 12), (14.0, 2)]);
        assert_eq!([0.025, 0.5, 0.975].map(|share| quantile(&narrow, share)), [Some(11.0), Some(12.0), Some(13.0)]);
        // With 6 of them on day 10 the 2.5 % lie in that day, but its middle lies before them.
        let earlier = days(&[(10.0, 6), (12.0, 188), (14.0, 6)]);
        assert_eq!([0.025, 0.975].map(|share| quantile(&earlier, share)), [Some(12.0), Some(12.0)]);
        // Later than was looked is no day whose half could count.
        let censored = days(&[(10.0, 190), (f64::INFINITY, 10)]);
        assert_eq!([0.025, 0.975].map(|share| quantile(&censored, share)), [Some(10.0), None]);
        let never = days(&[(10.0, 3), (f64::INFINITY, 197)]);
        assert_eq!([0.01, 0.5].map(|share| quantile(&never, share)), [Some(10.0), None]);
        assert_eq!(quantile(&[0.0], 0.025), Some(0.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn values_of_a_known_state_lie_on_its_line() {
        let mut trends = Trends::new(10.0, 1.0, 0.1, 0);
        for day in 1..=60 {
            trends.day(Some(10.0 + 0.5 * f64::from(day)));
        }
        let surface = Surface { profile: &[0.0], grows_from: None, noise: &[-0.1, 0.0, 0.1], peaks: None };
        let values = |days: &[usize]| values_on(days, &trends, &surface, 1.0, &mut Random::from_values(&[1.0]));
        let on_both = values(&[1, 20]);
        let medians: Vec<f64> = on_both.iter().map(|on_day| super::super::order_statistics::median(&mut on_day.clone())).collect();
        assert!((medians[0] - 40.5).abs() < 0.2 && (medians[1] - 50.0).abs() < 0.7, "{medians:?}");
        assert!(on_both.iter().all(|on_day| on_day.len() == PATHS));
        assert_eq!(values(&[20])[0], on_both[1]);
    }

    #[test]
    fn paths_of_a_known_state_cross_when_they_must() {
        let mut trends = Trends::new(10.0, 1.0, 0.1, 0);
        for day in 1..=60 {
            trends.day(Some(10.0 + 0.5 * f64::from(day)));
        }
        let surface = Surface { profile: &[0.0], grows_from: None, noise: &[0.0], peaks: None };
        let goal = Goal { threshold: 50.0, days: 365, widening: 1.0 };
        let days = passages(&trends, &surface, goal, &mut Random::from_values(&[1.0]));
        // 40 on the last day and half a day more: 50 is reached on day 20.
        assert_eq!(days.len(), PATHS);
        assert!((days[PATHS / 2] - 20.0).abs() <= 1.0, "{}", days[PATHS / 2]);
        assert!(days.is_sorted());
    }
}
