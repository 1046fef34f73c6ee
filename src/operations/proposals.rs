//! Upgrade proposals: made of what crosses, kept as it changes, decided by people, and ended by the delivery.
//!
//! What is decided, what it takes from the budget and the change ticket are one transaction. While nobody has decided, each run of
//! the capacity makes the proposal anew; with the decision it is frozen.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::capacity_rows::KnownStanding;
use super::inventory::Inventory;
use super::market::{MarketData, neighbours, price_history};
use super::proposal_rows::{
    Proposal, ProposalEvent, ProposalFacts, ProposalState, load_active, load_events, load_proposal, load_proposals, next_number,
    save_proposal,
};
use super::{InventoryError, NewBudgetEntry, Setup};
use crate::capacity::CapacityQuestion;
use crate::clock::TimestampUs;
use crate::desk::{Actor, Desk, DeskError, Impact, Opening, TicketEvent, TicketKind, TicketState, Urgency};
use crate::inventory::{Currency, EntryKind, InventoryKind, Money, Record};
use crate::purchase::{
    Combined, Consumer, Market, NamedOffer, Need, NegotiationSheet, Options, PurchaseError, PurchaseOption, Recommendation, RepairCase,
    Want, combine, negotiation_sheet, options, repair_or_replace,
};
use crate::store::{StoreError, load_record};

/// Longest reason of a decision.
const MAX_WHY_CHARS: usize = 2_000;

/// Why nothing was decided or found.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    /// There is none of that number.
    #[error("there is no proposal {0}; `GET /api/v1/proposals` lists those that there are")]
    NotFound(i64),
    /// Somebody else decided since it was read.
    #[error("proposal {number} was changed in the meantime (it is at version {version}); read it again, then decide")]
    Conflict {
        /// The proposal.
        number: i64,
        /// The version that it is at.
        version: i64,
    },
    /// It makes no sense now.
    #[error("{0}")]
    Refused(String),
    /// The arithmetic has no answer.
    #[error(transparent)]
    Purchase(#[from] PurchaseError),
    /// The inventory refuses it.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The desk refuses it.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case", deny_unknown_fields)]
pub enum Decision {
    /// It is done: the option at this place, from 1.
    Approve {
        /// The place.
        option: usize,
        /// Why this one.
        #[serde(default)]
        why: String,
        /// Even where the budget has not enough left.
        #[serde(default)]
        allow_overrun: bool,
    },
    /// It is decided later.
    Defer {
        /// On this day it is open again.
        until: Date,
        /// Why.
        #[serde(default)]
        why: String,
    },
    /// It is not done; what was approved is taken back.
    Reject {
        /// Why.
        why: String,
    },
}

/// What was delivered.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDelivery {
    /// When it came.
    pub delivered_on: Date,
    /// What was paid, in minor units of the committed currency; what was committed if not given.
    #[serde(default)]
    pub paid_minor: Option<i64>,
    /// Anything worth knowing.
    #[serde(default)]
    pub note: String,
}

/// What is known of a failure.
#[derive(Debug, Clone)]
pub struct RepairQuestion {
    /// What the repair costs.
    pub repair_cost: Money,
    /// What a further repair costs; as this one if nothing is known.
    pub mean_repair_cost: Option<Money>,
    /// Days that it takes.
    pub downtime_days: u32,
    /// Days on which it failed, this time among them.
    pub failures: Vec<Date>,
    /// What a day without it costs.
    pub cost_of_outage_per_day: Option<Money>,
}

/// A proposal with what happened to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProposalDetail {
    /// As it stands.
    #[serde(flatten)]
    pub proposal: Proposal,
    /// Oldest first.
    pub events: Vec<ProposalEvent>,
}

/// Proposals over the store and the desk.
#[derive(Debug, Clone)]
pub struct Proposals {
    desk: Desk,
    inventory: Inventory,
}

/// What a run says of a resource that crosses.
#[derive(Debug, Clone)]
pub(super) struct Crossing<'a> {
    pub(super) standing: &'a KnownStanding,
    pub(super) question: &'a CapacityQuestion,
    pub(super) outage_cost_per_day: Option<u64>,
    pub(super) consumers: Vec<Consumer>,
}

