//! A report as one HTML page: bars and tables, no script, nothing loaded from anywhere.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::PeriodReport;
use super::outline::{Bars, Section};
use super::table::{DataTable, cell};
use crate::report::escaped;

/// A plain look, also of other pages. Colours that hold in both themes and for the colour-blind (Okabe and Ito's blue and vermilion).
pub const PLAIN_STYLE: &str = ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}\
svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:currentColor}.bar{fill:#0072b2}.dot{fill:#d55e00}\
.grid{stroke:currentColor;stroke-opacity:.2}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .6rem;\
border-bottom:1px solid rgba(128,128,128,.3)}@media print{body{margin:0;max-width:none}}";

const WIDTH: f64 = 960.0;
const ROW_HEIGHT: f64 = 20.0;

/// Room for the names at the left, and for the numbers at the right.
const LEFT: f64 = 260.0;
const RIGHT: f64 = 90.0;

/// Bars drawn; the table has all rows.
const MAX_BARS: usize = 40;

/// Characters of a name that fit at the left.
const MAX_LABEL_CHARS: usize = 36;

/// What the tables of a report need besides the common look: numbers under one another, and no table torn apart on paper.
const TABLE_STYLE: &str = "td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}.scroll{overflow-x:auto;margin-top:1em}\
    @media print{section{break-inside:avoid}.scroll{overflow:visible}}";

/// The page. Everything that comes from data is escaped.
pub fn period_html(report: &PeriodReport) -> String {
    let mut page = String::new();
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{0}</title><style>{PLAIN_STYLE}{TABLE_STYLE}</style><h1>{0}</h1><p>{1}</p>",
        escaped(report.kind.title()),
        escaped(&report.period.told()),
    );
    for (section, table) in &report.tables {
        let _ = write!(page, "<section><h2>{}</h2><p>{}</p>", escaped(section.title), escaped(&table.description));
        if table.rows.is_empty() {
            page.push_str("<p><em>Nothing.</em></p>");
        } else {
            for bars in section.bars {
                page.push_str(&drawn(section, bars, &table.rows));
            }
            page.push_str(&written(table));
        }
        page.push_str("</section>");
    }
    page.push_str("</html>\n");
    page
}

/// A bar for each row that has a number; nothing if none has one.
fn drawn(section: &Section, bars: &Bars, rows: &[Map<String, Value>]) -> String {
    let values: Vec<(String, f64)> = rows.iter().filter_map(|row| Some((label(section, row), row.get(bars.column)?.as_f64()?))).collect();
    let longest = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let whole = bars.whole.unwrap_or(longest);
    if values.is_empty() || whole <= 0.0 {
        return String::new();
    }
    let height = values.len().min(MAX_BARS) as f64 * ROW_HEIGHT;
    let mut svg = format!(
        "<h3>{0}</h3><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{0}\">\
         <line class=\"grid\" x1=\"{LEFT}\" x2=\"{LEFT}\" y1=\"0\" y2=\"{height}\"/>",
        escaped(bars.title)
    );
    for (row, (label, value)) in values.iter().take(MAX_BARS).enumerate() {
        let y = row as f64 * ROW_HEIGHT;
        let width = (WIDTH - LEFT - RIGHT) * (value / whole).clamp(0.0, 1.0);
        let short: String = label.chars().take(MAX_LABEL_CHARS).collect();
        let said = format!("{value}{}", bars.unit);
        let _ = write!(
            svg,
            "<text x=\"0\" y=\"{baseline:.1}\">{}</text><rect class=\"bar\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\">\
             <title>{}: {said}</title></rect><text x=\"{:.1}\" y=\"{baseline:.1}\">{said}</text>",
            escaped(&short),
            y + 3.0,
            ROW_HEIGHT - 6.0,
            escaped(label),
            LEFT + width + 6.0,
            baseline = y + 14.0,
        );
    }
    svg.push_str("</svg>");
    svg
}

/// What a row is about, in a few words. `all` of `all` is said once.
fn label(section: &Section, row: &Map<String, Value>) -> String {
    let mut words: Vec<String> = section.labels.iter().map(|column| cell(row, column)).collect();
    words.dedup();
    words.join(" ")
}

fn written(table: &DataTable) -> String {
    let is_number = |kind: &str| matches!(kind, "integer" | "float" | "decimal");
    let class = |kind: &str| if is_number(kind) { " class=\"number\"" } else { "" };
    let mut html = "<div class=\"scroll\"><table><tr>".to_owned();
    for column in &table.columns {
        let _ = write!(html, "<th{}>{}", class(&column.kind), escaped(&column.name.replace('_', " ")));
    }
    html.push_str("</tr>");
    for row in &table.rows {
        html.push_str("<tr>");
        for column in &table.columns {
            let _ = write!(html, "<td{}>{}", class(&column.kind), escaped(&cell(row, &column.name)));
        }
        html.push_str("</tr>");
    }
    html.push_str("</table></div>");
    html
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::{PeriodReportKind, ReportedPeriod};

    fn filled(rows: &[(&str, f64)]) -> PeriodReport {
        let section = PeriodReportKind::Oncall.sections()[0];
        let mut table = DataTable::new(section.name, "by <person>", &[("person", "text"), ("pages", "integer")]);
        for (person, pages) in rows {
            table.push([json!(person), json!(pages)]);
        }
        let at = |text: &str| text.parse().unwrap();
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        let period = ReportedPeriod { from: at("2026-10-31T23:00:00Z"), to: at("2026-11-30T23:00:00Z"), zone };
        PeriodReport { kind: PeriodReportKind::Oncall, period, tables: vec![(section, table)] }
    }

    #[test]
    fn names_are_text_and_never_markup() {
        let page = period_html(&filled(&[("<script>alert(1)</script>", 4.0), ("\"><b>", 2.0)]));
        assert!(!page.contains("<script") && !page.contains("\"><b>") && page.contains("&lt;script&gt;"), "{page}");
        assert!(page.contains("by &lt;person&gt;") && page.contains("2026-11-01 00:00 to 2026-12-01"), "{page}");
    }

    #[test]
    fn the_longest_bar_fills_the_room_and_half_of_it_is_half_as_long() {
        let page = period_html(&filled(&[("ines", 4.0), ("omar", 2.0), ("lena", 0.0)]));
        for width in ["width=\"610.0\"", "width=\"305.0\"", "width=\"0.0\""] {
            assert!(page.contains(width), "{width}\n{page}");
        }
        assert_eq!(page.matches("<rect").count(), 3);
        assert!(page.contains("2026-11-01 00:00 to 2026-12-01 00:00 (Europe/Berlin)"), "{page}");
        // Nobody was called at night: the column is not there, and nothing is drawn of it.
        assert!(!page.contains("Of these at night"), "{page}");
    }

    #[test]
    fn a_bar_of_a_percentage_is_measured_by_a_hundred() {
        let bars = Bars { title: "Kept", column: "percent", unit: " %", whole: Some(100.0) };
        let section = Section { name: "n", title: "t", labels: &["team"], bars: &[] };
        let row = json!({ "team": "ops", "percent": 50.0 });
        let svg = drawn(&section, &bars, &[row.as_object().unwrap().clone()]);
        assert!(svg.contains("width=\"305.0\"") && svg.contains(">50 %</text>"), "{svg}");
    }

    #[test]
    fn a_period_in_which_nothing_happened_has_a_page_too() {
        let page = period_html(&filled(&[]));
        assert!(page.contains("Nothing.") && !page.contains("<svg"), "{page}");
    }
}
