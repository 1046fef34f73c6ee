//! Clean-ups that somebody has agreed to: they count among the options of a proposal until they are measured, lapse, or are taken back.
//!
//! An agreement stands in the proposal's need and in its events. Each run looks at the days since: where use has fallen, the clean-up is
//! done and counts no more, because the need has become smaller by it; where its day has passed and use has not fallen, it counts no more
//! either, and the proposal says so.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::capacity::Capacity;
use super::capacity_days::CapacityError;
use super::judging::{date_of, day_of};
use super::market::{MarketData, assets_named};
use super::proposal_delivery::end_part;
use super::proposal_rows::{Proposal, ProposalState, load_active, load_proposal, save_figures, save_proposal};
use super::proposals::{ProposalDetail, ProposalError, Proposals, changed, refuse_unless};
use super::rooms::{Place, Rooms};
use super::{InventoryError, Setup};
use crate::capacity::{CapacityQuestion, ResourceKey};
use crate::desk::Actor;
use crate::inventory::Money;
use crate::purchase::{AgreedCleanUp, CleanUpOutcome, DIP_WITHIN_DAYS, Market, Need, OptionKind, PurchaseOption, options, usual_dip_days};
use crate::store::{KnownRequest, RequestKey, known_request, remember_request};

/// Days before an agreement that say for how long use goes down by itself: twelve weeks, in which what is cleaned up each month shows.
const DAYS_BEFORE: i64 = 84;

/// Longest text about what goes.
const MAX_WHAT_CHARS: usize = 500;

/// Longest name of whoever agreed.
const MAX_BY_CHARS: usize = 100;

/// Two years: what takes longer is no clean-up.
const MOST_DAYS: i64 = 730;

/// A thousand million in the smallest unit of money: work that costs more is no clean-up.
const MOST_LABOUR_MINOR: i64 = 1_000_000_000_000;

/// What somebody agrees to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCleanUp {
    /// How much of what is in use goes, in the resource's unit.
    pub amount: f64,
    /// What goes.
    pub what: String,
    /// On this day it is gone.
    pub by_when: Date,
    /// Who agrees; whoever calls if not given.
    #[serde(default)]
    pub by: Option<String>,
    /// What the work costs, if that is to count.
    #[serde(default)]
    pub labour_cost: Option<Money>,
}

impl Capacity {
    /// The teams that look after a proposal's resource: those of its service, and of the assets that it stands on.
    ///
    /// # Errors
    /// There is no such proposal.
    pub async fn teams_of(&self, number: i64) -> Result<BTreeSet<String>, ProposalError> {
        let setup = self.parts.register.setup();
        let mut read = self.parts.inventory.store.read().await?;
        let proposal = load_proposal(&mut read, number).await?.ok_or(ProposalError::NotFound(number))?;
        let entity = proposal.facts.entity.as_object().into_iter().flatten();
        let entity = entity.filter_map(|(column, value)| Some((column.clone(), value.as_str()?.to_owned()))).collect();
        let key = ResourceKey { question: proposal.question.clone(), entity };
        let names: Vec<&str> = key.names().into_iter().collect();
        let assets = assets_named(&mut read, &names).await?;
        let services = proposal.facts.need.service.iter().chain(assets.iter().filter_map(|(_, asset)| asset.service.as_ref()));
        let of_services = services.filter_map(|service| setup.services.get(service)?.team.clone());
        Ok(of_services.chain(assets.iter().filter_map(|(_, asset)| asset.team.clone())).collect())
    }

    /// Writes down that somebody has agreed to a clean-up; in place of what was agreed before.
    ///
    /// # Errors
    /// It makes no sense, nobody measures the resource, or the proposal is decided or was changed.
    pub async fn agree_clean_up(
        &self,
        number: i64,
        expected_version: Option<i64>,
        new: &NewCleanUp,
        (actor, key): (&Actor, Option<&RequestKey>),
    ) -> Result<ProposalDetail, CapacityError> {
        let proposals = &self.parts.proposals;
        let failed = |error: ProposalError| CapacityError::Proposals(Box::new(error));
        let proposal = proposals.get(number).await.map_err(failed)?.proposal;
        let today = self.today();
        let days = match self.question_of(&proposal) {
            Some(question) => self.days_since(&question, &proposal.resource, today - DAYS_BEFORE).await?,
            None => Vec::new(),
        };
        let Some((_, used_before)) = days.last().filter(|(day, _)| day_of(*day) >= today - 7) else {
            let why = "was not measured in the last week, so nobody would see the clean-up; look whether it is still there";
            return Err(failed(ProposalError::Refused(format!("{} {why}", proposal.facts.need.resource))));
        };
        let setup = self.parts.register.setup();
        let before = (*used_before, usual_dip_days(&days, new.amount));
        proposals.agree(number, expected_version, (new, before), &setup, (actor, key)).await.map_err(failed)
    }

