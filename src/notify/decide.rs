//! From a person's preferences and an event to what is sent where, and when. Pure.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use super::preferences::digest_every_us;
use super::preferences::{Action, MAX_CONTACTS, MAX_RULES};
use super::wall_time::time_of_day;
use super::{Channel, Contact, EventKind, Preferences, Rule, Shape, Urgency};
use crate::clock::TimestampUs;

/// When low notices come if no rule says otherwise: at the beginning of a day's work.
const LOW_DIGEST_AT: Time = Time::constant(8, 0, 0, 0);

/// A notice to one address, planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// How.
    pub channel: Channel,
    /// Where to.
    pub address: String,
    /// Of a webhook: in which form.
    pub shape: Shape,
    /// Of a webhook: name of the secret that signs it.
    pub secret: Option<String>,
    /// When.
    pub due_at_us: TimestampUs,
    /// Notices for the same person and address with the same key become one message. The key names the moment at which it
    /// goes out, so that nothing joins a digest that is already on its way.
    pub digest_key: Option<String>,
}

/// What is sent to whom of an event of this kind and urgency at `now_us`.
///
/// Empty, if the person has no contact or wants none of it: **a page that is planned nowhere reaches nobody**, and whoever
/// asked for it must go on to the next person.
pub fn decide(preferences: &Preferences, event: EventKind, urgency: Urgency, now_us: TimestampUs) -> Vec<Planned> {
    let zone = TimeZone::get(&preferences.time_zone).unwrap_or(TimeZone::UTC);
    // Moments that no calendar knows have no hours either: rules with hours do not fit them.
    let local = Timestamp::from_microsecond(now_us).ok().map(|at| at.to_zoned(zone));
    let mut planned: Vec<Planned> = Vec::new();
    for contact in preferences.contacts.iter().take(MAX_CONTACTS) {
        let Some((due_at_us, digest_key)) = when(preferences, contact, event, urgency, now_us, local.as_ref()) else { continue };
        if planned.iter().any(|other| (other.channel, &other.address) == (contact.channel, &contact.address)) {
            continue;
        }
        planned.push(Planned {
            channel: contact.channel,
            address: contact.address.clone(),
            shape: contact.shape,
            secret: contact.secret.clone(),
            due_at_us,
            digest_key,
        });
    }
    planned
}

fn when(
    preferences: &Preferences,
    contact: &Contact,
    event: EventKind,
    urgency: Urgency,
    now_us: TimestampUs,
    local: Option<&Zoned>,
) -> Option<(TimestampUs, Option<String>)> {
    let rule = preferences
        .rules
        .iter()
        .take(MAX_RULES)
        .filter(|rule| urgency != Urgency::Page || rule.turns_pages_off())
        .find(|rule| rule.fits(contact.channel, event, urgency, local));
    let digest = match rule {
        Some(rule) if rule.action == Action::Off => return None,
        Some(rule) if rule.action == Action::Now => None,
        Some(rule) => digest_of(rule, now_us, local),
        None if urgency == Urgency::Low => daily(LOW_DIGEST_AT, local),
        None => None,
    };
    Some(digest.map_or((now_us, None), |(due_at_us, key)| (due_at_us, Some(key))))
}

impl Rule {
    fn fits(&self, channel: Channel, event: EventKind, urgency: Urgency, local: Option<&Zoned>) -> bool {
        let listed = (self.channels.is_empty() || self.channels.contains(&channel))
            && (self.events.is_empty() || self.events.contains(&event))
            && (self.urgency.is_empty() || self.urgency.contains(&urgency));
        listed && self.fits_hours(local)
    }

    fn fits_hours(&self, local: Option<&Zoned>) -> bool {
        let hours = match (&self.from, &self.to) {
            (None, None) => None,
            (from, to) => {
                // A document that was not checked may hold anything; hours that cannot be read are never.
                let read = |text: &Option<String>| text.as_deref().and_then(|text| time_of_day(text).ok());
                let (Some(from), Some(to)) = (read(from), read(to)) else { return false };
                Some((from, to))
            }
        };
        if hours.is_none() && self.days.is_empty() {
            return true;
        }
        let Some(local) = local else { return false };
        let (now, today) = (local.time(), local.weekday());
        let on = |day: jiff::civil::Weekday| self.days.is_empty() || self.days.contains(&day.into());
        match hours {
            None => on(today),
            Some((from, to)) if from < to => (from..to).contains(&now) && on(today),
            Some((from, to)) => (now >= from && on(today)) || (now < to && on(today.previous())),
        }
    }
}

/// When a rule's digest goes out, and its key. A rule without a time that can be read sends at once.
fn digest_of(rule: &Rule, now_us: TimestampUs, local: Option<&Zoned>) -> Option<(TimestampUs, String)> {
    if let Some(at) = &rule.digest_at {
        return daily(time_of_day(at).ok()?, local);
    }
    let every_us = digest_every_us(rule.digest_every.as_deref()?).ok()?;
    let due_at_us = now_us.div_euclid(every_us).checked_add(1)?.checked_mul(every_us)?;
    Some((due_at_us, format!("every {} {due_at_us}", rule.digest_every.as_deref().unwrap_or_default())))
}

/// The next time that the clock on the wall shows `at`. In the night in which it never does, it is as much later as the
/// clock was put forward; where it does twice, it is the first time.
fn daily(at: Time, local: Option<&Zoned>) -> Option<(TimestampUs, String)> {
    let local = local?;
    let on = |date: jiff::civil::Date| date.to_datetime(at).to_zoned(local.time_zone().clone()).ok();
    let today = on(local.date()).filter(|moment| moment.timestamp() > local.timestamp());
    let next = match today {
        Some(moment) => moment,
        None => on(local.date().checked_add(1.day()).ok()?)?,
    };
    let due_at_us = next.timestamp().as_microsecond();
    Some((due_at_us, format!("daily {due_at_us}")))
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
