//! The closed lists of words that a ticket is described by, beside its state and priority. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A closed list of words: the same in the API, the database and the code.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$word_doc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$word_doc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it, as in the API and the database.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|one| one.word() == word).ok_or_else(|| {
                    let words: Vec<_> = Self::ALL.iter().map(|one| one.word()).collect();
                    format!("`{word}` is no {}; write one of {}", $what, words.join(", "))
                })
            }
        }
    };
}

words! {
    /// What sort of ticket it is, in the words of ITIL 4.
    TicketKind, "kind of ticket", {
        /// Something is broken or about to be.
        Incident => "incident",
        /// Somebody wants something: access, a device, advice.
        Request => "request",
        /// The cause behind incidents.
        Problem => "problem",
        /// Something is to be altered, with a plan and a date.
        Change => "change",
    }
}

words! {
    /// Whom an on-hold ticket waits for. The service level decides whether the clock stops for it.
    Hold, "reason to wait", {
        /// The person who asked.
        User => "user",
        /// A supplier: our clock may pause, theirs runs.
        Supplier => "supplier",
        /// A spare part or a delivery.
        Part => "part",
    }
}

words! {
    /// How one ticket belongs to another.
    LinkKind, "link", {
        /// The other says the same and is worked on.
        DuplicateOf => "duplicate_of",
        /// The other is the cause: an incident and its problem, a problem and the change that made it.
        CausedBy => "caused_by",
        /// Worth knowing together.
        RelatesTo => "relates_to",
        /// This is a part of the other.
        ChildOf => "child_of",
    }
}

words! {
    /// A field of a ticket whose changes the history keeps as texts.
    Field, "field", {
        /// The team that answers for it.
        Team => "team",
        /// The service that is hit.
        Service => "service",
        /// Who asked.
        Requester => "requester",
        /// How much of the business is hit.
        Impact => "impact",
        /// How soon it hurts.
        Urgency => "urgency",
        /// What it is about, in Markdown.
        Description => "description",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_are_those_of_the_json() {
        for one in LinkKind::ALL {
            assert_eq!(one.word().parse(), Ok(*one));
            assert_eq!(serde_json::to_value(one).unwrap(), one.word());
        }
        assert_eq!(
            "task".parse::<TicketKind>().unwrap_err(),
            "`task` is no kind of ticket; write one of incident, request, problem, change"
        );
    }
}
