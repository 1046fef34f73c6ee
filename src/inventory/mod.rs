//! What a department has, from whom, under which contracts, what it is offered, and what it may spend. Pure.
//!
//! A [`Record`] is a kind ([`InventoryKind`]), a name, and a document of that kind: [`Asset`], [`Supplier`], [`Contract`],
//! [`Offer`], [`BudgetLine`]. Each checks itself field by field; whether what it names exists is for those who hold all records.
//! [`columns`] is the one table of their fields as people write them in CSV files ([`read_csv`], [`write_csv`]).
//!
//! Invariants:
//! * Money is whole minor units with a currency. Only a conversion by a given rate rounds, once, a tie to the even unit.
//! * A file is read strictly or not at all: what is wrong is told by line and column, and nothing of such a file is taken.
//! * What was exported reads back as the same records.

mod asset;
mod budget_line;
mod column;
mod contract;
mod csv_cell;
mod csv_options;
mod csv_reading;
#[cfg(test)]
mod csv_tests;
mod csv_text;
mod csv_writing;
mod currency;
mod decimal;
mod field;
mod money;
mod offer;
mod rates;
mod record;
mod supplier;
mod word;

pub use asset::Asset;
pub use budget_line::BudgetLine;
pub use column::{Column, ColumnType, NAME_COLUMN, columns};
pub use contract::{Contract, ContractTerm};
pub use csv_options::{Charset, CsvOptions, DecimalMark, Delimiter};
pub use csv_reading::{ImportedRecord, MAX_RECORDS, Place, bounded_complaints, headings_of, read_csv};
pub use csv_writing::write_csv;
pub use currency::Currency;
pub use field::check_name;
pub use money::{Money, MoneyError};
pub use offer::{Offer, VolumeStep};
pub use rates::Rates;
pub use record::{InventoryKind, Record};
pub use supplier::Supplier;
pub use word::{AssetState, CostPer, Criticality, EntryKind, OfferAction};
