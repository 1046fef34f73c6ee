//! The gate: what a statement may be before anything is planned, and what a plan may hold before it runs.
//!
//! It is a list of what is allowed. Everything else is refused by name, so that a statement kind that a later parser
//! learns is refused until somebody allows it here.

use std::ops::ControlFlow;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Expr as PlanExpr, LogicalPlan};
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, ObjectName, Query, Select, SetExpr, Statement as SqlStatement, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::functions::GROWING;
use super::plan_size::RelationCount;
use super::{Config, QueryError, forecast_tables};

/// How deep parentheses, subqueries and operators may nest. People nest five or six levels; the parser refuses beyond.
const MAX_NESTING: usize = 50;

/// How deep operators may nest. Chains such as `a = 1 OR a = 2 OR ...` nest a level for each link; the planner's passes take
/// time with the square of that, which no limit of the stream covers. Long lists belong into IN.
const MAX_EXPRESSION_DEPTH: usize = 400;

/// Groupings of one GROUP BY. Every batch of rows is grouped once for each, without a pause in which it could be ended.
const MAX_GROUPING_SETS: usize = 64;

/// Calls, in one statement, of functions whose result can be much longer than their arguments. Together with
/// the bound on what each call returns, this bounds what a projection can hold outside the memory pool.
const MAX_GROWING_CALLS: usize = 64;

/// Bytes of the constants in one row of one step of a plan: 8,192 rows of them are 256 MiB.
const MAX_CONSTANT_BYTES: usize = 32 << 10;

/// Functions in a FROM clause: they make rows out of numbers and lists, never out of files.
const TABLE_FUNCTIONS: [&str; 3] = ["generate_series", "range", "unnest"];

/// A table of the information schema that tells folders of the machine.
const SETTINGS_TABLE: &str = "df_settings";

const ONLY_READS: &str = "Only SELECT, EXPLAIN, DESCRIBE, SHOW TABLES, SHOW COLUMNS and SHOW FUNCTIONS are allowed";

/// Parses `sql` and looks through the syntax tree. `Ok` holds the one statement, fit for planning.
pub(super) fn admit(sql: &str, config: &Config) -> Result<Statement, QueryError> {
    if sql.len() > config.max_query_bytes {
        let detail = format!("its text is {} bytes long, {} are allowed", sql.len(), config.max_query_bytes);
        return Err(QueryError::refused(detail, "Shorten it, or hand long lists over as a table of the log itself"));
    }
    let tokens = tokens(sql)?;
    let words = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).count();
    if words > config.max_query_tokens {
        let detail = format!("it has {words} words and signs, {} are allowed", config.max_query_tokens);
        return Err(QueryError::refused(detail, "Shorten it"));
    }
    let mut parser = DFParserBuilder::new(tokens)
        .with_dialect(&PostgreSqlDialect {})
        .with_recursion_limit(MAX_NESTING)
        .build()
        .map_err(QueryError::from)?;
    let mut statements = parser.parse_statements().map_err(QueryError::from)?;
    let Some(mut statement) = statements.pop_front() else {
        return Err(QueryError::Syntax { detail: "there is no statement in it".into() });
    };
    if !statements.is_empty() {
        return Err(QueryError::refused(format!("it holds {} statements", statements.len() + 1), "Send one statement at a time"));
    }
    forecast_tables::rewrite(&mut statement, MAX_NESTING)?;
    look_through(&statement, config)?;
    Ok(statement)
}

fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>, QueryError> {
    Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location().map_err(|error| QueryError::Syntax { detail: error.to_string() })
}

fn look_through(statement: &Statement, config: &Config) -> Result<(), QueryError> {
    match statement {
        Statement::Statement(statement) => look_through_sql(statement, config),
        Statement::Explain(explain) => look_through(&explain.statement, config),
        Statement::CreateExternalTable(_) => Err(QueryError::refused("it creates a table over files", ONLY_READS)),
        Statement::CopyTo(_) => Err(QueryError::refused("it copies to a file", ONLY_READS)),
        Statement::Reset(_) => Err(QueryError::refused("it changes settings", ONLY_READS)),
    }
}

fn look_through_sql(statement: &SqlStatement, config: &Config) -> Result<(), QueryError> {
    let mut inspection = Inspection::default();
    let _ = statement.visit(&mut inspection);
    if let Some(error) = inspection.refusal {
        return Err(error);
    }
    let mut count = RelationCount::default();
    let _ = statement.visit(&mut count);
    if count.total() > config.max_relations as u64 {
        let detail = format!("it reads tables {} times once its WITH parts are written out", count.total());
        return Err(QueryError::refused(detail, format!("At most {} are allowed; join fewer parts", config.max_relations)));
    }
    Ok(())
}