    /// What of a resource is in use, day by day, as its question judges it: the busy hour, the median, the maximum.
    async fn days_since(&self, question: &CapacityQuestion, resource: &str, since_day: i64) -> Result<Vec<(Date, f64)>, CapacityError> {
        let days = self.parts.days.of_resource(question, resource, since_day).await?.map(|(_, days)| days).unwrap_or_default();
        Ok(days.into_iter().filter(|day| day.value.is_finite()).map(|day| (date_of(day.day), day.value)).collect())
    }

    /// Looks at what has become of clean-ups that were agreed.
    pub(super) async fn look_after_clean_ups(&self, setup: &Setup) -> Result<(), CapacityError> {
        let active = async { load_active(&mut *self.parts.inventory.store.read().await?).await };
        for proposal in active.await.map_err(CapacityError::Store)? {
            let Some(agreed) = proposal.facts.need.agreed.as_ref().filter(|_| counts(&proposal)) else { continue };
            let since_day = day_of(agreed.agreed_on) - DIP_WITHIN_DAYS;
            let days = match self.question_of(&proposal) {
                Some(question) => self.days_since(&question, &proposal.resource, since_day).await,
                None => Ok(Vec::new()),
            };
            let days = match days {
                Ok(days) => days,
                Err(error) => {
                    tracing::warn!(proposal = proposal.number, %error, "it cannot be seen what has become of a clean-up");
                    continue;
                }
            };
            let outcome = agreed.outcome_by(&days, date_of(self.today()));
            if let Err(error) = self.parts.proposals.conclude(&proposal, outcome, setup).await {
                tracing::warn!(proposal = proposal.number, %error, "it cannot be written down what has become of a clean-up");
            }
        }
        Ok(())
    }

    fn question_of(&self, proposal: &Proposal) -> Option<Arc<CapacityQuestion>> {
        self.parts.questions.current().read.iter().find(|question| question.name == proposal.question).cloned()
    }
}

impl Proposals {
    async fn agree(
        &self,
        number: i64,
        expected_version: Option<i64>,
        (new, before): (&NewCleanUp, (f64, i64)),
        setup: &Setup,
        (actor, key): (&Actor, Option<&RequestKey>),
    ) -> Result<ProposalDetail, ProposalError> {
        let mut writing = self.desk.writing().await?;
        let known = match key {
            Some(key) => known_request(writing.connection(), &actor.name, key).await?,
            None => KnownRequest::New,
        };
        match known {
            KnownRequest::New => {
                let proposal = self.fresh(writing.connection(), number, expected_version).await?;
                refuse_unless(&proposal, &[ProposalState::Open, ProposalState::Deferred], "met by a clean-up any more")?;
                let agreed = self.agreed(new, before, &proposal.facts.need, setup, actor)?;
                let detail = json!({ "agreed": agreed, "unit": proposal.facts.need.unit, "instead_of": proposal.facts.need.agreed });
                let now_us = writing.now_us();
                let next = Proposal { updated_at_us: now_us, version: proposal.version + 1, ..proposal };
                let next = self.with_agreement(writing.connection(), next, Some(agreed), setup).await?;
                save_proposal(writing.connection(), &next, ("clean_up_agreed", &detail), actor).await?;
                if let Some(key) = key {
                    remember_request(writing.connection(), &actor.name, key, number, now_us).await?;
                }
            }
            KnownRequest::Made(_) => {}
            KnownRequest::Another => return Err(InventoryError::invalid("Idempotency-Key", RequestKey::REUSED).into()),
        }
        writing.commit().await?;
        self.get(number).await
    }

