//! The clockwork: acts on what happens to tickets, and on the passing of time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::OperationsError;
use super::alerts::Alerts;
use super::assigning::{assign, assign_anew, assign_waiting, hand_over};
use super::calling::{call, follow, hasten};
use super::contract_reminders::remind_of_contracts;
use super::feed::{Fed, due_escalations, due_promises, load_feed, look_at_all_again, remove_fed, rest_escalation, save_next_promise};
use super::register::Register;
use super::setup::Setup;
use super::telling::{tell, told, told_to_takers};
use super::timeline::{concerns_promises, timeline_of};
use crate::clock::{Clock, HOUR_US, SECOND_US, TimestampUs};
use crate::desk::{Actor, Change, Desk, Event, Field, TicketEvent, TicketState, Writing};
use crate::document::duration_us;
use crate::notify::{DEFAULT_NOTICES, Throttle, Urgency};
use crate::shutdown::Shutdown;
use crate::sla::{clocks, next_event_us};
use crate::store::Store;

/// How often the time is looked at: a call or a warning comes at most so much late.
const TICK: Duration = Duration::from_millis(500);

/// How long events are gathered after the first: on a busy day they come by the hundred a second, and what follows from ten of
/// them is hardly more work than from one. Nobody feels it; a mail takes longer.
const GATHER: Duration = Duration::from_millis(25);

/// Events and tickets that one transaction acts on: some twenty milliseconds, so that a person who saves a ticket hardly waits.
const BATCH: i64 = 25;

/// How often shifts that end, and tickets that have been resolved for long, are looked for.
const SLOW_US: i64 = 60 * SECOND_US;

/// Transactions in which tickets that wait for somebody are tried again, each minute.
const WAITING_BATCHES: usize = 4;

/// How often contracts are looked at: they are a matter of days.
const CONTRACTS_US: i64 = HOUR_US;

/// What the clockwork needs.
#[derive(Debug)]
pub struct Clockwork {
    desk: Desk,
    register: Arc<Register>,
    alerts: Alerts,
    store: Store,
    clock: Clock,
    throttle: Throttle,
    slow_at_us: TimestampUs,
    contracts_at_us: TimestampUs,
    /// The last ticket that waits for somebody and was tried again.
    waiting_after: i64,
    /// What was set up when everything that is open was last looked at.
    went_by: Option<Arc<Setup>>,
}

/// What is to be done, all of one moment.
struct Due {
    fed: Vec<Fed>,
    /// Somebody is to be called.
    calls: bool,
    /// Tickets whose promises are to be looked at.
    promises: Vec<i64>,
}

impl Clockwork {
    /// A clockwork that has not begun.
    pub fn new(desk: Desk, register: Arc<Register>, alerts: Alerts, store: Store, clock: Clock) -> Self {
        let throttle = Throttle::new(DEFAULT_NOTICES);
        let (slow_at_us, contracts_at_us) = (TimestampUs::MIN, TimestampUs::MIN);
        Self { desk, register, alerts, store, clock, throttle, slow_at_us, contracts_at_us, waiting_after: 0, went_by: None }
    }

