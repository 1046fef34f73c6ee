//! A message as the body of a webhook, in the forms that receivers expect. Pure.
//!
//! [`Shape::Generic`], Watchroom's own, as JSON:
//!
//! ```json
//! {
//!   "version": 1,
//!   "id": "5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11",
//!   "created_at": "2026-12-24T02:00:00Z",
//!   "person": "ines",
//!   "event": "assigned",
//!   "urgency": "normal",
//!   "ticket": 42,
//!   "subject": "[#42] Disk full on db01",
//!   "text": "...",
//!   "link": "https://watch.example.org/tickets/42",
//!   "acknowledge": null,
//!   "count": 1,
//!   "notices": [{"id": "...", "created_at": "...", "ticket": 42, "event": "assigned", "urgency": "normal", "subject": "...", "link": "..."}],
//!   "payload": null
//! }
//! ```
//!
//! A digest has `"event": "digest"`, a `count` over 1, and lists up to 50 of its notices. Fields may be added within a
//! version; receivers ignore those they do not know.
//!
//! [`Shape::Slack`]: `text` and `blocks` for incoming webhooks (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>).
//! `&`, `<` and `>` are escaped as its documentation asks (<https://docs.slack.dev/messaging/formatting-message-text#escaping>),
//! so that a log line can neither name a link otherwise than it is nor call a whole channel. Servers that understand Slack's
//! form (Mattermost, Rocket.Chat) show `text`.
//!
//! [`Shape::Teams`]: a message with an Adaptive Card (<https://adaptivecards.io/explorer/>, version 1.4, which Teams shows),
//! for the workflow "when a webhook request is received". Texts are `TextRun`s, in which Markdown is not read.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::plain_text::{one_line, printable, shortened};
use super::{Message, Shape, Urgency};
use crate::clock::TimestampUs;

/// Slack takes 3,000 characters in a text of a section, escapes included; an escape makes five of one at most.
const SLACK_TEXT_CHARS: usize = 2_900;

/// Teams takes 28 KB in all. A printable character has at most four bytes in JSON, and the rest of a card, with the subject
/// twice and two addresses, less than 8 KB.
const TEAMS_TEXT_CHARS: usize = 4_000;

/// Longest subject, for all of them.
const SUBJECT_CHARS: usize = 300;

/// The body for a receiver of this shape: JSON, UTF-8.
pub fn webhook_body(shape: Shape, message: &Message) -> Vec<u8> {
    let body = match shape {
        Shape::Generic => generic(message),
        Shape::Slack => slack(message),
        Shape::Teams => teams(message),
    };
    body.to_string().into_bytes()
}

fn generic(message: &Message) -> Value {
    let notices: Vec<Value> = message
        .notices
        .iter()
        .map(|notice| {
            json!({
                "id": notice.id,
                "created_at": instant(notice.created_at_us),
                "ticket": notice.ticket,
                "event": notice.event,
                "urgency": notice.urgency,
                "subject": notice.subject,
                "link": notice.link,
            })
        })
        .collect();
    json!({
        "version": 1,
        "id": message.id,
        "created_at": instant(message.created_at_us),
        "person": message.person,
        "event": message.event.map_or("digest", |event| event.word()),
        "urgency": message.urgency,
        "ticket": message.ticket,
        "subject": message.subject,
        "text": message.text,
        "link": message.link,
        "acknowledge": message.acknowledge,
        "count": message.count,
        "notices": notices,
        "payload": message.payload,
    })
}

/// RFC 3339, UTC; null for moments that no calendar knows.
fn instant(at_us: TimestampUs) -> Option<String> {
    Timestamp::from_microsecond(at_us).ok().map(|at| at.to_string())
}

/// The buttons of a message: label, address, and whether it is the one to press.
fn buttons(message: &Message) -> impl Iterator<Item = (&'static str, &str, bool)> {
    let acknowledge = message.acknowledge.as_deref().map(|address| ("Acknowledge", address, true));
    let open = message.link.as_deref().map(|address| ("Open the ticket", address, false));
    // A button with anything but an address makes the receiver refuse the whole message.
    acknowledge.into_iter().chain(open).filter(|(_, address, _)| {
        (address.starts_with("https://") || address.starts_with("http://")) && address.len() <= 2_000 && !address.contains(char::is_control)
    })
}

fn mark(urgency: Urgency) -> &'static str {
    if urgency == Urgency::Page { "PAGE: " } else { "" }
}

fn slack(message: &Message) -> Value {
    let subject = format!("{}{}", mark(message.urgency), one_line(&message.subject, SUBJECT_CHARS));
    let section = |text: String| json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}});
    let mut blocks = vec![section(format!("*{}*", slack_text(&subject, SLACK_TEXT_CHARS - 2)))];
    let text = printable(&message.text, SLACK_TEXT_CHARS);
    if !text.trim().is_empty() {
        blocks.push(section(slack_text(&text, SLACK_TEXT_CHARS)));
    }
    let buttons: Vec<Value> = buttons(message)
        .map(|(label, address, first)| {
            let mut button = json!({"type": "button", "text": {"type": "plain_text", "text": label}, "url": address});
            if first && let Some(fields) = button.as_object_mut() {
                fields.insert("style".to_owned(), json!("primary"));
            }
            button
        })
        .collect();
    if !buttons.is_empty() {
        blocks.push(json!({"type": "actions", "elements": buttons}));
    }
    json!({"text": slack_text(&subject, SLACK_TEXT_CHARS), "blocks": blocks})
}

/// Escaped for Slack, and at most `most` characters with the escapes; an escape is never cut in two.
fn slack_text(text: &str, most: usize) -> String {
    let escaped = |c: char| match c {
        '&' => "&amp;".len(),
        '<' | '>' => "&lt;".len(),
        _ => 1,
    };
    let mut room = most;
    let fitting = text.chars().take_while(|c| {
        let fits = escaped(*c) <= room;
        room = room.saturating_sub(escaped(*c));
        fits
    });
    let count = fitting.count();
    let whole = text.chars().nth(count).is_none();
    // The sign that something was cut off takes the place of one character.
    let kept = if whole { text.to_owned() } else { shortened(text, count) };
    kept.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn teams(message: &Message) -> Value {
    let run = |text: String, bold: bool| {
        let weight = if bold { "bolder" } else { "default" };
        json!({"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, "weight": weight}]})
    };
    let subject = format!("{}{}", mark(message.urgency), one_line(&message.subject, SUBJECT_CHARS));
    let mut body = vec![run(subject.clone(), true)];
    let text = printable(&message.text, TEAMS_TEXT_CHARS);
    if !text.trim().is_empty() {
        body.push(run(text, false));
    }
    let actions: Vec<Value> =
        buttons(message).map(|(label, address, _)| json!({"type": "Action.OpenUrl", "title": label, "url": address})).collect();
    json!({
        "type": "message",
        "summary": subject,
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
                "actions": actions,
                "msteams": {"width": "Full"},
            },
        }],
    })
}

#[cfg(test)]
#[path = "webhook_body_tests.rs"]
mod tests;
