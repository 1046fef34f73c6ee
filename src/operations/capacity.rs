//! The capacity run: once a day the days of resources are taken, and each resource is judged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;
use serde::Serialize;

use super::capacity_days::{CapacityDays, CapacityError, Part, Progress};
use super::capacity_rows::{
    KnownStanding, StandingFilter, count_by_status, forget_other_questions, forget_unseen, load_class, load_standing, load_standings,
    save_class, save_standings,
};
use super::judging::{Judged, Seen, Standing, Yardstick, judge};
use super::market::{MarketChanges, assets_named, market_changes};
use super::proposal_making::Crossing;
use super::surroundings::Surroundings;
use super::{Inventory, Proposals, Register, Setup};
use crate::capacity::{CapacityPolicy, CapacityQuestion, Day, ResourceKey, Status};
use crate::clock::{DAY_US, Stopwatch};
use crate::desk::ServiceFacts;
use crate::forecast::Calibration;
use crate::purchase::{Consumer, PurchasePolicy};
use crate::shutdown::Shutdown;
use crate::sql_file::{Book, Files};
use crate::store::{Store, StoreError};

/// How often it is looked whether a day has ended, or people have decided something that changes what resources are judged by.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Questions that could not be asked are asked again after an hour.
const RETRY_AFTER_LOOKS: u32 = 60;

/// A server that has just started has others to serve first.
const FIRST_AFTER: Duration = Duration::from_secs(20);

/// Resources of each status about which there are proposals: more than anybody decides in a year.
const MOST_PROPOSED: u32 = 500;

/// Resources whose errors say how wide those of their question are: a quantile of 95 % rests on the hundred largest of them.
const ENOUGH_FOR_A_CLASS: usize = 2_000;

/// Days of the past that a forecast is made from.
const HISTORY_DAYS: i64 = 730;

/// Resources of a run that are asked for what uses most of them, those to be decided first first: each is a question by itself.
const MOST_ASKED: usize = 100;

/// What capacity works with.
#[derive(Debug, Clone)]
pub struct CapacityParts {
    /// The days of resources.
    pub days: CapacityDays,
    /// The questions.
    pub questions: Arc<Book<CapacityQuestion>>,
    /// What people decided.
    pub register: Arc<Register>,
    /// The inventory, whose assets have limits.
    pub inventory: Inventory,
    /// What is proposed about resources that cross.
    pub proposals: Proposals,
}

/// Resources and how they stand.
#[derive(Debug)]
pub struct Capacity {
    pub(super) parts: CapacityParts,
    /// One run at a time; the day of the last one.
    running: tokio::sync::Mutex<Option<i64>>,
    /// One look into the past at a time: it judges everything again.
    pub(super) past: tokio::sync::Mutex<()>,
    /// Its own: what is received meanwhile is not to wait behind a hundred thousand forecasts.
    pool: Arc<rayon::ThreadPool>,
}

/// What a run rests on that is not measured; when it changes, resources are judged again.
#[derive(Debug, Clone)]
struct Basis {
    day: i64,
    capacity: CapacityPolicy,
    purchase: PurchasePolicy,
    questions: Arc<Files<CapacityQuestion>>,
    changes: MarketChanges,
    services: Vec<ServiceFacts>,
}

impl Basis {
    fn proposes_as(&self, other: &Self) -> bool {
        self.changes == other.changes && self.services == other.services
    }

    fn judges_as(&self, other: &Self) -> bool {
        (self.day, self.changes.assets_us) == (other.day, other.changes.assets_us)
            && self.capacity == other.capacity
            && self.purchase == other.purchase
            && Arc::ptr_eq(&self.questions, &other.questions)
    }
}

/// What a run has done.
#[derive(Debug, Default, Serialize)]
pub struct CapacityRun {
    /// Rows added to `capacity_days`.
    pub days: usize,
    /// Resources judged.
    pub resources: usize,
    /// What could not be asked, and why.
    pub failed: Vec<String>,
    /// Files of questions that cannot be read, and why; what they asked before stays as it was.
    pub broken: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

/// A resource with everything that is known of it.
#[derive(Debug)]
pub struct ResourceDetail {
    /// The question.
    pub question: Arc<CapacityQuestion>,
    /// Its days, oldest first.
    pub days: Vec<Day>,
    /// How it stands, with the forecast and what it will be.
    pub judged: Judged,
    /// How wide errors of resources of its question were, by which it was judged.
    pub class: Option<f64>,
    /// Share of futures that its interval is to hold.
    pub level: f64,
}

impl Capacity {
    /// Over its parts.
    ///
    /// # Errors
    /// The threads that judge cannot be started.
    pub fn new(parts: CapacityParts) -> Result<Self, CapacityError> {
        let pool = rayon::ThreadPoolBuilder::new().thread_name(|at| format!("capacity-{at}")).build();
        let pool = Arc::new(pool.map_err(|error| CapacityError::Interrupted(error.to_string()))?);
        Ok(Self { parts, running: tokio::sync::Mutex::default(), past: tokio::sync::Mutex::default(), pool })
    }

