//! The state as bytes: JSON with a version, so that a restart in the middle of anything gives the same answers.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::known::KnownFingerprints;
use super::storm::Openings;
use super::{ChangeEvent, Grouper, Held, Incident, IncidentId, Maintenance, Memory, Settings, Topology};

/// Version of the saved state. It rises with every change that an older program could not read.
pub const STATE_VERSION: u32 = 1;

/// Why a saved state could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateError {
    /// It is not the JSON that was written.
    Damaged(String),
    /// Another version wrote it.
    Version(u32),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(detail) => write!(f, "the saved state of incidents is damaged: {detail}"),
            Self::Version(found) => write!(f, "the saved state of incidents has version {found}, and {STATE_VERSION} is understood"),
        }
    }
}

impl std::error::Error for StateError {}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct State<'a> {
    version: u32,
    incidents: std::borrow::Cow<'a, BTreeMap<IncidentId, Incident>>,
    known: std::borrow::Cow<'a, KnownFingerprints>,
    memory: std::borrow::Cow<'a, Memory>,
    openings: std::borrow::Cow<'a, BTreeMap<String, Openings>>,
    held: std::borrow::Cow<'a, [Held]>,
    changes: std::borrow::Cow<'a, [ChangeEvent]>,
    crowded_out: std::borrow::Cow<'a, [IncidentId]>,
    last_id: IncidentId,
}

impl Grouper {
    /// The whole state but settings, topology and maintenance windows, which come from the configuration.
    pub fn to_bytes(&self) -> Vec<u8> {
        use std::borrow::Cow::Borrowed;
        let state = State {
            version: STATE_VERSION,
            incidents: Borrowed(&self.incidents),
            known: Borrowed(&self.known),
            memory: Borrowed(&self.memory),
            openings: Borrowed(&self.openings),
            held: Borrowed(&self.held),
            changes: Borrowed(&self.changes),
            crowded_out: Borrowed(&self.crowded_out),
            last_id: self.last_id,
        };
        // All keys are texts and numbers, so this has no way to fail; an empty text would be refused when it is read.
        serde_json::to_vec(&state).unwrap_or_default()
    }

    /// The grouper that wrote `bytes`, with this configuration.
    pub fn from_bytes(bytes: &[u8], settings: Settings, topology: Topology, windows: Vec<Maintenance>) -> Result<Self, StateError> {
        let damaged = |error: serde_json::Error| StateError::Damaged(error.to_string());
        let Version { version } = serde_json::from_slice(bytes).map_err(damaged)?;
        if version != STATE_VERSION {
            return Err(StateError::Version(version));
        }
        let state: State<'_> = serde_json::from_slice(bytes).map_err(damaged)?;
        let mut grouper = Self {
            settings,
            topology,
            windows,
            incidents: state.incidents.into_owned(),
            known: state.known.into_owned(),
            memory: state.memory.into_owned(),
            openings: state.openings.into_owned(),
            held: state.held.into_owned(),
            changes: state.changes.into_owned(),
            crowded_out: state.crowded_out.into_owned(),
            last_id: state.last_id,
            index: super::open_index::OpenIndex::default(),
        };
        grouper.refresh_places();
        Ok(grouper)
    }
}
