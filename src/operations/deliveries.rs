//! Empties the outbox: mail and webhooks, at least once each.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use super::OperationsError;
use super::calling::hasten;
use super::kept_reports::{ReportForm, load_file, load_kept};
use super::register::Register;
use crate::clock::{Clock, DAY_US};
use crate::desk::{Actor, Desk, TicketEvent, Writing};
use crate::notify::{
    Channel, Links, Mailer, Message, MessageFile, Next, Notice, Parcel, SendFailure, SmtpConfig, Urgency, WebhookConfig, Webhooks,
    acknowledge_link, due, note_failed, note_sent,
};
use crate::shutdown::Shutdown;
use crate::store::{Store, StoreError, load_secret};

/// A file that goes by mail at most: many servers take no more than ten megabytes, and base64 adds a third.
const MAX_FILE_BYTES: usize = 6 << 20;

/// How often the outbox is looked into.
const TICK: Duration = Duration::from_millis(500);

/// Messages that are sent at the same time: a slow receiver must not hold up the pages behind it.
const AT_ONCE: usize = 8;

/// A link that acknowledges a page is good for so long: over a weekend, not for ever.
const LINK_GOOD_FOR_US: i64 = 3 * DAY_US;

/// How messages leave.
#[derive(Debug, Clone, Default)]
pub struct DeliveryConfig {
    /// The mail server; none: mail waits until there is one.
    pub smtp: Option<SmtpConfig>,
    /// Its password.
    pub smtp_password: Option<String>,
    /// How webhooks are sent.
    pub webhooks: WebhookConfig,
    /// Where people reach this server, such as `https://watch.example.org`; empty: messages carry no links.
    pub public_url: String,
    /// Signs the links that acknowledge pages.
    pub link_secret: Vec<u8>,
}

/// The sender. There is one.
#[derive(Debug)]
pub struct Deliveries {
    store: Store,
    desk: Desk,
    register: Arc<Register>,
    clock: Clock,
    mailer: Option<Mailer>,
    webhooks: Webhooks,
    public_url: String,
    link_secret: Vec<u8>,
    /// What was sent and could not be noted yet, as with a full disk: it must not be sent again every half second.
    unnoted: Vec<(Parcel, Result<String, SendFailure>)>,
}

impl Deliveries {
    /// A sender over the store's outbox.
    ///
    /// # Errors
    /// If the mail server or the webhooks are configured wrongly.
    pub fn new(store: Store, desk: Desk, register: Arc<Register>, clock: Clock, config: DeliveryConfig) -> Result<Self, OperationsError> {
        let mailer = config.smtp.map(|smtp| Mailer::new(smtp, config.smtp_password.as_deref())).transpose()?;
        let public_url = config.public_url.trim_end_matches('/').to_owned();
        let webhooks = Webhooks::new(config.webhooks)?;
        Ok(Self { store, desk, register, clock, mailer, webhooks, public_url, link_secret: config.link_secret, unnoted: Vec::new() })
    }

    /// Runs until the stop.
    pub async fn run(mut self, shutdown: Shutdown) {
        loop {
            let sent = match self.round().await {
                Ok(sent) => sent,
                Err(error) => {
                    tracing::error!(%error, "the outbox could not be emptied; it is tried again");
                    0
                }
            };
            tokio::select! {
                () = shutdown.sources_stopping() => return,
                () = tokio::time::sleep(if sent > 0 { Duration::ZERO } else { TICK }) => {}
            }
        }
    }

    /// Sends what is due at this moment; gives how many messages were tried.
    ///
    /// # Errors
    /// If the store fails. What was sent by then is noted first in the next round, before anything else is sent.
    pub async fn round(&mut self) -> Result<usize, OperationsError> {
        self.note_all().await?;
        let mut read = self.store.read().await?;
        let parcels = due(&mut read, self.clock.now_us(), AT_ONCE).await?;
        drop(read);
        let tried = parcels.len();
        let results = futures::future::join_all(parcels.iter().map(|parcel| self.send(parcel))).await;
        self.unnoted.extend(parcels.into_iter().zip(results));
        self.note_all().await?;
        Ok(tried)
    }

    /// Notes in one transaction what came of all of them: eight messages are sent at a time, and each would wait for the disk.
    async fn note_all(&mut self) -> Result<(), OperationsError> {
        if self.unnoted.is_empty() {
            return Ok(());
        }
        let mut writing = self.desk.writing().await?;
        for (parcel, result) in &self.unnoted {
            self.note(&mut writing, parcel, result).await?;
        }
        writing.commit().await?;
        self.unnoted.clear();
        Ok(())
    }

