//! Three years of a department's tickets, written by the code that writes tickets.

use std::path::Path;
use std::sync::Arc;

use watchroom::clock::{Clock, DAY_US, HOUR_US, Stopwatch};
use watchroom::desk::{Actor, Desk, Hold, TicketEvent, TicketState, Writing};
use watchroom::operations::Register;
use watchroom::people::{Scopes, Tokens};
use watchroom::store::{DESK_FILE, Store};

use super::desk_content::{Draft, department, draft, requester};
use super::drawing::Random;

/// Tickets that one transaction opens.
const OPENED_AT_ONCE: u64 = 500;
/// Transactions from the resolution of a ticket to its closing.
const CLOSED_AFTER: usize = 14;
const HISTORY_US: i64 = 3 * 365 * DAY_US;

/// What was written.
#[derive(Debug, Clone)]
pub(crate) struct Filled {
    pub(crate) tickets: u64,
    pub(crate) open: u64,
    pub(crate) seconds: f64,
    /// Of a requester who asked for many.
    pub(crate) token: String,
}

/// A department, and the tickets of three years, of which `open` are still open.
pub(crate) async fn fill(folder: &Path, tickets: u64, open: u64, receiver: &str) -> Filled {
    let watch = Stopwatch::start();
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let store = Store::open(&folder.join(DESK_FILE)).await.expect("a new store opens");
    let now_us = Clock::System.now_us();
    let clock = Clock::manual(now_us - HISTORY_US);
    let desk = Desk::new(store.clone(), clock.clone());
    let register = Register::open(store.clone(), Clock::System, desk.clone()).await.expect("the register opens");
    register.import(&department(receiver), false, &desk_lead()).await.expect("the department is set up");
    let mut history = History { random: Random(7), desk, clock, resolved: Vec::new(), tickets, open, opened: 0, kept_open: 0 };
    let transactions = tickets.div_ceil(OPENED_AT_ONCE);
    for transaction in 0..transactions {
        let left = i64::try_from(transactions - transaction).unwrap_or(i64::MAX);
        let step_us = HISTORY_US / i64::try_from(transactions).unwrap_or(i64::MAX);
        history.clock.set(now_us - HOUR_US - (left - 1) * step_us);
        history.transaction().await;
    }
    let mut write = store.write().await.expect("the store takes it");
    sqlx::query("INSERT INTO promises (ticket, next_at_us) SELECT number, NULL FROM tickets WHERE true ON CONFLICT DO NOTHING")
        .execute(&mut *write)
        .await
        .expect("the store takes it");
    write.commit().await.expect("the store takes it");
    let scopes: Scopes = "desk".parse().expect("a scope");
    let made = Tokens::new(store.clone(), Clock::System).create("portal", scopes, Some(&requester(3)), None).await.expect("a token");
    let token = made.reveal().to_owned();
    let kept_open = history.kept_open;
    drop((history, register));
    store.close().await;
    Filled { tickets, open: kept_open, seconds: watch.elapsed_seconds(), token }
}

fn desk_lead() -> Actor {
    Actor { name: "local".to_owned(), origin: "127.0.0.1".to_owned() }
}

struct History {
    random: Random,
    desk: Desk,
    clock: Clock,
    /// The tickets that each transaction resolved, the latest last.
    resolved: Vec<Arc<Vec<i64>>>,
    tickets: u64,
    open: u64,
    opened: u64,
    kept_open: u64,
}

impl History {
    /// Opens some tickets, works on them, and closes what was resolved a week before.
    async fn transaction(&mut self) {
        let mut writing = self.desk.writing().await.expect("the store takes it");
        let mut resolved = Vec::new();
        for _ in 0..OPENED_AT_ONCE.min(self.tickets - self.opened) {
            let draft = draft(&mut self.random, self.opened);
            let asks = Actor { name: format!("requester {}", draft.opening.requester.as_deref().unwrap_or_default()), ..desk_lead() };
            let number = writing.open(draft.opening.clone(), &asks).await.expect("a ticket opens");
            self.opened += 1;
            let stays_open = self.stays_open();
            self.work_on(&mut writing, number, &draft, stays_open).await;
            if !stays_open {
                resolved.push(number);
            }
        }
        self.resolved.push(Arc::new(resolved));
        if let Some(at) = self.resolved.len().checked_sub(CLOSED_AFTER) {
            for number in self.resolved[at].clone().iter() {
                happen(&mut writing, *number, &Actor::desk(), moved(TicketState::Resolved, TicketState::Closed)).await;
            }
        }
        // Nobody acts on these events: it is as if the clockwork had done so at the time.
        sqlx::query("DELETE FROM event_feed").execute(writing.connection()).await.expect("the store takes it");
        writing.commit().await.expect("the store takes it");
    }

    /// Half of what is open is of the last twentieth of the time; the other half was forgotten over the years.
    fn stays_open(&mut self) -> bool {
        let is_recent = self.opened * 20 > self.tickets * 19;
        let share = if is_recent { 10.0 } else { 10.0 / 19.0 };
        let stays = self.random.unit() < share * self.open as f64 / self.tickets as f64;
        self.kept_open += u64::from(stays);
        stays
    }

    async fn work_on(&mut self, writing: &mut Writing, number: i64, draft: &Draft, stays_open: bool) {
        let who = Actor { name: format!("user {}", draft.assignee), origin: "10.0.0.9".to_owned() };
        if stays_open && self.random.one_in(6) {
            return;
        }
        let to = Some(draft.assignee.clone());
        happen(writing, number, &Actor::desk(), TicketEvent::Assigned { from: None, to, because: Vec::new() }).await;
        happen(writing, number, &who, moved(TicketState::New, TicketState::InProgress)).await;
        for (at, text) in draft.replies.iter().enumerate() {
            happen(writing, number, &who, TicketEvent::Commented { text: text.clone(), internal: at > 0, copied: None }).await;
        }
        match (stays_open, self.random.one_in(3)) {
            (true, true) => {
                let waits =
                    TicketEvent::Moved { from: TicketState::InProgress, to: TicketState::OnHold, hold: Some(Hold::User), reason: None };
                happen(writing, number, &who, waits).await;
            }
            (true, false) => {}
            (false, _) => happen(writing, number, &who, moved(TicketState::InProgress, TicketState::Resolved)).await,
        }
    }
}

fn moved(from: TicketState, to: TicketState) -> TicketEvent {
    TicketEvent::Moved { from, to, hold: None, reason: None }
}

async fn happen(writing: &mut Writing, number: i64, actor: &Actor, event: TicketEvent) {
    writing.happen(number, actor, event).await.expect("the store takes it");
}
