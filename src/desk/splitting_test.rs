//! Tickets that were two: what was written and attached goes to a new one, and both say so.

use tempfile::TempDir;

use super::*;
use crate::clock::{Clock, DAY_US, HOUR_US};
use crate::store::{DESK_FILE, RequestKey, Store};

async fn room() -> (Desk, Clock, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
    let clock = Clock::manual(DAY_US);
    (Desk::new(store, clock.clone()), clock, folder)
}

fn user(name: &str) -> Actor {
    Actor { name: name.into(), origin: "10.0.0.9".into() }
}

fn new(title: &str) -> NewTicket {
    serde_json::from_value(serde_json::json!({ "title": title })).unwrap()
}

fn part(comments: &[i64], attachments: &[i64]) -> Part {
    let (comments, attachments) = (comments.iter().copied().collect(), attachments.iter().copied().collect());
    Part { comments, attachments, ticket: NewTicket { kind: TicketKind::Request, ..new("a louder bell") } }
}

/// What every copy and every word about what went away must say; see the property test.
pub(super) async fn copies_are_true(desk: &Desk, number: i64) {
    let detail = desk.get(number).await.unwrap();
    for event in desk.history(number).await.unwrap() {
        match event.event {
            TicketEvent::Commented { text, internal, copied: Some(from) } => {
                let original = desk.history(from.ticket).await.unwrap()[from.event as usize - 1].clone();
                let first = match &original.event {
                    TicketEvent::Commented { copied: Some(first), .. } => (first.at_us, &first.by),
                    _ => (original.at_us, &original.actor.name),
                };
                assert_eq!(first, (from.at_us, &from.by));
                let is_same = |event| matches!(event, TicketEvent::Commented { text: t, internal: i, .. } if t == text && i == internal);
                assert!(is_same(original.event), "event {} of ticket {} is another", from.event, from.ticket);
            }
            TicketEvent::Attached { attachment, copied: Some(from), .. } => {
                let file = desk.attachment(number, attachment).await.unwrap();
                let whole = desk.get(from.ticket).await.unwrap();
                assert!(whole.attachments.iter().any(|other| (&other.sha256, other.internal) == (&file.sha256, file.internal)));
                assert!(detail.links.iter().any(|link| link.link == LinkKind::SplitFrom && link.outgoing && link.ticket == from.ticket));
            }
            TicketEvent::SplitOff { into, comments, attachments, .. } => {
                let copies = desk.history(into).await.unwrap().into_iter().filter(|event| match &event.event {
                    TicketEvent::Commented { copied: Some(from), .. } | TicketEvent::Attached { copied: Some(from), .. } => {
                        from.ticket == number
                    }
                    _ => false,
                });
                assert_eq!(copies.count(), comments.len() + attachments.len());
            }
            _ => {}
        }
    }
}

/// A ticket of Uma's with an answer, a note and a file: events 2 to 5.
async fn written(desk: &Desk, clock: &Clock) {
    let heard = NewTicket { requester: Some("uma".into()), watchers: ["kim".to_owned()].into(), ..new("no sound") };
    desk.create(&heard, &user("user ines"), None).await.unwrap();
    let say = |text: &str, internal| Change { comment: Some(text.into()), internal, ..Change::default() };
    desk.change(1, None, &say("and the bell is too quiet", false), &user("requester uma")).await.unwrap();
    clock.set(DAY_US + HOUR_US);
    desk.change(1, None, &say("which bell?", false), &user("user ines")).await.unwrap();
    desk.change(1, None, &say("she means the door", true), &user("user ines")).await.unwrap();
    let file = NewAttachment { name: "bell.mp4".into(), media_type: "video/mp4".into(), bytes: 3, sha256: "ab".into(), internal: false };
    desk.attach(1, file, &user("requester uma"), None).await.unwrap();
    clock.set(DAY_US + 2 * HOUR_US);
}

