//! Who calls.

use super::ApiError;
use crate::desk::{Actor, Ticket};
use crate::people::Role;

/// Whoever made the request, as the front door found them.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// As the history names them.
    pub(super) actor: Actor,
    /// What they may do.
    pub(super) role: Role,
    /// The user, if it is one.
    pub(super) user: Option<String>,
    /// Their session, if they logged in.
    pub(super) session: Option<String>,
}

impl Caller {
    /// Whoever has no name.
    pub(super) fn anonymous(origin: String) -> Self {
        Self { actor: Actor { name: "anonymous".to_owned(), origin }, role: Role::Requester, user: None, session: None }
    }

    /// A user.
    pub(super) fn user(name: &str, role: Role, origin: String, session: Option<String>) -> Self {
        let word = if role == Role::Requester { "requester" } else { "user" };
        Self { actor: Actor { name: format!("{word} {name}"), origin }, role, user: Some(name.to_owned()), session }
    }

    /// The user's name, for routes that are about themselves.
    pub(super) fn name(&self) -> Result<&str, ApiError> {
        let hint = "log in with POST /api/v1/login, or use a token that belongs to a user";
        self.user.as_deref().ok_or_else(|| ApiError::bad_request("this route is about the user who calls it, and you are none", hint))
    }

    /// Whether a token speaks for them, and not a login or somebody on this machine.
    pub(super) fn came_by_token(&self) -> bool {
        self.session.is_none() && self.actor.name != "local"
    }

    /// Whether they only ask and do not work on tickets.
    pub(super) fn only_asks(&self) -> bool {
        self.role == Role::Requester
    }

    /// Whether they may see a ticket: who only asks sees what they asked for or watch.
    pub(super) fn may_see(&self, ticket: &Ticket) -> bool {
        !self.only_asks()
            || self.user.as_ref().is_some_and(|name| ticket.requester.as_ref() == Some(name) || ticket.watchers.contains(name))
    }
}