impl Proposals {
    /// Over the desk and the inventory.
    pub fn new(desk: Desk, inventory: Inventory) -> Self {
        Self { desk, inventory }
    }

    /// Makes proposals of what crosses, renews those that are open, and withdraws those whose resource does not cross any more.
    pub(super) async fn refresh(&self, crossings: &[Crossing<'_>], setup: &Setup) -> Result<(), ProposalError> {
        let mut read = self.inventory.store.read().await?;
        let market = MarketData::load(&mut read).await?;
        let active = load_active(&mut read).await?;
        drop(read);
        let today = self.inventory.today();
        for crossing in crossings {
            let known = active.iter().find(|proposal| proposal.resource == crossing.standing.resource);
            if let Err(error) = self.renew(crossing, known, &market, setup, today).await {
                tracing::warn!(resource = crossing.standing.name, %error, "no proposal can be made of a resource that crosses");
            }
        }
        let crosses = |resource: &str| crossings.iter().any(|crossing| crossing.standing.resource == resource);
        for proposal in active.iter().filter(|it| it.state != ProposalState::Approved && !crosses(&it.resource)) {
            let mut writing = self.desk.writing().await?;
            let now_us = writing.now_us();
            let withdrawn = changed(proposal, ProposalState::Withdrawn, now_us);
            let why = json!({ "why": "the resource does not cross its threshold within the planning horizon any more" });
            save_proposal(writing.connection(), &withdrawn, ("withdrawn", &why), &Actor::desk()).await?;
            writing.commit().await?;
        }
        Ok(())
    }

    async fn renew(
        &self,
        crossing: &Crossing<'_>,
        known: Option<&Proposal>,
        market: &MarketData,
        setup: &Setup,
        today: Date,
    ) -> Result<(), ProposalError> {
        if known.is_some_and(|known| known.state == ProposalState::Approved) {
            return Ok(());
        }
        let need = need_of(crossing, setup, today)?;
        let mut read = self.inventory.store.read().await?;
        let standing = crossing.standing;
        let neighbours = neighbours(&mut read, &standing.resource, &standing.kind, &standing.unit).await?;
        drop(read);
        let market = Market { offers: &market.offers, neighbours: &neighbours, books: &market.books, leads: &market.leads };
        let made = options(&need, market, &setup.purchase)?;
        let order_by = order_by_of(&made).or_else(|| standing.order_by.clone());
        let facts = ProposalFacts {
            need,
            entity: standing.entity.clone(),
            sql: "SELECT * FROM capacity_days WHERE resource = $resource ORDER BY day".to_owned(),
            parameters: json!({ "resource": standing.resource }),
        };
        let mut writing = self.desk.writing().await?;
        let now_us = writing.now_us();
        let (event, before) = match known {
            None => ("opened", None),
            Some(known) if known.state == ProposalState::Deferred => {
                if known.again_on.as_deref().is_some_and(|day| day > today.to_string().as_str()) {
                    return Ok(());
                }
                ("reopened", Some(known))
            }
            Some(known) if same_advice(known, &made, order_by.as_deref()) => return Ok(()),
            Some(known) => ("changed", Some(known)),
        };
        let number = match before {
            Some(known) => known.number,
            None => next_number(writing.connection()).await?,
        };
        let proposal = Proposal {
            number,
            resource: standing.resource.clone(),
            question: standing.question.clone(),
            kind: standing.kind.clone(),
            title: title_of(standing, order_by.as_deref()),
            state: ProposalState::Open,
            order_by: order_by.clone(),
            facts,
            options: made,
            chosen: None,
            budget_line: None,
            committed_minor: None,
            currency: None,
            ticket: None,
            again_on: None,
            opened_at_us: before.map_or(now_us, |known| known.opened_at_us),
            updated_at_us: now_us,
            version: before.map_or(0, |known| known.version) + 1,
        };
        let best = proposal.options.options.first().map(|option| option.title.clone());
        let detail =
            json!({ "order_by": order_by, "best": best, "lower": standing.lower, "median": standing.median, "upper": standing.upper });
        save_proposal(writing.connection(), &proposal, (event, &detail), &Actor::desk()).await?;
        writing.commit().await?;
        Ok(())
    }

    /// Proposals in a state, or all, newest first; at most a hundred in a page, before a number.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn list(&self, state: Option<ProposalState>, before: Option<i64>, limit: u32) -> Result<Vec<Proposal>, ProposalError> {
        Ok(load_proposals(&mut *self.inventory.store.read().await?, state, before, limit.clamp(1, 100)).await?)
    }

