//! The closed lists of words that a ticket is described by, beside its state and those of the record. Pure.

use crate::record::words;

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
        /// This was a part of the other, until somebody told the two apart.
        SplitFrom => "split_from",
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
    }
}
