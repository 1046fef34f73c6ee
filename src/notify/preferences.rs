//! What a person wants to be told, where, and when: a document that they edit themselves.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::wall_time::time_of_day;
use super::{Channel, EventKind, Shape, Urgency};
use crate::clock::{DAY_US, SECOND_US};
use crate::document::{Complaint, Weekday, duration_us_within, excerpt};

/// Ways of contact a person may have: more are not ways to reach somebody but ways to flood them.
pub const MAX_CONTACTS: usize = 10;

/// Rules a person may have: a list that can still be read from top to bottom.
pub const MAX_RULES: usize = 50;

/// Longest address: URLs of chat systems have up to 300 characters.
pub(super) const MAX_ADDRESS_CHARS: usize = 1_000;

/// Longest reason.
const MAX_REASON_CHARS: usize = 500;

/// What a person wants to be told, where, and when.
///
/// ```toml
/// time_zone = "Europe/Vienna"
/// contacts = [
///     { channel = "email", address = "ines@example.org" },
///     { channel = "webhook", address = "https://chat.example.org/hook/1", shape = "slack" },
/// ]
/// [[rules]]
/// events = ["commented"]
/// channels = ["webhook"]
/// action = "off"
/// [[rules]]
/// urgency = ["normal", "low"]
/// from = "20:00"
/// to = "07:00"
/// action = "digest"
/// digest_at = "07:00"
/// ```
///
/// The first rule that fits decides, for each way of contact. Where none fits, pages and normal notices go at once and
/// low ones in a digest at 08:00. **Pages go through every rule** but one that names `page` in `urgency`, says
/// `action = "off"` and gives a `reason`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preferences {
    /// Zone of the tz database in which hours are meant.
    pub time_zone: String,
    /// Where the person is reached; every notice goes to each that no rule turns off. At most 10.
    pub contacts: Vec<Contact>,
    /// Tried from the first to the last. At most 50.
    pub rules: Vec<Rule>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { time_zone: "UTC".to_owned(), contacts: Vec::new(), rules: Vec::new() }
    }
}

/// A way to reach a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// How.
    pub channel: Channel,
    /// A mail address, or a URL. URLs of chat systems are secrets: who knows one can write there.
    pub address: String,
    /// Of a webhook: what its receiver expects.
    #[serde(default)]
    pub shape: Shape,
    /// Of a webhook: the name under which the secret that signs it is stored. Without one it is not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// What to do with notices of some kinds at some times. A list that is empty fits everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Of these urgencies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urgency: Vec<Urgency>,
    /// Of these kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventKind>,
    /// By these channels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// On these days. Hours that pass midnight belong to the day on which they begin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Weekday>,
    /// From this time of day, `"22:00"`; stands together with `to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Up to and without this time of day; one before `from` is meant on the next day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What to do.
    pub action: Action,
    /// Of a digest: every day at this time of day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_at: Option<String>,
    /// Of a digest: at every multiple of this time, `"1m"` to `"24h"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_every: Option<String>,
    /// Why; without it pages are not turned off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a rule does with a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Send it at once.
    Now,
    /// Gather it with others and send them together.
    Digest,
    /// Do not send it.
    Off,
}

impl Rule {
    /// Whether this rule may keep a page from somebody.
    pub(super) fn turns_pages_off(&self) -> bool {
        let reasoned = self.reason.as_deref().is_some_and(|reason| !reason.trim().is_empty());
        self.action == Action::Off && self.urgency.contains(&Urgency::Page) && reasoned
    }
}

impl Preferences {
    /// Everything that is wrong with the document; none: it can be stored.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        if TimeZone::get(&self.time_zone).is_err() {
            let why = format!("`{}` is no time zone; write a name such as Europe/Vienna", excerpt(&self.time_zone));
            complaints.push(Complaint::new("time_zone", why));
        }
        if self.contacts.len() > MAX_CONTACTS {
            complaints.push(Complaint::new("contacts", format!("there are {}; keep {MAX_CONTACTS} at most", self.contacts.len())));
        }
        if self.rules.len() > MAX_RULES {
            complaints.push(Complaint::new("rules", format!("there are {}; keep {MAX_RULES} at most", self.rules.len())));
        }
        for (at, contact) in self.contacts.iter().take(MAX_CONTACTS).enumerate() {
            contact.check(&format!("contacts[{at}]"), &mut complaints);
            if self.contacts[..at].iter().any(|other| (other.channel, &other.address) == (contact.channel, &contact.address)) {
                complaints.push(Complaint::new(format!("contacts[{at}].address"), "stands here twice; take one out"));
            }
        }
        for (at, rule) in self.rules.iter().take(MAX_RULES).enumerate() {
            rule.check(&format!("rules[{at}]"), &mut complaints);
        }
        complaints
    }
}

