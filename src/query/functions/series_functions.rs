//! Detectors as window functions: `anomaly(value) OVER (PARTITION BY series_id ORDER BY timestamp)`.
//!
//! The series is what the window is partitioned by, its time what it is ordered by. A planner hands both to the function as
//! further arguments, so that the state of a series can be kept from one run of a rule to the next ([`SeriesStates`]):
//! by hand, in a back-test and live it is the same code over the same points.

use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawWindowExpr};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowFunctionDefinition, WindowUDF, WindowUDFImpl, lit};

use super::series_machine::{Machine, Results, SeriesFunction};
use crate::anomaly::SeriesStates;

/// All functions, with the states that this query continues from; without, every series begins anew.
pub(in crate::query) fn series_functions(states: Option<&Arc<dyn SeriesStates>>) -> Vec<Arc<WindowUDF>> {
    let function = |function| Arc::new(WindowUDF::from(OverSeries::new(function, states.cloned())));
    SeriesFunction::ALL.into_iter().map(function).collect()
}

#[derive(Debug, Clone)]
struct OverSeries {
    function: SeriesFunction,
    states: Option<Arc<dyn SeriesStates>>,
    signature: Signature,
}

impl OverSeries {
    fn new(function: SeriesFunction, states: Option<Arc<dyn SeriesStates>>) -> Self {
        Self { function, states, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl PartialEq for OverSeries {
    fn eq(&self, other: &Self) -> bool {
        self.function == other.function
    }
}

impl Eq for OverSeries {}

impl Hash for OverSeries {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.hash(state);
    }
}

/// Arguments before those of the planner: the value and the extras.
fn own_arguments(function: SeriesFunction) -> usize {
    1 + function.extras().1
}

impl WindowUDFImpl for OverSeries {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let own = own_arguments(self.function);
        if types.len() <= own {
            return plan_err!(
                "{0} needs a series and its order: write {0}(...) OVER (PARTITION BY series_id ORDER BY timestamp)",
                self.function.name()
            );
        }
        let coerced = types.iter().enumerate().map(|(at, kind)| match at {
            at if at < own => DataType::Float64,
            at if at == own => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            _ => kind.clone(),
        });
        Ok(coerced.collect())
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(SeriesEvaluator { function: self.function, states: self.states.clone() }))
    }

    fn field(&self, arguments: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(arguments.name(), self.function.result(), true)))
    }
}

#[derive(Debug)]
struct SeriesEvaluator {
    function: SeriesFunction,
    states: Option<Arc<dyn SeriesStates>>,
}

impl PartitionEvaluator for SeriesEvaluator {
    fn evaluate_all(&mut self, arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let own = own_arguments(self.function);
        let values = arguments[0].as_primitive::<Float64Type>();
        let times_us = arguments[own].as_primitive::<TimestampMicrosecondType>();
        let times_s: Vec<i64> = times_us.values().iter().map(|at_us| at_us.div_euclid(1_000_000)).collect();
        let first = |column: &ArrayRef| {
            let column: &Float64Array = column.as_primitive::<Float64Type>();
            (!column.is_empty() && column.is_valid(0)).then(|| column.value(0))
        };
        let extras: Vec<Option<f64>> = arguments[1..own].iter().map(first).collect();
        let fresh = self.function.start(&extras, &times_s);
        let mut results = Results::new(self.function, rows);
        let points = Points { times_s: &times_s, times: times_us, values };
        match &self.states {
            None => {
                let mut machine = fresh;
                (0..rows).for_each(|row| points.step(row, &mut machine, &mut results));
            }
            Some(states) => {
                let key = key_of(self.function, &arguments[own + 1..])?;
                run_kept(fresh, states.as_ref(), key, &points, &mut results);
            }
        }
        Ok(results.finish())
    }
}

/// The rows of one series.
struct Points<'a> {
    times_s: &'a [i64],
    times: &'a dyn Array,
    values: &'a Float64Array,
}

impl Points<'_> {
    fn step(&self, row: usize, machine: &mut Machine, results: &mut Results) {
        if self.times.is_null(row) || self.values.is_null(row) {
            results.nothing();
        } else {
            machine.step(self.times_s[row], self.values.value(row), results);
        }
    }
}

/// Continues a series from its kept state. Points before it were taken in by an earlier run; those that are not settled yet
/// are judged and not kept, for the next run reads them again.
fn run_kept(fresh: Machine, states: &dyn SeriesStates, key: String, points: &Points<'_>, results: &mut Results) {
    let (mut machine, kept_until_s) = match states.load(&key) {
        Some((bytes, until_s)) => match fresh.clone().restored(&bytes) {
            Ok(machine) => (machine, until_s),
            // Another version wrote it: the series begins anew.
            Err(_) => (fresh, i64::MIN),
        },
        None => (fresh, i64::MIN),
    };
    let settled_until_s = states.settled_until_s();
    let mut settled = None;
    for (row, time_s) in points.times_s.iter().enumerate() {
        if *time_s < kept_until_s {
            results.nothing();
            continue;
        }
        if settled.is_none() && *time_s >= settled_until_s {
            settled = Some(machine.to_bytes());
        }
        points.step(row, &mut machine, results);
    }
    let settled = settled.unwrap_or_else(|| machine.to_bytes());
    states.save(key, settled, settled_until_s.max(kept_until_s));
}

/// The series' name among the kept states: the function and what the window is partitioned by.
fn key_of(function: SeriesFunction, partition: &[ArrayRef]) -> Result<String> {
    let mut key = function.name().to_owned();
    for column in partition {
        let options = FormatOptions::default().with_null("\u{1}");
        let text = if column.is_empty() { String::new() } else { ArrayFormatter::try_new(column, &options)?.value(0).to_string() };
        key.push('\u{0}');
        key.push_str(&text);
    }
    Ok(key)
}

/// Hands the window's order and partition to the functions over series.
#[derive(Debug)]
pub(super) struct SeriesPlanner;

impl ExprPlanner for SeriesPlanner {
    fn plan_window(&self, mut window: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        let WindowFunctionDefinition::WindowUDF(called) = &window.func_def else { return Ok(PlannerResult::Original(window)) };
        let Some(function) = called.inner().downcast_ref::<OverSeries>().map(|over| over.function) else {
            return Ok(PlannerResult::Original(window));
        };
        let (needed, most) = function.extras();
        let given = window.args.len();
        if !(1 + needed..=1 + most).contains(&given) {
            let wanted = if needed == most { format!("{}", 1 + most) } else { format!("{} to {}", 1 + needed, 1 + most) };
            return plan_err!("{} takes {wanted} arguments, not {given}", function.name());
        }
        let [order] = window.order_by.as_slice() else {
            return plan_err!(
                "{} needs the time that the series is ordered by: OVER (PARTITION BY ... ORDER BY timestamp)",
                function.name()
            );
        };
        if !order.asc {
            return plan_err!("{} goes forward in time: write ORDER BY timestamp without DESC", function.name());
        }
        let order = order.expr.clone();
        // Two calls of one function over different values are two series.
        let named = window.args[0].to_string();
        window.args.resize_with(1 + most, || lit(datafusion::common::ScalarValue::Float64(None)));
        window.args.push(order);
        window.args.push(lit(named));
        window.args.extend(window.partition_by.iter().cloned());
        Ok(PlannerResult::Original(window))
    }
}
