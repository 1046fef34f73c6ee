//! What runs over one series inside a window function: a detector or one of its companions, point by point.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, Float64Builder, StringViewBuilder, StructArray};
use arrow::datatypes::{DataType, Field, Fields};

use crate::anomaly::{
    Absence, CounterRate, DEFAULT_THRESHOLD, Detector, FlatLine, ForecastBreach, LevelShift, Reading, Saturation, StateError, infer_period,
};

/// Points whose spacing tells the period of a new series.
const SPACING_POINTS: usize = 200;

/// Horizon of `breach_in` when none is given: a day leaves time to act.
const DEFAULT_HORIZON_S: f64 = 86_400.0;

/// A function over a series in the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum SeriesFunction {
    /// `anomaly(value [, threshold])`
    Anomaly,
    /// `anomaly_score(value)`
    AnomalyScore,
    /// `level_shift(value)`
    LevelShift,
    /// `flat_line(value)`
    FlatLine,
    /// `counter_rate(value)`
    CounterRate,
    /// `breach_in(value, limit [, horizon])`
    BreachIn,
    /// `near_limit(value, limit)`
    NearLimit,
    /// `missing_after(value)`
    MissingAfter,
}

impl SeriesFunction {
    pub(super) const ALL: [Self; 8] = [
        Self::Anomaly,
        Self::AnomalyScore,
        Self::LevelShift,
        Self::FlatLine,
        Self::CounterRate,
        Self::BreachIn,
        Self::NearLimit,
        Self::MissingAfter,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Anomaly => "anomaly",
            Self::AnomalyScore => "anomaly_score",
            Self::LevelShift => "level_shift",
            Self::FlatLine => "flat_line",
            Self::CounterRate => "counter_rate",
            Self::BreachIn => "breach_in",
            Self::NearLimit => "near_limit",
            Self::MissingAfter => "missing_after",
        }
    }

    /// Arguments after the value: how many must be there, and how many may.
    pub(super) fn extras(self) -> (usize, usize) {
        match self {
            Self::Anomaly => (0, 1),
            Self::BreachIn => (1, 2),
            Self::NearLimit => (1, 1),
            _ => (0, 0),
        }
    }

    pub(super) fn result(self) -> DataType {
        match self {
            Self::Anomaly => DataType::Struct(reading_fields()),
            _ => DataType::Float64,
        }
    }

    /// The machine of a series that was never seen. `extras` are the arguments after the value, of the first row.
    pub(super) fn start(self, extras: &[Option<f64>], times_s: &[i64]) -> Machine {
        let extra = |at: usize| extras.get(at).copied().flatten();
        let detector = || Box::new(Detector::new(period_of(times_s)));
        match self {
            Self::Anomaly => Machine::Anomaly(detector(), extra(0).unwrap_or(DEFAULT_THRESHOLD)),
            Self::AnomalyScore => Machine::Score(detector()),
            Self::LevelShift => Machine::Shift(detector(), LevelShift::new()),
            Self::FlatLine => Machine::Flat(FlatLine::new()),
            Self::CounterRate => Machine::Rate(CounterRate::new()),
            Self::BreachIn => {
                let horizon_s = extra(1).unwrap_or(DEFAULT_HORIZON_S).clamp(1.0, f64::from(u32::MAX)) as u32;
                Machine::Breach(ForecastBreach::new(extra(0).unwrap_or(f64::NAN), horizon_s))
            }
            Self::NearLimit => Machine::Near(Saturation::new(extra(0).unwrap_or(f64::NAN))),
            Self::MissingAfter => Machine::Missing(Absence::new()),
        }
    }
}

fn period_of(times_s: &[i64]) -> u32 {
    let points: Vec<(i64, f64)> = times_s.iter().take(SPACING_POINTS).map(|time_s| (*time_s, 0.0)).collect();
    infer_period(&points)
}

fn reading_fields() -> Fields {
    Fields::from(vec![
        Field::new("score", DataType::Float64, true),
        Field::new("expected", DataType::Float64, true),
        Field::new("stream", DataType::Utf8View, true),
        Field::new("p", DataType::Float64, true),
        Field::new("alarm", DataType::Boolean, true),
    ])
}

/// The state of one series.
#[derive(Debug, Clone)]
pub(super) enum Machine {
    Anomaly(Box<Detector>, f64),
    Score(Box<Detector>),
    Shift(Box<Detector>, LevelShift),
    Flat(FlatLine),
    Rate(CounterRate),
    Breach(ForecastBreach),
    Near(Saturation),
    Missing(Absence),
}