    /// A proposal and its history.
    ///
    /// # Errors
    /// [`ProposalError::NotFound`].
    pub async fn get(&self, number: i64) -> Result<ProposalDetail, ProposalError> {
        let mut read = self.inventory.store.read().await?;
        let proposal = load_proposal(&mut read, number).await?.ok_or(ProposalError::NotFound(number))?;
        Ok(ProposalDetail { proposal, events: load_events(&mut read, number).await? })
    }

    /// Decides. Approval commits the budget and opens a change ticket, in the transaction of the decision.
    ///
    /// # Errors
    /// The proposal cannot be decided so now, its budget is overrun, or somebody was faster.
    pub async fn decide(
        &self,
        number: i64,
        expected_version: Option<i64>,
        decision: &Decision,
        actor: &Actor,
    ) -> Result<ProposalDetail, ProposalError> {
        let mut writing = self.desk.writing().await?;
        let now_us = writing.now_us();
        let proposal = self.fresh(writing.connection(), number, expected_version).await?;
        let decided = match decision {
            Decision::Approve { option, why, allow_overrun } => {
                check_why(why)?;
                refuse_unless(&proposal, &[ProposalState::Open, ProposalState::Deferred], "approved")?;
                let chosen = proposal.options.options.get(option.wrapping_sub(1)).cloned().ok_or_else(|| {
                    let count = proposal.options.options.len();
                    ProposalError::Refused(format!("there is no option {option}; the proposal has options 1 to {count}"))
                })?;
                let mut decided = changed(&proposal, ProposalState::Approved, now_us);
                decided.chosen = i64::try_from(*option).ok();
                self.check_offer(writing.connection(), &chosen).await?;
                if let Some(budget) = chosen.budget.as_ref().filter(|budget| budget.takes_minor > 0) {
                    let entry = NewBudgetEntry {
                        kind: EntryKind::Committed,
                        minor: budget.takes_minor,
                        currency: budget.currency,
                        note: proposal.title.clone(),
                        proposal: Some(number.to_string()),
                        allow_overrun: *allow_overrun,
                    };
                    self.inventory.enter_in(writing.connection(), &budget.line, &entry, actor).await?;
                    decided.budget_line = Some(budget.line.clone());
                    decided.committed_minor = Some(budget.takes_minor);
                    decided.currency = Some(budget.currency.code().to_owned());
                }
                decided.ticket = Some(writing.open(change_ticket(&decided, &chosen, why, &self.desk), actor).await?);
                let detail =
                    json!({ "option": option, "title": chosen.title, "why": why, "budget": chosen.budget, "ticket": decided.ticket });
                save_proposal(writing.connection(), &decided, ("approved", &detail), actor).await?;
                decided
            }
            Decision::Defer { until, why } => {
                check_why(why)?;
                refuse_unless(&proposal, &[ProposalState::Open, ProposalState::Deferred], "deferred")?;
                if *until <= self.inventory.today() {
                    return Err(ProposalError::Refused(format!("{until} is not in the future; defer it to a later day")));
                }
                let decided = Proposal { again_on: Some(until.to_string()), ..changed(&proposal, ProposalState::Deferred, now_us) };
                save_proposal(writing.connection(), &decided, ("deferred", &json!({ "until": until, "why": why })), actor).await?;
                decided
            }
            Decision::Reject { why } => {
                check_why(why)?;
                refuse_unless(&proposal, &[ProposalState::Open, ProposalState::Deferred, ProposalState::Approved], "rejected")?;
                self.release(writing.connection(), &proposal, actor).await?;
                if let Some(ticket) = proposal.ticket {
                    end_ticket(&mut writing, ticket, &format!("proposal {number} was rejected: {why}"), actor).await?;
                }
                let decided = changed(&proposal, ProposalState::Rejected, now_us);
                save_proposal(writing.connection(), &decided, ("rejected", &json!({ "why": why })), actor).await?;
                decided
            }
        };
        writing.commit().await?;
        self.get(decided.number).await
    }