    fn agreed(
        &self,
        new: &NewCleanUp,
        (used_before, usual_dip_days): (f64, i64),
        need: &Need,
        setup: &Setup,
        actor: &Actor,
    ) -> Result<AgreedCleanUp, ProposalError> {
        let wrong = |field: &str, why: String| Err(InventoryError::invalid(field, why).into());
        let today = self.inventory.today();
        if !(new.amount.is_finite() && new.amount > 0.0 && new.amount <= need.used) {
            let (used, unit) = (need.used, &need.unit);
            return wrong("amount", format!("{} is not above 0 and at most what is in use, {used} {unit}; write it in {unit}", new.amount));
        }
        let is_line = |text: &str, most: usize| !text.trim().is_empty() && text.chars().count() <= most && !text.contains(char::is_control);
        if !is_line(&new.what, MAX_WHAT_CHARS) {
            return wrong("what", format!("write in 1 to {MAX_WHAT_CHARS} characters on one line what goes"));
        }
        if new.by_when < today || day_of(new.by_when) - day_of(today) > MOST_DAYS {
            return wrong("by_when", format!("{} is not from {today} on and within two years; write such a day", new.by_when));
        }
        let by = new.by.clone().unwrap_or_else(|| actor.user().unwrap_or(&actor.name).to_owned());
        if !is_line(&by, MAX_BY_CHARS) {
            return wrong("by", format!("write in 1 to {MAX_BY_CHARS} characters on one line who has agreed, or leave it out"));
        }
        if let Some(cost) = new.labour_cost {
            if !(0..=MOST_LABOUR_MINOR).contains(&cost.minor) {
                return wrong("labour_cost", format!("{cost} is no cost; write minor units from 0 to {MOST_LABOUR_MINOR}"));
            }
            let has_rate = || setup.purchase.rates.as_ref().is_some_and(|rates| rates.convert(cost, setup.purchase.currency).is_ok());
            if cost.currency != setup.purchase.currency && !has_rate() {
                let (theirs, ours) = (cost.currency, setup.purchase.currency);
                return wrong(
                    "labour_cost",
                    format!("{theirs} cannot be told in {ours}: the purchase policy has no rate; write it in {ours}"),
                );
            }
        }
        let (what, by_when, labour_cost) = (new.what.clone(), new.by_when, new.labour_cost);
        Ok(AgreedCleanUp { amount: new.amount, what, by_when, by, agreed_on: today, used_before, usual_dip_days, gone: 0.0, labour_cost })
    }

    /// Takes back what was agreed.
    ///
    /// # Errors
    /// Nothing is agreed, the clean-up was approved, or the proposal was changed.
    pub async fn take_back_clean_up(
        &self,
        number: i64,
        expected_version: Option<i64>,
        setup: &Setup,
        actor: &Actor,
    ) -> Result<ProposalDetail, ProposalError> {
        let mut writing = self.desk.writing().await?;
        let proposal = self.fresh(writing.connection(), number, expected_version).await?;
        let Some(agreed) = proposal.facts.need.agreed.clone() else {
            return Err(ProposalError::Refused(format!("no clean-up is agreed for proposal {number}")));
        };
        if is_approved_clean_up(&proposal) {
            let why = "the clean-up was approved; reject the proposal if it is not done";
            return Err(ProposalError::Refused(format!("proposal {number}: {why}")));
        }
        refuse_unless(&proposal, &[ProposalState::Open, ProposalState::Deferred], "changed so")?;
        let next = Proposal { updated_at_us: writing.now_us(), version: proposal.version + 1, ..proposal };
        let next = self.with_agreement(writing.connection(), next, None, setup).await?;
        save_proposal(writing.connection(), &next, ("clean_up_taken_back", &json!({ "agreed": agreed })), actor).await?;
        writing.commit().await?;
        self.get(number).await
    }

