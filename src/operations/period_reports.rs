//! Fills the reports about a period: the questions of `queries/report`, and how the rotas cover it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::Register;
use crate::on_call::coverage;
use crate::query::{EncodeError, Encoder, Format, Parameters, QueryEngine, QueryError, QueryRequest, SavedQuery};
use crate::report::{DataTable, PeriodReport, PeriodReportKind, ReportedPeriod, Section, coverage_tables, described};

/// Why a report about a period could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum PeriodReportError {
    /// A question could not be asked.
    #[error("the question `{question}` broke off: {source}; ask about a shorter period")]
    Question {
        /// Its name.
        question: &'static str,
        /// What the gate said.
        source: QueryError,
    },
    /// Its answer could not be written down.
    #[error("the answer to the question `{question}` cannot be read: {why}")]
    Answer {
        /// Its name.
        question: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// What a rota's plan is worth could not be worked out.
    #[error("how the rota `{rota}` covers the period cannot be said: {why}")]
    Coverage {
        /// Its name.
        rota: String,
        /// Why.
        why: String,
    },
}

/// What they are filled from.
#[derive(Debug, Clone)]
pub struct PeriodReports {
    /// Asks the questions.
    pub queries: Arc<QueryEngine>,
    /// The rotas.
    pub register: Arc<Register>,
}

impl PeriodReports {
    /// A report about a period.
    ///
    /// # Errors
    /// A question could not be asked, or the period is longer than rotas are planned for.
    pub async fn fill(&self, kind: PeriodReportKind, period: ReportedPeriod) -> Result<PeriodReport, PeriodReportError> {
        let mut tables = Vec::new();
        for section in kind.sections() {
            tables.push((*section, self.ask(section, &period).await?));
        }
        if kind == PeriodReportKind::Oncall {
            tables.extend(self.coverages(&period).await?);
        }
        Ok(PeriodReport { kind, period, tables })
    }

    async fn ask(&self, section: &Section, period: &ReportedPeriod) -> Result<DataTable, PeriodReportError> {
        let question = section.name;
        let unreadable = |why: String| PeriodReportError::Answer { question, why };
        let broke_off = |source| PeriodReportError::Question { question, source };
        let query = SavedQuery::find(question).ok_or_else(|| unreadable("BUG: there is no such question".to_owned()))?;
        let window = [("window_start", period.from), ("window_end", period.to)];
        let window: BTreeMap<String, Value> = window.map(|(name, at)| (name.to_owned(), at.to_string().into())).into();
        let request = QueryRequest { parameters: Parameters::Named(window), background: true, ..QueryRequest::new(query.sql) };
        let mut run = self.queries.run(request).await.map_err(broke_off)?;
        let written = |error: EncodeError| unreadable(error.to_string());
        let mut encoder = Encoder::new(Format::Json, &run.schema()).map_err(written)?;
        let mut text = Vec::new();
        while let Some(batch) = run.next().await {
            text.extend_from_slice(&encoder.encode(&batch.map_err(broke_off)?).map_err(written)?);
        }
        text.extend_from_slice(&encoder.finish().map_err(written)?);
        let answer: Value = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        let cut = run.cut_tables().iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        DataTable::of_answer(question, &described(query.header("description"), Some(&cut)), &answer).map_err(unreadable)
    }

    async fn coverages(&self, period: &ReportedPeriod) -> Result<[(Section, DataTable); 3], PeriodReportError> {
        let setup = self.register.setup();
        let (from_us, to_us) = (period.from.as_microsecond(), period.to.as_microsecond());
        // A large plan over a long period takes seconds: not on a thread that serves others.
        let looked = tokio::task::spawn_blocking(move || {
            let mut coverages = Vec::new();
            for (name, (rota, plan)) in &setup.rotas {
                let failed = |why: String| PeriodReportError::Coverage { rota: name.clone(), why };
                let found = coverage(plan, &setup.absences, &setup.wanted(rota, None, from_us, to_us), from_us, to_us);
                let found = found.map_err(|error| failed(error.to_string()))?;
                coverages.push((name.clone(), serde_json::to_value(found).map_err(|error| failed(error.to_string()))?));
            }
            Ok(coverage_tables(&coverages))
        });
        looked.await.map_err(|error| PeriodReportError::Coverage { rota: String::new(), why: error.to_string() })?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_asks_a_question_that_answers_its_columns() {
        for section in PeriodReportKind::ALL.iter().flat_map(|kind| kind.sections()) {
            let query = SavedQuery::find(section.name).unwrap_or_else(|| panic!("{} is no question", section.name));
            for column in section.labels.iter().copied().chain(section.bars.iter().map(|bars| bars.column)) {
                assert!(query.sql.contains(column), "{} has no column {column}", section.name);
            }
        }
    }
}
