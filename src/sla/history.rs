//! A timeline cut into periods, in each of which a clock either runs or does not.

use std::ops::Range;

use super::timeline::{Change, Phase, Timeline};
use crate::clock::TimestampUs;
use crate::record::{Priority, TicketKind};

/// What a promise depends on, as of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts<'t> {
    pub(super) kind: TicketKind,
    pub(super) priority: Priority,
    pub(super) service: Option<&'t str>,
}

/// A stretch of time in one phase, without an answer to the user in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period<'t> {
    pub(super) from_us: TimestampUs,
    /// Not before `from_us`.
    pub(super) until_us: TimestampUs,
    pub(super) phase: Phase,
    /// As they are at its end.
    pub(super) facts: Facts<'t>,
}

/// A stretch of open time without a word to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Silence {
    /// The periods that it is made of, as indices.
    pub(super) periods: Range<usize>,
    /// Somebody wrote, or the ticket was resolved; else it still lasts.
    pub(super) is_over: bool,
}

/// What happened up to a moment.
#[derive(Debug)]
pub(super) struct History<'t> {
    /// At least one; they follow each other without a gap, from the opening to that moment.
    pub(super) periods: Vec<Period<'t>>,
    /// Number of periods up to the first response, if there was one.
    pub(super) responded: Option<usize>,
    /// Number of periods up to the move to resolved, or straight to closed; `None` if the ticket is open.
    pub(super) resolved: Option<usize>,
    /// In order, at least one.
    pub(super) silences: Vec<Silence>,
    phase: Phase,
    since_us: TimestampUs,
    facts: Facts<'t>,
    silent_since: usize,
}

impl<'t> History<'t> {
    /// Cuts a timeline; what is later than `now_us` has not happened yet.
    pub(super) fn until(timeline: &'t Timeline, now_us: TimestampUs) -> Self {
        let mut history = Self {
            periods: Vec::with_capacity(timeline.entries.len() + 1),
            responded: None,
            resolved: None,
            silences: Vec::new(),
            phase: Phase::New,
            since_us: timeline.opened_at_us,
            facts: Facts { kind: timeline.kind, priority: timeline.priority, service: timeline.service.as_deref() },
            silent_since: 0,
        };
        for entry in timeline.entries.iter().take_while(|entry| entry.at_us <= now_us) {
            history.apply(entry.at_us, &entry.change);
        }
        history.cut(now_us);
        if history.phase.is_open() {
            history.end_silence(false);
        }
        history
    }

    fn apply(&mut self, at_us: TimestampUs, change: &'t Change) {
        match change {
            Change::Moved(to) => self.enter(at_us, *to),
            Change::Kind(kind) => self.facts.kind = *kind,
            Change::Prioritised(priority) => self.facts.priority = *priority,
            Change::Service(service) => self.facts.service = service.as_deref(),
            Change::Replied => {
                self.cut(at_us);
                self.respond();
                if self.phase.is_open() {
                    self.end_silence(true);
                }
            }
            Change::Acknowledged => {
                self.cut(at_us);
                self.respond();
            }
            Change::Assigned => {}
        }
    }

    fn enter(&mut self, at_us: TimestampUs, to: Phase) {
        self.cut(at_us);
        match (self.phase.is_open(), to.is_open()) {
            (true, false) => {
                self.resolved = Some(self.periods.len());
                self.end_silence(true);
            }
            (false, true) => {
                self.resolved = None;
                self.silent_since = self.periods.len();
            }
            _ => {}
        }
        self.phase = to;
        // What is resolved needs no response any more, and whoever takes it up has responded.
        if to == Phase::InProgress || !to.is_open() {
            self.respond();
        }
    }

    /// Ends the present period and begins another.
    fn cut(&mut self, at_us: TimestampUs) {
        let until_us = at_us.max(self.since_us);
        self.periods.push(Period { from_us: self.since_us, until_us, phase: self.phase, facts: self.facts });
        self.since_us = until_us;
    }

    fn respond(&mut self) {
        self.responded.get_or_insert(self.periods.len());
    }

    fn end_silence(&mut self, is_over: bool) {
        self.silences.push(Silence { periods: self.silent_since..self.periods.len(), is_over });
        self.silent_since = self.periods.len();
    }
}

#[cfg(test)]
mod tests {
    use super::super::timeline::Entry;
    use super::*;
    use crate::record::Hold;

    fn history_of(changes: Vec<(TimestampUs, Change)>) -> Timeline {
        let entries = changes.into_iter().map(|(at_us, change)| Entry { at_us, change }).collect();
        Timeline { opened_at_us: 0, kind: TicketKind::Incident, priority: Priority::P3, service: None, entries }
    }

    #[test]
    fn periods_follow_each_other_and_hold_the_facts_of_their_end() {
        let timeline = history_of(vec![
            (5, Change::Prioritised(Priority::P1)),
            (10, Change::Moved(Phase::InProgress)),
            (20, Change::Replied),
            (30, Change::Moved(Phase::OnHold(Some(Hold::User)))),
            (90, Change::Moved(Phase::Closed)),
        ]);
        let history = History::until(&timeline, 40);
        let times: Vec<_> = history.periods.iter().map(|period| (period.from_us, period.until_us)).collect();
        assert_eq!(times, [(0, 10), (10, 20), (20, 30), (30, 40)]);
        assert_eq!(history.periods[0].facts.priority, Priority::P1);
        assert_eq!((history.responded, history.resolved), (Some(1), None));
        let silences: Vec<_> = history.silences.iter().map(|silence| (silence.periods.clone(), silence.is_over)).collect();
        assert_eq!(silences, [(0..2, true), (2..4, false)]);
    }

    #[test]
    fn reopening_begins_a_silence_and_time_that_runs_backwards_stands_still() {
        let timeline = history_of(vec![(10, Change::Moved(Phase::Resolved)), (7, Change::Moved(Phase::Reopened)), (12, Change::Replied)]);
        let history = History::until(&timeline, 20);
        assert!(history.periods.iter().all(|period| period.from_us <= period.until_us));
        assert_eq!(history.silences.len(), 3);
        assert_eq!(history.resolved, None);
        assert_eq!(History::until(&timeline, -5).periods, [Period { until_us: 0, ..history.periods[0] }]);
    }
}
