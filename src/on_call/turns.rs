//! A layer's turns on the time line.

use super::hours::{Span, spans};
use super::local_time::WallClock;
use super::plan::LayerPlan;

/// A part of a turn at which the layer covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) span: Span,
    /// Number of the turn since the layer's start.
    pub(super) turn: i64,
}

impl LayerPlan {
    /// Every segment that overlaps the period, whole, in order. Segments of no length, as in a day that a zone left out,
    /// do not exist.
    pub(super) fn segments(&self, clock: &WallClock, period: Span) -> Vec<Segment> {
        let turns = self.turns(clock, period);
        let (Some(hours), Some(first), Some(last)) = (&self.hours, turns.first(), turns.last()) else { return turns };
        let whole = Span { from_us: first.span.from_us, to_us: last.span.to_us };
        let open = spans(hours, clock, whole);
        let mut segments = Vec::new();
        for turn in turns {
            let begin = open.partition_point(|span| span.to_us <= turn.span.from_us);
            let parts = open[begin..].iter().take_while(|span| span.from_us < turn.span.to_us);
            let cut = parts.map(|span| Segment { span: span.within(turn.span), turn: turn.turn });
            segments.extend(cut.filter(|segment| segment.span.overlaps(period)));
        }
        segments
    }

    /// The turns that overlap the period. Their number is that of whole turns on the wall clock since the start, so that
    /// an hour more or less in a night changes nothing about whose turn it is.
    fn turns(&self, clock: &WallClock, period: Span) -> Vec<Segment> {
        let mut turns = Vec::new();
        if period.is_empty() {
            return turns;
        }
        let begin_us = |turn: i64| clock.to_utc(self.starts_us + turn * self.turn_us).min(self.ends_us);
        let first = (clock.to_local(period.from_us) - self.starts_us).div_euclid(self.turn_us).max(0);
        for turn in first.. {
            let span = Span { from_us: begin_us(turn), to_us: begin_us(turn + 1) };
            if span.from_us >= period.to_us.min(self.ends_us) {
                break;
            }
            if span.overlaps(period) {
                turns.push(Segment { span, turn });
            }
        }
        turns
    }

    /// The people of a turn: who has it, then those who would stand in, in order.
    pub(super) fn people_of(&self, turn: i64) -> impl Iterator<Item = &str> {
        let count = self.people.len();
        let first = turn.rem_euclid(count.max(1) as i64) as usize;
        (0..count).map(move |next| self.people[(first + next) % count].as_str())
    }
}
