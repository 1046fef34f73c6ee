//! Functions that people need and DataFusion lacks, and bounds for those it has that can grow without one.

mod bounded_growth;
mod forecast_functions;
mod log_template;
mod series_bound;
mod series_functions;
mod series_machine;
mod severity_words;
mod text_concat;

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableFunction;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::ScalarUDF;
use datafusion::logical_expr::planner::ExprPlanner;

pub(super) use bounded_growth::GROWING;
pub(super) use forecast_functions::forecast_functions;
pub(super) use series_functions::series_functions;

/// All scalar functions of the engine.
pub(super) fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    let mut functions: Vec<Arc<ScalarUDF>> =
        SessionStateDefaults::default_scalar_functions().into_iter().map(bounded_growth::bounded).collect();
    functions.push(Arc::new(bounded_growth::bounded_udf(text_concat::TextConcat::new())));
    functions.push(Arc::new(ScalarUDF::from(log_template::LogTemplate::new())));
    functions.push(Arc::new(ScalarUDF::from(severity_words::CodeName::severity())));
    functions.push(Arc::new(ScalarUDF::from(severity_words::CodeName::facility())));
    functions
}

/// The functions that may stand in a FROM clause.
pub(super) fn table_functions() -> HashMap<String, Arc<TableFunction>> {
    SessionStateDefaults::default_table_functions()
        .into_iter()
        .map(|function| (function.name().to_owned(), Arc::new(series_bound::bounded(&function))))
        .collect()
}

/// Turns operators into functions: ours first, then DataFusion's own.
pub(super) fn expr_planners() -> Vec<Arc<dyn ExprPlanner>> {
    let mut planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(text_concat::ConcatPlanner), Arc::new(series_functions::SeriesPlanner)];
    planners.extend(SessionStateDefaults::default_expr_planners());
    planners
}