    /// Runs once a day, and when people decided something, until the stop, which also ends a run halfway: what it has not committed is
    /// done again.
    pub async fn keep(self: Arc<Self>, shutdown: Shutdown) {
        tokio::select! {
            () = self.keep_running() => {}
            () = shutdown.sources_stopping() => {}
        }
    }

    async fn keep_running(&self) {
        tokio::time::sleep(FIRST_AFTER).await;
        let mut judged: Option<Basis> = None;
        let mut warned = Vec::new();
        let mut looks_to_retry = 0_u32;
        loop {
            match self.basis().await {
                Ok(basis) if looks_to_retry != 1 && judged.as_ref().is_some_and(|judged| judged.judges_as(&basis)) => {
                    looks_to_retry = looks_to_retry.saturating_sub(1);
                    // An offer, a budget, a service or what is known of a supplier has changed: what is proposed may be another, what is
                    // needed is not.
                    if judged.as_ref().is_some_and(|judged| !judged.proposes_as(&basis)) {
                        match self.propose_anew().await {
                            Ok(()) => judged = Some(basis),
                            Err(error) => tracing::error!(%error, "proposals could not be made anew; it is tried again in a minute"),
                        }
                    }
                }
                Ok(basis) => match self.run(&|_, _| {}).await {
                    Ok(run) => {
                        judged = Some(basis);
                        looks_to_retry = if run.failed.is_empty() { 0 } else { RETRY_AFTER_LOOKS };
                        if run.failed != warned {
                            run.failed.iter().for_each(|why| tracing::error!("{why}"));
                            warned = run.failed;
                        }
                    }
                    Err(error) => tracing::error!(%error, "resources could not be judged; it is tried again in a minute"),
                },
                Err(error) => tracing::error!(%error, "it is not known whether resources are to be judged; it is tried again in a minute"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn basis(&self) -> Result<Basis, StoreError> {
        let setup = self.parts.register.setup();
        let changes = market_changes(&mut *self.parts.inventory.store.read().await?).await?;
        let (capacity, purchase) = (setup.capacity.clone(), setup.purchase.clone());
        let (questions, services) = (self.parts.questions.refresh(), setup.desk_rules().services);
        Ok(Basis { day: self.today(), capacity, purchase, questions, changes, services })
    }

    /// The present day, from 1970-01-01, an hour late: what days of resources are taken up to.
    pub fn today(&self) -> i64 {
        (self.parts.inventory.clock.now_us() - crate::clock::HOUR_US).div_euclid(DAY_US)
    }

    /// Takes the days that have ended and judges every resource. `progress` is told what is done and how much of it, 0 to 1.
    ///
    /// # Errors
    /// The tables or the store cannot be read or written. A question that fails is told in the result.
    pub async fn run(&self, progress: Progress<'_>) -> Result<CapacityRun, CapacityError> {
        let mut judged_on = self.running.lock().await;
        self.run_alone(&mut judged_on, progress).await
    }

    /// Judges what was not judged today; waits for a run that is under way.
    pub(super) async fn be_up_to_date(&self) -> Result<(), CapacityError> {
        let mut judged_on = self.running.lock().await;
        if *judged_on != Some(self.today()) {
            self.run_alone(&mut judged_on, &|_, _| {}).await?;
        }
        Ok(())
    }

    async fn run_alone(&self, judged_on: &mut Option<i64>, progress: Progress<'_>) -> Result<CapacityRun, CapacityError> {
        let (stopwatch, today) = (Stopwatch::start(), self.today());
        let questions = self.parts.questions.refresh();
        let now_us = self.parts.inventory.clock.now_us();
        let caught_up = self.parts.days.catch_up(&questions.read, now_us, progress).await?;
        let mut run = CapacityRun {
            days: caught_up.rows,
            failed: caught_up.failed.iter().map(ToString::to_string).collect(),
            broken: questions.broken.iter().map(ToString::to_string).collect(),
            ..CapacityRun::default()
        };
        let setup = self.parts.register.setup();
        for (at, question) in questions.read.iter().enumerate() {
            run.resources += self.judge_all(question, &setup).await?;
            progress(&question.name, (at + 1) as f64 / questions.read.len() as f64);
        }
        if questions.broken.is_empty() {
            // A file that cannot be read just now is none that was taken away.
            let names: Vec<&str> = questions.read.iter().map(|question| question.name.as_str()).collect();
            let mut write = self.parts.inventory.store.write().await.map_err(CapacityError::Store)?;
            forget_other_questions(&mut write, &names).await.map_err(CapacityError::Store)?;
            write.commit().await.map_err(CapacityError::Store)?;
        }
        self.propose(&questions.read, &setup, true).await?;
        *judged_on = Some(today);
        run.seconds = stopwatch.elapsed_seconds();
        Ok(run)
    }

    async fn propose_anew(&self) -> Result<(), CapacityError> {
        let _one = self.running.lock().await;
        self.propose(&self.parts.questions.current().read, &self.parts.register.setup(), false).await
    }

    /// Judges all resources of a question; at the first time some of them before, so that those with few errors of their own know those
    /// of the others.
    async fn judge_all(&self, question: &Arc<CapacityQuestion>, setup: &Arc<Setup>) -> Result<usize, CapacityError> {
        let mut read = self.parts.inventory.store.read().await.map_err(CapacityError::Store)?;
        let class = load_class(&mut read, &question.name).await.map_err(CapacityError::Store)?;
        drop(read);
        let end = self.end_of(question);
        let around = Arc::new(self.surroundings(question, setup, end).await?);
        let mut whose = Whose { question: question.clone(), setup: setup.clone(), around, class, end };
        if class.is_none() {
            whose.class = self.class_of_some(&whose).await?;
        }
        self.judge_once(&whose).await
    }

    /// How wide the errors of a question's resources are, from the first few thousand of them: ids are hashes, so they are any.
    async fn class_of_some(&self, whose: &Whose) -> Result<Option<f64>, CapacityError> {
        let (mut some, mut pooled) = (0, Calibration::default());
        for part in self.parts.days.parts() {
            let judged = self.judge_part(whose, &part).await?;
            some += judged.len();
            pooled = with_errors_of(&pooled, &judged);
            if some >= ENOUGH_FOR_A_CLASS {
                break;
            }
        }
        Ok((pooled.origins() > 0.0).then(|| pooled.factor()))
    }

    async fn judge_once(&self, whose: &Whose) -> Result<usize, CapacityError> {
        let now_us = self.parts.inventory.clock.now_us();
        let (mut all, mut pooled) = (0, Calibration::default());
        let (store, question) = (&self.parts.inventory.store, &whose.question.name);
        for part in self.parts.days.parts() {
            let judged = self.judge_part(whose, &part).await?;
            all += judged.len();
            pooled = with_errors_of(&pooled, &judged);
            save(store, &judged, now_us).await.map_err(CapacityError::Store)?;
        }
        let finish = async {
            let mut write = store.write().await?;
            forget_unseen(&mut write, question, now_us).await?;
            if pooled.origins() > 0.0 {
                save_class(&mut write, question, pooled.factor(), pooled.origins(), all as i64, now_us).await?;
            }
            write.commit().await
        };
        finish.await.map_err(CapacityError::Store)?;
        Ok(all)
    }

    /// Judges the resources of a part.
    pub(super) async fn judge_part(&self, whose: &Whose, part: &Part) -> Result<Vec<Judged>, CapacityError> {
        let mut seen = self.parts.days.of_part(&whose.question, whose.end - HISTORY_DAYS, part).await?;
        let (pool, whose) = (self.pool.clone(), whose.clone());
        let judging = move || {
            seen.iter_mut().for_each(|(_, days)| days.retain(|day| day.day < whose.end));
            pool.install(|| seen.par_iter().filter_map(|(key, days)| whose.judge(key, days, false)).collect())
        };
        tokio::task::spawn_blocking(judging).await.map_err(|error| CapacityError::Interrupted(error.to_string()))
    }

    pub(super) async fn surroundings(&self, question: &CapacityQuestion, setup: &Setup, end: i64) -> Result<Surroundings, CapacityError> {
        Surroundings::load(question, setup, &self.parts.inventory, &self.parts.days, end).await
    }

    /// The day before which a question's days were taken: nothing can be said of what one saw that could not be asked since.
    pub(super) fn end_of(&self, question: &CapacityQuestion) -> i64 {
        self.parts.days.end_of(question).unwrap_or_else(|| self.today())
    }

    /// Hands what crosses to the proposals; `anew` asks again for what uses most of that about which there is a proposal.
    async fn propose(&self, questions: &[Arc<CapacityQuestion>], setup: &Setup, anew: bool) -> Result<(), CapacityError> {
        self.look_after_clean_ups(setup).await?;
        let mut crossings = Vec::new();
        for status in [Status::OverThreshold, Status::Crosses] {
            let filter = StandingFilter { status: Some(status.word().to_owned()), limit: MOST_PROPOSED, ..StandingFilter::default() };
            crossings.extend(self.list(&filter).await.map_err(CapacityError::Store)?);
        }
        let desk_rules = setup.desk_rules();
        let proposed = self.parts.proposals.active_resources().await.map_err(|error| CapacityError::Proposals(Box::new(error)))?;
        let mut asked = Vec::new();
        for standing in &crossings {
            let Some(question) = questions.iter().find(|question| question.name == standing.question) else { continue };
            let entity: Vec<(String, String)> = question
                .entity
                .iter()
                .map(|column| (column.clone(), standing.entity[column].as_str().unwrap_or_default().to_owned()))
                .collect();
            let service = desk_rules.service_of(&entity.iter().cloned().collect()).map(|service| service.name.clone());
            let key = ResourceKey { question: question.name.clone(), entity };
            let is_asked = (anew || !proposed.contains(&standing.resource)) && asked.len() < MOST_ASKED;
            let consumers = if is_asked { self.consumers(question, &key).await } else { None };
            let mut read = self.parts.inventory.store.read().await.map_err(CapacityError::Store)?;
            let names: Vec<&str> = key.names().into_iter().collect();
            let assets = assets_named(&mut read, &names).await.map_err(CapacityError::Inventory)?;
            drop(read);
            asked.push(Crossing {
                standing,
                outage_cost_per_day: setup.capacity.decided(&key).outage_cost_per_day,
                consumers,
                horizon_days: question.horizon_days,
                service: service.or_else(|| assets.iter().find_map(|(_, asset)| asset.service.clone())),
                criticality: assets.iter().map(|(_, asset)| asset.criticality).max(),
            });
        }
        self.parts.proposals.refresh(&asked, setup).await.map_err(|error| CapacityError::Proposals(Box::new(error)))
    }

    /// What uses most of a resource; `None` if it cannot be asked for just now.
    async fn consumers(&self, question: &CapacityQuestion, key: &ResourceKey) -> Option<Vec<Consumer>> {
        let asked = self.parts.days.consumers(question, key, self.today()).await;
        asked.inspect_err(|error| tracing::warn!(%error, "the largest consumers of a resource could not be asked for")).ok()
    }

    /// What is proposed about resources that cross.
    pub fn proposals(&self) -> &Proposals {
        &self.parts.proposals
    }

    /// Standings that fit, those to be decided first first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn list(&self, filter: &StandingFilter) -> Result<Vec<KnownStanding>, StoreError> {
        load_standings(&mut *self.parts.inventory.store.read().await?, filter).await
    }

    /// How many resources stand how.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn counts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        count_by_status(&mut *self.parts.inventory.store.read().await?).await
    }

    /// Everything about a resource; `None` if there is none of that id.
    ///
    /// # Errors
    /// The tables or the store cannot be read.
    pub async fn detail(&self, resource: &str) -> Result<Option<ResourceDetail>, CapacityError> {
        self.detail_until((resource, None), None, &mut BTreeMap::new()).await
    }

    /// The same as it would have been told on a day of the past: without the days from then on. Its question is looked up where it is not
    /// given. What is around the resources of a question is loaded once for all of them.
    pub(super) async fn detail_until(
        &self,
        (resource, asked): (&str, Option<&str>),
        until_day: Option<i64>,
        around: &mut BTreeMap<String, Arc<Surroundings>>,
    ) -> Result<Option<ResourceDetail>, CapacityError> {
        let mut read = self.parts.inventory.store.read().await.map_err(CapacityError::Store)?;
        let asked = match asked {
            Some(asked) => Some(asked.to_owned()),
            None => load_standing(&mut read, resource).await.map_err(CapacityError::Store)?.map(|known| known.question),
        };
        let Some(asked) = asked else { return Ok(None) };
        let class = load_class(&mut read, &asked).await.map_err(CapacityError::Store)?;
        drop(read);
        let questions = self.parts.questions.current();
        let Some(question) = questions.read.iter().find(|question| question.name == asked).cloned() else { return Ok(None) };
        let setup = self.parts.register.setup();
        let end = until_day.map_or(i64::MAX, |until| until).min(self.end_of(&question));
        let Some((key, mut days)) = self.parts.days.of_resource(&question, resource, end - HISTORY_DAYS).await? else { return Ok(None) };
        days.retain(|day| day.day < end);
        let around = match around.get(&question.name) {
            Some(known) => known.clone(),
            None => {
                let loaded = Arc::new(self.surroundings(&question, &setup, end).await?);
                around.insert(question.name.clone(), loaded.clone());
                loaded
            }
        };
        let whose = Whose { question: question.clone(), setup, around, class, end };
        let judging = move || {
            let judged = whose.judge(&key, &days, true)?;
            let level = whose.setup.capacity.level;
            Some(ResourceDetail { question, days, judged, class, level })
        };
        tokio::task::spawn_blocking(judging).await.map_err(|error| CapacityError::Interrupted(error.to_string()))
    }

    /// How every resource stood on a day of the past, by the policies of now.
    pub(super) async fn standings_until(&self, until_day: i64) -> Result<Vec<Standing>, CapacityError> {
        let setup = self.parts.register.setup();
        let mut standings = Vec::new();
        for question in &self.parts.questions.current().read {
            let end = until_day.min(self.end_of(question));
            let mut read = self.parts.inventory.store.read().await.map_err(CapacityError::Store)?;
            let class = load_class(&mut read, &question.name).await.map_err(CapacityError::Store)?;
            drop(read);
            let around = Arc::new(self.surroundings(question, &setup, end).await?);
            let whose = Whose { question: question.clone(), setup: setup.clone(), around, class, end };
            for part in self.parts.days.parts() {
                standings.extend(self.judge_part(&whose, &part).await?.into_iter().map(|judged| judged.standing));
            }
        }
        Ok(standings)
    }
}

/// What the resources of a question are judged with.
#[derive(Debug, Clone)]
pub(super) struct Whose {
    question: Arc<CapacityQuestion>,
    setup: Arc<Setup>,
    around: Arc<Surroundings>,
    class: Option<f64>,
    /// Days from this one on do not count.
    end: i64,
}

impl Whose {
    fn judge(&self, key: &ResourceKey, days: &[Day], whole: bool) -> Option<Judged> {
        let (setup, purchase) = (&self.setup, &self.setup.purchase);
        let to_buy = purchase.approval_days + purchase.delivery_days + purchase.installation_days;
        let yardstick = Yardstick {
            question: &self.question,
            policy: &setup.capacity,
            horizon_days: self.question.horizon_within(purchase.planning_horizon_days) as usize,
            lead_days: i64::from(self.question.lead_days.unwrap_or(to_buy)),
            class: self.class,
            end: self.end,
        };
        let spares = setup.capacity.decided(key).spares;
        let sharing = spares.map_or(1, |(exception, _)| self.around.sharing(exception));
        judge(&yardstick, &Seen { key, days, asset: self.around.capacity_of(key), sharing }, whole)
    }
}

/// Errors of the past, with those of more resources.
fn with_errors_of(pooled: &Calibration, judged: &[Judged]) -> Calibration {
    Calibration::pooled(std::iter::once(pooled).chain(judged.iter().filter_map(|it| it.calibration.as_ref())))
}

async fn save(store: &Store, judged: &[Judged], now_us: i64) -> Result<(), StoreError> {
    /// Rows of one transaction: others who write wait for some milliseconds.
    const ROWS_AT_ONCE: usize = 1_000;
    for chunk in judged.chunks(ROWS_AT_ONCE) {
        let mut write = store.write().await?;
        save_standings(&mut write, &chunk.iter().map(|it| &it.standing).collect::<Vec<_>>(), now_us).await?;
        write.commit().await?;
    }
    Ok(())
}
