//! A table of a report on a terminal.

use comfy_table::presets::UTF8_FULL_CONDENSED;

use crate::report::{DataTable, cell};

/// Drawn for a terminal of so many characters; `None` lets lines be as long as they are.
pub(super) fn text(table: &DataTable, width: Option<u16>) -> String {
    if table.rows.is_empty() {
        return "nothing\n".to_owned();
    }
    let mut drawn = comfy_table::Table::new();
    drawn.load_preset(UTF8_FULL_CONDENSED).set_header(table.columns.iter().map(|column| column.name.replace('_', " ")));
    if let Some(width) = width {
        drawn.set_content_arrangement(comfy_table::ContentArrangement::Dynamic).set_width(width);
    }
    for row in &table.rows {
        // A name must not move the terminal's cursor.
        drawn.add_row(table.columns.iter().map(|column| cell(row, &column.name).replace(char::is_control, "\u{fffd}")));
    }
    format!("{drawn}\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_terminal_gets_no_control_characters_and_a_word_where_nothing_is() {
        let mut load = DataTable::new("load", "", &[("person", "text"), ("pages", "integer")]);
        assert_eq!(text(&load, Some(80)), "nothing\n");
        load.push([json!("=cmd()"), json!(3)]);
        load.push([json!("\u{1b}[2Jwatch"), json!(-1)]);
        let shown = text(&load, None);
        assert!(shown.contains("=cmd()") && shown.contains("-1") && shown.contains("[2Jwatch") && !shown.contains('\u{1b}'), "{shown}");
    }
}
