//! `forecast('SELECT ...', 30)` and `time_to_threshold('SELECT ...')` in a FROM clause.
//!
//! The first argument is a query with the columns `timestamp` and `value` (and `threshold`, for the second function); its other
//! columns tell the series apart. The call is rewritten, before the gate looks at the statement, into the aggregate of the same
//! name over that query: what it may read is judged like everything else.
//!
//! ```sql
//! SELECT host, lower, median, upper
//! FROM time_to_threshold('SELECT day AS timestamp, entity[''host''] AS host, last AS value, 0.9 * limit_value AS threshold
//!     FROM capacity_days WHERE question = ''filesystem_space''')
//! ```

use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArgOperator, Ident, ObjectName, Query, SetExpr, Statement as SqlStatement, TableAlias,
    TableFactor, TableFunctionArgs, Value, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::{GenericDialect, PostgreSqlDialect};

use super::QueryError;

/// The functions, the names of their arguments after the query, and what stands for one that is not given.
const FUNCTIONS: [(&str, [(&str, &str); 3]); 2] = [
    ("forecast", [("horizon", ""), ("level", "0.95"), ("season", "0")]),
    ("time_to_threshold", [("days", "365"), ("level", "0.95"), ("class", "0")]),
];

/// Calls in one statement; each plans a query of its own.
const MOST_CALLS: usize = 8;

/// Rewrites the calls in a statement.
///
/// # Errors
/// A call's first argument is no text with one query, or an argument is missing or unknown.
pub(super) fn rewrite(statement: &mut Statement, nesting: usize) -> Result<(), QueryError> {
    match statement {
        Statement::Statement(statement) => {
            let mut rewriting = Rewriting { nesting, calls: 0, refusal: None };
            let _ = VisitMut::visit(statement.as_mut(), &mut rewriting);
            rewriting.refusal.map_or(Ok(()), Err)
        }
        Statement::Explain(explain) => rewrite(&mut explain.statement, nesting),
        _ => Ok(()),
    }
}

struct Rewriting {
    nesting: usize,
    calls: usize,
    refusal: Option<QueryError>,
}

impl VisitorMut for Rewriting {
    type Break = ();

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let rewritten = match factor {
            TableFactor::Table { name, args: Some(TableFunctionArgs { args, .. }), alias, .. }
            | TableFactor::Function { name, args, alias, .. } => self.call(name, args, alias.clone()),
            _ => Ok(None),
        };
        match rewritten {
            Ok(Some(rewritten)) => *factor = rewritten,
            Ok(None) => {}
            Err(error) => {
                self.refusal = Some(error);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}

impl Rewriting {
    fn call(&mut self, name: &ObjectName, args: &[FunctionArg], alias: Option<TableAlias>) -> Result<Option<TableFactor>, QueryError> {
        let written = name.to_string().to_lowercase();
        let Some((function, parameters)) = FUNCTIONS.into_iter().find(|(function, _)| *function == written) else { return Ok(None) };
        self.calls += 1;
        if self.calls > MOST_CALLS {
            return Err(QueryError::refused(format!("it forecasts more than {MOST_CALLS} times"), "Ask in several statements"));
        }
        let (query, given) = arguments(function, &parameters, args)?;
        let inner = one_query(function, &query, self.nesting)?;
        let asked = format!("(SELECT NULL) AS {ASKED}");
        let [first, second, third] = &given;
        let sql = match function {
            "forecast" => format!(
                "SELECT * EXCLUDE (forecast_step), forecast_step['timestamp'] AS \"timestamp\", forecast_step['mean'] AS mean, \
                 forecast_step['lower'] AS lower, forecast_step['upper'] AS upper FROM (SELECT * EXCLUDE (forecast_steps), \
                 unnest(forecast_steps) AS forecast_step FROM (SELECT * EXCLUDE (\"timestamp\", \"value\"), \
                 forecast(\"timestamp\", \"value\", {first}, {second}, {third}) AS forecast_steps FROM {asked} GROUP BY ALL))"
            ),
            _ => format!(
                "SELECT * EXCLUDE (reached), reached['lower'] AS lower, reached['median'] AS median, reached['upper'] AS upper, \
                 reached['chance'] AS chance, reached['growth_per_day'] AS growth_per_day, \
                 reached['highest'] AS highest, reached['note'] AS note FROM (SELECT * EXCLUDE \
                 (\"timestamp\", \"value\", threshold), last_value(threshold ORDER BY \"timestamp\") FILTER (WHERE threshold IS NOT NULL AND \"timestamp\" IS NOT NULL) AS threshold, \
                 time_to_threshold(\"timestamp\", \"value\", threshold, {first}, {second}, {third}) AS reached FROM {asked} GROUP BY ALL)"
            ),
        };
        let subquery = parsed(&sql, self.nesting, true)?;
        let SqlStatement::Query(mut subquery) = subquery else { return Err(QueryError::internal("a forecast is no query")) };
        // The query is set in as it was read: written out and read again in another dialect it might say something else.
        let _ = VisitMut::visit(subquery.as_mut(), &mut Insertion(Some(inner)));
        let alias = alias.or_else(|| Some(TableAlias { name: Ident::new(function), columns: Vec::new(), explicit: true, at: None }));
        Ok(Some(TableFactor::Derived { lateral: false, subquery, alias, sample: None }))
    }
}

/// The name of the query in the statement that is made of a call.
const ASKED: &str = "asked";

/// Sets a query in where [`ASKED`] stands.
struct Insertion(Option<Box<Query>>);

impl VisitorMut for Insertion {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Derived { subquery, alias: Some(alias), .. } if alias.name.value == ASKED => match self.0.take() {
                Some(query) => {
                    *subquery = query;
                    ControlFlow::Break(())
                }
                None => ControlFlow::Break(()),
            },
            _ => ControlFlow::Continue(()),
        }
    }
}

