//! `watchroom inventory`: what the department has, is bound to, is offered and may spend, as files and as tables.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use clap::{Args, Subcommand};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::connection::{Connection, error_text};
use super::server_options::ClientOptions;
use super::setup::{open, plain, read, write};
use super::terminal;
use crate::inventory::{Currency, InventoryKind, Money, headings_of};

/// Where the server keeps it.
const INVENTORY: &str = "/api/v1/inventory";

/// Names up to so many characters stand on one line, so that they can be found and copied.
const UNBROKEN_NAME: usize = 24;

/// Options of `inventory`.
#[derive(Debug, Args)]
pub(super) struct InventoryOptions {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Take in a CSV file (or JSON, by its ending), all of it or nothing; records that it does not name stay as they are
    Import {
        /// assets, suppliers, contracts, offers or budgets
        kind: InventoryKind,
        /// File to read; `-` reads stdin. Its first line names the columns, as `export` writes them
        file: PathBuf,
        /// Only say what would change, or what is wrong
        #[arg(long)]
        dry_run: bool,
        /// Take offers that have expired too
        #[arg(long)]
        allow_expired: bool,
        #[command(flatten)]
        written: Written,
        #[command(flatten)]
        client: ClientOptions,
    },
    /// Write all records of a kind as CSV
    Export {
        /// assets, suppliers, contracts, offers or budgets
        kind: InventoryKind,
        /// File to write; without it, stdout
        file: Option<PathBuf>,
        #[command(flatten)]
        client: ClientOptions,
    },
    /// List the records of a kind, with what matters most about each
    List {
        /// assets, suppliers, contracts, offers or budgets
        kind: InventoryKind,
        #[command(flatten)]
        client: ClientOptions,
    },
    /// Name the columns of a kind's CSV file and what stands in them; needs no server
    Columns {
        /// assets, suppliers, contracts, offers or budgets
        kind: InventoryKind,
    },
}

/// How a CSV file is written.
#[derive(Debug, Args)]
struct Written {
    /// What separates the cells: `,`, `;` or tab
    #[arg(long, default_value = ",")]
    delimiter: String,
    /// How bytes are characters: utf-8 or latin-1
    #[arg(long, default_value = "utf-8")]
    charset: String,
    /// What stands before decimals: `.` or `,`
    #[arg(long, default_value = ".")]
    decimal: String,
}

