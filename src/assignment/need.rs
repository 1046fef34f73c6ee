//! What a ticket asks of whoever takes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::AssetHistory;
use crate::record::Priority;

/// What a ticket asks of whoever takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Skills with the least level that will do, 1 to 5. All of them are needed.
    pub skills: BTreeMap<String, u8>,
    /// The team that it belongs to: only its members are asked.
    pub team: Option<String>,
    /// Its priority.
    pub priority: Priority,
    /// The service that it is about. Whoever has a skill of that name knows it.
    pub service: Option<String>,
    /// The asset that it is about, for the sentences: `web01`.
    pub asset: Option<String>,
    /// Who had to do with the asset before, by user name.
    pub asset_history: BTreeMap<String, AssetHistory>,
    /// People who shall not get it: who sent it back, or who reported it.
    pub excluded: Vec<Excluded>,
    /// Whom a person has chosen. Then nothing else counts.
    pub chosen_by_person: Option<String>,
}

/// Somebody who shall not get a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// User name.
    pub person: String,
    /// Why not, as a part of a sentence: `sent it back at 14:10`.
    pub why: String,
}

impl Need {
    /// A ticket of this priority that asks for nothing in particular.
    pub fn of(priority: Priority) -> Self {
        Self {
            skills: BTreeMap::new(),
            team: None,
            priority,
            service: None,
            asset: None,
            asset_history: BTreeMap::new(),
            excluded: Vec::new(),
            chosen_by_person: None,
        }
    }

    /// The asset's name, or words for it.
    pub(super) fn asset_name(&self) -> &str {
        self.asset.as_deref().unwrap_or("the same asset")
    }
}
