//! The register of what was set up: reading, changing, exporting, importing. Every change is checked whole and audited.

use std::sync::{Arc, PoisonError, RwLock};

use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::SqliteConnection;

use super::documents::{KINDS, kind_of};
use super::hidden_addresses::restore_addresses;
use super::setup::{Documents, SINGLE, Setup};
use crate::clock::Clock;
use crate::desk::{Actor, Desk};
use crate::document::{Complaint, in_words};
use crate::people::check_name;
use crate::store::{
    AuditEntry, Document, Store, StoreError, append_audit, load_document, load_documents, load_documents_of, referrers_of_document,
    remove_document, save_document,
};

/// Why something was not set up. Nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// There is no kind of that word.
    #[error("there is no kind of document `{0}`; the kinds are {kinds}", kinds = kinds())]
    NoKind(String),
    /// There is no document of that name.
    #[error("there is no {kind} `{name}`; `GET /api/v1/setup/{kind}` lists those that there are")]
    NotFound {
        /// The kind.
        kind: String,
        /// The name.
        name: String,
    },
    /// Somebody else changed it since it was read.
    #[error("{kind} `{name}` was changed in the meantime (it is at version {current}); read it again, then send the change")]
    Conflict {
        /// The kind.
        kind: String,
        /// The name.
        name: String,
        /// The version that it is at.
        current: i64,
    },
    /// It is not what it should be.
    #[error("{}", in_words(.0))]
    Invalid(Vec<Complaint>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RegisterError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

fn kinds() -> String {
    KINDS.iter().map(|kind| kind.word).collect::<Vec<_>>().join(", ")
}

/// A document that an import writes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Imported {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `new` or `changed`.
    pub change: &'static str,
    /// Its content.
    #[serde(skip)]
    pub document: Value,
}

/// The register over the store. Clones share it.
#[derive(Debug, Clone)]
pub struct Register {
    store: Store,
    clock: Clock,
    desk: Desk,
    setup: Arc<RwLock<Arc<Setup>>>,
}

impl Register {
    /// Opens the register and tells the desk what it must know.
    ///
    /// # Errors
    /// If the store cannot be read. A document that no longer fits (a program of another version wrote it) is told in the log
    /// and left out until somebody mends it.
    pub async fn open(store: Store, clock: Clock, desk: Desk) -> Result<Self, StoreError> {
        let register = Self { store, clock, desk, setup: Arc::default() };
        let mut read = register.store.read().await?;
        let documents = by_name(load_documents(&mut read).await?);
        drop(read);
        let (setup, complaints) = Setup::read(&documents);
        if !complaints.is_empty() {
            tracing::error!("a part of what was set up cannot be used until somebody mends it: {}", in_words(&complaints));
        }
        register.take(setup);
        Ok(register)
    }

    /// What is set up now.
    pub fn setup(&self) -> Arc<Setup> {
        self.setup.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self, setup: Setup) {
        self.desk.set_rules(setup.desk_rules());
        *self.setup.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(setup);
    }

    /// The documents of a kind by name: at most `limit` after a name.
    pub async fn list(&self, kind: &str, after: &str, limit: i64) -> Result<Vec<Document>, RegisterError> {
        kind_of(kind).ok_or_else(|| RegisterError::NoKind(kind.to_owned()))?;
        let mut read = self.store.read().await?;
        Ok(load_documents_of(&mut read, kind, after, limit).await?)
    }

    /// A document.
    pub async fn get(&self, kind: &str, name: &str) -> Result<Document, RegisterError> {
        kind_of(kind).ok_or_else(|| RegisterError::NoKind(kind.to_owned()))?;
        let mut read = self.store.read().await?;
        let missing = || RegisterError::NotFound { kind: kind.to_owned(), name: name.to_owned() };
        load_document(&mut read, kind, name).await?.ok_or_else(missing)
    }

    /// Writes a document, new or changed, if it is still at `expected_version` (`None`: whatever it is at; `Some(0)`: new).
    pub async fn put(
        &self,
        kind: &str,
        name: &str,
        document: &Value,
        expected_version: Option<i64>,
        actor: &Actor,
    ) -> Result<Document, RegisterError> {
        let mut write = self.store.write().await?;
        let before = load_document(&mut write, kind, name).await?;
        let document = checked(kind, name, document, before.as_ref().map(|before| &before.document))?;
        let current = before.as_ref().map_or(0, |document| document.version);
        refuse_stale(kind, name, current, expected_version)?;
        if let Some(before) = before.filter(|before| before.document == document) {
            return Ok(before);
        }
        let documents = by_name(load_documents(&mut write).await?);
        let mut changed = documents.clone();
        changed.insert((kind.to_owned(), name.to_owned()), document.clone());
        let setup = changed_setup(&self.setup(), &documents, &changed)?;
        let stored = self.save(&mut write, kind, name, document, current + 1, actor).await?;
        write.commit().await?;
        self.take(setup);
        Ok(stored)
    }

