//! The states of a ticket and the moves between them. Pure.
//!
//! | from | to |
//! |---|---|
//! | new | assigned, in_progress, on_hold, resolved |
//! | assigned | in_progress, on_hold, resolved |
//! | in_progress | assigned (handed on), on_hold, resolved |
//! | on_hold | assigned, in_progress, resolved |
//! | resolved | closed (confirmed), reopened (it came back) |
//! | reopened | assigned, in_progress, on_hold, resolved |
//! | closed | nothing: what comes back after that is a new ticket |
//!
//! So a ticket is closed only by way of resolved, which is when its time to resolve ends, and `new` is never seen again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketState {
    /// Nobody has looked at it.
    New,
    /// It has somebody, who has not begun.
    Assigned,
    /// Somebody works on it.
    InProgress,
    /// It waits for a user, a supplier or a part.
    OnHold,
    /// The fault is gone; the user may still object.
    Resolved,
    /// Done for good.
    Closed,
    /// It came back after it was resolved.
    Reopened,
}

use TicketState::{Assigned, Closed, InProgress, New, OnHold, Reopened, Resolved};

impl TicketState {
    /// All of them, in the order of a ticket's life.
    pub const ALL: [Self; 7] = [New, Assigned, InProgress, OnHold, Resolved, Closed, Reopened];

    /// The states that may follow this one.
    pub fn next(self) -> &'static [Self] {
        match self {
            New | Reopened => &[Assigned, InProgress, OnHold, Resolved],
            Assigned => &[InProgress, OnHold, Resolved],
            InProgress => &[Assigned, OnHold, Resolved],
            OnHold => &[Assigned, InProgress, Resolved],
            Resolved => &[Closed, Reopened],
            Closed => &[],
        }
    }

    /// Whether somebody still has to do something about it.
    pub fn is_open(self) -> bool {
        !matches!(self, Resolved | Closed)
    }

    /// The word for it, as in the API and the database.
    pub fn word(self) -> &'static str {
        match self {
            New => "new",
            Assigned => "assigned",
            InProgress => "in_progress",
            OnHold => "on_hold",
            Resolved => "resolved",
            Closed => "closed",
            Reopened => "reopened",
        }
    }
}

impl fmt::Display for TicketState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for TicketState {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.word() == word)
            .ok_or_else(|| format!("`{word}` is no state; write one of {}", Self::ALL.map(Self::word).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn closed_is_final_and_reached_from_resolved_only() {
        assert!(Closed.next().is_empty());
        for state in TicketState::ALL {
            assert_eq!(state.next().contains(&Closed), state == Resolved);
        }
    }

    #[test]
    fn no_ticket_becomes_new_again_and_none_moves_to_where_it_is() {
        for state in TicketState::ALL {
            assert!(!state.next().contains(&New) && !state.next().contains(&state));
        }
    }

    #[test]
    fn every_open_state_can_be_resolved_and_every_state_reached() {
        for state in TicketState::ALL {
            assert_eq!(state.is_open(), state.next().contains(&Resolved));
            assert!(state == New || TicketState::ALL.iter().any(|from| from.next().contains(&state)));
        }
    }

    #[test]
    fn words_read_back() {
        for state in TicketState::ALL {
            assert_eq!(state.word().parse(), Ok(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
        assert!("open".parse::<TicketState>().unwrap_err().contains("in_progress"));
    }

    proptest! {
        #[test]
        fn a_walk_of_legal_moves_reopens_only_what_was_resolved(choices in prop::collection::vec(0_usize..8, 0..30)) {
            let mut state = New;
            for choice in choices {
                let Some(next) = state.next().get(choice % state.next().len().max(1)) else { break };
                prop_assert!(*next != Reopened || state == Resolved);
                prop_assert!(state.is_open() || matches!(next, Closed | Reopened));
                state = *next;
            }
        }
    }
}
