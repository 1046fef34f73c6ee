//! SQL files with a header: what rules (`queries/detect/`) and capacity questions (`queries/capacity/`) have in common.
//!
//! The files that count are in a [`Book`]. A file is a header of comments ([`Header`]), a statement, and further statements after marks such as `-- evidence:`. Here
//! the file is taken apart and checked, so that its author learns of a slip with the line that it stands on: a key that does
//! not exist, a parameter that is misspelt, a statement that reads the present time and so could not be asked about last week.
//! What a statement may do is decided by the query gate.

mod book;
mod header;
mod statement;
mod words;

pub use book::{Book, BrokenFile, FileContent, Files, read_files};
pub use header::{Entry, Header, SqlFileError};
pub use statement::{Statement, check_statement, columns_of, file_name, statements};
