use serde_json::json;

use super::*;
use crate::notify::{Channel, NoticeState, Shape};

fn notice(n: i64, ticket: Option<i64>) -> Notice {
    Notice {
        id: format!("id-{n}"),
        created_at_us: n,
        ticket,
        person: "ines".into(),
        channel: Channel::Email,
        address: "ines@example.org".into(),
        shape: Shape::Generic,
        secret: None,
        event: EventKind::Commented,
        urgency: Urgency::Normal,
        subject: format!("subject {n}"),
        body: format!("\n  first line of {n}\nsecond line"),
        payload: json!(n),
        due_at_us: 0,
        attempts: 0,
        first_failed_at_us: None,
        last_error: None,
        state: NoticeState::Waiting,
        sent_at_us: None,
        digest_key: None,
    }
}

fn parcel(notices: impl IntoIterator<Item = Notice>) -> Parcel {
    Parcel::of(notices.into_iter().collect()).unwrap()
}

fn links() -> Links {
    Links { tickets: Some("https://watch.example.org/tickets/".into()), acknowledge: Some("https://watch.example.org/a".into()) }
}

#[test]
fn a_single_notice_is_said_as_it_was_written() {
    let message = Message::of(&parcel([notice(1, Some(42))]), &links());
    assert_eq!((message.id.as_str(), message.subject.as_str(), message.count), ("id-1", "subject 1", 1));
    assert_eq!(message.text, "\n  first line of 1\nsecond line");
    assert_eq!((message.event, message.ticket, message.payload), (Some(EventKind::Commented), Some(42), json!(1)));
    assert_eq!(message.link.as_deref(), Some("https://watch.example.org/tickets/42"));
    assert_eq!(message.acknowledge, None, "only pages are acknowledged");
    let page = Notice { urgency: Urgency::Page, ..notice(1, Some(42)) };
    assert_eq!(Message::of(&parcel([page]), &links()).acknowledge.as_deref(), Some("https://watch.example.org/a"));
    assert_eq!(Message::of(&parcel([notice(1, Some(42))]), &Links::default()).link, None);
}

#[test]
fn a_digest_says_how_many_and_of_what() {
    let message = Message::of(&parcel([notice(1, Some(7)), notice(3, Some(8)), notice(2, None)]), &links());
    assert_eq!(message.subject, "3 notices, of 2 tickets");
    assert_eq!(
        message.text,
        "3 notices since the last message:\n\n* subject 1\n  first line of 1\n* subject 3\n  first line of 3\n* subject 2\n  first line of 2"
    );
    assert_eq!((message.event, message.ticket, message.link, message.payload), (None, None, None, Value::Null));
    assert_eq!((message.created_at_us, message.count), (3, 3));
    assert_eq!(message.notices[1].link.as_deref(), Some("https://watch.example.org/tickets/8"));
    let subject = |tickets: &[Option<i64>]| {
        let notices = tickets.iter().zip(1..).map(|(ticket, n)| notice(n, *ticket));
        Message::of(&parcel(notices), &links()).subject
    };
    assert_eq!(subject(&[Some(7), Some(7)]), "[#7] 2 notices");
    assert_eq!(subject(&[Some(7), None]), "2 notices, of 1 ticket");
    assert_eq!(subject(&[None, None]), "2 notices");
}

#[test]
fn a_long_digest_lists_its_beginning() {
    let message = Message::of(&parcel((1..=200).map(|n| notice(n, Some(n)))), &links());
    assert!(message.text.ends_with("* subject 50\n  first line of 50\n\nand 150 more"), "{}", message.text);
    assert_eq!((message.notices.len(), message.count), (50, 200));
}

#[test]
fn the_order_of_notices_does_not_change_the_id() {
    let one = parcel([notice(1, None), notice(2, None)]);
    let other = parcel([notice(2, None), notice(1, None)]);
    assert_eq!(one.id, other.id);
    assert_eq!(one.id.as_bytes()[14], b'8', "a UUID of version 8");
    assert_ne!(one.id, parcel([notice(1, None), notice(3, None)]).id);
    assert!(Parcel::of(Vec::new()).is_none());
}
