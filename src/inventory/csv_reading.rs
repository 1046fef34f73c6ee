//! Records from a CSV file: all of it, or everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::column::{Column, ColumnType, NAME_COLUMN, columns, heading_of};
use super::csv_cell::{unquoted, value_of};
use super::csv_options::CsvOptions;
use super::csv_text::{Fault, check_cells, text_of};
use super::field::check_name;
use super::{Currency, InventoryKind, Record};
use crate::document::{Complaint, excerpt};

/// Complaints that are told; a file with more is wrong as a whole.
const MAX_COMPLAINTS: usize = 100;
/// Records of one file: an inventory of a hundred thousand machines.
pub const MAX_RECORDS: usize = 100_000;

/// Where a record of an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A line of a CSV file, from 1.
    Line(usize),
    /// An entry of a list, from 0.
    Entry(usize),
}

/// A record of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedRecord {
    /// Where it stands.
    pub place: Place,
    /// Its name.
    pub name: String,
    /// What it is.
    pub record: Record,
}

impl Place {
    /// A complaint about a field of the record that stands here; in a file, the field's column is named.
    pub fn complaint(self, kind: InventoryKind, field: &str, why: impl Into<String>) -> Complaint {
        match self {
            Self::Line(line) if field.is_empty() => Complaint::new(format!("line {line}"), why),
            Self::Line(line) => Complaint::new(format!("line {line}, column {}", heading_of(kind, field)), why),
            Self::Entry(at) => Complaint::new(field, why).below(&format!("[{at}]")),
        }
    }
}

/// The first hundred complaints, and how many there are besides.
pub fn bounded_complaints(mut complaints: Vec<Complaint>) -> Vec<Complaint> {
    let more = complaints.len().saturating_sub(MAX_COMPLAINTS);
    if more > 0 {
        complaints.truncate(MAX_COMPLAINTS);
        complaints.push(Complaint::new("", format!("and {more} more complaints like these; mend the first, then try again")));
    }
    complaints
}

/// Reads a file of records of one kind.
///
/// # Errors
/// Everything that is wrong with it, with line and column.
pub fn read_csv(kind: InventoryKind, bytes: &[u8], options: CsvOptions) -> Result<Vec<ImportedRecord>, Vec<Complaint>> {
    let whole = |fault: Fault| vec![Place::Line(fault.line).complaint(kind, "", fault.why)];
    let text = text_of(bytes, options.charset).map_err(whole)?;
    check_cells(&text, options).map_err(whole)?;
    let mut reader =
        csv::ReaderBuilder::new().delimiter(options.delimiter.byte()).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let (mut headings, mut rows): (Option<Headings>, _) = (None, Rows::new(kind, options));
    for row in reader.records() {
        let row = row.map_err(|error| vec![Complaint::new("", error.to_string())])?;
        let line = line_of(&text, &row);
        match &headings {
            None => headings = Some(Headings::read(kind, &row).map_err(bounded_complaints)?),
            Some(headings) => rows.take(headings, line, &row),
        }
        if rows.records.len() > MAX_RECORDS {
            let why = format!("the file has more than {MAX_RECORDS} records; import it in parts");
            return Err(vec![Place::Line(line).complaint(kind, "", why)]);
        }
    }
    if headings.is_none() {
        let why = format!("the file is empty; its first line names the columns: {}", headings_of(kind));
        return Err(vec![Place::Line(1).complaint(kind, "", why)]);
    }
    if rows.complaints.is_empty() { Ok(rows.records) } else { Err(bounded_complaints(rows.complaints)) }
}

