//! The words for tickets that rooms share which do not know each other: what sort it is, how it is ordered, what it waits for.

/// A closed list of words: the same in the API, the database, documents and the code.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$word_doc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The words for them, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word for it, as in the API, the database and documents.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|one| one.word() == word)
                    .ok_or_else(|| format!("`{word}` is no {}; write one of {}", $what, Self::WORDS.join(", ")))
            }
        }
    };
}

pub(crate) use words;

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
    /// Order of work: P1 first (ITIL 4: from impact and urgency).
    Priority, "priority", {
        /// Drop everything.
        P1 => "P1",
        /// Next.
        P2 => "P2",
        /// Today.
        P3 => "P3",
        /// This week.
        P4 => "P4",
        /// When there is time.
        P5 => "P5",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_are_those_of_the_json() {
        for one in TicketKind::ALL {
            assert_eq!((one.word().parse(), serde_json::to_value(one).unwrap()), (Ok(*one), one.word().into()));
        }
        for one in Priority::ALL {
            assert_eq!((one.word().parse(), serde_json::to_value(one).unwrap()), (Ok(*one), one.word().into()));
        }
        for one in Hold::ALL {
            assert_eq!((one.word().parse(), serde_json::from_value(one.word().into()).unwrap()), (Ok(*one), *one));
        }
        assert!(Priority::P1 < Priority::P5, "the most urgent comes first");
    }

    #[test]
    fn a_word_that_there_is_not_is_told_those_that_there_are() {
        assert_eq!(
            "task".parse::<TicketKind>().unwrap_err(),
            "`task` is no kind of ticket; write one of incident, request, problem, change"
        );
        assert!("p1".parse::<Priority>().is_err() && serde_json::from_value::<Priority>("p1".into()).is_err());
    }
}
