//! What a query wants of a view: which columns, and which rows as far as the store can tell. It is asked of SQLite, so that the bounds of a
//! view cut what the query asks for and not what lies in front of it.

use std::fmt::Write as _;

use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

/// The part of a view that a query reads. The default is all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ViewScan {
    /// Columns by their place in the view, in this order; `None` for all. Empty: only how many rows there are.
    pub columns: Option<Vec<usize>>,
    /// Conditions that hold for every row that is wanted. A view may pass over some of them: whoever asks filters again.
    pub conditions: Vec<ViewCondition>,
}

/// A condition on a row. Columns go by their place in the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewCondition {
    /// A column against a value.
    Compare {
        /// The column.
        column: usize,
        /// How.
        comparison: Comparison,
        /// The value.
        value: ViewValue,
    },
    /// A column is one of some values.
    OneOf {
        /// The column.
        column: usize,
        /// The values.
        values: Vec<ViewValue>,
    },
    /// A column holds nothing, or (`negated`) something.
    IsNull {
        /// The column.
        column: usize,
        /// Whether it is to hold something.
        negated: bool,
    },
    /// All of them hold.
    All(Vec<ViewCondition>),
    /// One of them holds.
    Any(Vec<ViewCondition>),
}

/// How a column and a value compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`.
    Equal,
    /// `<>`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    AtMost,
    /// `>`.
    Greater,
    /// `>=`.
    AtLeast,
}

/// A value that a column is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewValue {
    /// A whole number, or a moment in microseconds.
    Integer(i64),
    /// Text, compared byte by byte.
    Text(String),
}

impl Comparison {
    const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// Conditions in the SQL of the store, with the values of its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenConditions {
    /// An expression; `TRUE` without conditions.
    pub sql: String,
    values: Vec<ViewValue>,
    first: usize,
}

impl ViewScan {
    /// The conditions as SQL. `name` says what a column is called there; conditions on a column without a name are left out. Parameters
    /// are numbered from `first`.
    pub fn written(&self, first: usize, name: impl Fn(usize) -> Option<&'static str>) -> WrittenConditions {
        let mut written = WrittenConditions { sql: String::new(), values: Vec::new(), first };
        let all = written.list(&self.conditions, " AND ", false, &name);
        written.sql = all.unwrap_or_else(|| "TRUE".to_owned());
        written
    }
}

impl WrittenConditions {
    /// The number of the parameter after its own.
    pub fn next_parameter(&self) -> usize {
        self.first + self.values.len()
    }

    /// Gives a statement the values of the parameters.
    pub fn bind<'q>(&'q self, query: Query<'q, Sqlite, SqliteArguments>) -> Query<'q, Sqlite, SqliteArguments> {
        self.values.iter().fold(query, |query, value| match value {
            ViewValue::Integer(value) => query.bind(*value),
            ViewValue::Text(value) => query.bind(value.as_str()),
        })
    }

    fn one(&mut self, condition: &ViewCondition, name: &impl Fn(usize) -> Option<&'static str>) -> Option<String> {
        Some(match condition {
            ViewCondition::Compare { column, comparison, value } => {
                format!("{} {} {}", name(*column)?, comparison.sign(), self.parameter(value))
            }
            ViewCondition::OneOf { column, values } => {
                let column = name(*column)?;
                let values: Vec<String> = values.iter().map(|value| self.parameter(value)).collect();
                format!("{column} IN ({})", values.join(", "))
            }
            ViewCondition::IsNull { column, negated } => format!("{} IS {}NULL", name(*column)?, if *negated { "NOT " } else { "" }),
            ViewCondition::All(conditions) => self.list(conditions, " AND ", false, name)?,
            ViewCondition::Any(conditions) => self.list(conditions, " OR ", true, name)?,
        })
    }

    /// Those of a list that can be written; where all are needed, all or none.
    fn list(
        &mut self,
        conditions: &[ViewCondition],
        between: &str,
        needs_all: bool,
        name: &impl Fn(usize) -> Option<&'static str>,
    ) -> Option<String> {
        let (mut sql, before) = (String::new(), self.values.len());
        for condition in conditions {
            match self.one(condition, name) {
                Some(written) => {
                    let between = if sql.is_empty() { "" } else { between };
                    let _ = write!(sql, "{between}({written})");
                }
                None if needs_all => {
                    self.values.truncate(before);
                    return None;
                }
                None => {}
            }
        }
        (!sql.is_empty()).then_some(sql)
    }

    fn parameter(&mut self, value: &ViewValue) -> String {
        self.values.push(value.clone());
        format!("?{}", self.next_parameter() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(column: usize, value: i64) -> ViewCondition {
        ViewCondition::Compare { column, comparison: Comparison::Equal, value: ViewValue::Integer(value) }
    }

    fn written(conditions: Vec<ViewCondition>) -> (String, Vec<ViewValue>) {
        let scan = ViewScan { columns: None, conditions };
        let written = scan.written(3, |column| ["a", "b"].get(column).copied());
        (written.sql, written.values)
    }

    #[test]
    fn conditions_are_written_as_far_as_the_columns_are_known() {
        assert_eq!(written(Vec::new()), ("TRUE".into(), Vec::new()));
        let values = |numbers: &[i64]| numbers.iter().map(|number| ViewValue::Integer(*number)).collect::<Vec<_>>();
        assert_eq!(written(vec![is(0, 1), is(7, 2), is(1, 3)]), ("(a = ?3) AND (b = ?4)".into(), values(&[1, 3])));
        // One of two is not known: any row may be wanted.
        assert_eq!(written(vec![ViewCondition::Any(vec![is(0, 1), is(7, 2)])]), ("TRUE".into(), Vec::new()));
        let both = ViewCondition::All(vec![is(0, 1), is(7, 2)]);
        let any = ViewCondition::Any(vec![both, ViewCondition::IsNull { column: 1, negated: true }]);
        assert_eq!(written(vec![any]), ("(((a = ?3)) OR (b IS NOT NULL))".into(), values(&[1])));
        let text = ViewCondition::OneOf { column: 1, values: vec![ViewValue::Text("x' OR 1".into()), ViewValue::Text("y".into())] };
        assert_eq!(written(vec![text]).0, "(b IN (?3, ?4))");
    }
}
