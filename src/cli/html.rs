//! What the pages of several commands share: one look.

/// Colours that hold in both themes and for the colour-blind (Okabe and Ito's blue and vermilion).
pub(super) const STYLE: &str = ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}\
svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:currentColor}.bar{fill:#0072b2}.dot{fill:#d55e00}\
.grid{stroke:currentColor;stroke-opacity:.2}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .6rem;\
border-bottom:1px solid rgba(128,128,128,.3)}@media print{body{margin:0;max-width:none}}";
