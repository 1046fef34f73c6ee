//! Has the series been in such a state before: the distance to the nearest of a few remembered states.
//!
//! A leader clustering of the series' recent behaviour (level now, over the last two and the last twenty points, and the movements
//! over the same) in the spirit of the online nearest-neighbour detectors: what has happened before, even rarely, is near a remembered state, and
//! what has never happened is far from all. The distance is calibrated like any other stream.

use super::state_bytes::{StateError, StateReader, StateWriter};

/// Numbers that describe a state.
const FEATURES: usize = 6;
/// The first of them are levels, the others movements.
const LEVELS: usize = 3;
/// Remembered states: sixteen do as well as sixty-four on the development data and keep the state of a series small.
const STATES: usize = 16;
/// Weight of the newest point in the short average (about two points) and in the long one (about twenty).
const SHORT: f32 = 0.5;
const LONG: f32 = 0.05;
/// Weight of the newest point in the scales: their memory is a thousand points.
const SCALE: f32 = 0.001;
/// Deviations count at most this many mean deviations in the scales.
const CLIP: f32 = 5.0;
/// Mean absolute deviation to standard deviation, about, for noise between Gaussian (1.253) and Laplace (1.414).
const TO_DEVIATION: f32 = 1.25;
/// Radius of a fresh memory, and its growth each time a state has to give way.
const FIRST_RADIUS: f32 = 0.05;
const GROWTH: f32 = 1.1;
/// A state moves to what it meets with weight 1/meetings, never less than one in this many.
const MOST_MEETINGS: u8 = 200;
/// Distances end here, so that they stay finite.
const FARTHEST: f32 = 1e30;
/// Points before the scales are taken to be known.
const SETTLED: u32 = 20;

/// The memory of a series' states.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Novelty {
    /// By feature, so that one instruction compares several states.
    states: [[f32; STATES]; FEATURES],
    meetings: [u8; STATES],
    used: u8,
    radius: f32,
    last: f32,
    short: f32,
    long: f32,
    short_movement: f32,
    long_movement: f32,
    mean: f32,
    deviation: f32,
    step: f32,
}

impl Novelty {
    /// Remembers nothing.
    pub(super) fn new() -> Self {
        Self {
            states: [[0.0; STATES]; FEATURES],
            meetings: [0; STATES],
            used: 0,
            radius: FIRST_RADIUS,
            last: 0.0,
            short: 0.0,
            long: 0.0,
            short_movement: 0.0,
            long_movement: 0.0,
            mean: 0.0,
            deviation: 0.0,
            step: 0.0,
        }
    }

    /// Distance of the series' state with this value to the nearest remembered one, in standard deviations; then remembers it.
    /// `seen` counts the points before.
    pub(super) fn distance(&mut self, seen: u32, value: f32) -> f32 {
        let state = self.follow(seen, value);
        let weights = self.weights();
        let (nearest, square) = self.nearest(&state, &weights);
        let distance = square.sqrt();
        if self.used == 0 {
            self.remember(0, state);
            self.used = 1;
            return 0.0;
        }
        if distance <= self.radius {
            self.meet(nearest, &state);
        } else if usize::from(self.used) < STATES {
            self.remember(usize::from(self.used), state);
            self.used += 1;
        } else {
            self.give_way(state, &weights);
        }
        distance
    }

    /// Moves all that is remembered by `by`, as a level shift does.
    pub(super) fn shift(&mut self, by: f32) {
        for level in [&mut self.last, &mut self.short, &mut self.long, &mut self.mean] {
            *level += by;
        }
        self.states[..LEVELS].iter_mut().flatten().for_each(|level| *level += by);
    }

    fn follow(&mut self, seen: u32, value: f32) -> [f32; FEATURES] {
        let early = 1.0 / (seen as f32 + 1.0);
        let settled = seen > SETTLED;
        let step = if seen == 0 { 0.0 } else { value - self.last };
        if seen == 0 {
            (self.short, self.long, self.mean) = (value, value, value);
        }
        self.last = value;
        self.short += SHORT.max(early) * (value - self.short);
        self.long += LONG.max(early) * (value - self.long);
        self.short_movement += SHORT.max(early) * (step.abs() - self.short_movement);
        self.long_movement += LONG.max(early) * (step.abs() - self.long_movement);
        let slow = SCALE.max(early);
        self.mean += slow * (value - self.mean);
        let deviation = (value - self.mean).abs();
        self.deviation += slow * (clipped(deviation, self.deviation, settled) - self.deviation);
        self.step += slow * (clipped(step.abs(), self.step, settled) - self.step);
        [value, self.short, self.long, step, self.short_movement, self.long_movement]
    }

    /// Weight of each feature's squared difference.
    fn weights(&self) -> [f32; FEATURES] {
        // A series that never moved has no scale: the smallest normal number keeps the quotients finite.
        let level = 1.0 / (self.deviation * TO_DEVIATION).max(1e-15);
        let step = 1.0 / (self.step * TO_DEVIATION).max(1e-15);
        let (level, step) = (level * level, step * step);
        [level, level, level, step, step, step]
    }