    /// Records that what was approved is there: what was committed becomes what was paid, the supplier's time is noted, the change
    /// ticket is resolved.
    ///
    /// # Errors
    /// The proposal is not approved, or the date makes no sense.
    pub async fn deliver(
        &self,
        number: i64,
        expected_version: Option<i64>,
        delivery: &NewDelivery,
        actor: &Actor,
    ) -> Result<ProposalDetail, ProposalError> {
        check_why(&delivery.note)?;
        let mut writing = self.desk.writing().await?;
        let now_us = writing.now_us();
        let proposal = self.fresh(writing.connection(), number, expected_version).await?;
        refuse_unless(&proposal, &[ProposalState::Approved], "delivered")?;
        let ordered_on = super::inventory::day_of(proposal.updated_at_us);
        if delivery.delivered_on < ordered_on || delivery.delivered_on > self.inventory.today() {
            let why = format!("it was ordered on {ordered_on} and today is {}; write a day between", self.inventory.today());
            return Err(ProposalError::Refused(why));
        }
        let paid_minor = delivery.paid_minor.or(proposal.committed_minor).unwrap_or(0);
        if paid_minor < 0 {
            return Err(ProposalError::Refused("what was paid is not negative; write minor units from 0 on".to_owned()));
        }
        self.release(writing.connection(), &proposal, actor).await?;
        if let Some((line, currency)) = budget_of(&proposal).filter(|_| paid_minor > 0) {
            let entry = NewBudgetEntry {
                kind: EntryKind::Spent,
                minor: paid_minor,
                currency,
                note: format!("delivered: {}", proposal.title),
                proposal: Some(number.to_string()),
                allow_overrun: true,
            };
            self.inventory.enter_in(writing.connection(), &line, &entry, actor).await?;
        }
        let chosen = proposal.chosen.and_then(|place| proposal.options.options.get(usize::try_from(place).ok()?.checked_sub(1)?));
        if let Some(option) = chosen {
            self.note_delivery(writing.connection(), &proposal, option, delivery, paid_minor, ordered_on, actor).await?;
            self.grow_asset(writing.connection(), &proposal, option, actor).await?;
        }
        if let Some(ticket) = proposal.ticket {
            end_ticket(&mut writing, ticket, &format!("delivered on {}", delivery.delivered_on), actor).await?;
        }
        let decided = changed(&proposal, ProposalState::Delivered, now_us);
        let detail = json!({ "delivered_on": delivery.delivered_on, "paid_minor": paid_minor, "note": delivery.note });
        save_proposal(writing.connection(), &decided, ("delivered", &detail), actor).await?;
        writing.commit().await?;
        self.get(number).await
    }

    /// The sheet for the talk about an offer of a proposal.
    ///
    /// # Errors
    /// There is no such proposal or offer.
    pub async fn sheet(&self, number: i64, offer: &str, setup: &Setup) -> Result<NegotiationSheet, ProposalError> {
        let mut read = self.inventory.store.read().await?;
        let proposal = load_proposal(&mut read, number).await?.ok_or(ProposalError::NotFound(number))?;
        let market = MarketData::load(&mut read).await?;
        let history = match market.offers.iter().find(|(name, _)| name == offer) {
            Some((name, offer)) => price_history(&mut read, name, offer).await?,
            None => Vec::new(),
        };
        let facts = &proposal.facts;
        Ok(negotiation_sheet(&facts.need, &proposal.options, &market.offers, offer, &history, &setup.purchase)?)
    }

