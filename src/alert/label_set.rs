//! Labels, made fit to be stored.

use std::collections::BTreeMap;

use super::text::{MAX_LABEL_NAME_CHARS, MAX_LABEL_VALUE_CHARS, line};

/// Labels and annotations of one alert at most. Kubernetes makes some thirty; more than this is a mistake of whoever wrote the
/// rule, and an alert whose labels were cut could not be told from another.
pub const MAX_LABELS: usize = 128;

/// The labels that say something: one with an empty value is as good as none (Prometheus' data model).
pub(super) fn said(labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels.into_iter().filter(|(name, value)| !name.is_empty() && !value.is_empty()).collect()
}

/// Names and values cleaned and cut.
pub(super) fn fit(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let fit = |(name, value): (&String, &String)| (line(name, MAX_LABEL_NAME_CHARS), line(value, MAX_LABEL_VALUE_CHARS));
    labels.iter().map(fit).filter(|(name, value)| !name.is_empty() && !value.is_empty()).collect()
}
