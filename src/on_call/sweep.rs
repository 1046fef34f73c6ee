//! One walk over the time line: the period is cut wherever anything begins or ends, and each piece is decided by itself.
//!
//! Deciding piece by piece is slower than cutting and joining intervals of layers and overrides, and cannot go wrong: the
//! rules stand in [`decide`] in the order in which people know them.

use super::absence::Away;
use super::hours::Span;
use super::plan::Plan;
use super::shift::Reason;
use super::turns::Segment;
use crate::clock::TimestampUs;

/// Who is on call in a piece of time, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder<'a> {
    pub(super) person: &'a str,
    pub(super) source: Source,
    pub(super) reason: Reason,
}

/// Where a shift comes from. Pieces of one source are one shift; the turns of a layer are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Layer { layer: usize, turn: i64 },
    Override(usize),
}

/// A piece of time in which nothing changes.
#[derive(Debug)]
pub(super) struct Moment<'a> {
    pub(super) span: Span,
    pub(super) on_call: Option<Holder<'a>>,
    /// Who would be on call by each layer that covers, from the lowest to the highest.
    pub(super) planned: Vec<&'a str>,
    /// Whether a layer covers whose people are all away.
    pub(super) everybody_away: bool,
}

/// The period widened to whole turns and overrides, and what stands in it.
pub(super) struct Sweep<'a> {
    plan: &'a Plan,
    away: &'a Away<'a>,
    segments: Vec<Vec<Segment>>,
    edges: Vec<TimestampUs>,
}

impl<'a> Sweep<'a> {
    /// Prepares a walk over the period and as far beyond it as what overlaps it reaches; cuts at `more_edges` too.
    pub(super) fn new(plan: &'a Plan, away: &'a Away<'a>, period: Span, more_edges: &[TimestampUs]) -> Self {
        let touching =
            |period: Span| -> Vec<Vec<Segment>> { plan.layers.iter().map(|layer| layer.segments(&plan.clock, period)).collect() };
        // A piece never reaches beyond the turn or override that it is from. What cuts it there overlaps the wider period.
        let overrides = plan.overrides.iter().map(|one| one.span).filter(|span| span.overlaps(period));
        let wide = touching(period)
            .iter()
            .flatten()
            .map(|segment| segment.span)
            .chain(overrides)
            .fold(period, |wide, span| Span { from_us: wide.from_us.min(span.from_us), to_us: wide.to_us.max(span.to_us) });
        let segments = touching(wide);
        let spans = segments.iter().flatten().map(|segment| segment.span).chain(plan.overrides.iter().map(|one| one.span));
        let mut edges: Vec<TimestampUs> = spans.flat_map(|span| [span.from_us, span.to_us]).collect();
        edges.extend(plan.people().iter().flat_map(|person| away.edges(person)));
        edges.extend(more_edges);
        edges.extend([wide.from_us, wide.to_us]);
        edges.retain(|edge| (wide.from_us..=wide.to_us).contains(edge));
        edges.sort_unstable();
        edges.dedup();
        Self { plan, away, segments, edges }
    }

    /// The pieces in order. They meet, and together they are the widened period.
    pub(super) fn moments(&self) -> impl Iterator<Item = Moment<'a>> {
        let mut at = vec![0; self.segments.len()];
        self.edges.windows(2).map(move |edge| {
            let span = Span { from_us: edge[0], to_us: edge[1] };
            let turns = self.segments.iter().zip(&mut at).map(|(segments, at)| {
                while segments.get(*at).is_some_and(|segment| segment.span.to_us <= span.from_us) {
                    *at += 1;
                }
                segments.get(*at).filter(|segment| segment.span.from_us <= span.from_us).map(|segment| segment.turn)
            });
            decide(self.plan, self.away, span, turns)
        })
    }
}

/// Who is on call in a piece, given the turn that each layer is in, if it covers.
fn decide<'a>(plan: &'a Plan, away: &Away<'_>, span: Span, turns: impl Iterator<Item = Option<i64>>) -> Moment<'a> {
    let mut moment = Moment { span, on_call: None, planned: Vec::new(), everybody_away: false };
    for (number, (layer, turn)) in plan.layers.iter().zip(turns).enumerate() {
        let Some(turn) = turn else { continue };
        let Some(person) = layer.people_of(turn).find(|person| !away.is_away(person, span.from_us)) else {
            moment.everybody_away = true;
            continue;
        };
        let reason = match layer.people_of(turn).next() {
            Some(first) if first != person => Reason::StandIn { for_person: first.to_owned() },
            _ => Reason::Rotation,
        };
        moment.planned.push(person);
        moment.on_call = Some(Holder { person, source: Source::Layer { layer: number, turn }, reason });
    }
    for (number, one) in plan.overrides.iter().enumerate() {
        let holds = one.span.overlaps(span)
            && one.in_place_of.as_deref().is_none_or(|replaced| moment.on_call.as_ref().is_some_and(|holder| holder.person == replaced))
            && !away.is_away(&one.person, span.from_us);
        if holds {
            let reason = Reason::Override { in_place_of: one.in_place_of.clone() };
            moment.on_call = Some(Holder { person: &one.person, source: Source::Override(number), reason });
        }
    }
    moment
}
