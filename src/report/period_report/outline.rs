//! What each report consists of.

/// A report about a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeriodReportKind {
    /// Promises that were kept, and how long tickets waited.
    Sla,
    /// Who was called how often, at night too, and whether somebody is always there.
    Oncall,
    /// Which rules cost attention, and which never speak.
    Noise,
    /// The backlog, how long tickets waited, and what came back.
    Desk,
}

/// A table of a report, and what of it is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Name of the table: the question's.
    pub name: &'static str,
    /// What it says above the table.
    pub title: &'static str,
    /// The columns that say what a row is about.
    pub labels: &'static [&'static str],
    /// What is drawn of it.
    pub bars: &'static [Bars],
}

/// A bar for each row of a table.
#[derive(Debug, Clone, Copy)]
pub struct Bars {
    /// What it says above the bars.
    pub title: &'static str,
    /// The column with the bars' length.
    pub column: &'static str,
    /// What stands behind the numbers.
    pub unit: &'static str,
    /// The length of a whole bar; without it, that of the longest.
    pub whole: Option<f64>,
}

const fn bars(title: &'static str, column: &'static str, unit: &'static str) -> Bars {
    Bars { title, column, unit, whole: None }
}

const SLA_ATTAINMENT: Section = Section {
    name: "sla_attainment",
    title: "Promises kept",
    labels: &["dimension", "value", "promise"],
    bars: &[Bars { title: "Kept of what was promised", column: "attainment_percent", unit: " %", whole: Some(100.0) }],
};

const RESPONSE_TIMES: Section = Section {
    name: "response_times",
    title: "How long tickets waited",
    labels: &["dimension", "value"],
    bars: &[
        bars("Until somebody took care, mean (MTTA)", "mtta_minutes", " min"),
        bars("Until they were resolved, mean (MTTR)", "mttr_minutes", " min"),
    ],
};

const BACKLOG: Section =
    Section { name: "backlog", title: "Backlog", labels: &["team", "service", "priority"], bars: &[bars("Open tickets", "open", "")] };

const REOPENED: Section = Section {
    name: "reopened",
    title: "What came back",
    labels: &["dimension", "value"],
    bars: &[bars("Reopened, of what was resolved", "reopened_percent", " %")],
};

const ONCALL_LOAD: Section = Section {
    name: "oncall_load",
    title: "Calls",
    labels: &["person"],
    bars: &[bars("Calls", "pages", ""), bars("Of these at night", "at_night", "")],
};

const RULE_NOISE: Section = Section {
    name: "rule_noise",
    title: "Noise by rule and alert",
    labels: &["rule", "source"],
    bars: &[bars("Tickets", "tickets", ""), bars("Findings that people called noise", "called_noise", "")],
};

/// How well the rotas cover the period; filled from each rota.
pub(super) const COVERAGE: Section = Section {
    name: "coverage",
    title: "Is somebody always there",
    labels: &["rota"],
    bars: &[Bars { title: "Covered", column: "covered_percent", unit: " %", whole: Some(100.0) }],
};

/// Who is on call how much; filled from each rota.
pub(super) const HOURS: Section = Section {
    name: "on_call_hours",
    title: "Who is on call how much",
    labels: &["rota", "person"],
    bars: &[bars("Hours on call", "hours", " h"), bars("Of these at night", "night_hours", " h")],
};

/// When nobody is on call; filled from each rota.
pub(super) const GAPS: Section = Section { name: "gaps", title: "When nobody is there", labels: &["rota", "from"], bars: &[] };

impl PeriodReportKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sla, Self::Oncall, Self::Noise, Self::Desk];

    /// The questions of the report, in order.
    pub fn sections(self) -> &'static [Section] {
        match self {
            Self::Sla => &[SLA_ATTAINMENT, RESPONSE_TIMES],
            Self::Oncall => &[ONCALL_LOAD],
            Self::Noise => &[RULE_NOISE],
            Self::Desk => &[BACKLOG, RESPONSE_TIMES, REOPENED],
        }
    }

    /// The word for it on the command line and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sla => "sla",
            Self::Oncall => "oncall",
            Self::Noise => "noise",
            Self::Desk => "desk",
        }
    }

    /// What stands above it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Sla => "Service levels",
            Self::Oncall => "On call",
            Self::Noise => "Noise",
            Self::Desk => "The desk",
        }
    }
}