    /// Writes down what has become of a clean-up, unless somebody has changed the proposal since.
    async fn conclude(&self, known: &Proposal, outcome: CleanUpOutcome, setup: &Setup) -> Result<(), ProposalError> {
        let (fallen, is_done) = match outcome {
            CleanUpOutcome::Waits { fallen } => return self.note_gone(known, fallen, setup).await,
            CleanUpOutcome::Measured { fallen } => (Some(fallen), true),
            CleanUpOutcome::Lapsed { fallen } => (Some(fallen), false),
            CleanUpOutcome::Unseen => (None, false),
        };
        let mut writing = self.desk.writing().await?;
        let unchanged = load_proposal(writing.connection(), known.number).await?.filter(|now| now.version == known.version);
        let (Some(proposal), Some(agreed)) = (unchanged, &known.facts.need.agreed) else {
            return Ok(writing.commit().await.map(drop)?);
        };
        let (unit, by_when) = (&known.facts.need.unit, agreed.by_when);
        let told = match fallen {
            Some(fallen) => format!("use has fallen by {fallen} of the {} {unit} that were agreed", agreed.amount),
            None => "nobody measures it any more, so that nobody sees whether anything has gone".to_owned(),
        };
        let detail = |why: String| json!({ "agreed": agreed, "fallen": fallen, "unit": unit, "why": why });
        let is_approved = is_approved_clean_up(&proposal);
        let (next, event, detail): (Proposal, &str, Value) = if is_approved && is_done {
            end_part(&mut writing, &proposal, &format!("cleaned up: {told}"), &Actor::desk()).await?;
            (changed(&proposal, ProposalState::Delivered, writing.now_us()), "delivered", detail(told))
        } else if is_approved {
            let why = match fallen {
                Some(_) => format!("{told} by {by_when}: the clean-up was not done, and the proposal is open again"),
                None => format!("{told}, and {by_when} has passed: the proposal is open again"),
            };
            end_part(&mut writing, &proposal, &format!("opened again: {why}"), &Actor::desk()).await?;
            let open = Proposal { chosen: None, ticket: None, ..changed(&proposal, ProposalState::Open, writing.now_us()) };
            (self.with_agreement(writing.connection(), open, None, setup).await?, "reopened", detail(why))
        } else {
            let next = Proposal { updated_at_us: writing.now_us(), version: proposal.version + 1, ..proposal };
            let next = self.with_agreement(writing.connection(), next, None, setup).await?;
            if is_done {
                (next, "clean_up_measured", detail(told))
            } else {
                let why = if fallen.is_some() { format!("{told} by {by_when}") } else { told };
                (next, "clean_up_lapsed", detail(why))
            }
        };
        save_proposal(writing.connection(), &next, (event, &detail), &Actor::desk()).await?;
        writing.commit().await?;
        Ok(())
    }

    /// Notes how much has gone already: the need has become smaller by it, and it must not count twice. What was decided stays as it is.
    async fn note_gone(&self, known: &Proposal, gone: f64, setup: &Setup) -> Result<(), ProposalError> {
        let gone = gone.max(0.0);
        let has_news = known.facts.need.agreed.as_ref().is_some_and(|agreed| agreed.gone != gone);
        if !has_news || known.state == ProposalState::Approved {
            return Ok(());
        }
        let mut writing = self.desk.writing().await?;
        let unchanged = load_proposal(writing.connection(), known.number).await?.filter(|now| now.version == known.version);
        if let Some(proposal) = unchanged {
            let agreed = proposal.facts.need.agreed.clone().map(|agreed| AgreedCleanUp { gone, ..agreed });
            let next = self.with_agreement(writing.connection(), proposal, agreed, setup).await?;
            save_figures(writing.connection(), next.number, &next.title, &next.facts, &next.options).await?;
        }
        writing.commit().await?;
        Ok(())
    }

    /// The proposal with its options made anew for what is agreed now.
    async fn with_agreement(
        &self,
        write: &mut SqliteConnection,
        mut proposal: Proposal,
        agreed: Option<AgreedCleanUp>,
        setup: &Setup,
    ) -> Result<Proposal, ProposalError> {
        let market = MarketData::load(write).await?;
        let active = load_active(write).await?;
        let rules = setup.desk_rules();
        let rooms = Rooms::load(write, &rules, &active).await?;
        let place = Place::of(&proposal.question, &proposal.facts.entity, &rules);
        proposal.facts.need.agreed = agreed;
        let need = &proposal.facts.need;
        let neighbours = rooms.next_to(&place, (&proposal.resource, &need.resource));
        let offered = Market { offers: &market.offers, neighbours: &neighbours, books: &market.books, leads: &market.leads };
        proposal.options = options(need, offered, &setup.purchase)?;
        proposal.facts.offers = market.versions_of(&proposal.options);
        Ok(proposal)
    }
}

/// The option that was approved, if it is a clean-up that somebody agreed to.
pub(super) fn approved_clean_up(proposal: &Proposal) -> Option<&PurchaseOption> {
    let place = proposal.chosen.and_then(|place| usize::try_from(place).ok()?.checked_sub(1));
    let chosen = place.and_then(|place| proposal.options.options.get(place));
    chosen.filter(|option| option.kind == OptionKind::CleanUp && proposal.facts.need.agreed.is_some())
}

fn is_approved_clean_up(proposal: &Proposal) -> bool {
    proposal.state == ProposalState::Approved && approved_clean_up(proposal).is_some()
}

/// Whether an agreement still matters: of a proposal that is met by something else it does not.
fn counts(proposal: &Proposal) -> bool {
    proposal.state != ProposalState::Approved || is_approved_clean_up(proposal)
}

#[cfg(test)]
#[path = "clean_ups_tests.rs"]
mod tests;
