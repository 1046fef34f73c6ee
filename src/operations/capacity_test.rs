//! The capacity run over real tables and a real store, with the clock moved by hand.

use std::sync::Arc;

use serde_json::json;

use super::capacity_days_test::{Measured, START_US, Site, site};
use super::{Capacity, CapacityParts, Inventory, Proposals, Register, StandingFilter};
use crate::capacity::{CapacityQuestion, SHIPPED_QUESTIONS};
use crate::clock::{Clock, DAY_US, HOUR_US};
use crate::desk::{Actor, Desk};
use crate::purchase::converted;
use crate::sql_file::Book;
use crate::store::{DESK_FILE, Store};

pub(super) struct Office {
    pub(super) capacity: Capacity,
    pub(super) register: Arc<Register>,
    pub(super) inventory: Inventory,
    pub(super) desk: Desk,
    pub(super) clock: Clock,
    _kept: (tempfile::TempDir, Site),
}

/// What was measured for so many days, on the morning after.
pub(super) async fn office(measured: &[Measured<'_>], days: i64) -> Office {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
    let clock = Clock::manual(START_US + days * DAY_US + 2 * HOUR_US);
    let desk = Desk::new(store.clone(), clock.clone());
    let register = Arc::new(Register::open(store.clone(), clock.clone(), desk.clone()).await.unwrap());
    let inventory = Inventory::new(store.clone(), clock.clone(), register.clone());
    let site = site(measured, days * 24).await;
    let parts = CapacityParts {
        days: site.days.clone(),
        questions: Arc::new(Book::open(None)),
        register: register.clone(),
        proposals: Proposals::new(desk.clone(), inventory.clone()),
        inventory: inventory.clone(),
    };
    Office { capacity: Capacity::new(parts).unwrap(), register, inventory, desk, clock, _kept: (folder, site) }
}

#[tokio::test]
async fn resources_are_judged_by_what_is_measured_and_decided() {
    // A volume of 1,000 that grows by 5 a day from 100 on and one that stands still; a third was seen for nine days.
    let growing = |hour: i64| Some(900.0 - 5.0 * (hour / 24) as f64);
    let young = |hour: i64| (hour >= 111 * 24).then_some(10.0);
    let labels: [&[(&str, &str)]; 3] = [&[("mountpoint", "/data")], &[("mountpoint", "/")], &[("mountpoint", "/new")]];
    let size = |labels| Measured { name: "node_filesystem_size_bytes", host: "db01", labels, value: &|_| Some(1_000.0) };
    let free = |labels, value| Measured { name: "node_filesystem_avail_bytes", host: "db01", labels, value };
    let measured = [
        size(labels[0]),
        free(labels[0], &growing),
        size(labels[1]),
        free(labels[1], &|hour| Some(400.0 + (hour % 3) as f64)),
        Measured { name: "node_filesystem_size_bytes", host: "db01", labels: labels[2], value: &|hour| (hour >= 111 * 24).then_some(50.0) },
        free(labels[2], &young),
    ];
    let Office { capacity, register, clock, _kept, .. } = office(&measured, 120).await;
    let run = capacity.run(&|_, _| {}).await.unwrap();
    assert_eq!((run.days, run.resources, run.failed.len()), (120 + 120 + 9, 3, 0));

    let all = capacity.list(&StandingFilter { limit: 10, ..StandingFilter::default() }).await.unwrap();
    let told: Vec<(&str, &str)> = all.iter().map(|it| (it.name.as_str(), it.status.as_str())).collect();
    assert_eq!(told[0], ("db01 /data", "crosses"));
    assert!(told.contains(&("db01 /", "steady")) && told.contains(&("db01 /new", "not_enough_history")), "{told:?}");
    // 695 on the last day; 900 is reached 41 days later, on 2027-04-30.
    let data = &all[0];
    assert_eq!((data.used, data.limit, data.threshold), (Some(695.0), Some(1_000.0), Some(900.0)));
    let median = data.median.clone().unwrap();
    assert!(("2027-04-26".."2027-05-05").contains(&median.as_str()), "{median}");
    let page = capacity.list(&StandingFilter { limit: 1, after: Some(data.place()), ..StandingFilter::default() }).await.unwrap();
    assert_eq!(page[0], all[1]);
    let gone = super::StandingPlace { resource: "gone".into(), ..all[1].place() };
    assert_eq!((gone.to_string().parse(), data.place().to_string().parse()), (Ok(gone.clone()), Ok(data.place())));
    let page = capacity.list(&StandingFilter { limit: 9, after: Some(gone), ..StandingFilter::default() }).await.unwrap();
    assert!(page.iter().all(|it| it.resource.as_str() > "gone") && "resource".parse::<super::StandingPlace>().is_err());

    let detail = capacity.detail(&data.resource).await.unwrap().unwrap();
    assert_eq!((detail.days.len(), detail.question.name.as_str()), (120, "filesystem_space"));
    assert!(detail.judged.outlook.len() > 50 && !detail.judged.forecast.unwrap().backtest.is_empty());
    assert!(capacity.detail("0000000000000000").await.unwrap().is_none());

    // Three volumes, of which one may be lost: two thirds of 900.
    let actor = Actor { name: "user ines".into(), origin: "test".into() };
    let policy = json!({ "exceptions": [{ "resources": "db01 *", "spares": 1 }] });
    register.put("capacity_policy", "default", &policy, None, &actor).await.unwrap();
    capacity.run(&|_, _| {}).await.unwrap();
    let shared = capacity.detail(&data.resource).await.unwrap().unwrap().judged.standing;
    assert!(shared.threshold == Some(600.0) && shared.why[0].starts_with("1 of 3 that share"), "{shared:?}");

    let policy = json!({ "exceptions": [{ "resources": "db01 /data", "headroom": "25%" }, { "resources": "* /", "ignore": true }] });
    register.put("capacity_policy", "default", &policy, None, &actor).await.unwrap();
    clock.set(START_US + 120 * DAY_US + 3 * HOUR_US);
    assert_eq!(capacity.run(&|_, _| {}).await.unwrap().resources, 2);
    let crossing = capacity.list(&StandingFilter { to_order: true, limit: 10, ..StandingFilter::default() }).await.unwrap();
    let [data] = crossing.as_slice() else { panic!("{crossing:?}") };
    assert_eq!(data.threshold, Some(750.0));
    assert_eq!(capacity.counts().await.unwrap(), [("crosses".to_owned(), 1), ("not_enough_history".to_owned(), 1)]);

    // Nothing is measured for a week: nothing can be said of it, and in the end it is forgotten.
    clock.set(START_US + 127 * DAY_US + 2 * HOUR_US);
    capacity.run(&|_, _| {}).await.unwrap();
    assert_eq!(capacity.counts().await.unwrap(), [("not_seen".to_owned(), 2)]);
    clock.set(START_US + 230 * DAY_US + 2 * HOUR_US);
    capacity.run(&|_, _| {}).await.unwrap();
    assert_eq!(capacity.counts().await.unwrap(), []);
}

/// What people write into an offer converts into what is measured.
#[test]
fn offers_have_the_units_of_the_shipped_questions() {
    let offered = [
        ("bytes", "TB"),
        ("bits/s", "Gbit/s"),
        ("cores", "vCPU"),
        ("seconds", "h"),
        ("days", "days"),
        ("connections", "connection"),
        ("licences", "licence"),
    ];
    for (file, text) in SHIPPED_QUESTIONS {
        let unit = CapacityQuestion::parse(file, text).unwrap().unit;
        let (_, of_offer) = offered.iter().find(|(measured, _)| *measured == unit).unwrap_or_else(|| panic!("{file}: {unit}"));
        assert!(converted(1.0, of_offer, &unit).is_some_and(|amount| amount >= 1.0), "{file}: {of_offer} in {unit}");
    }
}
