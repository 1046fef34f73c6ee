//! What all pages are made of: elements that are always closed, text that is always escaped, one look.
//!
//! A page loads nothing and runs nothing; what it says can be read without colours, in a light and in a dark window, and on paper.

use std::fmt;
use std::fmt::Write;

use crate::document::turns_direction;

/// The look. The colours are Okabe and Ito's, which the colour-blind tell apart; what a colour says is also said by a dash, a
/// shape or a word. Details that are folded on a screen are open on paper.
pub const STYLE: &str = "\
:root{color-scheme:light dark;--blue:#0072b2;--sky:#56b4e9;--vermilion:#c04f00;--orange:#e69f00;--green:#00795a;--purple:#a8507f;\
--faint:rgba(128,128,128,.3);--fan:.3}\
@media (prefers-color-scheme:dark){:root{--blue:#56b4e9;--sky:#2f8fca;--vermilion:#ff8a3d;--green:#2bc79a;--purple:#e39cc0;--fan:.5}}\
@media print{:root{color-scheme:light;--blue:#0072b2;--sky:#56b4e9;--vermilion:#c04f00;--green:#00795a;--purple:#a8507f;--fan:.3}}\
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;overflow-wrap:break-word}\
h1,h2,h3,h4{line-height:1.25}h2{margin-top:2.2rem}h3{margin-top:1.8rem}h4{margin:.9rem 0 .3rem}p,ul,ol{margin:.4rem 0}\
svg{width:100%;height:auto;display:block;margin:.5rem 0}svg text{font:12px system-ui,sans-serif;fill:currentColor}\
svg .strong{font-weight:600}svg .end{text-anchor:end}svg .middle{text-anchor:middle}\
.grid{stroke:currentColor;stroke-opacity:.16}.axis{stroke:currentColor;stroke-opacity:.6}\
.bar{fill:var(--blue)}.bar-light{fill:var(--sky);fill-opacity:.55}.bar-open{fill:none;stroke:var(--vermilion);stroke-width:1.5;stroke-dasharray:4 2}\
.bar-whole{fill:none;stroke:currentColor;stroke-opacity:.5}\
.band{fill:var(--sky);fill-opacity:.35}.fan{fill:var(--orange);fill-opacity:var(--fan)}\
.line{fill:none;stroke:var(--blue);stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}\
.median{fill:none;stroke:var(--vermilion);stroke-width:1.8;stroke-dasharray:7 3}\
.limit{fill:none;stroke:currentColor;stroke-width:2}.threshold{fill:none;stroke:currentColor;stroke-width:1.4;stroke-dasharray:6 4}\
.today{stroke:currentColor;stroke-width:1;stroke-dasharray:1 3}.order{stroke:var(--purple);stroke-width:2;stroke-dasharray:10 4}\
.order-mark{fill:var(--purple)}.crossing{stroke:var(--vermilion);stroke-width:5;stroke-opacity:.75}.crossing-end{stroke:var(--vermilion);stroke-width:2}\
.dot{fill:var(--vermilion);stroke:Canvas;stroke-width:1.5}.said{fill:none;stroke:var(--green);stroke-width:1.3}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.2rem .6rem;border-bottom:1px solid var(--faint)}\
thead th{vertical-align:bottom}.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.scroll{overflow-x:auto;margin:.5rem 0}.scroll svg{min-width:40rem}\
summary{cursor:pointer;margin:.3rem 0}pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px;line-height:1.4;margin:.4rem 0}\
.lead{font-size:1.1em}.note{opacity:.8;font-size:.92em}.figures{display:flex;flex-wrap:wrap;gap:.3rem 2rem;margin:.6rem 0}\
.figures div{min-width:6rem}.figures dt{font-size:.85em;opacity:.8}.figures dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}\
.figures.large dd{font-size:1.5em;line-height:1.2}.data,.options{font-size:.87em}.options td:nth-child(2){min-width:12rem}\
@media print{@page{margin:14mm}body{margin:0;padding:0;max-width:none;font-size:10pt;color:#000;background:#fff}\
.keep,tr,svg,h2,h3,h4{break-inside:avoid}h2,h3,h4,summary,thead{break-after:avoid}.new-page{break-before:page}\
.scroll{overflow:visible}.scroll svg{min-width:0}details::details-content{content-visibility:visible;display:block;block-size:auto;opacity:1}\
a{color:inherit;text-decoration:none}pre{font-size:8pt}table{font-size:9pt}summary{list-style:none;font-weight:600}.data{columns:2;column-gap:8mm}.data table{font-size:7pt}\
.data td,.data th{padding:0 .4rem}}";

/// Characters of a name that a page shows: enough to know it by.
const MAX_NAME_CHARS: usize = 200;

/// The text with everything replaced that HTML would take for markup, in text and in attributes, and with a sign in place of what
/// cannot be seen: control characters, and those that make text read as what it is not.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() || turns_direction(c) => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// The beginning of a text that is longer than this.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// A name as a page shows it.
pub(super) fn name(text: &str) -> String {
    shortened(text, MAX_NAME_CHARS)
}

/// An element of a page. It is closed in any case, and what is not markup of this crate goes in by [`Element::text`] and
/// [`Element::with`], which escape it.
#[derive(Debug, Clone)]
pub struct Element {
    name: &'static str,
    attributes: String,
    inner: String,
}

impl Element {
    /// An element without content.
    pub fn new(name: &'static str) -> Self {
        Self { name, attributes: String::new(), inner: String::new() }
    }

    /// Some elements one after the other, without one around them.
    pub fn group() -> Self {
        Self::new("")
    }

