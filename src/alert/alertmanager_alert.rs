//! One alert as Prometheus and Alertmanager write it, in the webhook and in the API.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::entity::entity_of;
use super::identity::label_key;
use super::json_field::{Field, Pairs};
use super::label_set::{fit, said};
use super::moment::{NO_MOMENT, read_moment};
use super::received::ALERTMANAGER;
use super::severity::severity_of_labels;
use super::text::{MAX_DETAILS_CHARS, MAX_TITLE_CHARS, line, lines, link};
use super::{Action, Alert};
use crate::clock::TimestampUs;
use crate::document::Complaint;

/// Annotations that make the title, the first that is there.
const TITLE_ANNOTATIONS: [&str; 2] = ["summary", "title"];

/// Annotations that begin the details, the first that is there.
const DETAIL_ANNOTATIONS: [&str; 2] = ["description", "message"];

/// An alert as it is sent (`template.Alert` of the webhook, `postableAlert` of the API).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawAlert {
    /// `firing` or `resolved`; only in the webhook.
    pub(super) status: Field,
    labels: Pairs,
    annotations: Pairs,
    starts_at: Field,
    ends_at: Field,
    #[serde(rename = "generatorURL")]
    generator_url: Field,
    /// Only in the webhook.
    fingerprint: Field,
}

/// When an alert began and ended, as far as it says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) starts_at_us: Option<TimestampUs>,
    pub(super) ends_at_us: Option<TimestampUs>,
}

/// What an alert asks for and when that was or will be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    pub(super) action: Action,
    pub(super) ended_at_us: Option<TimestampUs>,
    pub(super) expires_at_us: Option<TimestampUs>,
}

impl RawAlert {
    /// The alert, which stands at `path` of the message; `course` says from its times what it asks for.
    pub(super) fn read(self, path: &str, now_us: TimestampUs, course: impl FnOnce(Span) -> Course) -> Result<Alert, Complaint> {
        let at = |field: &str| format!("{path}.{field}");
        let labels = said(self.labels.texts(|| at("labels"))?);
        if labels.is_empty() {
            return Err(Complaint::new(at("labels"), "has no label with a value; send at least `alertname`"));
        }
        let annotations = said(self.annotations.texts(|| at("annotations"))?);
        let fingerprint = self.fingerprint.text(|| at("fingerprint"))?;
        let span = Span { starts_at_us: moment(self.starts_at, at("startsAt"))?, ends_at_us: moment(self.ends_at, at("endsAt"))? };
        if let (Some(starts_at_us), Some(ends_at_us)) = (span.starts_at_us, span.ends_at_us)
            && starts_at_us > ends_at_us
        {
            return Err(Complaint::new(at("endsAt"), "is before `startsAt`; send the end of the alert, or leave it out"));
        }
        let course = course(span);
        let started_at_us = span.starts_at_us.unwrap_or(now_us).min(now_us).min(course.ended_at_us.unwrap_or(now_us));
        let generator = self.generator_url.text(|| at("generatorURL"))?;
        let entity = entity_of(&labels);
        Ok(Alert {
            source: ALERTMANAGER,
            dedup_key: label_key(&labels, fingerprint.as_deref()),
            action: course.action,
            title: title(&labels, &annotations, &entity),
            severity: severity_of_labels(&labels),
            entity,
            labels: fit(&labels),
            details: details(&annotations),
            link: generator.as_deref().and_then(link),
            started_at_us,
            ended_at_us: course.ended_at_us,
            expires_at_us: course.expires_at_us,
        })
    }
}

fn moment(field: Field, path: String) -> Result<Option<TimestampUs>, Complaint> {
    match field.text(|| path.clone())? {
        Some(text) => read_moment(&text).map_err(|()| Complaint::new(path, NO_MOMENT)),
        None => Ok(None),
    }
}

/// The summary; without one the alert's name and what it is about; without a name the labels.
fn title(labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>, entity: &BTreeMap<String, String>) -> String {
    let summary = TITLE_ANNOTATIONS.iter().find_map(|name| annotations.get(*name)).map(|text| line(text, MAX_TITLE_CHARS));
    if let Some(summary) = summary.filter(|summary| !summary.is_empty()) {
        return summary;
    }
    let named = |name: &String| match entity.get("host").or(entity.get("service")) {
        Some(place) => format!("{name} on {place}"),
        None => name.clone(),
    };
    let all = || labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ");
    let made = line(&labels.get("alertname").map_or_else(all, named), MAX_TITLE_CHARS);
    // Names of nothing but control characters.
    if made.is_empty() { "Alert".to_owned() } else { made }
}

/// The description, and then the annotations that are not in it or in the title, a line each.
fn details(annotations: &BTreeMap<String, String>) -> String {
    let first_of = |names: &[&'static str]| names.iter().copied().find(|name| annotations.contains_key(*name));
    let (title, first) = (first_of(&TITLE_ANNOTATIONS), first_of(&DETAIL_ANNOTATIONS));
    let rest = annotations.iter().filter(|(name, _)| Some(name.as_str()) != title && Some(name.as_str()) != first);
    let mut parts: Vec<String> = first.and_then(|name| annotations.get(name)).cloned().into_iter().collect();
    parts.extend(rest.map(|(name, value)| format!("{name}: {value}")));
    lines(&parts.join("\n"), MAX_DETAILS_CHARS)
}
