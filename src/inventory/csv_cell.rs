//! One cell: from text to the field of a record, and back.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::column::{Column, ColumnType};
use super::csv_options::DecimalMark;
use super::field::LIST_SEPARATOR;
use super::{Currency, Money};
use crate::document::excerpt;

/// Beginnings of a cell that a spreadsheet takes for a formula (OWASP, CSV injection).
const FORMULAS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text as a cell that no spreadsheet takes for a formula: such a one gets an apostrophe in front, and so does one that
/// would be read as if it had got it.
pub(super) fn quoted(text: &str) -> Cow<'_, str> {
    let is_formula = text.trim_start_matches('\'').starts_with(FORMULAS);
    if is_formula { format!("'{text}").into() } else { text.into() }
}

/// The text of a cell, without the apostrophe that kept it from being a formula.
pub(super) fn unquoted(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|_| cell.trim_start_matches('\'').starts_with(FORMULAS)).unwrap_or(cell)
}

/// What a cell means for the field; the cell is not empty. Amounts are of the row's currency, which is not there if its cell
/// was empty or wrong.
pub(super) fn value_of(column: &Column, cell: &str, currency: Option<Currency>, decimal: DecimalMark) -> Result<Value, String> {
    match column.column_type {
        ColumnType::Text => Ok(unquoted(cell).into()),
        ColumnType::Word(words) if words.contains(&cell) => Ok(cell.into()),
        ColumnType::Word(words) => Err(format!("`{}` is none of {}", excerpt(cell), words.join(", "))),
        ColumnType::Whole => {
            let number = cell.bytes().all(|byte| byte.is_ascii_digit()).then(|| cell.parse::<u32>().ok()).flatten();
            number.map(Value::from).ok_or_else(|| format!("`{}` is no whole number; write one such as 12, 0 or more", excerpt(cell)))
        }
        ColumnType::Year => {
            let year = (cell.len() == 4 && cell.bytes().all(|byte| byte.is_ascii_digit())).then(|| cell.parse::<i16>().ok()).flatten();
            year.map(Value::from).ok_or_else(|| format!("`{}` is no year; write four digits, such as 2027", excerpt(cell)))
        }
        ColumnType::Number => number(&pointed(cell, decimal)?),
        ColumnType::Day => match cell.parse::<jiff::civil::Date>() {
            Ok(day) if cell.len() == 10 => Ok(day.to_string().into()),
            _ => Err(format!("`{}` is no day; write year, month and day, such as 2026-12-24", excerpt(cell))),
        },
        ColumnType::Flag => match cell {
            "yes" | "true" => Ok(true.into()),
            "no" | "false" => Ok(false.into()),
            _ => Err(format!("`{}` is neither yes nor no", excerpt(cell))),
        },
        ColumnType::Currency => cell.parse::<Currency>().map(|currency| currency.code().into()),
        ColumnType::Money => amount(cell, currency, decimal).map(Value::from),
        ColumnType::List => Ok(unquoted(cell).split(LIST_SEPARATOR).map(|entry| Value::from(entry.trim())).collect()),
        ColumnType::Steps => cell.split(LIST_SEPARATOR).map(|step| volume_step(step, currency, decimal)).collect(),
    }
}

/// A number with a point before its decimals, whichever mark the file has.
fn pointed(cell: &str, decimal: DecimalMark) -> Result<String, String> {
    let shown = excerpt(cell);
    match decimal {
        DecimalMark::Point if cell.contains(',') => {
            Err(format!("`{shown}` has a comma; write 1299.50, or read the file with decimal=, if the comma stands before the decimals"))
        }
        DecimalMark::Comma if cell.contains('.') => {
            Err(format!("`{shown}` has a point, and the file is read with decimal=,; write 1299,50, without separators of thousands"))
        }
        _ => Ok(cell.replace(',', ".")),
    }
}

fn number(text: &str) -> Result<Value, String> {
    // What Rust reads as a number besides: infinities and other words.
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'e'));
    let number = text.parse::<f64>().ok().filter(|number| plain && number.is_finite());
    match number {
        Some(number) if number > 0.0 => Ok(json!(number)),
        Some(_) => Err(format!("`{}` is not more than 0; write what there is of it", excerpt(text))),
        None => Err(format!("`{}` is no number; write one such as 12 or 3.84", excerpt(text))),
    }
}

fn amount(cell: &str, currency: Option<Currency>, decimal: DecimalMark) -> Result<i64, String> {
    let text = pointed(cell, decimal)?;
    // Without a currency nobody knows how many decimals there are; that is said of the column `currency`.
    let money = Money::parse(&text, currency.unwrap_or(Currency::EUR))?;
    if money.minor < 0 { Err(format!("`{}` is negative; write 0 or more", excerpt(cell))) } else { Ok(money.minor) }
}

fn volume_step(step: &str, currency: Option<Currency>, decimal: DecimalMark) -> Result<Value, String> {
    let wrong = || format!("`{}` is no volume step; write pieces and price, such as 10=95.00|20=90.00", excerpt(step));
    let (from, price) = step.split_once('=').ok_or_else(wrong)?;
    let from = from.trim().parse::<u32>().map_err(|_| wrong())?;
    Ok(json!({ "from": from, "one_off_minor": amount(price.trim(), currency, decimal)? }))
}

/// The cell for a field; [`value_of`] reads it.
pub(super) fn cell_of(column: &Column, value: &Value, currency: Option<Currency>) -> String {
    let money = |value: &Value| Money::new(value.as_i64().unwrap_or(0), currency.unwrap_or(Currency::EUR)).decimal();
    let joined = |parts: Vec<String>| parts.join(&LIST_SEPARATOR.to_string());
    match (column.column_type, value) {
        (_, Value::Null) => String::new(),
        (ColumnType::Money, value) => money(value),
        (ColumnType::Number, value) => value.as_f64().map_or_else(String::new, |number| number.to_string()),
        (ColumnType::Steps, Value::Array(steps)) => {
            joined(steps.iter().map(|step| format!("{}={}", step["from"], money(&step["one_off_minor"]))).collect())
        }
        (_, Value::Array(entries)) => quoted(&joined(entries.iter().filter_map(Value::as_str).map(str::to_owned).collect())).into_owned(),
        (_, Value::Bool(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
        (_, Value::String(text)) => quoted(text).into_owned(),
        (_, other) => other.to_string(),
    }
}