impl Machine {
    /// Takes a point in and adds what it says to the results.
    pub(super) fn step(&mut self, time_s: i64, value: f64, results: &mut Results) {
        match self {
            Self::Anomaly(detector, threshold) => {
                let reading = detector.update(time_s, value);
                let alarm = detector.alarm(&reading, *threshold);
                results.reading(&reading, alarm);
            }
            Self::Score(detector) => results.number(Some(detector.update(time_s, value).evidence)),
            Self::Shift(detector, shift) => {
                let reading = detector.update(time_s, value);
                let shifted = shift.update(time_s, value, reading.expected).map(|shift| shift.to - shift.from);
                shifted.inspect(|by| detector.rebase(*by));
                results.number(shifted);
            }
            Self::Flat(flat) => results.number(flat.update(time_s, value).map(|still| (time_s - still.since_s) as f64)),
            Self::Rate(rate) => results.number(rate.update(time_s, value)),
            Self::Breach(breach) => results.number(breach.update(time_s, value).map(|breach| breach.in_s)),
            Self::Near(near) => results.number(near.update(value).map(|near| near.share)),
            Self::Missing(absence) => {
                absence.arrive(time_s);
                results.number(Some(absence.patience_s()));
            }
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Anomaly(detector, _) | Self::Score(detector) => detector.to_bytes(),
            Self::Shift(detector, shift) => {
                let (detector, shift) = (detector.to_bytes(), shift.to_bytes());
                [&(detector.len() as u32).to_le_bytes()[..], &detector, &shift].concat()
            }
            Self::Flat(state) => state.to_bytes(),
            Self::Rate(state) => state.to_bytes(),
            Self::Breach(state) => state.to_bytes(),
            Self::Near(state) => state.to_bytes(),
            Self::Missing(state) => state.to_bytes(),
        }
    }

    /// The machine with the state that [`Machine::to_bytes`] wrote; what the arguments say stays as it is.
    pub(super) fn restored(self, bytes: &[u8]) -> Result<Self, StateError> {
        Ok(match self {
            Self::Anomaly(_, threshold) => Self::Anomaly(Box::new(Detector::from_bytes(bytes)?), threshold),
            Self::Score(_) => Self::Score(Box::new(Detector::from_bytes(bytes)?)),
            Self::Shift(..) => {
                let (length, rest) = bytes.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
                let (detector, shift) = rest.split_at(rest.len().min(u32::from_le_bytes(*length) as usize));
                Self::Shift(Box::new(Detector::from_bytes(detector)?), LevelShift::from_bytes(shift)?)
            }
            Self::Flat(_) => Self::Flat(FlatLine::from_bytes(bytes)?),
            Self::Rate(_) => Self::Rate(CounterRate::from_bytes(bytes)?),
            Self::Breach(fresh) => Self::Breach(ForecastBreach::from_bytes(bytes, fresh.limit(), fresh.horizon_s())?),
            Self::Near(fresh) => Self::Near(Saturation::from_bytes(bytes, fresh.limit())?),
            Self::Missing(_) => Self::Missing(Absence::from_bytes(bytes)?),
        })
    }
}

/// The column that a function answers with.
pub(super) enum Results {
    Numbers(Float64Builder),
    Readings(Box<Readings>),
}

/// The columns of `anomaly`.
#[derive(Default)]
pub(super) struct Readings {
    score: Float64Builder,
    expected: Float64Builder,
    stream: StringViewBuilder,
    p: Float64Builder,
    alarm: BooleanBuilder,
}

impl Results {
    pub(super) fn new(function: SeriesFunction, rows: usize) -> Self {
        match function {
            SeriesFunction::Anomaly => Self::Readings(Box::default()),
            _ => Self::Numbers(Float64Builder::with_capacity(rows)),
        }
    }

    fn number(&mut self, number: Option<f64>) {
        if let Self::Numbers(numbers) = self {
            numbers.append_option(number);
        }
    }

    fn reading(&mut self, reading: &Reading, alarm: bool) {
        if let Self::Readings(columns) = self {
            columns.score.append_value(reading.evidence);
            columns.expected.append_option(Some(reading.expected).filter(|expected| !expected.is_nan()));
            columns.stream.append_value(reading.stream.as_str());
            // A chance is asked for where something is unusual; elsewhere it would only cost a power.
            columns.p.append_option((reading.evidence >= 1.0).then(|| reading.p()));
            columns.alarm.append_value(alarm);
        }
    }

    /// A row that no point belongs to, or one that was taken in before.
    pub(super) fn nothing(&mut self) {
        match self {
            Self::Numbers(numbers) => numbers.append_null(),
            Self::Readings(columns) => {
                let Readings { score, expected, stream, p, alarm } = columns.as_mut();
                [score, expected, p].into_iter().for_each(Float64Builder::append_null);
                stream.append_null();
                alarm.append_null();
            }
        }
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Numbers(numbers) => Arc::new(numbers.finish()),
            Self::Readings(columns) => {
                let Readings { score, expected, stream, p, alarm } = columns.as_mut();
                let columns: Vec<ArrayRef> = vec![
                    Arc::new(score.finish()),
                    Arc::new(expected.finish()),
                    Arc::new(stream.finish()),
                    Arc::new(p.finish()),
                    Arc::new(alarm.finish()),
                ];
                Arc::new(StructArray::new(reading_fields(), columns, None))
            }
        }
    }
}