    /// Runs until the stop. A round that fails is told in the log and done again.
    pub async fn run(mut self, shutdown: Shutdown) {
        loop {
            if let Err(error) = self.round().await {
                tracing::error!(%error, "the desk's work could not be done; it is tried again");
            }
            tokio::select! {
                () = shutdown.sources_stopping() => return,
                () = self.desk.written() => tokio::time::sleep(GATHER).await,
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// Does everything that is to be done at this moment.
    pub async fn round(&mut self) -> Result<(), OperationsError> {
        let setup = self.register.setup();
        // What other programs report must not hold up the calls about what is known.
        if let Err(error) = self.alerts.pass().await {
            tracing::error!(%error, "alerts that are over and heartbeats that were missed could not be filed; it is tried again");
        }
        // At the start, and when a policy, a calendar or a rota has changed, all that is open is looked at anew.
        if !self.went_by.as_ref().is_some_and(|went_by| Arc::ptr_eq(went_by, &setup)) {
            look_at_all_again(&self.store, self.clock.now_us()).await?;
            self.went_by = Some(setup.clone());
        }
        // What is done makes events, which are acted on too; a round ends when none are left.
        loop {
            let Due { fed, calls, promises } = self.due().await?;
            // Read after the events: who was set up before one of them happened is known.
            let setup = self.register.setup();
            if fed.is_empty() && !calls && promises.is_empty() {
                break;
            }
            self.act(&setup, fed).await?;
            if calls {
                self.escalate(&setup).await?;
            }
            self.watch(&setup, promises).await?;
        }
        let now_us = self.clock.now_us();
        if now_us >= self.slow_at_us {
            self.slow_at_us = now_us.saturating_add(SLOW_US);
            if let Err(error) = self.hand_over(&setup).await {
                tracing::error!(%error, "tickets could not be handed over; it is tried again in a minute");
            }
            self.close_old(&setup, now_us).await?;
        }
        if now_us >= self.contracts_at_us {
            remind_of_contracts(&self.desk, &self.store, now_us).await?;
            self.contracts_at_us = now_us.saturating_add(CONTRACTS_US);
        }
        Ok(())
    }

    async fn due(&self) -> Result<Due, OperationsError> {
        let (mut read, now_us) = (self.store.read().await?, self.clock.now_us());
        Ok(Due {
            fed: load_feed(&mut read, BATCH).await?,
            calls: !due_escalations(&mut read, now_us, 1).await?.is_empty(),
            promises: due_promises(&mut read, now_us, BATCH).await?,
        })
    }

    /// Acts on the oldest events of the feed.
    async fn act(&mut self, setup: &Setup, fed: Vec<Fed>) -> Result<(), OperationsError> {
        if fed.is_empty() {
            return Ok(());
        }
        match self.act_on_all(setup, &fed).await {
            Err(error) if !error.is_passing() => {
                // One of them cannot be acted on. It must not stand in the way of the others: they go one by one.
                for one in fed {
                    if let Err(error) = self.act_on_all(setup, &[one]).await {
                        if error.is_passing() {
                            return Err(error);
                        }
                        tracing::error!(ticket = one.ticket, event = one.seq, %error, "BUG: an event could not be acted on and is left out");
                        let mut writing = self.desk.writing().await?;
                        remove_fed(writing.connection(), one.id, one.id).await?;
                        writing.commit().await?;
                    }
                }
                Ok(())
            }
            result => result,
        }
    }

    /// Acts on events in one transaction and takes them off the feed.
    async fn act_on_all(&mut self, setup: &Setup, fed: &[Fed]) -> Result<(), OperationsError> {
        let mut writing = self.desk.writing().await?;
        let named: Vec<(i64, i64)> = fed.iter().map(|one| (one.ticket, one.seq)).collect();
        let mut with_promises = BTreeSet::new();
        for (number, event) in writing.read_ahead(&named).await? {
            self.act_on(&mut writing, setup, number, &event).await?;
            if concerns_promises(&event) {
                with_promises.insert(number);
            }
        }
        // Once for all that has happened to a ticket.
        for number in with_promises {
            look_at_promises(&mut writing, setup, number).await?;
        }
        if let (Some(first), Some(last)) = (fed.first(), fed.last()) {
            remove_fed(writing.connection(), first.id, last.id).await?;
        }
        writing.commit().await?;
        Ok(())
    }

    async fn act_on(&mut self, writing: &mut Writing, setup: &Setup, number: i64, event: &Event) -> Result<(), OperationsError> {
        let ticket = writing.ticket(number).await?.clone();
        if let Some(told) = told(&ticket, event, setup) {
            let now_us = writing.now_us();
            let unreached = tell(writing.connection(), setup, &mut self.throttle, &ticket, &told, now_us).await?;
            if told.urgency == Urgency::Page {
                for person in unreached {
                    let note = TicketEvent::note(format!("{person} cannot be called: no way of contact, or calls turned off"));
                    writing.happen(ticket.number, &Actor::desk(), note).await?;
                    hasten(writing, setup, ticket.number, told.page.as_deref(), &person).await?;
                }
            }
        }
        match &event.event {
            TicketEvent::Opened(_) | TicketEvent::Moved { to: TicketState::Reopened, .. } => assign(writing, setup, number).await?,
            // Other rules fit it, or it has another team, which has other people; what followed from that needs no look of its own.
            TicketEvent::KindCorrected { .. }
            | TicketEvent::EntityCorrected { .. }
            | TicketEvent::Set { field: Field::Service | Field::Team, because: None, .. }
                if event.actor != Actor::desk() =>
            {
                assign_anew(writing, setup, number, &self.desk.rules()).await?;
            }
            _ => {}
        }
        self.call_for_takers(writing, setup, ticket.team.as_deref(), number, event).await?;
        follow(writing, setup, number, event).await
    }

    /// Tells those who could take a ticket that an event left to nobody. Where assigning gave it a team that it did not have when the
    /// event happened, that is an event of its own.
    async fn call_for_takers(
        &mut self,
        writing: &mut Writing,
        setup: &Setup,
        team_before: Option<&str>,
        number: i64,
        event: &Event,
    ) -> Result<(), OperationsError> {
        let leaves_it = matches!(
            event.event,
            TicketEvent::Opened(_) | TicketEvent::Moved { to: TicketState::Reopened, .. } | TicketEvent::Set { field: Field::Team, .. }
        );
        if !leaves_it {
            return Ok(());
        }
        let (ticket, now_us) = (writing.ticket(number).await?.clone(), writing.now_us());
        if ticket.team.as_deref() != team_before {
            return Ok(());
        }
        if let Some(told) = told_to_takers(&ticket, event, setup, now_us) {
            tell(writing.connection(), setup, &mut self.throttle, &ticket, &told, now_us).await?;
        }
        Ok(())
    }

    /// Calls whoever is due to be called.
    async fn escalate(&mut self, setup: &Setup) -> Result<(), OperationsError> {
        let mut writing = self.desk.writing().await?;
        // Asked again now that nobody else writes: an acknowledgement that came in between calls nobody.
        let now_us = writing.now_us();
        let due = due_escalations(writing.connection(), now_us, BATCH).await?;
        for number in &due {
            match call(&mut writing, setup, *number).await {
                Err(error) if !error.is_passing() => {
                    tracing::error!(ticket = number, %error, "BUG: the escalation of a ticket cannot go on; nobody is called for it");
                    rest_escalation(writing.connection(), *number).await?;
                }
                result => result?,
            }
        }
        writing.commit().await?;
        Ok(())
    }

    /// Warns of promises of these tickets that are in danger.
    async fn watch(&mut self, setup: &Setup, due: Vec<i64>) -> Result<(), OperationsError> {
        if due.is_empty() {
            return Ok(());
        }
        let mut writing = self.desk.writing().await?;
        for number in due {
            match look_at_promises(&mut writing, setup, number).await {
                Err(error) if !error.is_passing() => {
                    tracing::error!(ticket = number, %error, "BUG: the promises of a ticket cannot be looked at");
                    save_next_promise(writing.connection(), number, None).await?;
                }
                result => result?,
            }
        }
        writing.commit().await?;
        Ok(())
    }

    /// Hands on what cannot wait of everybody whose shift ends, and gives to whoever's has begun what nobody was found for.
    async fn hand_over(&mut self, setup: &Setup) -> Result<(), OperationsError> {
        if setup.teams.is_empty() || !setup.desk.assign {
            return Ok(());
        }
        let mut writing = self.desk.writing().await?;
        hand_over(&mut writing, setup).await?;
        commit_changes(writing).await?;
        for _ in 0..WAITING_BATCHES {
            let mut writing = self.desk.writing().await?;
            let after = assign_waiting(&mut writing, setup, self.waiting_after).await?;
            commit_changes(writing).await?;
            self.waiting_after = after;
            if after == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Closes what has been resolved for as long as the policy says.
    async fn close_old(&self, setup: &Setup, now_us: TimestampUs) -> Result<(), OperationsError> {
        let after_us = duration_us(&setup.desk.close_after).unwrap_or(i64::MAX);
        let numbers = self.desk.resolved_before(now_us.saturating_sub(after_us), BATCH).await?;
        if numbers.is_empty() {
            return Ok(());
        }
        let change = Change { state: Some(TicketState::Closed), ..Change::default() };
        self.desk.change_all(&numbers, &change, &Actor::desk(), None).await?;
        Ok(())
    }
}

/// Commits what was changed; where nothing was, nobody waits for the disk.
async fn commit_changes(writing: Writing) -> Result<(), OperationsError> {
    if writing.has_changes() {
        writing.commit().await?;
    }
    Ok(())
}

/// Says what is new about a ticket's promises, and when to look again. What was said once is in the history and is not
/// said again.
async fn look_at_promises(writing: &mut Writing, setup: &Setup, number: i64) -> Result<(), OperationsError> {
    let now_us = writing.now_us();
    if setup.promises.is_empty() {
        return save_next_promise(writing.connection(), number, None).await;
    }
    let history = writing.milestones(number).await?;
    let Some(timeline) = timeline_of(&history) else { return save_next_promise(writing.connection(), number, None).await };
    let clocks = clocks(&timeline, &setup.promises, now_us);
    for clock in &clocks {
        let (warns, breached) = (clock.is_warning(now_us), clock.is_breached());
        let Some(due_at_us) = clock.due_at_us.filter(|_| warns || breached) else { continue };
        let promise = clock.promise.word();
        let said = |event: &Event| {
            matches!(&event.event, TicketEvent::Warned { promise: said, due_at_us: due, breached: broken }
                if said == promise && *due == due_at_us && *broken == breached)
        };
        if !history.iter().any(said) {
            let event = TicketEvent::Warned { promise: promise.to_owned(), due_at_us, breached };
            writing.happen(number, &Actor::desk(), event).await?;
        }
    }
    save_next_promise(writing.connection(), number, next_event_us(&clocks, now_us)).await
}
