//! What a person may do at the desk.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Scope, Scopes};
use crate::document::excerpt;

/// A person's place, each including what the ones before it may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Asks for help: opens tickets and follows their own.
    #[default]
    Requester,
    /// Works on tickets.
    Technician,
    /// Leads a team: its rota and who works on what.
    Lead,
    /// Answers for the desk: policies, promises, reports.
    Manager,
    /// Answers for the installation: people, tokens, settings.
    Administrator,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 5] = [Self::Requester, Self::Technician, Self::Lead, Self::Manager, Self::Administrator];

    /// The word for it, as in documents and in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Technician => "technician",
            Self::Lead => "lead",
            Self::Manager => "manager",
            Self::Administrator => "administrator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.word() == word)
            .ok_or_else(|| format!("`{}` is no role; write one of {}", excerpt(word), Self::ALL.map(Self::word).join(", ")))
    }
}

/// The scopes that a person of that role may give to a token of their own.
///
/// Requesters get the desk, where their role lets them see their own tickets; who works at the desk may also ask SQL, which
/// shows every log line and ticket. Sending logs and the installation's settings are for administrators to hand out.
pub fn scopes_for(role: Role) -> Scopes {
    match role {
        Role::Requester => Scopes::of(&[Scope::Desk]),
        Role::Technician | Role::Lead | Role::Manager => Scopes::of(&[Scope::Query, Scope::Desk]),
        Role::Administrator => Scopes::of(&Scope::ALL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_power_and_words_read_back() {
        assert!(Role::ALL.is_sorted());
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.word());
        }
        let error = "boss".parse::<Role>().unwrap_err();
        assert!(Role::ALL.iter().all(|role| error.contains(role.word())) && error.contains("boss"), "{error}");
    }

    #[test]
    fn a_higher_role_never_has_fewer_scopes() {
        for pair in Role::ALL.windows(2) {
            assert!(scopes_for(pair[0]).within(&scopes_for(pair[1])), "{pair:?}");
        }
        assert_eq!(scopes_for(Role::Requester).to_string(), "desk");
        assert_eq!(scopes_for(Role::Lead).to_string(), "query,desk");
        assert!(scopes_for(Role::Administrator).allow(Scope::Admin) && !scopes_for(Role::Manager).allow(Scope::Ingest));
    }
}
