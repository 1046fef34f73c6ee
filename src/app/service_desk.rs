//! Opens the desk of people: who may log in, what they set up, what works on tickets by itself.

use std::sync::Arc;

use anyhow::anyhow;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::{Settings, delivery_config};
use crate::desk::Desk;
use crate::operations::{Alerts, Clockwork, ConfiguredWindows, Deliveries, MaintenanceWindows, Register};
use crate::people::{FIRST_ADMINISTRATOR, Logins, OneTimeSecret, random_hex};
use crate::pipeline::stage;
use crate::shutdown::Shutdown;
use crate::store::{AuditEntry, Document, Store, append_audit, load_document, load_secret, save_document, save_secret};

/// Name of the secret that signs the links of calls.
const LINK_SECRET: &str = "program.acknowledge_links";

/// The parts, open.
#[derive(Debug)]
pub(super) struct ServiceDesk {
    pub(super) register: Arc<Register>,
    pub(super) logins: Logins,
    pub(super) alerts: Alerts,
    pub(super) windows: MaintenanceWindows,
    pub(super) link_secret: Arc<[u8]>,
    /// The first administrator's password, if this is the first start.
    pub(super) first_password: Option<OneTimeSecret>,
}

impl ServiceDesk {
    /// `is_server`: people will come. A command that only asks makes no administrator whose password nobody would be told.
    pub(super) async fn open(
        store: &Store,
        desk: &Desk,
        clock: &Clock,
        configured: ConfiguredWindows,
        is_server: bool,
    ) -> anyhow::Result<Self> {
        let logins = Logins::new(store.clone(), clock.clone());
        let first_password = if is_server { first_administrator(store, &logins, clock).await? } else { None };
        let link_secret = link_secret(store, clock).await?;
        let register = Arc::new(Register::open(store.clone(), clock.clone(), desk.clone()).await?);
        let windows = MaintenanceWindows::new(configured, register.clone(), store.clone());
        let alerts = Alerts::new(desk.clone(), store.clone(), clock.clone(), register.clone(), windows.clone());
        Ok(Self { register, logins, alerts, windows, link_secret, first_password })
    }

    /// Starts what works by itself.
    pub(super) fn start(
        &self,
        settings: &Settings,
        store: &Store,
        desk: &Desk,
        clock: &Clock,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Vec<JoinHandle<()>>> {
        let mut config = delivery_config(settings).map_err(|wrong| anyhow!(wrong.join("\n")))?;
        config.link_secret = self.link_secret.to_vec();
        let deliveries = Deliveries::new(store.clone(), desk.clone(), self.register.clone(), clock.clone(), config)?;
        if !settings.desk.send {
            tracing::warn!("messages wait in the outbox and nobody is told or called: desk.send is off");
        }
        let clockwork = Clockwork::new(desk.clone(), self.register.clone(), self.alerts.clone(), store.clone(), clock.clone());
        let mut workers = vec![stage::spawn("clockwork", shutdown, clockwork.run(shutdown.clone()))];
        if settings.desk.send {
            workers.push(stage::spawn("deliveries", shutdown, deliveries.run(shutdown.clone())));
        }
        Ok(workers)
    }
}

/// At the first start there is nobody: makes an administrator, whose one-time password is told once.
async fn first_administrator(store: &Store, logins: &Logins, clock: &Clock) -> anyhow::Result<Option<OneTimeSecret>> {
    let mut write = store.write().await?;
    let Some(secret) = logins.first_administrator(&mut write).await? else { return Ok(None) };
    let now_us = clock.now_us();
    if load_document(&mut write, "user", FIRST_ADMINISTRATOR).await?.is_none() {
        let document = Document {
            kind: "user".to_owned(),
            name: FIRST_ADMINISTRATOR.to_owned(),
            document: json!({ "display_name": "Administrator", "role": "administrator" }),
            version: 1,
            updated_at_us: now_us,
            updated_by: "first start".to_owned(),
        };
        save_document(&mut write, &document).await?;
    }
    let object = format!("user/{FIRST_ADMINISTRATOR}");
    let entry =
        AuditEntry { at_us: now_us, actor: "first start", origin: "scheduler", action: "user.create", object: &object, detail: None };
    append_audit(&mut write, entry).await?;
    write.commit().await?;
    Ok(Some(secret))
}

async fn link_secret(store: &Store, clock: &Clock) -> anyhow::Result<Arc<[u8]>> {
    let mut write = store.write().await?;
    if let Some(secret) = load_secret(&mut write, LINK_SECRET).await? {
        return Ok(secret.into_bytes().into());
    }
    let secret = random_hex()?;
    save_secret(&mut write, LINK_SECRET, Some(&secret), clock.now_us()).await?;
    write.commit().await?;
    Ok(secret.into_bytes().into())
}
