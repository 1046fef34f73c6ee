//! Reports that are made by themselves, over a real store, with the clock moved by hand.

use std::sync::Arc;

use serde_json::json;
use sqlx::Row;

use super::capacity_days_test::{START_US, Site, site};
use super::{
    Capacity, CapacityParts, Inventory, PeriodReports, Proposals, Register, ReportForm, ReportParts, ScheduledReportError, ScheduledReports,
};
use crate::clock::{Clock, DAY_US, HOUR_US};
use crate::desk::{Actor, Desk};
use crate::sql_file::Book;
use crate::store::{DESK_FILE, Store};

/// What reports are made of, at noon of the first day, and the folders that it stands in.
async fn parts() -> (ReportParts, (tempfile::TempDir, Site)) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
    let clock = Clock::manual(START_US + 12 * HOUR_US);
    let desk = Desk::new(store.clone(), clock.clone());
    let register = Arc::new(Register::open(store.clone(), clock.clone(), desk.clone()).await.unwrap());
    let site = site(&[], 24).await;
    let inventory = Inventory::new(store.clone(), clock.clone(), register.clone());
    let parts = CapacityParts {
        days: site.days.clone(),
        questions: Arc::new(Book::open(None)),
        register: register.clone(),
        proposals: Proposals::new(desk.clone(), inventory.clone()),
        inventory: inventory.clone(),
    };
    let parts = ReportParts {
        capacity: Arc::new(Capacity::new(parts).unwrap()),
        inventory,
        periods: PeriodReports { queries: site.engine.clone(), register: register.clone() },
        register,
        store,
        desk,
        clock,
        public_url: "https://watch.example.org".to_owned(),
    };
    (parts, (folder, site))
}

#[tokio::test]
async fn a_report_is_made_once_kept_and_sent() {
    let (parts, _folders) = parts().await;
    let ReportParts { register, store, clock, .. } = parts.clone();
    let reports = ScheduledReports::new(parts.clone());
    let actor = Actor { name: "user ines".into(), origin: "test".into() };
    let user = json!({ "display_name": "Ines", "email": "ines@example.org", "role": "manager" });
    register.put("user", "ines", &user, None, &actor).await.unwrap();
    let wrong = json!({ "report": "capacity", "cron": "0 7 * * *", "to": ["nobody"] });
    assert!(register.put("report_schedule", "daily", &wrong, None, &actor).await.unwrap_err().to_string().contains("nobody"));
    let daily_with = |keep: u32| json!({ "report": "capacity", "cron": "0 7 * * *", "to": ["ines"], "keep": keep });
    let daily = daily_with(2);
    register.put("report_schedule", "daily", &daily, None, &actor).await.unwrap();
    let paused = json!({ "report": "inventory", "cron": "0 * * * *", "paused": true });
    register.put("report_schedule", "paused", &paused, None, &actor).await.unwrap();
    assert_eq!(reports.round().await, 0, "seven o'clock was over before anybody wanted it");
    clock.set(START_US + DAY_US + 7 * HOUR_US);
    // Neither a change just before it is made nor somebody who could not wait takes the one that was due away.
    register.put("report_schedule", "daily", &daily_with(3), None, &actor).await.unwrap();
    register.put("report_schedule", "daily", &daily, None, &actor).await.unwrap();
    assert!(reports.make_now("paused").await.unwrap().summary.contains("0 assets"));
    assert_eq!((reports.round().await, reports.round().await), (1, 0));
    // Another process, as after a crash, knows of it.
    assert_eq!(ScheduledReports::new(parts).round().await, 0);
    let [kept] = reports.list(Some("daily"), None, 10).await.unwrap().try_into().unwrap();
    assert_eq!((kept.report.as_str(), kept.made_at_us), ("capacity", START_US + DAY_US + 7 * HOUR_US));
    assert!(kept.summary.starts_with("As of ") && kept.files.len() == 3, "{kept:?}");
    let page = String::from_utf8(reports.file(kept.id, ReportForm::Html).await.unwrap().unwrap()).unwrap();
    assert!(page.contains("</html>") && page.len() as i64 == kept.files["html"]);
    let notice = sqlx::query("SELECT person, address, subject, body, payload ->> '$.report.id' AS report FROM outbox");
    let notice = notice.fetch_one(&mut *store.read().await.unwrap()).await.unwrap();
    assert_eq!((notice.get::<&str, _>("person"), notice.get::<&str, _>("address")), ("ines", "ines@example.org"));
    assert!(notice.get::<&str, _>("subject").starts_with("Capacity report of "));
    assert!(notice.get::<&str, _>("body").contains("https://watch.example.org/api/v1/reports/kept/"));
    // After a week without the server the latest one is made, and two are kept.
    clock.set(START_US + 8 * DAY_US + 9 * HOUR_US);
    assert_eq!((reports.round().await, reports.round().await), (1, 0));
    let asked_for = reports.make_now("daily").await.unwrap();
    let listed = reports.list(Some("daily"), None, 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].id), (3, asked_for.id), "who asks for one takes the place of none that was due");
    drop((reports.make_now("daily").await.unwrap(), reports.make_now("daily").await.unwrap()));
    assert_eq!(reports.list(Some("daily"), None, 10).await.unwrap().len(), 4, "two of each");
    let page = async |id| reports.file(id, ReportForm::Html).await.unwrap().is_some();
    assert_eq!((page(asked_for.id).await, page(kept.id).await), (false, true), "its file is gone with it");
    assert!(matches!(reports.make_now("weekly").await, Err(ScheduledReportError::NoSchedule(_))));
    // Without the tables of the desk a question breaks off: nothing is kept, it is said, and it is tried again in a quarter of an hour.
    let monthly = json!({ "report": "sla", "cron": "0 * * * *" });
    register.put("report_schedule", "promises", &monthly, None, &actor).await.unwrap();
    let refused = reports.make_now("promises").await.unwrap_err().to_string();
    assert!(refused.starts_with("the question `sla_attainment` broke off"), "{refused}");
    clock.set(START_US + 8 * DAY_US + 10 * HOUR_US);
    assert_eq!((reports.round().await, reports.list(Some("promises"), None, 10).await.unwrap().len()), (0, 0));
}
