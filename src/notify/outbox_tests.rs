//! The outbox over a real store: nothing is lost, doubles are known, everything ends.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::Row;

use super::*;
use crate::clock::{DAY_US, SECOND_US, TimestampUs};
use crate::store::{DESK_FILE, Store};

const NOW_US: TimestampUs = 1_800_000_000 * SECOND_US;

async fn store() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
    let mut write = store.write().await.unwrap();
    for number in 1..=3 {
        sqlx::query(
            "INSERT INTO tickets (number, kind, title, description, state, priority, entity, opened_at_us, updated_at_us, findings,
                 noted_at_us, events, version)
             VALUES (?1, 'incident', 't', 'd', 'new', 'P2', '{}', 1, 1, 1, 1, 1, 1)",
        )
        .bind(number)
        .execute(&mut *write)
        .await
        .unwrap();
    }
    write.commit().await.unwrap();
    (store, folder)
}

fn new_notice(urgency: Urgency, subject: &str) -> NewNotice {
    NewNotice {
        ticket: Some(1),
        person: "ines".into(),
        event: EventKind::Commented,
        urgency,
        subject: subject.into(),
        body: "body".into(),
        payload: json!({"n": 1}),
    }
}

fn at(due_at_us: TimestampUs) -> Planned {
    Planned {
        channel: Channel::Email,
        address: "ines@example.org".into(),
        shape: Shape::Generic,
        secret: None,
        due_at_us,
        digest_key: None,
    }
}

fn digest(due_at_us: TimestampUs) -> Planned {
    Planned { digest_key: Some(format!("daily {due_at_us}")), ..at(due_at_us) }
}

async fn put(store: &Store, notice: &NewNotice, planned: &Planned) -> String {
    let mut write = store.write().await.unwrap();
    let id = enqueue(&mut write, notice, planned, NOW_US).await.unwrap();
    write.commit().await.unwrap();
    id
}

async fn due_at(store: &Store, now_us: TimestampUs) -> Vec<Parcel> {
    due(&mut store.read().await.unwrap(), now_us, MAX_PARCELS).await.unwrap()
}