/// Imports, exports, lists or explains.
pub(super) async fn run(options: InventoryOptions) -> anyhow::Result<ExitCode> {
    match options.action {
        Action::Import { kind, file, dry_run, allow_expired, written, client } => {
            let bytes = read(&file)?;
            let connection = open(&client).await?;
            let answer = import(&connection, kind, &file, bytes, &query(dry_run, allow_expired, &written)).await;
            connection.close().await;
            answer
        }
        Action::Export { kind, file, client } => {
            let connection = open(&client).await?;
            let text = get(&connection, &format!("{INVENTORY}/{}?format=csv", kind.word())).await;
            connection.close().await;
            write(file.as_deref(), &text?)?;
            Ok(ExitCode::SUCCESS)
        }
        Action::List { kind, client } => {
            let connection = open(&client).await?;
            let table = list(&connection, kind).await;
            connection.close().await;
            terminal::print(&format!("{}\n", table?))?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Columns { kind } => {
            terminal::print(&format!("{}\n{}\n", columns_table(kind), headings_of(kind)))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn get(connection: &Connection, path: &str) -> anyhow::Result<String> {
    let answer = connection.get(path, "*/*").await?;
    if !answer.status().is_success() {
        bail!("{}", plain(&error_text(answer).await));
    }
    answer.text().await.context("the answer broke off; try again")
}

fn query(dry_run: bool, allow_expired: bool, written: &Written) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let expired = if allow_expired { "allow" } else { "refuse" };
    format!(
        "dry_run={dry_run}&expired={expired}&delimiter={}&charset={}&decimal={}",
        encoded(&written.delimiter),
        encoded(&written.charset),
        encoded(&written.decimal)
    )
}

async fn import(connection: &Connection, kind: InventoryKind, file: &Path, bytes: Bytes, query: &str) -> anyhow::Result<ExitCode> {
    let is_json = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let content_type = if is_json { "application/json" } else { "text/csv" };
    let answer = connection.put(&format!("{INVENTORY}/{}?{query}", kind.word()), content_type, bytes).await?;
    let (status, body) = (answer.status(), answer.bytes().await.context("the answer broke off; export to see what is stored")?);
    let document: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status.is_success() {
        terminal::print(&report(&document))?;
        return Ok(ExitCode::SUCCESS);
    }
    let complaints = document["complaints"].as_array().map(Vec::as_slice).unwrap_or_default();
    if complaints.is_empty() {
        let text = |key: &str| document[key].as_str().map(plain);
        let detail = text("detail").unwrap_or_else(|| format!("the server answered {status}"));
        bail!("{}", text("hint").map_or_else(|| detail.clone(), |hint| format!("{detail}; {hint}")));
    }
    terminal::complain("nothing was imported; mend this first:");
    for complaint in complaints {
        let text = |key: &str| plain(complaint[key].as_str().unwrap_or("?"));
        terminal::complain(&placed(&file.display().to_string(), &text("field"), &text("why")));
    }
    Ok(ExitCode::FAILURE)
}

/// A complaint as compilers write it, so that editors find the place: `offers.csv:3: supplier: ...`.
fn placed(file: &str, field: &str, why: &str) -> String {
    let Some(place) = field.strip_prefix("line ") else {
        return if field.is_empty() { format!("{file}: {why}") } else { format!("{file}: {field}: {why}") };
    };
    match place.split_once(", column ") {
        Some((line, column)) => format!("{file}:{line}: {column}: {why}"),
        None => format!("{file}:{place}: {why}"),
    }
}

fn report(document: &Value) -> String {
    let changes = document["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let word = |change: &Value, key: &str| plain(change[key].as_str().unwrap_or("?"));
    let lines: String = changes.iter().map(|change| format!("{} {}\n", word(change, "change"), word(change, "name"))).collect();
    let number = |key: &str| document[key].as_u64().unwrap_or(0);
    let (added, changed, same) = (number("added"), number("changed"), number("same"));
    let summary = match document["dry_run"] == true {
        true => format!("{added} would be added, {changed} changed, {same} are the same; nothing was changed."),
        false => format!("{added} added, {changed} changed, {same} were the same."),
    };
    format!("{lines}{summary}\n")
}

/// The columns of the list, after the name.
fn shown(kind: InventoryKind) -> &'static [&'static str] {
    match kind {
        InventoryKind::Asset => &["kind", "model", "place", "service", "criticality", "state", "support_until"],
        InventoryKind::Supplier => &["description", "contact", "phone", "lead_time_days", "response_time"],
        InventoryKind::Contract => &["supplier", "ends_on", "auto_renews", "cost_minor", "cost_per", "owner"],
        InventoryKind::Offer => &["supplier", "item", "capacity", "unit", "one_off_minor", "running_minor", "valid_until"],
        InventoryKind::Budget => &["planned_minor", "committed_minor", "spent_minor", "left_minor", "owner"],
    }
}

async fn list(connection: &Connection, kind: InventoryKind) -> anyhow::Result<Table> {
    let mut drawn = table(std::iter::once("name").chain(shown(kind).iter().copied()).map(heading));
    let (mut after, mut longest) = (String::new(), 0);
    loop {
        let path = format!("{INVENTORY}/{}?limit=1000&after={}", kind.word(), byte_serialize(after.as_bytes()).collect::<String>());
        let page: Value = serde_json::from_str(&get(connection, &path).await?).context("the answer is no JSON")?;
        for stored in page["records"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let name = stored["name"].as_str().unwrap_or("?");
            longest = longest.max(name.chars().count());
            let mut fields = stored["record"].clone();
            if kind == InventoryKind::Budget {
                add_standing(connection, name, &mut fields).await?;
            }
            drawn.add_row(std::iter::once(plain(name)).chain(shown(kind).iter().map(|field| cell(&fields, field))));
        }
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    if let Some(names) = drawn.column_mut(0).filter(|_| longest <= UNBROKEN_NAME) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    Ok(drawn)
}

/// What the book of a budget adds up to.
async fn add_standing(connection: &Connection, name: &str, fields: &mut Value) -> anyhow::Result<()> {
    // A plus sign for a blank is for queries, not for paths.
    let name = byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20");
    let book: Value = serde_json::from_str(&get(connection, &format!("/api/v1/budgets/{name}/entries?limit=1")).await?)?;
    for sum in ["committed_minor", "spent_minor", "left_minor"] {
        fields[sum] = book["standing"][sum].clone();
    }
    Ok(())
}

fn table(headings: impl Iterator<Item = String>) -> Table {
    let mut drawn = Table::new();
    drawn.load_preset(UTF8_FULL_CONDENSED).set_header(headings);
    if let Some(width) = terminal::width() {
        drawn.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    drawn
}

fn heading(field: &str) -> String {
    field.trim_end_matches("_minor").replace('_', " ")
}

/// A field for people: amounts in major units with their currency.
fn cell(fields: &Value, field: &str) -> String {
    let currency = fields["currency"].as_str().and_then(|code| code.parse::<Currency>().ok());
    match (&fields[field], currency) {
        (Value::Null, _) => String::new(),
        (Value::Number(minor), Some(currency)) if field.ends_with("_minor") => {
            Money::new(minor.as_i64().unwrap_or(0), currency).to_string()
        }
        (Value::Number(number), _) => number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string()),
        (Value::Bool(flag), _) => if *flag { "yes" } else { "no" }.to_owned(),
        (Value::String(text), _) => plain(text),
        (other, _) => plain(&other.to_string()),
    }
}

fn columns_table(kind: InventoryKind) -> Table {
    let mut drawn = table(["column", "needed", "what stands in it"].into_iter().map(str::to_owned));
    drawn.add_row(["name", "yes", "Its name, 1 to 100 characters; unique within the kind"]);
    for column in crate::inventory::columns(kind) {
        drawn.add_row([column.name, if column.is_required { "yes" } else { "" }, column.description]);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn complaints_stand_where_editors_find_them() {
        assert_eq!(placed("offers.csv", "line 3, column supplier", "no"), "offers.csv:3: supplier: no");
        assert_eq!(placed("offers.csv", "line 3", "no"), "offers.csv:3: no");
        assert_eq!(placed("offers.json", "[2].supplier", "no"), "offers.json: [2].supplier: no");
        assert_eq!(placed("offers.csv", "", "no"), "offers.csv: no");
    }

    #[test]
    fn amounts_are_shown_with_their_currency() {
        let fields = json!({ "one_off_minor": 129_950, "currency": "EUR", "capacity": 4.0, "auto_renews": true, "item": "a\u{1b}b" });
        let cells = ["one_off_minor", "capacity", "auto_renews", "item", "none"].map(|field| cell(&fields, field));
        assert_eq!(cells, ["1299.50 EUR", "4", "yes", "a b", ""]);
    }
}
