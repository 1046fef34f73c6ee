//! The words of notices: how urgent they are, what happened, by which way they go.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::document::excerpt;

/// How urgent a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Somebody must act now. It goes through quiet hours and digests.
    Page,
    /// To be read soon.
    Normal,
    /// To be read some time.
    Low,
}

/// What a notice tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A ticket was opened.
    Opened,
    /// A ticket was given to the person, or to their team.
    Assigned,
    /// A shift ended, and its tickets went to the next person.
    HandedOver,
    /// Somebody wrote a comment.
    Commented,
    /// Somebody named the person in a comment.
    Mentioned,
    /// An escalation reached the person.
    Escalated,
    /// Somebody acknowledged a page.
    Acknowledged,
    /// A promised time will soon be over.
    SlaWarning,
    /// A promised time is over.
    SlaBreached,
    /// A ticket was resolved.
    Resolved,
    /// A resolved ticket was opened again.
    Reopened,
    /// A ticket was closed.
    Closed,
    /// Anything else: a gap in a rota, a contract that ends, a test message.
    Notice,
}

/// The way by which a notice goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A message to a mail address.
    Email,
    /// An HTTP request to a URL.
    Webhook,
}

/// What the receiver of a webhook expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Watchroom's own JSON, see [`webhook_body`](super::webhook_body).
    #[default]
    Generic,
    /// A Slack message of blocks, for incoming webhooks.
    Slack,
    /// An Adaptive Card, for Microsoft Teams.
    Teams,
}

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeState {
    /// It will be sent when it is due.
    Waiting,
    /// Its receiver has taken it.
    Sent,
    /// It was given up.
    Failed,
    /// It is not needed any more.
    Cancelled,
}

/// Gives an enumeration its words, in one table for reading and writing.
macro_rules! words {
    ($name:ident, $what:literal, $($variant:ident = $word:literal),+ $(,)?) => {
        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it, as in documents, the API and the database.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
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
                    format!("`{}` is no {}; write one of: {}", excerpt(word), $what, [$($word),+].join(", "))
                })
            }
        }
    };
}

words!(Urgency, "urgency", Page = "page", Normal = "normal", Low = "low");
words!(
    EventKind,
    "kind of event",
    Opened = "opened",
    Assigned = "assigned",
    HandedOver = "handed_over",
    Commented = "commented",
    Mentioned = "mentioned",
    Escalated = "escalated",
    Acknowledged = "acknowledged",
    SlaWarning = "sla_warning",
    SlaBreached = "sla_breached",
    Resolved = "resolved",
    Reopened = "reopened",
    Closed = "closed",
    Notice = "notice",
);
words!(Channel, "channel", Email = "email", Webhook = "webhook");
words!(Shape, "shape of a message", Generic = "generic", Slack = "slack", Teams = "teams");
words!(NoticeState, "state of a notice", Waiting = "waiting", Sent = "sent", Failed = "failed", Cancelled = "cancelled");

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back<T: Copy + fmt::Debug + PartialEq + FromStr<Err = String> + Serialize>(all: &[T], word: impl Fn(T) -> &'static str) {
        for one in all {
            assert_eq!(word(*one).parse::<T>(), Ok(*one));
            assert_eq!(serde_json::to_value(one).unwrap(), word(*one), "the word in documents is the same");
        }
        assert!("Page ".parse::<T>().is_err() && "".parse::<T>().is_err());
    }

    #[test]
    fn words_read_back() {
        read_back(Urgency::ALL, Urgency::word);
        read_back(EventKind::ALL, EventKind::word);
        read_back(Channel::ALL, Channel::word);
        read_back(Shape::ALL, Shape::word);
        read_back(NoticeState::ALL, NoticeState::word);
    }

    #[test]
    fn a_wrong_word_is_answered_with_the_right_ones() {
        assert_eq!("sms".parse::<Channel>().unwrap_err(), "`sms` is no channel; write one of: email, webhook");
    }
}
