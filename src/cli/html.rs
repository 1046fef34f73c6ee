//! What the pages of several commands share: one look, and the escaping of everything that comes from data.

/// Colours that hold in both themes and for the colour-blind (Okabe and Ito's blue and vermilion).
pub(super) const STYLE: &str = ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}\
svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:currentColor}.bar{fill:#0072b2}.dot{fill:#d55e00}\
.grid{stroke:currentColor;stroke-opacity:.2}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .6rem;\
border-bottom:1px solid rgba(128,128,128,.3)}@media print{body{margin:0;max-width:none}}";

/// The text with everything replaced that HTML would take for markup, in text and in attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
