//! The capacity run: once a day the days of resources are taken, and each resource is judged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;
use serde::Serialize;

use super::capacity_days::{CapacityDays, CapacityError, Progress};
use super::capacity_rows::{
    KnownStanding, StandingFilter, count_by_status, forget_unseen, load_class, load_standing, load_standings, save_class, save_standings,
};
use super::judging::{Judged, Seen, Yardstick, judge};
use super::market::assets_of_kind;
use super::proposals::Crossing;
use super::{Inventory, Proposals, Register, Setup};
use crate::capacity::{CapacityQuestion, Day, ResourceKey, Status};
use crate::clock::{DAY_US, Stopwatch};
use crate::forecast::Calibration;
use crate::purchase::converted;
use crate::shutdown::Shutdown;
use crate::sql_file::{Book, Files};
use crate::store::{Store, StoreError};

/// How often it is looked whether a day has ended, or people have decided something that changes what resources are judged by.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// A server that has just started has others to serve first.
const FIRST_AFTER: Duration = Duration::from_secs(20);

/// Resources of each status about which there are proposals: more than anybody decides in a year.
const MOST_PROPOSED: u32 = 500;

/// Days of the past that a forecast is made from.
const HISTORY_DAYS: i64 = 730;

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

/// What is known beside a resource's own days.
#[derive(Debug, Default)]
struct Surroundings {
    /// How many resources each exception that speaks of spares fits, by its place.
    sharing: BTreeMap<usize, u32>,
    /// What assets hold, in the question's unit, by the host that they are.
    assets: BTreeMap<String, f64>,
}

/// Resources and how they stand.
#[derive(Debug)]
pub struct Capacity {
    pub(super) parts: CapacityParts,
    /// One run at a time.
    running: tokio::sync::Mutex<()>,
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
}

