//! How a promise stands, read from a ticket's history.

use serde::Serialize;

use super::history::{History, Period};
use super::opening_hours::OpeningHours;
use super::promises::{Promise, Promises, Rule};
use super::timeline::{Phase, Timeline};
use crate::clock::TimestampUs;
use crate::record::Hold;

/// Whether a promise is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Neither kept nor broken yet.
    Running,
    /// It was kept.
    Met {
        /// When.
        at_us: TimestampUs,
    },
    /// It was broken, which nothing undoes but another policy, priority or service.
    Breached {
        /// When the time was used up.
        at_us: TimestampUs,
    },
}

/// How one promise of a ticket stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlaClock {
    /// What is promised.
    pub promise: Promise,
    /// Name of the rule that promises it.
    pub rule: String,
    /// Promised business time.
    pub target_us: i64,
    /// When it began to count; for an update, the last word to the user.
    pub started_at_us: TimestampUs,
    /// When it stopped for good, or until the ticket is reopened; `None` while it can still go on.
    pub stopped_at_us: Option<TimestampUs>,
    /// Business time used.
    pub elapsed_us: i64,
    /// Whether it stands still because the ticket waits for somebody. Out of opening hours is no pause.
    pub paused: bool,
    /// When the time is used up, or was; the promise is broken a microsecond later. `None` while it is paused in time, and
    /// where it is more than ten years away.
    pub due_at_us: Option<TimestampUs>,
    /// When the warning is due, or was; `None` as for `due_at_us`.
    pub warn_at_us: Option<TimestampUs>,
    /// Whether it is kept.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl SlaClock {
    /// Whether it is broken.
    pub fn is_breached(&self) -> bool {
        matches!(self.verdict, Verdict::Breached { .. })
    }

    /// Whether it is in danger: still running, not broken, and past its warning.
    pub fn is_warning(&self, now_us: TimestampUs) -> bool {
        self.verdict == Verdict::Running && self.warn_at_us.is_some_and(|at_us| at_us <= now_us)
    }

    /// The next moment after `now_us` at which it warns or breaks by itself, if nothing happens to the ticket.
    pub fn next_event_us(&self, now_us: TimestampUs) -> Option<TimestampUs> {
        if self.verdict != Verdict::Running || self.paused {
            return None;
        }
        let broken_at_us = self.due_at_us.map(|due_us| due_us.saturating_add(1));
        [self.warn_at_us, broken_at_us].into_iter().flatten().filter(|&at_us| at_us > now_us).min()
    }
}

/// The next moment after `now_us` at which one of these clocks warns or breaks: until then a scheduler may sleep, if no ticket
/// changes. `None` if none ever will.
pub fn next_event_us<'c>(clocks: impl IntoIterator<Item = &'c SlaClock>, now_us: TimestampUs) -> Option<TimestampUs> {
    clocks.into_iter().filter_map(|clock| clock.next_event_us(now_us)).min()
}

/// How the promises of a ticket stand at a moment: response, updates, resolution, supplier, as far as its rules promise them.
///
/// Of the silences between words to the user, those that were too long and the last one each have a clock of their own.
pub fn clocks(timeline: &Timeline, promises: &Promises, now_us: TimestampUs) -> Vec<SlaClock> {
    let history = History::until(timeline, now_us);
    let of = |promise, periods: &[Period<'_>], stopped| clock_over(promises, promise, periods, stopped);
    let all = history.periods.len();
    let upto = |end: Option<usize>| history.periods.get(..end.unwrap_or(all)).unwrap_or_default();
    let mut found = Vec::with_capacity(Promise::ALL.len());
    found.extend(of(Promise::Response, upto(history.responded), history.responded.is_some()));
    let last = history.silences.len().saturating_sub(1);
    for (index, silence) in history.silences.iter().enumerate() {
        let periods = history.periods.get(silence.periods.clone()).unwrap_or_default();
        let clock = of(Promise::Update, periods, silence.is_over);
        found.extend(clock.filter(|clock| index == last || clock.is_breached()));
    }
    found.extend(of(Promise::Resolution, upto(history.resolved), history.resolved.is_some()));
    let held = |period: &Period<'_>| period.phase == Phase::OnHold(Some(Hold::Supplier));
    if let (Some(first), Some(last)) = (history.periods.iter().position(held), history.periods.iter().rposition(held)) {
        found.extend(of(Promise::Supplier, history.periods.get(first..=last).unwrap_or_default(), last + 1 < all));
    }
    found
}

/// The clock of a promise over some periods. The rule is the one that fits the ticket at their end: now if the clock goes on,
/// and else when it stopped.
fn clock_over(promises: &Promises, promise: Promise, periods: &[Period<'_>], stopped: bool) -> Option<SlaClock> {
    let (first, last) = (periods.first()?, periods.last()?);
    let rule = promises.rule_for(last.facts)?;
    let target = rule.target(promise)?;
    let stretches = stretches(rule, promise, periods, &target.hours);
    let due_at_us = used_up_at(&stretches, &target.hours, target.target_us);
    let end_us = last.until_us;
    let verdict = match due_at_us {
        Some(at_us) if at_us < end_us => Verdict::Breached { at_us },
        _ if stopped => Verdict::Met { at_us: end_us },
        _ => Verdict::Running,
    };
    Some(SlaClock {
        promise,
        rule: rule.name.clone(),
        target_us: target.target_us,
        started_at_us: first.from_us,
        stopped_at_us: stopped.then_some(end_us),
        elapsed_us: stretches.iter().map(|stretch| stretch.used_us).sum(),
        paused: !stopped && !rule.runs(promise, last.phase),
        due_at_us,
        warn_at_us: used_up_at(&stretches, &target.hours, target.warn_us),
        verdict,
    })
}

/// A period in which a clock runs.
struct Stretch {
    from_us: TimestampUs,
    until_us: TimestampUs,
    /// Business time in it.
    used_us: i64,
    /// It is the last period, so that the clock runs on or was stopped while it ran.
    is_last: bool,
}

fn stretches(rule: &Rule, promise: Promise, periods: &[Period<'_>], hours: &OpeningHours) -> Vec<Stretch> {
    let stretch = |(index, period): (usize, &Period<'_>)| Stretch {
        from_us: period.from_us,
        until_us: period.until_us,
        used_us: hours.business_between(period.from_us, period.until_us),
        is_last: index + 1 == periods.len(),
    };
    periods.iter().enumerate().filter(|(_, period)| rule.runs(promise, period.phase)).map(stretch).collect()
}

/// When so much business time is used up: within a stretch, or after the last one as if it had gone on. At the very end of a
/// stretch it is left to the next: nothing is broken by what is used up to the last microsecond.
fn used_up_at(stretches: &[Stretch], hours: &OpeningHours, business_us: i64) -> Option<TimestampUs> {
    let mut left_us = business_us;
    for stretch in stretches {
        if stretch.is_last {
            return hours.deadline(stretch.from_us, left_us);
        }
        if stretch.used_us >= left_us {
            let within = hours.deadline(stretch.from_us, left_us).filter(|&at_us| at_us < stretch.until_us);
            if within.is_some() {
                return within;
            }
        }
        left_us -= stretch.used_us;
    }
    None
}

#[cfg(test)]
#[path = "sla_clock_tests.rs"]
mod tests;