    async fn send(&self, parcel: &Parcel) -> Result<String, SendFailure> {
        let (first, now_us) = (parcel.first(), self.clock.now_us());
        let mut message = Message::of(parcel, &self.links(parcel));
        if first.channel == Channel::Email {
            message.file = self.report_of(&message).await.map_err(|error| SendFailure::temporary(error.to_string()))?;
        }
        match first.channel {
            Channel::Email => match &self.mailer {
                Some(mailer) => mailer.send(&first.address, &message, now_us).await,
                None => Err(SendFailure::temporary("no mail server is set up; set smtp.host and smtp.from in the configuration")),
            },
            Channel::Webhook => {
                let secret = match &first.secret {
                    Some(name) => self.secret(name).await.map_err(|error| SendFailure::temporary(error.to_string()))?,
                    None => None,
                };
                if first.secret.is_some() && secret.is_none() {
                    Err(SendFailure::temporary("the secret that signs it is not set; set it with PUT /api/v1/secrets/NAME"))
                } else {
                    self.webhooks.send(&first.address, first.shape, secret.as_deref().map(str::as_bytes), &message, now_us).await
                }
            }
        }
    }

    /// The page of the report that a message brings; the message alone goes where it is too large for a mail, or not kept any more.
    async fn report_of(&self, message: &Message) -> Result<Option<MessageFile>, StoreError> {
        let Some(id) = message.payload["report"]["id"].as_i64() else { return Ok(None) };
        let mut read = self.store.read().await?;
        let (Some(kept), Some(bytes)) = (load_kept(&mut read, id).await?, load_file(&mut read, id, ReportForm::Html).await?) else {
            return Ok(None);
        };
        let day = message.payload["report"]["as_of"].as_str().and_then(|day| day.parse::<Date>().ok());
        let name = format!("{}-{}.html", kept.report, day.map_or_else(|| kept.id.to_string(), |day| day.to_string()));
        Ok((bytes.len() <= MAX_FILE_BYTES).then_some(MessageFile { name, media_type: ReportForm::Html.media_type(), bytes }))
    }

    async fn secret(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut read = self.store.read().await?;
        load_secret(&mut read, name).await
    }

    fn links(&self, parcel: &Parcel) -> Links {
        if self.public_url.is_empty() {
            return Links::default();
        }
        let first = parcel.first();
        let acknowledge = first.ticket.zip(page_of(first)).and_then(|(ticket, page_id)| {
            let what = acknowledge_link::Acknowledgement {
                ticket,
                page_id: page_id.to_owned(),
                person: first.person.clone(),
                expires_at_us: first.created_at_us + LINK_GOOD_FOR_US,
            };
            acknowledge_link::sign(&self.link_secret, &what).ok()
        });
        Links {
            tickets: Some(format!("{}/tickets/", self.public_url)),
            acknowledge: acknowledge.map(|token| format!("{}/acknowledge/{token}", self.public_url)),
        }
    }

    /// Notes what came of it. A page that is given up is said in the ticket's history, and calls the next level at once.
    async fn note(&self, writing: &mut Writing, parcel: &Parcel, result: &Result<String, SendFailure>) -> Result<(), OperationsError> {
        let now_us = writing.now_us();
        match result {
            Ok(answer) => note_sent(writing.connection(), parcel, answer, now_us).await?,
            Err(failure) => {
                let next = note_failed(writing.connection(), parcel, failure, now_us).await?;
                if let (Next::GiveUp, Urgency::Page, Some(ticket)) = (next, parcel.urgency(), parcel.first().ticket) {
                    let first = parcel.first();
                    let text =
                        format!("{} could not be called by {}: {failure}; the next level is called", first.person, first.channel.word());
                    match self.call_next(writing, ticket, first, text).await {
                        Err(error) if !error.is_passing() => {
                            tracing::error!(ticket, %error, "BUG: a call could not be delivered, and the next level cannot be called");
                        }
                        result => result?,
                    }
                }
            }
        }
        Ok(())
    }

    async fn call_next(&self, writing: &mut Writing, ticket: i64, failed: &Notice, text: String) -> Result<(), OperationsError> {
        writing.happen(ticket, &Actor::desk(), TicketEvent::note(text)).await?;
        hasten(writing, &self.register.setup(), ticket, page_of(failed), &failed.person).await
    }
}

/// The call that a message is.
fn page_of(notice: &Notice) -> Option<&str> {
    notice.payload.get("page").and_then(serde_json::Value::as_str)
}
