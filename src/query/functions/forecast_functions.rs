//! Forecasts as aggregates: `forecast(timestamp, value, 30)` and `time_to_threshold(timestamp, value, 1e12)`, a series a group.
//!
//! As functions in a FROM clause they are written over a query, see `forecast_tables`; it is the same code.

use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, StructArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

use crate::forecast::{ForecastError, Futures, Grid, Options, SeasonOption, ThresholdOptions, USUAL_LEVEL, YEAR_DAYS, forecast};
use crate::query::yielding::Over;

/// Points of one series at most: a year of minutes.
const MAX_POINTS: usize = 525_600;

const SECOND_US: i64 = 1_000_000;
const DAY_S: f64 = 86_400.0;

/// Both functions; they stop in the middle of their groups once the query is `over`.
pub(in crate::query) fn forecast_functions(over: &Over) -> [Arc<AggregateUDF>; 2] {
    [Question::Course, Question::Threshold].map(|question| Arc::new(AggregateUDF::from(OfSeries::new(question, over.clone()))))
}

/// What is asked about a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Question {
    /// How it goes on.
    Course,
    /// When it reaches a threshold.
    Threshold,
}

fn moment() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// A step of a forecast.
static STEP: LazyLock<Fields> = LazyLock::new(|| {
    let value = |name: &str| Field::new(name, DataType::Float64, false);
    vec![Field::new("timestamp", moment(), false), value("mean"), value("lower"), value("upper")].into()
});

/// When a threshold is reached.
static REACHED: LazyLock<Fields> = LazyLock::new(|| {
    let value = |name: &str| Field::new(name, DataType::Float64, true);
    let day = |name: &str| Field::new(name, moment(), true);
    let note = Field::new("note", DataType::Utf8, true);
    vec![day("lower"), day("median"), day("upper"), value("chance"), value("growth_per_day"), value("highest"), note].into()
});

#[derive(Debug, Clone)]
struct OfSeries {
    question: Question,
    over: Over,
    signature: Signature,
}