/// The text of the query, and the arguments after it as SQL.
fn arguments(function: &str, parameters: &[(&str, &str); 3], args: &[FunctionArg]) -> Result<(String, [String; 3]), QueryError> {
    let usage = match function {
        "forecast" => "Write forecast('SELECT timestamp, value FROM ...', horizon [, level [, season]])",
        _ => "Write time_to_threshold('SELECT timestamp, value, threshold FROM ...' [, days [, level]])",
    };
    let wrong = |detail: String| QueryError::refused(format!("{function}: {detail}"), usage);
    let mut query = None;
    let mut given = parameters.map(|(_, default)| default.to_owned());
    for (at, arg) in args.iter().enumerate() {
        let (place, arg) = match arg {
            FunctionArg::Unnamed(arg) => (at, arg),
            FunctionArg::Named { name, arg, operator: FunctionArgOperator::RightArrow }
            | FunctionArg::ExprNamed { name: Expr::Identifier(name), arg, operator: FunctionArgOperator::RightArrow } => {
                let known = parameters.iter().position(|(known, _)| !known.is_empty() && *known == name.value.to_lowercase());
                (1 + known.ok_or_else(|| wrong(format!("there is no argument `{}`", name.value)))?, arg)
            }
            _ => return Err(wrong("an argument could not be read".to_owned())),
        };
        let FunctionArgExpr::Expr(expression) = arg else { return Err(wrong("an argument could not be read".to_owned())) };
        let Expr::Value(value) = expression else { return Err(wrong(format!("`{expression}` is no plain value"))) };
        match (place, &value.value) {
            (0, Value::SingleQuotedString(text)) => query = Some(text.clone()),
            (0, Value::DollarQuotedString(text)) => query = Some(text.value.clone()),
            (3, Value::SingleQuotedString(text)) if text == "auto" => given[2] = "0".to_owned(),
            (1..=3, Value::Number(..) | Value::Placeholder(_)) if !parameters[place - 1].0.is_empty() => {
                given[place - 1] = value.to_string();
            }
            _ => return Err(wrong(format!("`{value}` does not belong there"))),
        }
    }
    let query = query.ok_or_else(|| wrong("the first argument is a query as text".to_owned()))?;
    match parameters.iter().zip(&given).find(|((name, _), value)| !name.is_empty() && value.is_empty()) {
        Some(((name, _), _)) => Err(wrong(format!("`{name}` is missing"))),
        None => Ok((query, given)),
    }
}

/// The query that stands in a text: nothing but one query comes through.
fn one_query(function: &str, text: &str, nesting: usize) -> Result<Box<Query>, QueryError> {
    match parsed(text, nesting, false)? {
        SqlStatement::Query(query) if !matches!(*query.body, SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_)) => Ok(query),
        _ => Err(QueryError::refused(format!("the text in {function} is no query"), "Write a SELECT statement into it")),
    }
}

fn parsed(sql: &str, nesting: usize, own: bool) -> Result<SqlStatement, QueryError> {
    let builder = DFParserBuilder::new(sql).with_recursion_limit(nesting);
    // What is written here uses EXCLUDE, which PostgreSQL does not have.
    let mut parser = if own { builder.with_dialect(&GenericDialect {}) } else { builder.with_dialect(&PostgreSqlDialect {}) }.build()?;
    let mut statements = parser.parse_statements()?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(Statement::Statement(statement)), true) => Ok(*statement),
        _ => Err(QueryError::refused("a text in it is not one query", "Write one SELECT statement into it")),
    }
}