    /// Removes a document, if nothing refers to it.
    pub async fn delete(&self, kind: &str, name: &str, expected_version: Option<i64>, actor: &Actor) -> Result<(), RegisterError> {
        kind_of(kind).ok_or_else(|| RegisterError::NoKind(kind.to_owned()))?;
        let mut write = self.store.write().await?;
        let Some(before) = load_document(&mut write, kind, name).await? else {
            return Err(RegisterError::NotFound { kind: kind.to_owned(), name: name.to_owned() });
        };
        refuse_stale(kind, name, before.version, expected_version)?;
        let documents = by_name(load_documents(&mut write).await?);
        let mut changed = documents.clone();
        changed.remove(&(kind.to_owned(), name.to_owned()));
        let setup = changed_setup(&self.setup(), &documents, &changed)?;
        refuse_named(&mut write, kind, name).await?;
        remove_document(&mut write, kind, name).await?;
        let entry = AuditEntry {
            at_us: self.clock.now_us(),
            actor: &actor.name,
            origin: &actor.origin,
            action: "setup.delete",
            object: &format!("{kind}/{name}"),
            detail: Some(&audited(&before)),
        };
        append_audit(&mut write, entry).await?;
        write.commit().await?;
        self.take(setup);
        Ok(())
    }

    /// Everything as one table of tables: kind, name, document. What is set up alike is exported alike, byte for byte.
    pub async fn export(&self) -> Result<Value, RegisterError> {
        let mut read = self.store.read().await?;
        let documents = load_documents(&mut read).await?;
        let mut all = Map::new();
        for kind in KINDS {
            let of_kind: Map<String, Value> = documents
                .iter()
                .filter(|document| document.kind == kind.word)
                .map(|document| (document.name.clone(), as_stored(kind.word, &document.document)))
                .collect();
            if !of_kind.is_empty() {
                all.insert(kind.word.to_owned(), Value::Object(of_kind));
            }
        }
        Ok(Value::Object(all))
    }

    /// Writes all documents of an export; those that it does not name stay. All of them or none; with `dry_run` none. Gives
    /// those that differ from what was set up.
    ///
    /// # Errors
    /// [`RegisterError::Invalid`] with everything that is wrong, as `kind/name.field`.
    pub async fn import(&self, all: &Value, dry_run: bool, actor: &Actor) -> Result<Vec<Imported>, RegisterError> {
        let mut write = self.store.write().await?;
        let before = load_documents(&mut write).await?;
        let documents = by_name(before.clone());
        let new = read_export(all, &documents)?;
        let mut changed = documents.clone();
        changed.extend(new.iter().map(|(key, document)| (key.clone(), document.clone())));
        let setup = changed_setup(&self.setup(), &documents, &changed)?;
        let mut imported = Vec::new();
        for ((kind, name), document) in new {
            let old = before.iter().find(|old| old.kind == kind && old.name == name);
            if old.is_some_and(|old| as_stored(&kind, &old.document) == document) {
                continue;
            }
            let change = if old.is_some() { "changed" } else { "new" };
            let version = old.map_or(0, |old| old.version) + 1;
            let stored = self.save(&mut write, &kind, &name, document, version, actor).await?;
            imported.push(Imported { kind, name, change, document: stored.document });
        }
        if !dry_run {
            write.commit().await?;
            self.take(setup);
        }
        Ok(imported)
    }

    async fn save(
        &self,
        write: &mut SqliteConnection,
        kind: &str,
        name: &str,
        document: Value,
        version: i64,
        actor: &Actor,
    ) -> Result<Document, StoreError> {
        let at_us = self.clock.now_us();
        let updated_by = actor.name.clone();
        let stored = Document { kind: kind.to_owned(), name: name.to_owned(), document, version, updated_at_us: at_us, updated_by };
        save_document(write, &stored).await?;
        let detail = json!({ "version": version, "document": audited(&stored) });
        let entry = AuditEntry {
            at_us,
            actor: &actor.name,
            origin: &actor.origin,
            action: "setup.put",
            object: &format!("{kind}/{name}"),
            detail: Some(&detail),
        };
        append_audit(write, entry).await?;
        Ok(stored)
    }
}

