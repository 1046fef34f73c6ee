//! What is told to whom, and how it gets there.
//!
//! An event of a ticket concerns some people. For each of them [`decide`] says from their [`Preferences`] by which ways they
//! are told of it and when, [`Throttle`] makes a digest of what is too much, and [`enqueue`] puts the notices into the outbox
//! in the transaction that takes the event off the feed. A sender asks [`due`] for what is to go out now, puts it into words with
//! [`Message::of`], hands it to [`Mailer`] or [`Webhooks`], and says with [`note_sent`] or [`note_failed`] what came of it.
//!
//! ```text
//! event ─> decide ─> Throttle ─> enqueue ─┐ outbox (SQLite)
//!                                         └─> due ─> Message::of ─> Mailer | Webhooks ─> note_sent | note_failed
//! ```
//!
//! Invariants:
//! * A notice is in the outbox if and only if its event is stored: with the event a row of the feed is written in one transaction, and with
//!   the end of that row the notices in another.
//! * It is sent at least once: it is noted as sent after its receiver has accepted it. A double carries the same id, in the
//!   `Message-ID` of mail and the `Watchroom-Delivery` of webhooks, and what is new never carries an old one.
//! * It ends: sent, cancelled, or given up after three days; a page after five attempts, which the caller is told, so that
//!   somebody else is woken.
//! * Pages go through quiet hours, digests and throttles; only a rule that names them and says why turns them off.
//! * What people wrote and what logs carry is text wherever it goes: no header, no markup, no mention comes out of it.
//! * No webhook reaches an address of the house that was not opened for it, whatever its name resolves to.
//! * No secret stands in the outbox, in an error, or in `Debug` output. Addresses of webhooks do stand in the outbox.

pub mod acknowledge_link;
mod back_off;
pub mod calendar_link;
mod decide;
mod destination;
mod email_message;
mod error;
mod mailer;
mod message;
mod notice;
mod outbox;
#[cfg(test)]
mod outbox_tests;
mod outcome;
mod parcel;
mod plain_text;
mod preferences;
mod send_failure;
mod signature;
mod smtp_config;
mod smtp_session;
mod throttle;
mod wall_time;
mod webhook_body;
mod webhooks;
mod words;

pub use back_off::{GIVE_UP_AFTER_US, Next, PAGE_ATTEMPTS};
pub use decide::{Planned, decide};
pub use destination::{Network, may_call};
pub use email_message::email_message;
pub use error::NotifyError;
pub use mailer::Mailer;
pub use message::{Item, Links, Message, MessageFile};
pub use notice::{Delivery, NewNotice, Notice};
pub use outbox::{MAX_LISTED, cancel_for_ticket, deliveries_of, enqueue, next_due_us, notice, notices_of_ticket, try_again};
pub use outcome::{note_failed, note_sent};
pub use parcel::{MAX_IN_DIGEST, MAX_PARCELS, Parcel, due};
pub use preferences::{Action, Contact, MAX_CONTACTS, MAX_RULES, Preferences, Rule};
pub use send_failure::SendFailure;
pub use signature::{DELIVERY_HEADER, SIGNATURE_HEADER, SIGNATURE_TOLERANCE_S, signature, verify_signature};
pub use smtp_config::{SmtpConfig, SmtpSecurity};
pub use throttle::{DEFAULT_NOTICES, THROTTLE_WINDOW_US, Throttle};
pub use webhook_body::webhook_body;
pub use webhooks::{WebhookConfig, Webhooks};
pub use words::{Channel, EventKind, NoticeState, Shape, Urgency};