impl Contact {
    fn check(&self, path: &str, complaints: &mut Vec<Complaint>) {
        let mut complain = |field: &str, why: String| complaints.push(Complaint::new(format!("{path}.{field}"), why));
        if self.address.chars().count() > MAX_ADDRESS_CHARS {
            complain("address", format!("is longer than {MAX_ADDRESS_CHARS} characters"));
        } else if let Err(why) = check_address(self.channel, &self.address) {
            complain("address", why);
        }
        if self.channel == Channel::Email && (self.shape != Shape::Generic || self.secret.is_some()) {
            complain("shape", "`shape` and `secret` are of webhooks; leave them out for email".to_owned());
        }
        if self.secret.as_deref().is_some_and(|name| name.is_empty() || name.len() > 100 || name.contains(char::is_control)) {
            complain("secret", "write the name under which the secret is stored, of 1 to 100 characters".to_owned());
        }
    }
}

/// The form only: whether a URL may be called is found out when it is, because names change what they point to.
fn check_address(channel: Channel, address: &str) -> Result<(), String> {
    match channel {
        Channel::Email => match address.parse::<lettre::Address>() {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("is no mail address ({error}); write one such as ines@example.org, without a name around it")),
        },
        Channel::Webhook => match url::Url::parse(address) {
            Ok(url) if !matches!(url.scheme(), "https" | "http") => Err("write a URL that begins with https://".to_owned()),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                Err("leave user and password out of the URL; sign the webhook with a `secret`".to_owned())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(format!("is no URL ({error}); write one such as https://chat.example.org/hook")),
        },
    }
}

impl Rule {
    fn check(&self, path: &str, complaints: &mut Vec<Complaint>) {
        let mut complain = |field: &str, why: &str| complaints.push(Complaint::new(format!("{path}.{field}"), why));
        for (field, text) in [("from", &self.from), ("to", &self.to), ("digest_at", &self.digest_at)] {
            if let Some(Err(why)) = text.as_deref().map(time_of_day) {
                complain(field, &why);
            }
        }
        match (&self.from, &self.to) {
            (Some(_), None) => complain("to", "is missing; `from` and `to` stand together"),
            (None, Some(_)) => complain("from", "is missing; `from` and `to` stand together"),
            (Some(from), Some(to)) if from == to => complain("to", "is the same as `from`; leave both out for the whole day"),
            _ => {}
        }
        match (self.action, &self.digest_at, &self.digest_every) {
            (Action::Digest, None, None) => complain("digest_at", "is missing; write `digest_at` (a time of day) or `digest_every`"),
            (Action::Digest, Some(_), Some(_)) => complain("digest_every", "stands beside `digest_at`; write one of them"),
            (Action::Digest, None, Some(every)) => {
                if let Err(why) = digest_every_us(every) {
                    complain("digest_every", &why);
                }
            }
            (Action::Now | Action::Off, Some(_), _) => complain("digest_at", "is of `action = \"digest\"`; leave it out"),
            (Action::Now | Action::Off, None, Some(_)) => complain("digest_every", "is of `action = \"digest\"`; leave it out"),
            _ => {}
        }
        if self.urgency.contains(&Urgency::Page) {
            match self.action {
                Action::Digest => complain("action", "a page cannot wait for a digest; write `now`, or `off` with a reason"),
                Action::Off if !self.turns_pages_off() => complain("reason", "is missing; say why pages need not reach you here"),
                _ => {}
            }
        }
        if self.reason.as_deref().is_some_and(|reason| reason.chars().count() > MAX_REASON_CHARS) {
            complain("reason", "is too long; 500 characters at most");
        }
        for (field, count, most) in [
            ("urgency", self.urgency.len(), Urgency::ALL.len()),
            ("events", self.events.len(), EventKind::ALL.len()),
            ("channels", self.channels.len(), Channel::ALL.len()),
            ("days", self.days.len(), 7),
        ] {
            if count > most {
                complain(field, "names something twice; take it out");
            }
        }
    }
}

/// How often a digest goes out: every minute to once a day.
pub(super) fn digest_every_us(text: &str) -> Result<i64, String> {
    duration_us_within(text, 60 * SECOND_US..=DAY_US)
}

#[cfg(test)]
#[path = "preferences_tests.rs"]
mod tests;