/// The line on which a row begins: the reader counts empty lines before a row as part of it.
fn line_of(text: &str, row: &csv::StringRecord) -> usize {
    let Some(position) = row.position() else { return 0 };
    let at = usize::try_from(position.byte()).unwrap_or(text.len()).min(text.len());
    let skipped = text.as_bytes()[at..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    usize::try_from(position.line()).unwrap_or(0) + skipped.filter(|byte| **byte == b'\n').count()
}

/// All headings of a kind, for help.
pub fn headings_of(kind: InventoryKind) -> String {
    let others = columns(kind).iter().map(|column| column.name);
    std::iter::once(NAME_COLUMN).chain(others).collect::<Vec<_>>().join(",")
}

/// What stands in which cell of a row.
struct Headings {
    name: usize,
    cells: Vec<(usize, &'static Column)>,
    width: usize,
}

impl Headings {
    fn read(kind: InventoryKind, row: &csv::StringRecord) -> Result<Self, Vec<Complaint>> {
        let (mut name, mut cells, mut complaints) = (None, Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for (at, heading) in row.iter().map(str::trim).enumerate() {
            let column = columns(kind).iter().find(|column| column.name == heading);
            if !seen.insert(heading) {
                complaints.push(complaint_of(at, format!("the column `{}` stands there twice; take one away", excerpt(heading))));
            } else if heading == NAME_COLUMN {
                name = Some(at);
            } else if let Some(column) = column {
                cells.push((at, column));
            } else {
                let why = format!("there is no column `{}`; the columns of {} are {}", excerpt(heading), kind.word(), headings_of(kind));
                complaints.push(complaint_of(at, why));
            }
        }
        let required = columns(kind).iter().filter(|column| column.is_required).map(|column| column.name);
        for missing in std::iter::once(NAME_COLUMN).chain(required).filter(|heading| !seen.contains(heading)) {
            complaints.push(Place::Line(1).complaint(kind, "", format!("the column `{missing}` is missing; every row needs it")));
        }
        match name {
            Some(name) if complaints.is_empty() => Ok(Self { name, cells, width: row.len() }),
            _ => Err(complaints),
        }
    }
}

fn complaint_of(at: usize, why: String) -> Complaint {
    Complaint::new(format!("line 1, column {}", at + 1), why)
}

/// The rows that were read, and what is wrong with the others.
struct Rows {
    kind: InventoryKind,
    options: CsvOptions,
    records: Vec<ImportedRecord>,
    complaints: Vec<Complaint>,
    lines: BTreeMap<String, usize>,
}

impl Rows {
    fn new(kind: InventoryKind, options: CsvOptions) -> Self {
        Self { kind, options, records: Vec::new(), complaints: Vec::new(), lines: BTreeMap::new() }
    }

    fn complain(&mut self, line: usize, field: &str, why: impl Into<String>) {
        self.complaints.push(Place::Line(line).complaint(self.kind, field, why));
    }

    /// Takes a row in, or notes everything that is wrong with it.
    fn take(&mut self, headings: &Headings, line: usize, row: &csv::StringRecord) {
        // Spreadsheets leave rows of nothing behind.
        if row.iter().all(|cell| cell.trim().is_empty()) {
            return;
        }
        if row.len() != headings.width {
            let why = format!(
                "it has {} cells and the header {}; a cell that holds the delimiter stands in quotation marks",
                row.len(),
                headings.width
            );
            return self.complain(line, "", why);
        }
        let name = unquoted(row.get(headings.name).unwrap_or("").trim());
        if let Err(why) = check_name(name) {
            self.complain(line, NAME_COLUMN, why);
        } else if let Some(before) = self.lines.insert(name.to_owned(), line) {
            self.complain(line, NAME_COLUMN, format!("`{}` stands in line {before} too; keep one of the two", excerpt(name)));
        }
        let known = self.complaints.len();
        let fields = self.fields(headings, line, row);
        if self.complaints.len() > known {
            return;
        }
        match Record::read(self.kind, Value::Object(fields)) {
            Ok(record) => self.records.push(ImportedRecord { place: Place::Line(line), name: name.to_owned(), record }),
            Err(complaints) => complaints.into_iter().for_each(|complaint| self.complain(line, &complaint.field, complaint.why)),
        }
    }

    /// The fields of a row; notes each cell that is wrong.
    fn fields(&mut self, headings: &Headings, line: usize, row: &csv::StringRecord) -> Map<String, Value> {
        let cell = |at: usize| row.get(at).unwrap_or("").trim();
        let currency = headings.cells.iter().find(|(_, column)| column.column_type == ColumnType::Currency);
        let currency: Option<Currency> = currency.and_then(|(at, _)| cell(*at).parse().ok());
        let mut fields = Map::new();
        for (at, column) in &headings.cells {
            match cell(*at) {
                "" if column.is_required => {
                    self.complain(line, column.field, format!("it is empty; write {}", lowered(column.description)))
                }
                "" => {}
                text => match value_of(column, text, currency, self.options.decimal) {
                    Ok(value) => drop(fields.insert(column.field.to_owned(), value)),
                    Err(why) => self.complain(line, column.field, why),
                },
            }
        }
        fields
    }
}

/// A description within a sentence.
fn lowered(description: &str) -> String {
    let mut letters = description.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