#[tokio::test]
async fn a_part_of_what_was_written_goes_on_in_a_ticket_of_its_own() {
    let (desk, clock, _folder) = room().await;
    written(&desk, &clock).await;
    let before = desk.history(1).await.unwrap();
    let omar = user("user omar");
    let ticket = desk.split(1, &part(&[2, 4], &[1]), &Asked::by(&omar)).await.unwrap();
    assert_eq!((ticket.number, ticket.kind, ticket.requester.as_deref()), (2, TicketKind::Request, Some("uma")));
    assert_eq!((ticket.title.as_str(), ticket.opened_at_us), ("a louder bell", DAY_US + 2 * HOUR_US));
    assert!(ticket.watchers.contains("kim"), "who heard of the whole hears of the part");
    let history = desk.history(2).await.unwrap();
    let copied = |event: i64, at_us, by: &str| Some(Copied { ticket: 1, event, at_us, by: by.into() });
    let expected = [
        TicketEvent::Linked { link: LinkKind::SplitFrom, other: 1 },
        TicketEvent::Commented { text: "and the bell is too quiet".into(), internal: false, copied: copied(2, DAY_US, "requester uma") },
        TicketEvent::Commented { text: "she means the door".into(), internal: true, copied: copied(4, DAY_US + HOUR_US, "user ines") },
        TicketEvent::Attached {
            attachment: 2,
            name: "bell.mp4".into(),
            bytes: 3,
            internal: false,
            copied: copied(5, DAY_US + HOUR_US, "requester uma"),
        },
    ];
    assert_eq!(history[1..].iter().map(|event| event.event.clone()).collect::<Vec<_>>(), expected);
    assert!(history.iter().all(|event| event.actor == omar));
    let mut shown = history[2].clone();
    shown.hide_what_is_internal();
    let plain = TicketEvent::Commented { text: "and the bell is too quiet".into(), internal: false, copied: None };
    assert_eq!(shown.event, plain, "who asked hears nothing of other tickets");
    // The old history is as it was, with a last word.
    let after = desk.history(1).await.unwrap();
    assert_eq!((&after[..5], after.len()), (&before[..], 6));
    let gone = TicketEvent::SplitOff { into: 2, title: "a louder bell".into(), comments: vec![2, 4], attachments: vec![1] };
    assert!(gone.is_internal());
    assert_eq!(after[5].event, gone);
    for number in [1, 2] {
        copies_are_true(&desk, number).await;
        assert_eq!(desk.replayed(number).await.unwrap(), desk.get(number).await.unwrap().ticket);
    }
    let filter = TicketFilter { text: Some("quiet".into()), visible_to: Some("uma".into()), ..TicketFilter::default() };
    assert_eq!(desk.list(&filter).await.unwrap().tickets.iter().map(|ticket| ticket.number).collect::<Vec<_>>(), [2, 1]);
    let of_another = Part { ticket: NewTicket { requester: Some("tom".into()), ..new("a bell for Tom") }, ..part(&[2], &[]) };
    assert!(desk.split(1, &of_another, &Asked::by(&omar)).await.unwrap().watchers.is_empty(), "Tom says who hears of his");
}

#[tokio::test]
async fn only_comments_and_files_that_the_ticket_has_can_be_chosen() {
    let (desk, clock, _folder) = room().await;
    written(&desk, &clock).await;
    desk.create(&new("another"), &user("user ines"), None).await.unwrap();
    let many: Vec<i64> = (1..=101).collect();
    for (number, comments, attachments, field) in [
        (1, &[][..], &[][..], "comments"),
        (1, &[1], &[], "comments"),
        (1, &[2, 99], &[], "comments"),
        (1, &[5], &[], "comments"),
        (1, &many[..], &[], "comments"),
        (1, &[2], &[7], "attachments"),
        (2, &[], &[1], "attachments"),
    ] {
        let refused = desk.split(number, &part(comments, attachments), &Asked::by(&user("user omar"))).await.unwrap_err();
        assert!(matches!(refused, DeskError::Invalid { field: named, .. } if named == field), "{refused}");
    }
    let wordless = Part { ticket: new(" "), ..part(&[2], &[]) };
    assert!(matches!(desk.split(1, &wordless, &Asked::by(&user("user omar"))).await, Err(DeskError::Invalid { field: "title", .. })));
    assert!(matches!(desk.split(9, &part(&[2], &[]), &Asked::by(&user("user omar"))).await, Err(DeskError::NotFound(9))));
    assert_eq!((desk.history(1).await.unwrap().len(), desk.get(3).await.is_err()), (5, true), "what is refused leaves nothing");
}

#[tokio::test]
async fn a_split_is_made_once_and_for_the_version_that_was_read() {
    let (desk, clock, _folder) = room().await;
    written(&desk, &clock).await;
    let (omar, key) = (user("user omar"), RequestKey { key: "k".into(), request_sha256: [1; 32] });
    let stale = Asked { actor: &omar, expected_version: Some(1), key: Some(&key) };
    assert!(matches!(desk.split(1, &part(&[2], &[]), &stale).await, Err(DeskError::Conflict { number: 1, expected: 1, current: 5 })));
    let asked = Asked { expected_version: Some(5), ..stale };
    let first = desk.split(1, &part(&[2], &[]), &asked).await.unwrap();
    assert_eq!(desk.split(1, &part(&[2], &[]), &asked).await.unwrap(), first, "the version is another by now, and the key says why");
    assert_eq!(desk.history(1).await.unwrap().len(), 6);
    let other = RequestKey { request_sha256: [2; 32], ..key.clone() };
    let refused = desk.split(1, &part(&[3], &[]), &Asked { key: Some(&other), ..Asked::by(&omar) }).await.unwrap_err();
    assert!(matches!(refused, DeskError::Invalid { field: "Idempotency-Key", .. }), "{refused}");
}