    /// Orders that are cheaper together, of the proposals that are open.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn combined(&self, setup: &Setup) -> Result<Vec<Combined>, ProposalError> {
        let mut read = self.inventory.store.read().await?;
        let active = load_active(&mut read).await?;
        let market = MarketData::load(&mut read).await?;
        drop(read);
        let open: Vec<&Proposal> = active.iter().filter(|proposal| proposal.state == ProposalState::Open).collect();
        let wants: Vec<Want<'_>> = open.iter().map(|it| Want { need: &it.facts.need, options: &it.options }).collect();
        Ok(combine(&wants, &market.offers, &setup.purchase))
    }

    /// Whether a failed asset is to be repaired or replaced.
    ///
    /// # Errors
    /// There is no such asset, or an amount cannot be converted.
    pub async fn repair_or_replace(&self, name: &str, question: &RepairQuestion, setup: &Setup) -> Result<Recommendation, ProposalError> {
        let kind = InventoryKind::Asset;
        let stored = self.inventory.get(kind, name).await?;
        let Record::Asset(asset) = super::inventory::read_stored(kind, stored)? else {
            return Err(InventoryError::NotFound { kind, name: name.to_owned() }.into());
        };
        let mut read = self.inventory.store.read().await?;
        let market = MarketData::load(&mut read).await?;
        let wanted = asset.resource_kind.clone().unwrap_or_else(|| asset.kind.clone());
        let offers: Vec<NamedOffer> = market.offers.into_iter().filter(|(_, offer)| offer.resource_kind == wanted).collect();
        let case = RepairCase {
            name,
            asset: &asset,
            today: self.inventory.today(),
            repair_cost: question.repair_cost,
            mean_repair_cost: question.mean_repair_cost,
            downtime_days: question.downtime_days,
            failures: &question.failures,
            cost_of_outage_per_day: question.cost_of_outage_per_day,
            offers: &offers,
            leads: &market.leads,
        };
        Ok(repair_or_replace(&case, &setup.purchase)?)
    }

    async fn fresh(&self, write: &mut SqliteConnection, number: i64, expected: Option<i64>) -> Result<Proposal, ProposalError> {
        let proposal = load_proposal(write, number).await?.ok_or(ProposalError::NotFound(number))?;
        match expected {
            Some(expected) if expected != proposal.version => Err(ProposalError::Conflict { number, version: proposal.version }),
            _ => Ok(proposal),
        }
    }

    /// An offer that has gone or expired since the proposal was made cannot be bought.
    async fn check_offer(&self, write: &mut SqliteConnection, option: &PurchaseOption) -> Result<(), ProposalError> {
        let Some(name) = &option.offer else { return Ok(()) };
        let gone = || ProposalError::Refused(format!("there is no offer `{name}` any more; wait for the next run, or ask the supplier"));
        let kind = InventoryKind::Offer;
        let stored = load_record(write, kind.word(), name).await?.ok_or_else(gone)?;
        let Record::Offer(offer) = super::inventory::read_stored(kind, stored)? else { return Err(gone()) };
        if offer.valid_until < self.inventory.today() {
            let why = format!("the offer `{name}` was valid until {}; ask {} to renew it", offer.valid_until, offer.supplier);
            return Err(ProposalError::Refused(why));
        }
        Ok(())
    }

    /// Takes back what a proposal has committed.
    async fn release(&self, write: &mut SqliteConnection, proposal: &Proposal, actor: &Actor) -> Result<(), ProposalError> {
        let Some(((line, currency), minor)) = budget_of(proposal).zip(proposal.committed_minor).filter(|(_, minor)| *minor > 0) else {
            return Ok(());
        };
        let entry = NewBudgetEntry {
            kind: EntryKind::Released,
            minor,
            currency,
            note: proposal.title.clone(),
            proposal: Some(proposal.number.to_string()),
            allow_overrun: true,
        };
        self.inventory.enter_in(write, &line, &entry, actor).await?;
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "the columns of a row")]
    async fn note_delivery(
        &self,
        write: &mut SqliteConnection,
        proposal: &Proposal,
        option: &PurchaseOption,
        delivery: &NewDelivery,
        paid_minor: i64,
        ordered_on: Date,
        actor: &Actor,
    ) -> Result<(), ProposalError> {
        let Some(supplier) = &option.supplier else { return Ok(()) };
        let currency = proposal.currency.clone().unwrap_or_else(|| proposal.options.currency.code().to_owned());
        sqlx::query(
            "INSERT INTO supply_deliveries (proposal, supplier, offer, item, ordered_on, delivered_on, paid_minor, currency, noted_at_us,
                 noted_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .bind(proposal.number)
        .bind(supplier)
        .bind(&option.offer)
        .bind(&option.item)
        .bind(ordered_on.to_string())
        .bind(delivery.delivered_on.to_string())
        .bind(paid_minor)
        .bind(currency)
        .bind(self.inventory.clock.now_us())
        .bind(&actor.name)
        .execute(write)
        .await
        .map_err(StoreError::from)?;
        Ok(())
    }

    /// Where the limit is an asset's capacity, the asset has grown.
    async fn grow_asset(
        &self,
        write: &mut SqliteConnection,
        proposal: &Proposal,
        option: &PurchaseOption,
        actor: &Actor,
    ) -> Result<(), ProposalError> {
        let source: Option<String> = sqlx::query_scalar("SELECT limit_source FROM capacity_resources WHERE resource = ?1")
            .bind(&proposal.resource)
            .fetch_optional(&mut *write)
            .await
            .map_err(StoreError::from)?
            .flatten();
        if source.as_deref() != Some("asset") || option.capacity_gained <= 0.0 {
            return Ok(());
        }
        let assets = super::market::assets_of_kind(write, &proposal.kind).await?;
        let holds =
            |name: &str, host: Option<&str>| {
                proposal.facts.entity.as_object().is_some_and(|entity| {
                    entity.values().any(|value| value.as_str().is_some_and(|value| value == name || Some(value) == host))
                })
            };
        let Some((name, asset)) = assets.into_iter().find(|(name, asset)| holds(name, asset.host.as_deref())) else { return Ok(()) };
        let (Some(capacity), Some(unit)) = (asset.capacity, asset.unit.as_deref()) else { return Ok(()) };
        let Some(gained) = crate::purchase::converted(option.capacity_gained, &option.unit, unit) else { return Ok(()) };
        let grown = crate::inventory::Asset { capacity: Some(capacity + gained), ..asset };
        self.inventory.save_in(write, &name, &Record::Asset(grown), actor).await?;
        Ok(())
    }
}