    /// With an attribute.
    #[must_use]
    pub fn with(mut self, attribute: &'static str, value: impl fmt::Display) -> Self {
        let _ = write!(self.attributes, " {attribute}=\"{}\"", escaped(&value.to_string()));
        self
    }

    /// With a class.
    #[must_use]
    pub fn class(self, class: &'static str) -> Self {
        self.with("class", class)
    }

    /// With a coordinate; 0 stands for what is no number.
    #[must_use]
    pub fn at(mut self, attribute: &'static str, value: f64) -> Self {
        let _ = write!(self.attributes, " {attribute}=\"{}\"", coordinate(value));
        self
    }

    /// With a text after what is in it.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.inner.push_str(&escaped(text));
        self
    }

    /// With an element after what is in it.
    #[must_use]
    pub fn child(mut self, element: Self) -> Self {
        self.push(element);
        self
    }

    /// With some elements after what is in it.
    #[must_use]
    pub fn all(mut self, elements: impl IntoIterator<Item = Self>) -> Self {
        elements.into_iter().for_each(|element| self.push(element));
        self
    }

    /// Puts an element after what is in it.
    pub fn push(&mut self, element: Self) {
        let _ = write!(self.inner, "{element}");
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() {
            return f.write_str(&self.inner);
        }
        write!(f, "<{0}{1}>{2}</{0}>", self.name, self.attributes, self.inner)
    }
}

/// A coordinate as text. What lies far outside of a drawing is kept near it: some programs read no large numbers.
pub(super) fn coordinate(value: f64) -> String {
    let near = if value.is_finite() { value.clamp(-10_000.0, 10_000.0) } else { 0.0 };
    let text = format!("{near:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// A paragraph.
pub fn paragraph(text: &str) -> Element {
    Element::new("p").text(text)
}

/// What is folded on a screen and open on paper.
pub fn details(summary: &str, inner: Element) -> Element {
    Element::new("details").child(Element::new("summary").text(summary)).child(inner)
}

/// What scrolls by itself where the page is too narrow for it, by keys too.
pub fn scrolled(label: &str, inner: Element) -> Element {
    Element::new("div").class("scroll").with("tabindex", 0).with("role", "region").with("aria-label", label).child(inner)
}

/// A list of sentences; nothing if there are none.
pub(super) fn sentences(texts: &[String]) -> Element {
    if texts.is_empty() {
        return Element::group();
    }
    Element::new("ul").all(texts.iter().map(|text| Element::new("li").text(text)))
}

/// A whole page.
pub fn page(title: &str, body: &Element) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n",
        escaped(title)
    )
}

/// A table: its columns, and rows of cells.
#[derive(Debug, Clone)]
pub struct Table {
    label: String,
    columns: Vec<(String, Column)>,
    rows: Vec<Vec<Element>>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Words.
    Text,
    /// Numbers, which stand under one another.
    Number,
}

impl Table {
    /// A table without rows; the label says what it is to those who do not see it.
    pub fn new(label: impl Into<String>, columns: &[(&str, Column)]) -> Self {
        let columns = columns.iter().map(|(name, column)| ((*name).to_owned(), *column)).collect();
        Self { label: label.into(), columns, rows: Vec::new() }
    }

    /// Puts a row of texts at its end.
    pub fn texts(&mut self, cells: impl IntoIterator<Item = String>) {
        self.row(cells.into_iter().map(|cell| Element::group().text(&cell)));
    }

    /// Puts a row at its end.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Element>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table, which scrolls by itself where it is too wide, by keys too; nothing if it has no rows.
    pub fn element(self) -> Element {
        if self.rows.is_empty() {
            return Element::group();
        }
        let column = |at: usize| self.columns.get(at).map_or(Column::Text, |(_, column)| *column);
        let marked = |element: Element, at: usize| if column(at) == Column::Number { element.class("number") } else { element };
        let head = self.columns.iter().enumerate().map(|(at, (name, _))| marked(Element::new("th").with("scope", "col"), at).text(name));
        let head = Element::new("thead").child(Element::new("tr").all(head));
        let mut body = Element::new("tbody");
        for row in self.rows.iter() {
            let cells = row.iter().enumerate().map(|(at, cell)| marked(Element::new("td"), at).child(cell.clone()));
            body.push(Element::new("tr").all(cells));
        }
        let table = Element::new("table").child(head).child(body);
        scrolled(&self.label, table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_and_an_attribute_ends_at_its_own_quote() {
        let element = Element::new("p").with("title", "\"><b>").text("<b>&'").child(Element::new("i").text("x\u{202e}\u{1b}[2J"));
        assert_eq!(element.to_string(), "<p title=\"&quot;&gt;&lt;b&gt;\">&lt;b&gt;&amp;&#39;<i>x\u{fffd}\u{fffd}[2J</i></p>");
    }

    #[test]
    fn a_coordinate_is_a_number_in_any_case() {
        let table = [(1.0, "1"), (1.26, "1.3"), (f64::NAN, "0"), (f64::INFINITY, "0"), (-1e300, "-10000")];
        for (value, text) in table {
            assert_eq!(coordinate(value), text);
        }
    }

    #[test]
    fn a_long_text_is_shortened_at_a_character() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äö…");
    }

    #[test]
    fn an_empty_table_is_nothing() {
        let mut table = Table::new("t", &[("name", Column::Text), ("n", Column::Number)]);
        assert_eq!(table.clone().element().to_string(), "");
        table.texts(["<a>".to_owned(), "3".to_owned()]);
        let html = table.element().to_string();
        assert!(html.contains("<td>&lt;a&gt;</td><td class=\"number\">3</td>") && html.contains("tabindex=\"0\""), "{html}");
    }
}