    fn nearest(&self, state: &[f32; FEATURES], weights: &[f32; FEATURES]) -> (usize, f32) {
        let mut squares = self.squares(state, weights);
        squares[usize::from(self.used)..].fill(f32::MAX);
        // The least of each of four lanes first, which one instruction a row does.
        let mut lanes = [f32::MAX; 4];
        for row in squares.chunks_exact(lanes.len()) {
            for (lane, square) in lanes.iter_mut().zip(row) {
                *lane = if *square < *lane { *square } else { *lane };
            }
        }
        let least = lanes.into_iter().fold(f32::MAX, f32::min);
        (squares.iter().position(|square| *square == least).unwrap_or(0), least.min(FARTHEST))
    }

    fn squares(&self, state: &[f32; FEATURES], weights: &[f32; FEATURES]) -> [f32; STATES] {
        let mut squares = [0.0; STATES];
        for feature in 0..FEATURES {
            for (square, known) in squares.iter_mut().zip(&self.states[feature]) {
                let apart = known - state[feature];
                *square += weights[feature] * apart * apart;
            }
        }
        squares
    }

    fn state(&self, index: usize) -> [f32; FEATURES] {
        std::array::from_fn(|feature| self.states[feature][index])
    }

    fn remember(&mut self, index: usize, state: [f32; FEATURES]) {
        self.states.iter_mut().zip(state).for_each(|(known, new)| known[index] = new);
        self.meetings[index] = 1;
    }

    fn meet(&mut self, index: usize, state: &[f32; FEATURES]) {
        self.meetings[index] = (self.meetings[index] + 1).min(MOST_MEETINGS);
        self.draw(index, state, 1.0 / f32::from(self.meetings[index]));
    }

    /// Moves a state towards another by a share of the way.
    fn draw(&mut self, index: usize, state: &[f32; FEATURES], share: f32) {
        for (known, new) in self.states.iter_mut().zip(state) {
            known[index] += share * (new - known[index]);
        }
    }

    /// Merges the two nearest states, so that the new one has room, and widens the radius: the more varied a series, the coarser its memory.
    fn give_way(&mut self, state: [f32; FEATURES], weights: &[f32; FEATURES]) {
        let (mut pair, mut least) = ((0, 1), f32::MAX);
        for second in 1..STATES {
            let squares = self.squares(&self.state(second), weights);
            for (first, square) in squares[..second].iter().enumerate() {
                if *square < least {
                    (pair, least) = ((first, second), *square);
                }
            }
        }
        let (first, second) = (f32::from(self.meetings[pair.0]), f32::from(self.meetings[pair.1]));
        self.draw(pair.0, &self.state(pair.1), second / (first + second).max(1.0));
        self.meetings[pair.0] = self.meetings[pair.0].saturating_add(self.meetings[pair.1]).min(MOST_MEETINGS);
        self.remember(pair.1, state);
        self.radius = (self.radius * GROWTH).max(least.min(FARTHEST).sqrt()).min(FARTHEST);
    }

    pub(super) fn write(&self, out: &mut StateWriter) {
        out.u8(self.used);
        (0..usize::from(self.used)).flat_map(|index| self.state(index)).for_each(|number| out.f32(number));
        self.meetings.iter().take(usize::from(self.used)).for_each(|count| out.u8(*count));
        let numbers = [self.radius, self.last, self.short, self.long, self.short_movement, self.long_movement];
        numbers.into_iter().chain([self.mean, self.deviation, self.step]).for_each(|number| out.f32(number));
    }

    pub(super) fn read(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let mut fresh = Self::new();
        fresh.used = from.u8()?;
        if usize::from(fresh.used) > STATES {
            return Err(StateError::Damaged("remembered states"));
        }
        for index in 0..usize::from(fresh.used) {
            for feature in &mut fresh.states {
                feature[index] = from.f32()?;
            }
        }
        for count in fresh.meetings.iter_mut().take(usize::from(fresh.used)) {
            *count = from.u8()?.clamp(1, MOST_MEETINGS);
        }
        let numbers = [&mut fresh.radius, &mut fresh.last, &mut fresh.short, &mut fresh.long, &mut fresh.short_movement];
        for number in numbers.into_iter().chain([&mut fresh.long_movement, &mut fresh.mean, &mut fresh.deviation, &mut fresh.step]) {
            *number = from.f32()?;
        }
        Ok(fresh)
    }
}

fn clipped(deviation: f32, usual: f32, settled: bool) -> f32 {
    if settled { deviation.min(CLIP * usual.max(f32::MIN_POSITIVE)) } else { deviation }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_before_is_near_and_what_never_did_is_far() {
        let mut novelty = Novelty::new();
        let wave = |step: u32| (step as f32 / 288.0 * std::f32::consts::TAU).sin() * 10.0 + (step * 7_919 % 101) as f32 / 100.0;
        let mut last_day: f32 = 0.0;
        for step in 0..288 * 10 {
            let distance = novelty.distance(step, wave(step));
            if step >= 288 * 9 {
                last_day = last_day.max(distance);
            }
        }
        let seen = 288 * 10;
        assert!(novelty.clone().distance(seen, 25.0) > 2.0 * last_day);
        assert!(novelty.distance(seen, wave(seen)) <= last_day);
    }

    #[test]
    fn a_constant_series_is_never_new() {
        let mut novelty = Novelty::new();
        for step in 0..1_000 {
            assert!(novelty.distance(step, 3.0) < 1e-3);
        }
    }
}