fn budget_of(proposal: &Proposal) -> Option<(String, Currency)> {
    Some((proposal.budget_line.clone()?, proposal.currency.as_deref()?.parse().ok()?))
}

fn changed(proposal: &Proposal, state: ProposalState, now_us: TimestampUs) -> Proposal {
    Proposal { state, again_on: None, updated_at_us: now_us, version: proposal.version + 1, ..proposal.clone() }
}

fn refuse_unless(proposal: &Proposal, states: &[ProposalState], what: &str) -> Result<(), ProposalError> {
    if states.contains(&proposal.state) {
        return Ok(());
    }
    let (number, state) = (proposal.number, proposal.state.word());
    Err(ProposalError::Refused(format!("proposal {number} is {state} and cannot be {what}")))
}

fn check_why(why: &str) -> Result<(), ProposalError> {
    if why.chars().count() > MAX_WHY_CHARS {
        return Err(ProposalError::Refused(format!("the reason is longer than {MAX_WHY_CHARS} characters; put the rest into the ticket")));
    }
    Ok(())
}

/// Whether an open proposal still says what it would say now: nobody reads an event a day that says nothing new.
fn same_advice(known: &Proposal, made: &Options, order_by: Option<&str>) -> bool {
    let advice = |options: &Options| -> Vec<(String, u32, i64, bool)> {
        options.options.iter().map(|it| (it.title.clone(), it.quantity, it.cost.npv_minor, it.feasible)).collect()
    };
    known.order_by.as_deref() == order_by && advice(&known.options) == advice(made) && known.options.left_out == made.left_out
}

fn order_by_of(options: &Options) -> Option<String> {
    options.options.iter().find(|option| option.kind.is_bought()).and_then(|option| option.schedule.order_by).map(|day| day.to_string())
}

fn title_of(standing: &KnownStanding, order_by: Option<&str>) -> String {
    let kind = standing.kind.replace('_', " ");
    let when = match (&standing.median, standing.status.as_str()) {
        (_, "over_threshold") => "is over its threshold now".to_owned(),
        (Some(median), _) => format!("reaches its threshold on {median}"),
        (None, _) => "may reach its threshold within the planning horizon".to_owned(),
    };
    let order = order_by.map_or_else(String::new, |day| format!(": decide by {day}"));
    format!("{} ({kind}) {when}{order}", standing.name)
}

