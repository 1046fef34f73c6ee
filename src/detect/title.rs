//! A title with places for the columns of a row: `{app} on {host}: {value} errors`.

use serde_json::{Map, Value};

/// A title template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TitleTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Column(String),
}

impl TitleTemplate {
    /// Reads a template; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (column, after) = after.split_once('}').ok_or_else(|| format!("`{{{after}` has no closing brace; write {{column}}"))?;
            if column.is_empty() || !column.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(format!("`{{{column}}}` names no column; write {{column}} with letters, digits and _"));
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Column(column.to_owned()));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { parts })
    }

    /// The columns that the template names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Column(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The title of a row; fails with the name of a column that the row lacks.
    pub fn render(&self, row: &Map<String, Value>) -> Result<String, String> {
        let mut title = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => title.push_str(text),
                Part::Column(name) => title.push_str(&shown(row.get(name).ok_or_else(|| name.clone())?)),
            }
        }
        Ok(title)
    }
}

/// A value as people read it: no quotes, no more digits than say something, `-` for null as in syslog.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() != 0.0 && float.abs() < 1e15 => {
                let decimals = if float.abs() >= 10.0 { 1 } else { 2 };
                format!("{float:.decimals$}")
            }
            Some(float) if number.is_f64() && float.abs() < 1e15 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_filled_in() {
        let template = TitleTemplate::parse("{app} on {host}: {value} errors, usually {expected}").unwrap();
        let row = json!({ "app": "nginx", "host": "web01", "value": 40, "expected": 2.345 });
        assert_eq!(template.render(row.as_object().unwrap()).unwrap(), "nginx on web01: 40 errors, usually 2.35");
        assert_eq!(template.render(json!({ "app": null, "host": "h" }).as_object().unwrap()), Err("value".to_owned()));
        assert_eq!(template.columns().collect::<Vec<_>>(), ["app", "host", "value", "expected"]);
    }

    #[test]
    fn numbers_keep_what_says_something() {
        let shown_as = [
            (json!(93.456), "93.5"),
            (json!(5.0), "5"),
            (json!(-0.123), "-0.12"),
            (json!(1e300), "1e+300"),
            (json!(u64::MAX), "18446744073709551615"),
        ];
        for (value, text) in shown_as {
            assert_eq!(shown(&value), text);
        }
    }

    #[test]
    fn broken_places_are_refused() {
        assert!(TitleTemplate::parse("disk {mount").unwrap_err().contains("closing brace"));
        assert!(TitleTemplate::parse("disk {}").unwrap_err().contains("names no column"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_template_or_an_error(text in "[a-z{}é ]{0,30}") {
            let _ = TitleTemplate::parse(&text);
        }
    }
}
