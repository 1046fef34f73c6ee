//! Reports that the server makes.

use anyhow::Context as _;
use serde_json::Value;

use super::{Connection, Format, error_text, json_of};

/// The report in the form that was asked for, on a terminal as `text` has it; `as_of` is a date.
pub(super) async fn shown(
    connection: &Connection,
    report: &str,
    format: Format,
    as_of: Option<&str>,
    text: impl Fn(&Value) -> String,
) -> anyhow::Result<String> {
    let form = match format {
        Format::Html => "html",
        Format::Csv => "csv",
        Format::Json | Format::Text => "json",
    };
    let as_of = as_of.map_or_else(String::new, |day| format!("&as_of={day}"));
    let answer = connection.get(&format!("/api/v1/reports/{report}?format={form}{as_of}"), "*/*").await?;
    match format {
        Format::Json => Ok(format!("{}\n", json_of(answer).await?)),
        Format::Text => Ok(text(&json_of(answer).await?)),
        Format::Html | Format::Csv => {
            if !answer.status().is_success() {
                anyhow::bail!("{}", error_text(answer).await);
            }
            answer.text().await.context("the answer broke off")
        }
    }
}