fn need_of(crossing: &Crossing<'_>, setup: &Setup, today: Date) -> Result<Need, ProposalError> {
    let standing = crossing.standing;
    let known = |value: Option<f64>, what: &str| value.ok_or_else(|| ProposalError::Refused(format!("{} has no {what}", standing.name)));
    let (used, limit, threshold) = (known(standing.used, "use")?, known(standing.limit, "limit")?, known(standing.threshold, "threshold")?);
    let date = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Date>().ok());
    let growth = standing.growth_per_day.unwrap_or(0.0);
    let days_to_lower = date(&standing.lower).map(|lower| super::day_of(lower) - super::day_of(today)).filter(|days| *days > 0);
    let fast = days_to_lower.map_or(growth, |days| (threshold - used) / days as f64);
    let minor = 10_i64.pow(setup.purchase.currency.minor_digits());
    let outage = crossing.outage_cost_per_day.and_then(|cost| i64::try_from(cost).ok()?.checked_mul(minor));
    Ok(Need {
        resource: standing.name.clone(),
        kind: standing.kind.clone(),
        unit: standing.unit.clone(),
        today,
        used,
        limit,
        threshold,
        needed: standing.needed.unwrap_or(0.0),
        growth_per_day: growth,
        growth_per_day_fast: fast.max(growth),
        lower: date(&standing.lower),
        median: date(&standing.median),
        upper: date(&standing.upper),
        chance: standing.chance.unwrap_or(0.0),
        service: None,
        criticality: None,
        cost_of_outage_minor_per_day: outage,
        consumers: crossing.consumers.clone(),
    })
}

/// The change that a decision asks for.
fn change_ticket(proposal: &Proposal, option: &PurchaseOption, why: &str, desk: &Desk) -> Opening {
    let (impact, urgency) = (Impact::Medium, Urgency::Medium);
    let mut lines = vec![format!("Proposal {} was approved: {}.", proposal.number, option.title)];
    if !why.is_empty() {
        lines.push(why.to_owned());
    }
    if let (Some(supplier), Some(offer)) = (&option.supplier, &option.offer) {
        lines.push(format!("Order {} of {offer} from {supplier}; it is to arrive on {}.", option.quantity, option.schedule.arrives_on));
    }
    if let (Some(line), Some(minor), Some(currency)) = (&proposal.budget_line, proposal.committed_minor, &proposal.currency) {
        lines.push(format!("{minor} minor units of {currency} are committed in the budget {line}."));
    }
    lines.push(format!("When it is there: `POST /api/v1/proposals/{}/delivery`; that resolves this ticket.", proposal.number));
    let entity = proposal.facts.entity.as_object().into_iter().flatten();
    Opening {
        description: lines.join("\n\n"),
        entity: entity.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect(),
        service: proposal.facts.need.service.clone(),
        impact: Some(impact),
        urgency: Some(urgency),
        ..Opening::new(
            TicketKind::Change,
            format!("{}: {}", option.title, proposal.facts.need.resource),
            desk.rules().matrix.priority(impact, urgency),
        )
    }
}

/// Resolves the change ticket, if nobody has.
async fn end_ticket(writing: &mut crate::desk::Writing, number: i64, reason: &str, actor: &Actor) -> Result<(), ProposalError> {
    let state = writing.ticket(number).await?.state;
    if state.is_open() {
        let moved = TicketEvent::Moved { from: state, to: TicketState::Resolved, hold: None, reason: Some(reason.to_owned()) };
        writing.happen(number, actor, moved).await?;
    }
    Ok(())
}

/// What is told of a proposal where its whole arithmetic would be too much.
pub fn proposal_in_short(proposal: &Proposal) -> Value {
    let best = proposal.options.options.first();
    json!({
        "number": proposal.number, "resource": proposal.resource, "kind": proposal.kind, "title": proposal.title, "state": proposal.state,
        "order_by": proposal.order_by, "again_on": proposal.again_on, "ticket": proposal.ticket, "version": proposal.version,
        "best": best.map(|best| json!({ "title": best.title, "offer": best.offer, "feasible": best.feasible,
            "npv_minor": best.cost.npv_minor, "currency": proposal.options.currency })),
    })
}
