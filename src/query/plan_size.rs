//! How many tables a statement reads once its common table expressions are written out.
//!
//! The planner copies a common table expression to every place that names it. Lines that each join the line before with
//! itself double the plan, and forty of them would fill the memory in planning, which no limit of the stream covers.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{ObjectName, Query, Select, Visitor};

/// Counts while the syntax tree is walked. Names of common table expressions are taken as one scope for the whole
/// statement: a name that hides another counts as the larger of both, so the count errs upwards.
#[derive(Debug, Default)]
pub(super) struct RelationCount {
    /// Weight of each common table expression met so far.
    named: HashMap<String, u64>,
    /// Bodies of common table expressions, by the address of their query, and their names.
    bodies: HashMap<usize, String>,
    /// One count for each query around the present place.
    open: Vec<u64>,
    total: u64,
}

impl RelationCount {
    /// Tables read by the whole statement.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    fn address(query: &Query) -> usize {
        std::ptr::from_ref(query).addr()
    }
}

impl Visitor for RelationCount {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.bodies.insert(Self::address(&cte.query), cte.alias.name.value.to_lowercase());
        }
        self.open.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        // A body without tables still is a part of the plan.
        let weight = self.open.pop().unwrap_or(0).max(1);
        if let Some(name) = self.bodies.remove(&Self::address(query)) {
            let known = self.named.entry(name).or_insert(0);
            *known = weight.max(*known);
        }
        let around = self.open.last_mut().unwrap_or(&mut self.total);
        *around = around.saturating_add(weight);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        // Without a table it still is a part of the plan: a chain of unions nests as deep as one of joins.
        if select.from.is_empty() {
            let around = self.open.last_mut().unwrap_or(&mut self.total);
            *around = around.saturating_add(1);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let name = relation.0.last().map(|part| part.to_string().trim_matches('"').to_lowercase());
        let weight = name.and_then(|name| self.named.get(&name).copied()).unwrap_or(1);
        let around = self.open.last_mut().unwrap_or(&mut self.total);
        *around = around.saturating_add(weight);
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::ast::Visit;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn count(sql: &str) -> u64 {
        let statements = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap();
        let mut count = RelationCount::default();
        let _ = statements.visit(&mut count);
        count.total()
    }

    #[test]
    fn plain_statements_count_their_tables() {
        assert_eq!(count("SELECT 1"), 1);
        assert_eq!(count("SELECT * FROM logs"), 1);
        assert_eq!(count("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT * FROM logs"), 3);
        assert_eq!(count("SELECT * FROM logs a JOIN logs b USING (host) WHERE host IN (SELECT host FROM series)"), 3);
    }

    #[test]
    fn doubling_doubles() {
        let mut sql = "WITH c0 AS (SELECT 1 AS x)".to_owned();
        for level in 1..=20 {
            sql.push_str(&format!(", c{level} AS (SELECT a.x FROM c{0} a, C{0} b)", level - 1));
        }
        sql.push_str(" SELECT * FROM c20");
        assert!(count(&sql) > 1 << 20);
    }

    #[test]
    fn a_name_that_hides_another_counts_as_the_larger() {
        let heavy = "WITH a AS (SELECT * FROM t, t, t) SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a, a) x, a";
        assert!(count(heavy) >= 9);
    }
}