/// A document as the audit keeps it: the ways to reach a person hold addresses that are secrets.
fn audited(document: &Document) -> Value {
    let mut shown = document.document.clone();
    if let Some(table) = shown.as_object_mut().filter(|_| document.kind == "user") {
        table.remove("notifications");
    }
    shown
}

/// What is set up after a change, which must make nothing worse: what was wrong before can be mended piece by piece.
fn changed_setup(present: &Setup, before: &Documents, after: &Documents) -> Result<Setup, RegisterError> {
    let (setup, mut complaints) = Setup::read(after);
    if !complaints.is_empty() {
        let (_, known) = Setup::read(before);
        complaints.retain(|complaint| !known.contains(complaint));
    }
    if present.has_administrator() && !setup.has_administrator() {
        let why = "nobody would be left who may change everything; make somebody else administrator first";
        complaints.push(Complaint::new("user", why));
    }
    if complaints.is_empty() { Ok(setup) } else { Err(RegisterError::Invalid(complaints)) }
}

/// Refuses to remove what records of the inventory name.
async fn refuse_named(read: &mut SqliteConnection, kind: &str, name: &str) -> Result<(), RegisterError> {
    let fields = match kind {
        "team" => ["$.team", "$.owner"],
        "service" => ["$.service", "$.service"],
        "user" => ["$.owner", "$.owner"],
        _ => return Ok(()),
    };
    let referrers = referrers_of_document(read, name, fields).await?;
    if referrers.is_empty() {
        return Ok(());
    }
    let why = format!("records of the inventory refer to it ({}); change them first", referrers.join(", "));
    Err(RegisterError::Invalid(vec![Complaint::new("", why)]))
}

fn by_name(documents: Vec<Document>) -> Documents {
    documents.into_iter().map(|document| ((document.kind, document.name), document.document)).collect()
}

fn refuse_stale(kind: &str, name: &str, current: i64, expected: Option<i64>) -> Result<(), RegisterError> {
    match expected {
        Some(expected) if expected != current => Err(RegisterError::Conflict { kind: kind.to_owned(), name: name.to_owned(), current }),
        _ => Ok(()),
    }
}

/// The document as it is stored; what was hidden in it stays as it was.
fn checked(kind: &str, name: &str, document: &Value, before: Option<&Value>) -> Result<Value, RegisterError> {
    let known = kind_of(kind).ok_or_else(|| RegisterError::NoKind(kind.to_owned()))?;
    let invalid = |why: String| RegisterError::Invalid(vec![Complaint::new("name", why)]);
    if known.is_single && name != SINGLE {
        return Err(invalid(format!("there is one {kind}, called `{SINGLE}`; write it under that name")));
    }
    check_name(name).map_err(invalid)?;
    let mut document = document.clone();
    if kind == "user" {
        restore_addresses(&mut document, before).map_err(RegisterError::Invalid)?;
    }
    (known.check)(&document).map_err(RegisterError::Invalid)
}

/// The documents of an export, each checked; or everything that is wrong with any of them.
fn read_export(all: &Value, before: &Documents) -> Result<Documents, RegisterError> {
    let wrong = |place: &str| RegisterError::Invalid(vec![Complaint::new(place, "write a table of kinds, each a table of names")]);
    let (mut documents, mut complaints) = (Documents::new(), Vec::new());
    for (kind, of_kind) in all.as_object().ok_or_else(|| wrong(""))? {
        kind_of(kind).ok_or_else(|| RegisterError::NoKind(kind.clone()))?;
        for (name, document) in of_kind.as_object().ok_or_else(|| wrong(kind))? {
            match checked(kind, name, document, before.get(&(kind.clone(), name.clone()))) {
                Ok(document) => drop(documents.insert((kind.clone(), name.clone()), document)),
                Err(RegisterError::Invalid(wrong)) => complaints.extend(wrong.into_iter().map(|it| it.below(&format!("{kind}/{name}")))),
                Err(other) => return Err(other),
            }
        }
    }
    if complaints.is_empty() { Ok(documents) } else { Err(RegisterError::Invalid(complaints)) }
}

/// The document as it would be stored today: another version of the program, or the first start, may have written less.
fn as_stored(kind: &str, document: &Value) -> Value {
    kind_of(kind).and_then(|known| (known.check)(document).ok()).unwrap_or_else(|| document.clone())
}