async fn stored(store: &Store, id: &str) -> Notice {
    notice(&mut store.read().await.unwrap(), id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_notice_is_there_with_its_event_or_not_at_all() {
    let (store, _folder) = store().await;
    let mut write = store.write().await.unwrap();
    enqueue(&mut write, &new_notice(Urgency::Page, "lost"), &at(NOW_US), NOW_US).await.unwrap();
    drop(write);
    let kept = put(&store, &new_notice(Urgency::Page, "kept"), &at(NOW_US)).await;
    let parcels = due_at(&store, NOW_US).await;
    assert_eq!(parcels.iter().map(|parcel| parcel.id.clone()).collect::<Vec<_>>(), [kept]);
    let notice = parcels[0].first();
    assert_eq!((notice.ticket, notice.subject.as_str(), &notice.payload), (Some(1), "kept", &json!({"n": 1})));
    assert_eq!((notice.state, notice.attempts, notice.created_at_us), (NoticeState::Waiting, 0, NOW_US));
}

#[tokio::test]
async fn sent_is_noted_once_and_logged() {
    let (store, _folder) = store().await;
    let id = put(&store, &new_notice(Urgency::Normal, "a"), &at(NOW_US)).await;
    assert!(due_at(&store, NOW_US - 1).await.is_empty(), "not before its time");
    let parcel = due_at(&store, NOW_US).await.remove(0);
    // A sender that died here finds the same message again.
    assert_eq!(due_at(&store, NOW_US + 5).await, std::slice::from_ref(&parcel));
    let mut write = store.write().await.unwrap();
    note_sent(&mut write, &parcel, "250 2.0.0 queued\r\nas 7", NOW_US + 9).await.unwrap();
    write.commit().await.unwrap();
    assert!(due_at(&store, NOW_US + DAY_US).await.is_empty());
    let notice = stored(&store, &id).await;
    assert_eq!((notice.state, notice.sent_at_us), (NoticeState::Sent, Some(NOW_US + 9)));
    let log = deliveries_of(&mut store.read().await.unwrap(), &id).await.unwrap();
    let wanted = Delivery {
        notice: id.clone(),
        message: id,
        at_us: NOW_US + 9,
        attempt: 1,
        outcome: "sent".into(),
        detail: "250 2.0.0 queued  as 7".into(),
    };
    assert_eq!(log, [wanted]);
}

#[tokio::test]
async fn the_delivery_log_cannot_be_changed() {
    let (store, _folder) = store().await;
    put(&store, &new_notice(Urgency::Normal, "a"), &at(NOW_US)).await;
    let parcel = due_at(&store, NOW_US).await.remove(0);
    let mut write = store.write().await.unwrap();
    note_sent(&mut write, &parcel, "250 ok", NOW_US).await.unwrap();
    write.commit().await.unwrap();
    for sql in ["UPDATE deliveries SET outcome = 'failed'", "DELETE FROM deliveries"] {
        let mut write = store.write().await.unwrap();
        let refused = sqlx::query(sql).execute(&mut *write).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{refused}");
    }
}

#[tokio::test]
async fn a_failing_notice_is_tried_for_three_days_and_given_up() {
    let (store, _folder) = store().await;
    let id = put(&store, &new_notice(Urgency::Normal, "a"), &at(NOW_US)).await;
    let failure = SendFailure::temporary("421 busy");
    let (mut now_us, mut attempts) = (NOW_US, 0);
    loop {
        let parcel = due_at(&store, now_us).await.remove(0);
        assert_eq!(parcel.id, id, "every attempt carries the same id");
        let mut write = store.write().await.unwrap();
        let next = note_failed(&mut write, &parcel, &failure, now_us).await.unwrap();
        write.commit().await.unwrap();
        attempts += 1;
        match next {
            Next::GiveUp => break,
            Next::TryAt(at_us) => {
                assert!(due_at(&store, at_us - 1).await.is_empty());
                assert_eq!(next_due_us(&mut store.read().await.unwrap()).await.unwrap(), Some(at_us));
                now_us = at_us;
            }
        }
    }
    let notice = stored(&store, &id).await;
    assert_eq!((notice.state, notice.attempts, notice.last_error.as_deref()), (NoticeState::Failed, attempts, Some("421 busy")));
    assert!((60..90).contains(&attempts), "{attempts}");
    assert!((3 * DAY_US..3 * DAY_US + 2 * crate::clock::HOUR_US).contains(&(now_us - NOW_US)));
    let log = deliveries_of(&mut store.read().await.unwrap(), &id).await.unwrap();
    assert_eq!(log.iter().map(|entry| entry.attempt).collect::<Vec<_>>(), (1..=attempts).collect::<Vec<_>>());
    assert_eq!(log.last().unwrap().outcome, "failed");
    assert_eq!(next_due_us(&mut store.read().await.unwrap()).await.unwrap(), None);
    // A person may ask for it once more, and then it has its three days again.
    let mut write = store.write().await.unwrap();
    assert!(try_again(&mut write, &id, now_us).await.unwrap() && !try_again(&mut write, &id, now_us).await.unwrap());
    write.commit().await.unwrap();
    assert_eq!(due_at(&store, now_us).await.len(), 1);
}

#[tokio::test]
async fn a_page_that_cannot_be_sent_is_said_so_while_somebody_else_can_be_woken() {
    let (store, _folder) = store().await;
    put(&store, &new_notice(Urgency::Page, "a"), &at(NOW_US)).await;
    let mut now_us = NOW_US;
    for attempt in 1..=PAGE_ATTEMPTS {
        let parcel = due_at(&store, now_us).await.remove(0);
        let mut write = store.write().await.unwrap();
        let next = note_failed(&mut write, &parcel, &SendFailure::temporary("x"), now_us).await.unwrap();
        write.commit().await.unwrap();
        match next {
            Next::TryAt(at_us) => now_us = at_us,
            Next::GiveUp => assert_eq!((attempt, parcel.urgency()), (PAGE_ATTEMPTS, Urgency::Page)),
        }
    }
    assert!(now_us - NOW_US < 180 * SECOND_US);
    assert!(due_at(&store, i64::MAX).await.is_empty());
    // What is refused for good is given up at once.
    put(&store, &new_notice(Urgency::Page, "b"), &at(NOW_US)).await;
    let parcel = due_at(&store, now_us).await.remove(0);
    let mut write = store.write().await.unwrap();
    let next = note_failed(&mut write, &parcel, &SendFailure::permanent("550 no such user"), now_us).await.unwrap();
    assert_eq!(next, Next::GiveUp);
}

#[tokio::test]
async fn pages_come_first_and_a_flood_does_not_hide_them() {
    let (store, _folder) = store().await;
    let mut write = store.write().await.unwrap();
    for n in 0..500 {
        enqueue(&mut write, &new_notice(Urgency::Low, &format!("low {n}")), &at(n), NOW_US).await.unwrap();
    }
    write.commit().await.unwrap();
    put(&store, &new_notice(Urgency::Normal, "normal"), &at(1_000)).await;
    put(&store, &new_notice(Urgency::Page, "page"), &at(2_000)).await;
    let parcels = due_at(&store, NOW_US).await;
    assert_eq!(parcels.len(), MAX_PARCELS);
    let subjects: Vec<_> = parcels.iter().take(4).map(|parcel| parcel.first().subject.as_str()).collect();
    assert_eq!(subjects, ["page", "normal", "low 0", "low 1"]);
    let few = due(&mut store.read().await.unwrap(), NOW_US, 1).await.unwrap();
    assert_eq!(few.len(), 1);
    assert!(due(&mut store.read().await.unwrap(), NOW_US, 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn notices_of_a_digest_go_out_and_fail_together() {
    let (store, _folder) = store().await;
    for subject in ["one", "two", "three"] {
        put(&store, &new_notice(Urgency::Normal, subject), &digest(NOW_US)).await;
    }
    put(&store, &new_notice(Urgency::Low, "four"), &digest(NOW_US)).await;
    put(&store, &new_notice(Urgency::Normal, "other key"), &Planned { digest_key: Some("x".into()), ..at(NOW_US) }).await;
    put(&store, &NewNotice { person: "omar".into(), ..new_notice(Urgency::Normal, "other person") }, &digest(NOW_US)).await;
    put(&store, &new_notice(Urgency::Normal, "other address"), &Planned { address: "i@example.org".into(), ..digest(NOW_US) }).await;
    let parcels = due_at(&store, NOW_US).await;
    let sizes: Vec<_> = parcels.iter().map(Parcel::count).collect();
    assert_eq!(sizes, [4, 1, 1, 1]);
    let four = &parcels[0];
    assert_eq!(four.notices().map(|notice| notice.subject.as_str()).collect::<Vec<_>>(), ["one", "two", "three", "four"]);
    assert!(parcels.iter().all(|parcel| parcel.count() == 4 || parcel.id == parcel.first().id));
    assert!(four.notices().all(|notice| notice.id != four.id));
    let mut write = store.write().await.unwrap();
    let Next::TryAt(again_us) = note_failed(&mut write, four, &SendFailure::temporary("x"), NOW_US).await.unwrap() else { panic!() };
    write.commit().await.unwrap();
    let later = due_at(&store, again_us).await;
    let four_again = later.iter().find(|parcel| parcel.count() == 4).expect("they stay together");
    assert_eq!(four_again.id, four.id, "the same notices have the same id");
    let mut write = store.write().await.unwrap();
    note_sent(&mut write, four_again, "ok", again_us).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(due_at(&store, again_us).await.len(), 3);
    let log = deliveries_of(&mut store.read().await.unwrap(), &four.first().id).await.unwrap();
    let outcomes: Vec<_> = log.iter().map(|entry| (entry.outcome.as_str(), entry.attempt, entry.message == four.id)).collect();
    assert_eq!(outcomes, [("postponed", 1, true), ("sent", 2, true)]);
}

#[tokio::test]
async fn what_comes_too_late_for_a_digest_never_hides_behind_its_id() {
    let (store, _folder) = store().await;
    for subject in ["one", "two"] {
        put(&store, &new_notice(Urgency::Normal, subject), &digest(NOW_US)).await;
    }
    let before = due_at(&store, NOW_US).await.remove(0);
    put(&store, &new_notice(Urgency::Normal, "late"), &digest(NOW_US)).await;
    let with_late = due_at(&store, NOW_US).await.remove(0);
    assert_eq!((before.count(), with_late.count()), (2, 3));
    assert_ne!(before.id, with_late.id);
    // If the digest was noted in between, the late one goes alone.
    let mut write = store.write().await.unwrap();
    note_sent(&mut write, &before, "ok", NOW_US).await.unwrap();
    write.commit().await.unwrap();
    let alone = due_at(&store, NOW_US).await.remove(0);
    assert_eq!((alone.count(), alone.first().subject.as_str(), alone.first().body.as_str()), (1, "late", "body"));
}

#[tokio::test]
async fn a_digest_that_is_too_long_for_one_message_comes_in_several() {
    let (store, _folder) = store().await;
    let mut write = store.write().await.unwrap();
    let total = 2 * MAX_IN_DIGEST + 7;
    for n in 0..total {
        enqueue(&mut write, &new_notice(Urgency::Normal, &format!("{n}")), &digest(NOW_US), NOW_US).await.unwrap();
    }
    write.commit().await.unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..10 {
        let parcels = due_at(&store, NOW_US).await;
        if parcels.is_empty() {
            break;
        }
        for parcel in parcels {
            assert!(parcel.count() <= MAX_IN_DIGEST);
            assert!(parcel.notices().all(|notice| seen.insert(notice.id.clone())), "no notice is in two messages");
            let mut write = store.write().await.unwrap();
            note_sent(&mut write, &parcel, "ok", NOW_US).await.unwrap();
            write.commit().await.unwrap();
        }
    }
    assert_eq!(seen.len(), total);
}

#[tokio::test]
async fn an_acknowledgement_cancels_the_pages_and_a_merge_everything() {
    let (store, _folder) = store().await;
    let page = put(&store, &new_notice(Urgency::Page, "page"), &at(NOW_US)).await;
    let normal = put(&store, &new_notice(Urgency::Normal, "normal"), &at(NOW_US)).await;
    let other = put(&store, &NewNotice { ticket: Some(2), ..new_notice(Urgency::Page, "other ticket") }, &at(NOW_US)).await;
    let under_way = due_at(&store, NOW_US).await.remove(0);
    assert_eq!(under_way.id, page);
    let mut write = store.write().await.unwrap();
    assert_eq!(cancel_for_ticket(&mut write, 1, Some(Urgency::Page), "acknowledged by omar", NOW_US).await.unwrap(), 1);
    assert_eq!(cancel_for_ticket(&mut write, 1, Some(Urgency::Page), "again", NOW_US).await.unwrap(), 0);
    write.commit().await.unwrap();
    assert_eq!(stored(&store, &page).await.state, NoticeState::Cancelled);
    assert_eq!(stored(&store, &normal).await.state, NoticeState::Waiting);
    // It failed in the meantime: it stays cancelled. It arrived in the meantime: it was sent, whatever we wanted.
    let mut write = store.write().await.unwrap();
    note_failed(&mut write, &under_way, &SendFailure::temporary("x"), NOW_US).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(stored(&store, &page).await.state, NoticeState::Cancelled);
    let mut write = store.write().await.unwrap();
    note_sent(&mut write, &under_way, "ok", NOW_US).await.unwrap();
    assert_eq!(cancel_for_ticket(&mut write, 1, None, "merged into 2", NOW_US).await.unwrap(), 1);
    write.commit().await.unwrap();
    assert_eq!(stored(&store, &page).await.state, NoticeState::Sent);
    assert_eq!(due_at(&store, i64::MAX).await.iter().map(|parcel| parcel.id.clone()).collect::<Vec<_>>(), [other]);
    let log = deliveries_of(&mut store.read().await.unwrap(), &page).await.unwrap();
    assert_eq!(log.iter().map(|entry| entry.outcome.as_str()).collect::<Vec<_>>(), ["cancelled", "postponed", "sent"]);
    assert_eq!(log[0].detail, "acknowledged by omar");
    let of_ticket = notices_of_ticket(&mut store.read().await.unwrap(), 1, None, 10).await.unwrap();
    assert_eq!(of_ticket.iter().map(|notice| notice.id.as_str()).collect::<Vec<_>>(), [normal.as_str(), page.as_str()]);
    let earlier = notices_of_ticket(&mut store.read().await.unwrap(), 1, Some(&normal), 10).await.unwrap();
    assert_eq!(earlier.iter().map(|notice| notice.id.as_str()).collect::<Vec<_>>(), [page.as_str()]);
}

#[tokio::test]
async fn what_is_too_long_is_cut_and_what_has_no_receiver_is_refused() {
    let (store, _folder) = store().await;
    let mut notice = new_notice(Urgency::Normal, &format!("{}\r\nBcc: all@example.org", "ü".repeat(1_000)));
    notice.body = "é\u{1b}[2J\n".repeat(100_000);
    notice.payload = json!("x".repeat(100_000));
    notice.ticket = None;
    let id = put(&store, &notice, &at(NOW_US)).await;
    let kept = stored(&store, &id).await;
    assert_eq!((kept.subject.chars().count(), kept.body.chars().count()), (300, 20_000));
    assert!(!kept.subject.contains(['\r', '\n']) && !kept.body.contains('\u{1b}'));
    assert_eq!((kept.payload, kept.ticket), (serde_json::Value::Null, None));
    let mut write = store.write().await.unwrap();
    for (person, address) in [("", "a@b.org"), ("ines", ""), (&*"x".repeat(10_000), "a@b.org"), ("ines", &*"x".repeat(10_000))] {
        let notice = NewNotice { person: person.into(), ..new_notice(Urgency::Normal, "x") };
        let planned = Planned { address: address.into(), ..at(NOW_US) };
        assert!(matches!(enqueue(&mut write, &notice, &planned, NOW_US).await, Err(NotifyError::Invalid { .. })));
    }
}

#[tokio::test]
async fn asking_for_what_is_due_uses_the_index() {
    let (store, _folder) = store().await;
    let mut read = store.read().await.unwrap();
    let plan = sqlx::query(
        "EXPLAIN QUERY PLAN SELECT * FROM outbox WHERE state = 'waiting' AND urgency = ?1 AND due_at_us <= ?2 ORDER BY due_at_us, rowid LIMIT ?3",
    )
    .bind("page")
    .bind(NOW_US)
    .bind(10)
    .fetch_all(&mut *read)
    .await
    .unwrap();
    let steps: Vec<String> = plan.iter().map(|row| row.try_get("detail").unwrap()).collect();
    assert!(steps.iter().any(|step| step.contains("outbox_due")) && !steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
}