/// Walks the syntax tree and keeps the first reason to refuse.
#[derive(Debug, Default)]
struct Inspection {
    refusal: Option<QueryError>,
    depth: usize,
}

impl Inspection {
    fn refuse(&mut self, detail: impl Into<String>, advice: &str) -> ControlFlow<()> {
        self.refusal = Some(QueryError::refused(detail, advice));
        ControlFlow::Break(())
    }

    fn table_function(&mut self, name: &ObjectName) -> ControlFlow<()> {
        let written = name.to_string();
        if TABLE_FUNCTIONS.contains(&written.to_lowercase().trim_matches('"')) {
            return ControlFlow::Continue(());
        }
        self.refuse(
            format!("{written} is not a function for a FROM clause"),
            "generate_series, range, unnest, forecast and time_to_threshold are",
        )
    }
}

impl Visitor for Inspection {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &SqlStatement) -> ControlFlow<()> {
        match statement {
            SqlStatement::Query(_)
            | SqlStatement::Explain { .. }
            | SqlStatement::ExplainTable { .. }
            | SqlStatement::ShowTables { .. }
            | SqlStatement::ShowColumns { .. }
            | SqlStatement::ShowFunctions { .. } => ControlFlow::Continue(()),
            other => self.refuse(format!("it begins with {}", first_words(other)), ONLY_READS),
        }
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if query.with.as_ref().is_some_and(|with| with.recursive) {
            return self.refuse("it has WITH RECURSIVE", "Write the steps out; recursion has no bound");
        }
        if !query.locks.is_empty() {
            return self.refuse("it locks rows", "Leave FOR UPDATE and FOR SHARE out; nothing changes under a query");
        }
        if matches!(*query.body, SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)) {
            return self.refuse("it changes rows", ONLY_READS);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        if select.into.is_some() {
            return self.refuse("SELECT INTO makes a table", ONLY_READS);
        }
        if grouping_sets(&select.group_by) > MAX_GROUPING_SETS {
            let detail = format!("its GROUP BY makes more than {MAX_GROUPING_SETS} groupings");
            return self.refuse(detail, "Name fewer columns in CUBE, ROLLUP or GROUPING SETS");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let last = relation.0.last().map(|part| part.to_string().trim_matches('"').to_lowercase());
        match last.as_deref() {
            Some(SETTINGS_TABLE) => self.refuse("it reads the engine's settings", "The configuration file documents them"),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.depth += 1;
        if self.depth > MAX_EXPRESSION_DEPTH {
            let detail = format!("an expression nests more than {MAX_EXPRESSION_DEPTH} levels or links deep");
            return self.refuse(detail, "Write long lists of alternatives with IN (...)");
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => self.table_function(name),
            TableFactor::Table { args: None, .. }
            | TableFactor::Derived { .. }
            | TableFactor::UNNEST { .. }
            | TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            other => self.refuse(format!("{} is not a table", cut(&other.to_string())), "Name a table that SHOW TABLES lists"),
        }
    }
}

/// How many groupings a GROUP BY stands for: CUBE doubles with each column, and several parts multiply.
fn grouping_sets(group_by: &GroupByExpr) -> usize {
    let GroupByExpr::Expressions(parts, modifiers) = group_by else { return 1 };
    let sets = parts.iter().map(|part| match part {
        Expr::Cube(columns) => 1_usize.checked_shl(columns.len().min(64) as u32).unwrap_or(usize::MAX),
        Expr::Rollup(columns) => columns.len() + 1,
        Expr::GroupingSets(sets) => sets.len(),
        _ => 1,
    });
    // WITH CUBE and its like, which the dialect does not have.
    let first = if modifiers.is_empty() { 1 } else { usize::MAX };
    sets.fold(first, usize::saturating_mul)
}

/// The first two words of a statement, for a message.
fn first_words(statement: &SqlStatement) -> String {
    statement.to_string().split_whitespace().take(2).map(cut).collect::<Vec<_>>().join(" ")
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// Looks through the plan: a second gate behind the first, in the words of the planner instead of the parser.
pub(super) fn admit_plan(plan: &LogicalPlan) -> Result<(), QueryError> {
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(plan)
        .map_err(|error| QueryError::refused(error.strip_backtrace(), ONLY_READS))?;
    let mut growing = 0;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let PlanExpr::ScalarFunction(call) = expr
                    && GROWING.contains(&call.func.name())
                {
                    growing += 1;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })
    .map_err(QueryError::from)?;
    if growing > MAX_GROWING_CALLS {
        let detail = format!("it calls repeat, concat, || and their like {growing} times, {MAX_GROWING_CALLS} are allowed");
        return Err(QueryError::refused(detail, "Put the pieces together where the result is read"));
    }
    Ok(())
}

/// Looks at constants in the optimized plan. A constant in a column is copied to every row of a batch, so long ones come to
/// [`MAX_CONSTANT_BYTES`] times the rows of a batch outside the memory pool.
pub(super) fn admit_optimized(plan: &LogicalPlan) -> Result<(), QueryError> {
    plan.apply_with_subqueries(|node| {
        // A filter compares with its constants and copies none.
        if matches!(node, LogicalPlan::Filter(_) | LogicalPlan::TableScan(_) | LogicalPlan::Values(_)) {
            return Ok(TreeNodeRecursion::Continue);
        }
        let mut bytes = 0;
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let PlanExpr::Literal(value, _) = expr {
                    bytes += value.size();
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        if bytes > MAX_CONSTANT_BYTES {
            let detail = format!("the constants of one row come to {bytes} bytes, {MAX_CONSTANT_BYTES} are allowed");
            return Err(QueryError::refused(detail, "Use shorter ones, or fewer columns of them").into());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(sql: &str) -> Result<(), String> {
        admit(sql, &Config::default()).map(|_| ()).map_err(|error| error.kind().to_owned())
    }

    #[test]
    fn what_people_ask_passes() {
        for sql in [
            "SELECT host, count(*) FROM logs WHERE severity <= 3 GROUP BY host;",
            "WITH recent AS (SELECT * FROM logs) SELECT a.host FROM recent a JOIN recent b ON a.host = b.host",
            "EXPLAIN ANALYZE SELECT * FROM samples",
            "DESCRIBE logs",
            "SHOW TABLES",
            "SHOW COLUMNS FROM logs",
            "SELECT * FROM information_schema.columns",
            "SELECT attributes['user'] FROM logs",
            "SELECT value FROM generate_series(1, 10)",
            "VALUES (1, 'a')",
        ] {
            assert_eq!(verdict(sql), Ok(()), "{sql}");
        }
    }

    #[test]
    fn what_writes_or_sets_is_refused_wherever_it_hides() {
        for sql in [
            "COPY logs TO '/tmp/x'",
            "EXPLAIN COPY logs TO '/tmp/x'",
            "EXPLAIN ANALYZE INSERT INTO logs SELECT * FROM logs",
            "WITH a AS (DELETE FROM logs RETURNING *) SELECT * FROM a",
            "SELECT * INTO other FROM logs",
            "SELECT 1; SELECT 2",
            "SET datafusion.execution.batch_size = 1",
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM information_schema.df_settings",
            "WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT * FROM a) SELECT * FROM a",
        ] {
            assert_eq!(verdict(sql), Err("refused".into()), "{sql}");
        }
    }

    #[test]
    fn groupings_are_counted_before_they_are_made() {
        assert_eq!(verdict("SELECT count(*) FROM logs GROUP BY CUBE (a, b, c, d, e, f)"), Ok(()));
        assert_eq!(verdict("SELECT count(*) FROM logs GROUP BY ROLLUP (a, b), host"), Ok(()));
        assert_eq!(verdict("SELECT count(*) FROM logs GROUP BY CUBE (a, b, c, d, e, f, g)"), Err("refused".into()));
        assert_eq!(verdict("SELECT count(*) FROM logs GROUP BY CUBE (a, b, c, d), CUBE (e, f, g)"), Err("refused".into()));
    }

    #[test]
    fn texts_and_trees_out_of_proportion_are_refused() {
        assert_eq!(verdict(&format!("SELECT '{}'", "x".repeat(70_000))), Err("refused".into()));
        assert_eq!(verdict(&format!("SELECT 1{}", "+1".repeat(8_000))), Err("refused".into()));
        assert_eq!(verdict(&format!("SELECT 1{}", "+1".repeat(500))), Err("refused".into()));
        assert_eq!(verdict(&format!("SELECT 1{}", "+1".repeat(390))), Ok(()));
        assert_eq!(verdict(&format!("SELECT 1 IN (1{})", ",1".repeat(3_000))), Ok(()));
        assert_eq!(verdict(&format!("SELECT {}1{}", "(".repeat(200), ")".repeat(200))), Err("syntax".into()));
    }
}