impl OfSeries {
    fn new(question: Question, over: Over) -> Self {
        Self { question, over, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl PartialEq for OfSeries {
    fn eq(&self, other: &Self) -> bool {
        self.question == other.question
    }
}

impl Eq for OfSeries {}

impl Hash for OfSeries {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.question.hash(state);
    }
}

impl AggregateUDFImpl for OfSeries {
    fn name(&self) -> &str {
        match self.question {
            Question::Course => "forecast",
            Question::Threshold => "time_to_threshold",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let most = if self.question == Question::Course { 5 } else { 6 };
        if !(3..=most).contains(&types.len()) {
            return match self.question {
                Question::Course => plan_err!("write forecast(timestamp, value, steps [, level [, steps of a season; 0 finds it]])"),
                Question::Threshold => {
                    plan_err!("write time_to_threshold(timestamp, value, threshold [, days [, level [, factor of a class; 0 has none]]])")
                }
            };
        }
        Ok((0..types.len()).map(|at| if at == 0 { moment() } else { DataType::Float64 }).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.question {
            Question::Course => DataType::List(Arc::new(Field::new("item", DataType::Struct(STEP.clone()), true))),
            Question::Threshold => DataType::Struct(REACHED.clone()),
        })
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Series { question: self.question, over: self.over.clone(), points: Vec::new(), options: [None; 4] }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = |name: &str, item: DataType| {
            let item = Field::new("item", item, true);
            Arc::new(Field::new(format!("{}[{name}]", args.name), DataType::List(Arc::new(item)), true))
        };
        Ok(vec![
            list("seconds", DataType::Int64),
            list("values", DataType::Float64),
            list("options", DataType::Float64),
            list("options_since", DataType::Int64),
        ])
    }
}

/// An argument, and the moment of its row in seconds since 1970.
type Given = (i64, f64);

/// The points of a group.
#[derive(Debug)]
struct Series {
    question: Question,
    over: Over,
    /// Seconds since 1970, and value.
    points: Vec<(i64, f64)>,
    /// The arguments after timestamp and value, as the last row has them: a limit may have grown since the first.
    options: [Option<Given>; 4],
}

impl Series {
    fn take(&mut self, points: impl Iterator<Item = (i64, f64)>) -> Result<()> {
        self.points.extend(points);
        if self.points.len() > MAX_POINTS {
            return exec_err!("a series has more than {MAX_POINTS} points; take coarser ones with date_bin");
        }
        Ok(())
    }

    fn give(&mut self, at: usize, given: Given) {
        if let Some(kept) = self.options.get_mut(at)
            && kept.is_none_or(|(known_s, _)| known_s <= given.0)
        {
            *kept = Some(given);
        }
    }

    fn option(&self, at: usize) -> Option<f64> {
        self.options.get(at).copied().flatten().map(|(_, value)| value)
    }

    fn course(&self) -> Result<ScalarValue> {
        let nothing = || ScalarValue::try_from(DataType::List(Arc::new(Field::new("item", DataType::Struct(STEP.clone()), true))));
        let horizon = self.option(0).filter(|steps| *steps >= 1.0).map_or(0, |steps| steps as usize);
        let season = self.option(2).map_or(SeasonOption::Auto, |steps| match steps as usize {
            0 => SeasonOption::Auto,
            steps => SeasonOption::Steps(steps),
        });
        let options = Options { level: self.option(1).unwrap_or(USUAL_LEVEL), season, ..Options::new(horizon) };
        let made = Grid::of(self.points.clone()).and_then(|grid| {
            let made = forecast(&grid.values, grid.step_s.saturating_mul(SECOND_US), &options)?;
            Ok((grid, made))
        });
        let (grid, made) = match made {
            Ok(made) => made,
            Err(error @ ForecastError::BadOption { .. }) => return exec_err!("{error}"),
            Err(_) => return nothing(),
        };
        let at_us = |step: usize| grid.last_s.saturating_add((step as i64 + 1).saturating_mul(grid.step_s)).saturating_mul(SECOND_US);
        let times = TimestampMicrosecondArray::from_iter_values((0..made.mean.len()).map(at_us)).with_timezone("UTC");
        let value = |values: Vec<f64>| -> ArrayRef { Arc::new(Float64Array::from(values)) };
        let columns = vec![Arc::new(times), value(made.mean), value(made.lower), value(made.upper)];
        let steps = StructArray::try_new(STEP.clone(), columns, None)?;
        Ok(SingleRowListArrayBuilder::new(Arc::new(steps)).build_list_scalar())
    }

    fn reached(&self) -> Result<ScalarValue> {
        let Some(threshold) = self.option(0) else { return self.told([None; 3], [None; 3], "there is no threshold") };
        let days = self.option(1).map_or(YEAR_DAYS, |days| if days >= 1.0 { days as usize } else { 0 });
        let class = self.option(3).filter(|factor| *factor > 0.0);
        let options = ThresholdOptions { threshold, days, level: self.option(2).unwrap_or(USUAL_LEVEL), class };
        let made = Grid::of(self.points.clone()).and_then(|grid| {
            let values = grid.days();
            let futures = Futures::read(&values, &options)?;
            let (made, highest) = (futures.time_to_threshold(), futures.at_the_end().map(|day| day.upper));
            Ok((grid, made, highest))
        });
        match made {
            Err(error @ ForecastError::BadOption { .. }) => exec_err!("{error}"),
            Err(error) => self.told([None; 3], [None; 3], &error.to_string()),
            Ok((grid, made, highest)) => {
                let at = |values: Option<f64>| {
                    let seconds = values.map(|values| (values * grid.days_a_value() * DAY_S).ceil() as i64);
                    seconds.map(|seconds| grid.last_s.saturating_add(seconds).saturating_mul(SECOND_US))
                };
                let growth = made.shape.growth_per_day / grid.days_a_value();
                let moments = [at(made.lower), at(made.median), at(made.upper)];
                self.told(moments, [Some(made.chance), Some(growth), highest], &made.why.join(" "))
            }
        }
    }

    fn told(&self, moments: [Option<i64>; 3], values: [Option<f64>; 3], note: &str) -> Result<ScalarValue> {
        let moment = |at| ScalarValue::TimestampMicrosecond(at, Some("UTC".into()));
        let note = ScalarValue::Utf8((!note.is_empty()).then(|| note.to_owned()));
        let cells = moments.into_iter().map(moment).chain(values.into_iter().map(ScalarValue::Float64)).chain([note]);
        let columns = cells.map(|cell| cell.to_array()).collect::<Result<Vec<ArrayRef>>>()?;
        Ok(ScalarValue::Struct(Arc::new(StructArray::try_new(REACHED.clone(), columns, None)?)))
    }
}

impl Accumulator for Series {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        let times = arguments[0].as_primitive::<TimestampMicrosecondType>();
        let values = arguments[1].as_primitive::<Float64Type>();
        let rows = (0..times.len()).filter(|row| times.is_valid(*row));
        for (at, column) in arguments[2..].iter().enumerate() {
            let column: &Float64Array = column.as_primitive::<Float64Type>();
            for row in rows.clone().filter(|row| column.is_valid(*row)) {
                self.give(at, (times.value(row).div_euclid(SECOND_US), column.value(row)));
            }
        }
        let value = |row: usize| if values.is_valid(row) { values.value(row) } else { f64::NAN };
        self.take(rows.map(|row| (times.value(row).div_euclid(SECOND_US), value(row))))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.over.is_set() {
            return exec_err!("nobody waits for the query any more");
        }
        match self.question {
            Question::Course => self.course(),
            Question::Threshold => self.reached(),
        }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.points.capacity() * size_of::<(i64, f64)>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let list = |column: ArrayRef| SingleRowListArrayBuilder::new(column).build_list_scalar();
        Ok(vec![
            list(Arc::new(Int64Array::from_iter_values(self.points.iter().map(|point| point.0)))),
            list(Arc::new(Float64Array::from_iter_values(self.points.iter().map(|point| point.1)))),
            list(Arc::new(Float64Array::from_iter(self.options.map(|given| given.map(|(_, value)| value))))),
            list(Arc::new(Int64Array::from_iter(self.options.map(|given| given.map(|(at_s, _)| at_s))))),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists: Vec<&ListArray> = states.iter().map(|state| state.as_list::<i32>()).collect();
        for row in 0..lists[0].len() {
            let (seconds, values, options) = (lists[0].value(row), lists[1].value(row), lists[2].value(row));
            let (seconds, values) = (seconds.as_primitive::<Int64Type>(), values.as_primitive::<Float64Type>());
            let since = lists[3].value(row);
            for (at, given) in since.as_primitive::<Int64Type>().iter().zip(options.as_primitive::<Float64Type>()).enumerate() {
                if let (Some(at_s), Some(value)) = given {
                    self.give(at, (at_s, value));
                }
            }
            self.take(seconds.values().iter().copied().zip(values.values().iter().copied()))?;
        }
        Ok(())
    }
}