impl Capacity {
    /// Over its parts.
    pub fn new(parts: CapacityParts) -> Self {
        Self { parts, running: tokio::sync::Mutex::default() }
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
        let mut judged: Option<(i64, Arc<Setup>, Arc<Files<CapacityQuestion>>)> = None;
        let mut warned = Vec::new();
        loop {
            let (today, setup, questions) = (self.today(), self.parts.register.setup(), self.parts.questions.refresh());
            let is_new = judged
                .as_ref()
                .is_none_or(|(day, decided, asked)| *day != today || !Arc::ptr_eq(decided, &setup) || !Arc::ptr_eq(asked, &questions));
            if is_new {
                match self.run(&|_, _| {}).await {
                    Ok(run) => {
                        judged = Some((today, setup, questions));
                        if run.failed != warned {
                            run.failed.iter().for_each(|why| tracing::error!("{why}"));
                            warned = run.failed;
                        }
                    }
                    Err(error) => tracing::error!(%error, "resources could not be judged; it is tried again in a minute"),
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
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
        let _one = self.running.lock().await;
        let stopwatch = Stopwatch::start();
        let questions = self.parts.questions.current();
        let now_us = self.parts.inventory.clock.now_us();
        let caught_up = self.parts.days.catch_up(&questions.read, now_us, progress).await?;
        let mut run = CapacityRun {
            days: caught_up.rows,
            failed: caught_up.failed.iter().map(ToString::to_string).collect(),
            ..CapacityRun::default()
        };
        let setup = self.parts.register.setup();
        for (at, question) in questions.read.iter().enumerate() {
            run.resources += self.judge_all(question, &setup).await?;
            progress(&question.name, (at + 1) as f64 / questions.read.len() as f64);
        }
        self.propose(&questions.read, &setup).await?;
        run.seconds = stopwatch.elapsed_seconds();
        Ok(run)
    }

    /// Judges all resources of a question; twice at the first time, so that those with few errors of their own know those of the others.
    async fn judge_all(&self, question: &Arc<CapacityQuestion>, setup: &Arc<Setup>) -> Result<usize, CapacityError> {
        let mut read = self.parts.inventory.store.read().await.map_err(CapacityError::Store)?;
        let class = load_class(&mut read, &question.name).await.map_err(CapacityError::Store)?;
        drop(read);
        let around = Arc::new(self.surroundings(question, setup).await?);
        let (judged, pooled) = self.judge_once(question, setup, &around, class).await?;
        if judged == 0 {
            return Ok(0);
        }
        if class.is_none() && pooled.origins() > 0.0 {
            self.judge_once(question, setup, &around, Some(pooled.factor())).await?;
        }
        Ok(judged)
    }

    async fn judge_once(
        &self,
        question: &Arc<CapacityQuestion>,
        setup: &Arc<Setup>,
        around: &Arc<Surroundings>,
        class: Option<f64>,
    ) -> Result<(usize, Calibration), CapacityError> {
        let now_us = self.parts.inventory.clock.now_us();
        let since_day = self.today() - HISTORY_DAYS;
        let (mut all, mut pooled) = (0, Calibration::default());
        let store = &self.parts.inventory.store;
        for part in self.parts.days.parts() {
            let seen = self.parts.days.of_part(question, since_day, &part).await?;
            let (question, setup, around) = (question.clone(), setup.clone(), around.clone());
            let judging = move || judge_part(&question, &setup, &around, class, &seen);
            let judged = tokio::task::spawn_blocking(judging).await.map_err(|error| CapacityError::Interrupted(error.to_string()))?;
            all += judged.len();
            pooled = Calibration::pooled(std::iter::once(&pooled).chain(judged.iter().filter_map(|it| it.calibration.as_ref())));
            save(store, &judged, now_us).await.map_err(CapacityError::Store)?;
        }
        let finish = async {
            let mut write = store.write().await?;
            forget_unseen(&mut write, &question.name, now_us).await?;
            if pooled.origins() > 0.0 {
                save_class(&mut write, &question.name, pooled.factor(), pooled.origins(), all as i64, now_us).await?;
            }
            write.commit().await
        };
        finish.await.map_err(CapacityError::Store)?;
        Ok((all, pooled))
    }

    async fn surroundings(&self, question: &CapacityQuestion, setup: &Setup) -> Result<Surroundings, CapacityError> {
        let mut around = Surroundings::default();
        let mut read = self.parts.inventory.store.read().await.map_err(CapacityError::Store)?;
        for (name, asset) in assets_of_kind(&mut read, &question.kind).await.map_err(CapacityError::Inventory)? {
            let (Some(capacity), Some(unit)) = (asset.capacity, asset.unit.as_deref()) else { continue };
            match converted(capacity, unit, &question.unit) {
                Some(capacity) => drop(around.assets.insert(asset.host.unwrap_or(name), capacity)),
                None => {
                    tracing::warn!(asset = name, unit, "the asset's unit is not that of the resources it is to limit ({})", question.unit)
                }
            }
        }
        drop(read);
        if setup.capacity.exceptions.iter().any(|exception| exception.spares.is_some()) {
            // What was not seen for a week carries no load.
            for key in self.parts.days.keys(question, self.today() - 7).await? {
                if let Some((exception, _)) = setup.capacity.decided(&key).spares {
                    *around.sharing.entry(exception).or_insert(0) += 1;
                }
            }
        }
        Ok(around)
    }

    /// Hands what crosses to the proposals.
    async fn propose(&self, questions: &[Arc<CapacityQuestion>], setup: &Setup) -> Result<(), CapacityError> {
        let mut crossings = Vec::new();
        for status in [Status::OverThreshold, Status::Crosses] {
            let filter = StandingFilter { status: Some(status.word().to_owned()), limit: MOST_PROPOSED, ..StandingFilter::default() };
            crossings.extend(self.list(&filter).await.map_err(CapacityError::Store)?);
        }
        let mut asked = Vec::new();
        for standing in &crossings {
            let Some(question) = questions.iter().find(|question| question.name == standing.question) else { continue };
            let entity =
                question.entity.iter().map(|column| (column.clone(), standing.entity[column].as_str().unwrap_or_default().to_owned()));
            let key = ResourceKey { question: question.name.clone(), entity: entity.collect() };
            let consumers = self.parts.days.consumers(question, &key, self.today()).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the largest consumers of a resource could not be asked for");
                Vec::new()
            });
            let outage_cost_per_day = setup.capacity.decided(&key).outage_cost_per_day;
            asked.push(Crossing { standing, outage_cost_per_day, consumers });
        }
        self.parts.proposals.refresh(&asked, setup).await.map_err(|error| CapacityError::Proposals(Box::new(error)))
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
        self.detail_until(resource, None).await
    }

    /// The same as it would have been told on a day of the past: without the days from then on.
    pub(super) async fn detail_until(&self, resource: &str, until_day: Option<i64>) -> Result<Option<ResourceDetail>, CapacityError> {
        let mut read = self.parts.inventory.store.read().await.map_err(CapacityError::Store)?;
        let Some(known) = load_standing(&mut read, resource).await.map_err(CapacityError::Store)? else { return Ok(None) };
        let class = load_class(&mut read, &known.question).await.map_err(CapacityError::Store)?;
        drop(read);
        let questions = self.parts.questions.current();
        let Some(question) = questions.read.iter().find(|question| question.name == known.question).cloned() else { return Ok(None) };
        let setup = self.parts.register.setup();
        let since_day = until_day.unwrap_or_else(|| self.today()) - HISTORY_DAYS;
        let Some((key, mut days)) = self.parts.days.of_resource(&question, resource, since_day).await? else { return Ok(None) };
        days.retain(|day| until_day.is_none_or(|until| day.day < until));
        let around = self.surroundings(&question, &setup).await?;
        let judging = move || {
            let judged = judge_one(&question, &setup, &around, class, (&key, &days), true)?;
            Some(ResourceDetail { question, days, judged })
        };
        Ok(tokio::task::spawn_blocking(judging).await.ok().flatten())
    }
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

fn judge_part(
    question: &CapacityQuestion,
    setup: &Setup,
    around: &Surroundings,
    class: Option<f64>,
    part: &[(ResourceKey, Vec<Day>)],
) -> Vec<Judged> {
    part.par_iter().filter_map(|(key, days)| judge_one(question, setup, around, class, (key, days), false)).collect()
}

fn judge_one(
    question: &CapacityQuestion,
    setup: &Setup,
    around: &Surroundings,
    class: Option<f64>,
    (key, days): (&ResourceKey, &[Day]),
    whole: bool,
) -> Option<Judged> {
    let purchase = &setup.purchase;
    let yardstick = Yardstick {
        question,
        policy: &setup.capacity,
        horizon_days: purchase.planning_horizon_days as usize,
        lead_days: i64::from(purchase.approval_days) + i64::from(purchase.delivery_days) + i64::from(purchase.installation_days),
        class,
    };
    let spares = setup.capacity.decided(key).spares;
    let sharing = spares.and_then(|(exception, _)| around.sharing.get(&exception).copied()).unwrap_or(1);
    let asset = key.entity.iter().find_map(|(_, value)| around.assets.get(value).copied());
    judge(&yardstick, &Seen { key, days, asset, sharing }, whole)
}
