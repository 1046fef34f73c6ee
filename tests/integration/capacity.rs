//! From a year of measurements to a recorded decision, through the public API, with the clock moved by hand.

use std::path::Path;

use reqwest::Client;
use serde_json::{Value, json};
use watchroom::app::App;
use watchroom::clock::{Clock, DAY_US, HOUR_US, TimestampUs};
use watchroom::config::Settings;
use watchroom::sample_site::{Scrape, Site, SiteConfig, encode_write_request};

/// Monday, 16 November 2026; the site is watched from there for a week, and its past ends there.
pub(crate) const START_US: TimestampUs = 1_794_787_200_000_000;

pub(crate) const VOLUME: &str = "/var/lib/postgresql";

pub(crate) struct Office {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    pub(crate) client: Client,
    _folder: tempfile::TempDir,
}

impl Office {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.data.dir = folder.path().join("data");
        settings.http.listen = "127.0.0.1:0".into();
        (settings.syslog.tcp, settings.syslog.udp) = (String::new(), String::new());
        (settings.detect.enabled, settings.desk.enabled, settings.capacity.enabled) = (false, false, false);
        let clock = Clock::manual(START_US + 2 * HOUR_US);
        let app = App::start(&settings, clock.clone()).await.unwrap();
        Self { app, clock, client: Client::new(), _folder: folder }
    }

    /// Sends a request; gives status and JSON.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = format!("http://{}{path}", self.app.listening.http);
        let request = self.client.request(method.parse().unwrap(), url);
        let request = if body.is_null() { request } else { request.header("content-type", "application/json").body(body.to_string()) };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
    }

    /// Decides about a proposal as it stands.
    pub(crate) async fn decide(&self, path: &str, decision: &Value) -> (u16, Value) {
        let version = self.get(path).await["version"].clone();
        self.decide_at(path, decision, &format!("\"{version}\"")).await
    }

    async fn decide_at(&self, path: &str, decision: &Value, version: &str) -> (u16, Value) {
        let url = format!("http://{}{path}/decision", self.app.listening.http);
        let request = self.client.post(url).header("content-type", "application/json").header("if-match", version);
        let answer = request.body(decision.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
    }

    pub(crate) async fn good(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.good("GET", path, Value::Null).await
    }

    async fn import(&self, kind: &str, query: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("sample-data/inventory/{kind}.csv"));
        let url = format!("http://{}/api/v1/inventory/{kind}{query}", self.app.listening.http);
        let body = std::fs::read(file).unwrap();
        let answer = self.client.put(url).header("content-type", "text/csv").body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{kind}: {}", answer.text().await.unwrap());
    }

    /// The measurements of the database's volume; from `grown_from_us` on it is twice as large.
    async fn measure(&self, scrapes: impl Iterator<Item = Scrape>, grown_from_us: TimestampUs) {
        self.measure_as(VOLUME, scrapes, grown_from_us).await;
    }

    /// The same as those of a volume whose name is as long.
    pub(crate) async fn measure_as(&self, volume: &str, scrapes: impl Iterator<Item = Scrape>, grown_from_us: TimestampUs) {
        assert_eq!(volume.len(), VOLUME.len(), "lengths stand in what is sent");
        let mut compressor = snap::raw::Encoder::new();
        let mut pending = Vec::new();
        let url = format!("http://{}/api/v1/write", self.app.listening.http);
        for mut scrape in scrapes.filter(|scrape| scrape.host == "db01") {
            scrape.series.retain(|sample| sample.labels.get("mountpoint") == Some(VOLUME));
            let size = scrape.series.iter().find(|sample| sample.labels.name() == "node_filesystem_size_bytes").map_or(0.0, |it| it.value);
            if scrape.time_us >= grown_from_us {
                scrape.series.iter_mut().for_each(|sample| sample.value += size);
            }
            pending.extend(renamed(encode_write_request(&scrape), volume));
            if pending.len() > 1 << 18 {
                self.push(&url, &mut compressor, &mut pending).await;
            }
        }
        self.push(&url, &mut compressor, &mut pending).await;
        self.app.flush.flush().await.unwrap();
    }

    async fn push(&self, url: &str, compressor: &mut snap::raw::Encoder, pending: &mut Vec<u8>) {
        let body = compressor.compress_vec(&std::mem::take(pending)).unwrap();
        let answer = self.client.post(url).header("content-encoding", "snappy").body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    pub(crate) async fn judge(&self) -> Value {
        self.good("POST", "/api/v1/capacity/run", Value::Null).await
    }

    /// The volume as the list has it.
    async fn volume(&self) -> Value {
        let list = self.get("/api/v1/capacity?kind=filesystem").await;
        list["resources"].as_array().unwrap().iter().find(|it| it["entity"]["mountpoint"] == VOLUME).cloned().unwrap_or(Value::Null)
    }
}

/// A request about the volume as one about another.
fn renamed(mut request: Vec<u8>, volume: &str) -> Vec<u8> {
    for at in 0..request.len().saturating_sub(VOLUME.len() - 1) {
        if request[at..].starts_with(VOLUME.as_bytes()) {
            request[at..at + volume.len()].copy_from_slice(volume.as_bytes());
        }
    }
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_volume_becomes_a_proposal_a_decision_and_a_larger_volume() {
    let office = Office::open().await;
    let config = SiteConfig { seed: 1, start_us: START_US, days: 7, metrics_step_s: 3_600, log_rate: 1.0 };
    let site = Site::new(config).unwrap();
    office.measure(site.capacity_history(400), TimestampUs::MAX).await;

    // The forecast crosses: the label says when the headroom is used up.
    let run = office.judge().await;
    assert_eq!((run["resources"].clone(), run["failed"].clone()), (json!(1), json!([])), "{run}");
    let label =
        site.capacity_labels().into_iter().find(|label| label.labels.get("mountpoint").is_some_and(|mount| mount == VOLUME)).unwrap();
    let volume = office.volume().await;
    let truth = label.headroom_on.unwrap();
    let (lower, upper) = (volume["lower"].as_str().unwrap(), volume["upper"].as_str().unwrap());
    assert_eq!(volume["status"], "crosses", "{volume}");
    assert!(lower <= truth.as_str() && truth.as_str() <= upper, "{lower} {truth} {upper}");

    // A proposal appears, without anything to buy yet.
    let list = office.get("/api/v1/proposals?state=open").await;
    assert_eq!(list["proposals"].as_array().unwrap().len(), 1, "{list}");
    let number = list["proposals"][0]["number"].as_i64().unwrap();
    let path = format!("/api/v1/proposals/{number}");
    let bought = |proposal: &Value| -> Vec<Value> {
        proposal["options"]["options"].as_array().unwrap().iter().filter(|it| !it["offer"].is_null()).cloned().collect()
    };
    assert!(bought(&office.get(&path).await).is_empty());

    // Offers come in; one is in dollars, for which there is no rate.
    let department = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/desk/department.toml")).unwrap();
    let department: Value = toml::from_str(&department).unwrap();
    office.good("PUT", "/api/v1/setup", department).await;
    for kind in ["suppliers", "assets", "offers", "budgets"] {
        office.import(kind, if kind == "offers" { "?expired=allow" } else { "" }).await;
    }
    office.judge().await;
    let proposal = office.get(&path).await;
    let left_out = proposal["options"]["left_out"].to_string();
    assert!(left_out.contains("USD") && left_out.contains("NL-2026-044"), "no rate, and expired: {left_out}");
    let options = bought(&proposal);
    let best = &options[0];
    assert_eq!((best["offer"].as_str(), best["feasible"].as_bool()), (Some("NL-2026-118"), Some(true)), "{best}");
    let place = 1 + proposal["options"]["options"].as_array().unwrap().iter().position(|it| it["offer"] == "NL-2026-118").unwrap();
    let takes = best["budget"]["takes_minor"].as_i64().unwrap();
    let line = best["budget"]["line"].as_str().unwrap().to_owned();
    let sheet = office.get(&format!("{path}/negotiation/NL-2026-118")).await;
    assert!(sheet["price_history"].to_string().contains("2026-04-02") && !sheet["questions"].as_array().unwrap().is_empty(), "{sheet}");

    // Somebody else spends a little: the figures follow, and nobody is told news that are none.
    let book = format!("/api/v1/budgets/{}/entries", line.replace('/', "%2F"));
    office.good("POST", &book, json!({ "kind": "spent", "minor": 100, "currency": "EUR", "note": "screws" })).await;
    office.judge().await;
    let renewed = office.get(&path).await;
    let left_before = |proposal: &Value| bought(proposal)[0]["budget"]["left_before_minor"].as_i64().unwrap();
    assert_eq!(left_before(&renewed), left_before(&proposal) - 100);
    assert_eq!((&renewed["version"], &renewed["events"]), (&proposal["version"], &proposal["events"]));

    // What is left of the budget is too little: a clear message, and nothing was decided.
    let left = office.get(&book).await["standing"]["left_minor"].as_i64().unwrap();
    let spent = json!({ "kind": "spent", "minor": left - takes + 1, "currency": "EUR", "note": "a shelf" });
    office.good("POST", &book, spent).await;
    let approve = json!({ "decision": "approve", "option": place, "why": "cheapest in time" });
    let (status, refused) = office.decide(&path, &approve).await;
    assert!(status == 422 || status == 409, "{status} {refused}");
    let (status, _) = office.ask("POST", &format!("{path}/decision"), approve.clone()).await;
    assert_eq!(status, 428, "who approves says what they have read");
    assert_eq!(office.decide_at(&path, &approve, "\"4711\"").await.0, 412);

    // The offer has become dearer since it was read: that is not what was decided about.
    let offer = "/api/v1/inventory/offers/NL-2026-118";
    let as_read = office.get(offer).await["record"].clone();
    let mut dearer = as_read.clone();
    dearer["one_off_minor"] = json!(dearer["one_off_minor"].as_i64().unwrap() + 1);
    office.good("PUT", offer, dearer).await;
    let (status, refused) = office.decide(&path, &approve).await;
    assert!(status == 409 && refused.to_string().contains("has changed since"), "{status} {refused}");
    office.good("PUT", offer, as_read).await;
    office.judge().await;
    assert_eq!(office.get(&path).await["state"], "open");
    assert_eq!(office.get("/api/v1/tickets").await["tickets"].as_array().unwrap().len(), 0);

    // The budget is raised; approval commits it and opens a change.
    let name = line.replace('/', "%2F");
    let mut budget = office.get(&format!("/api/v1/inventory/budgets/{name}")).await["record"].clone();
    budget["planned_minor"] = json!(budget["planned_minor"].as_i64().unwrap() + 100_000);
    office.good("PUT", &format!("/api/v1/inventory/budgets/{name}"), budget).await;
    let (status, approved) = office.decide(&path, &approve).await;
    assert_eq!(status, 200, "{approved}");
    assert_eq!((approved["state"].as_str(), approved["committed_minor"].as_i64()), (Some("approved"), Some(takes)));
    let ticket = approved["ticket"].as_i64().unwrap();
    assert_eq!(office.get(&format!("/api/v1/tickets/{ticket}")).await["ticket"]["kind"], "change");
    assert_eq!(office.get(&book).await["standing"]["committed_minor"].as_i64(), Some(takes));
    assert_eq!(office.decide(&path, &approve).await.0, 409, "it is decided already");
    let report = office.get("/api/v1/reports/capacity").await;
    let decision = &report["proposals"][0]["decision"];
    assert_eq!((decision["what"].as_str(), decision["why"].as_str()), (Some("approved"), Some("cheapest in time")), "{decision}");
    let terms = report["resources"][0]["order_by_terms"].to_string();
    assert!(["approval", "delivery", "installation"].iter().all(|term| terms.contains(term)), "{terms}");

    // Twelve days later it is there; the volume is twice as large from then on.
    let delivered_us = START_US + 12 * DAY_US;
    office.clock.set(delivered_us + 2 * DAY_US + 2 * HOUR_US);
    office.measure(site.metrics(START_US, delivered_us + 2 * DAY_US), delivered_us).await;
    // Meanwhile somebody has released a part of it by hand, and something else is promised out of the same line.
    let entry = |kind: &str, minor: i64, proposal: Option<String>| json!({ "kind": kind, "minor": minor, "currency": "EUR", "note": "by hand", "proposal": proposal, "allow_overrun": true });
    office.good("POST", &book, entry("released", 400, Some(number.to_string()))).await;
    office.good("POST", &book, entry("committed", 500, None)).await;
    let delivery = json!({ "delivered_on": "2026-11-28", "paid_minor": takes - 1_000 });
    let delivered = office.good("POST", &format!("{path}/delivery"), delivery).await;
    assert_eq!(delivered["state"], "delivered");
    assert_eq!(office.get(&format!("/api/v1/tickets/{ticket}")).await["ticket"]["state"], "resolved");
    let standing = office.get(&book).await["standing"].clone();
    assert_eq!(standing["committed_minor"], 500, "what is promised for something else stays: {standing}");

    // The forecast starts again from the new limit.
    office.judge().await;
    let after = office.volume().await;
    assert_eq!(after["limit"].as_f64(), volume["limit"].as_f64().map(|limit| 2.0 * limit), "{after}");
    assert_ne!(after["status"], "crosses", "{after}");
    assert!(office.get("/api/v1/proposals?state=open").await["proposals"].as_array().unwrap().is_empty());
    let sql = "SELECT p.state, d.supplier, d.delivered_on FROM proposals p JOIN supply_deliveries d ON d.proposal = p.number";
    let rows = office.good("POST", "/api/v1/sql", json!({ "query": sql, "format": "json" })).await;
    assert!(rows.to_string().contains("delivered") && rows.to_string().contains("nordlicht"), "{rows}");

    // What the report prints beside a figure gives the figure.
    let report = office.get("/api/v1/reports/capacity").await;
    let told = report["resources"].as_array().unwrap().iter().find(|it| it["name"].as_str().unwrap().contains(VOLUME)).unwrap().clone();
    let sql = told["sql"].as_str().unwrap().replace("SELECT *", "SELECT last, limit_value");
    let body = json!({ "query": sql, "parameters": { "resource": told["id"] }, "format": "json" });
    let rows = office.good("POST", "/api/v1/sql", body).await.to_string();
    assert!(rows.contains(&told["used"].to_string()), "{} is not among {}", told["used"], &rows[rows.len() - 300..]);

    for (what, sql) in watchroom::report::PAGE_QUERIES {
        let rows = office.good("POST", "/api/v1/sql", json!({ "query": sql, "format": "json" })).await["rows"].clone();
        assert!(rows.is_array(), "{what}: {sql}");
        if what == "Budgets" {
            assert!(rows.to_string().contains("\"committed_minor\":500"), "{rows}");
        }
    }
    // So does the forecast: interval, median, chance, and what was needed before there was more.
    let asked = office.get("/api/v1/reports/capacity?as_of=2026-11-15").await;
    let said = asked["resources"].as_array().unwrap().iter().find(|it| it["id"] == told["id"]).unwrap().clone();
    let sql = said["forecast_sql"].as_str().unwrap();
    let rows = office.good("POST", "/api/v1/sql", json!({ "query": sql, "format": "json" })).await;
    let again = &rows["rows"][0];
    for day in ["lower", "median", "upper"] {
        assert_eq!(again[day], said["crossing"][day], "{day} of {sql}");
    }
    assert_eq!(again["chance"].as_f64(), said["crossing"]["chance"].as_f64());
    let near = |one: &Value, other: &Value| (one.as_f64().unwrap() / other.as_f64().unwrap() - 1.0).abs() < 1e-9;
    assert!(near(&again["needed"], &said["needed"]), "{} {}", again["needed"], said["needed"]);

    // Where less certainty is asked for, the list, the report and the statement that is printed follow alike.
    office.good("PUT", "/api/v1/setup/capacity_policy/default", json!({ "level": 0.6 })).await;
    let rough = office.get("/api/v1/reports/capacity?as_of=2026-11-15").await;
    let rough = rough["resources"].as_array().unwrap().iter().find(|it| it["id"] == told["id"]).unwrap().clone();
    let day = |resource: &Value, end: &str| resource["crossing"][end].as_str().unwrap().to_owned();
    assert!(day(&said, "lower") < day(&rough, "lower") && day(&rough, "upper") < day(&said, "upper"), "{rough}");
    assert_eq!((day(&rough, "median"), &rough["crossing"]["level"]), (day(&said, "median"), &json!(0.6)));
    assert!(rough["order_by_terms"].to_string().contains("reached in 20 % of the futures"), "{}", rough["order_by_terms"]);
    let sql = rough["forecast_sql"].as_str().unwrap();
    let rows = office.good("POST", "/api/v1/sql", json!({ "query": sql, "format": "json" })).await;
    for day in ["lower", "median", "upper"] {
        assert_eq!(rows["rows"][0][day], rough["crossing"][day], "{day} of {sql}");
    }
    let (status, refused) = office.ask("PUT", "/api/v1/setup/capacity_policy/default", json!({ "level": 95 })).await;
    assert!(status == 422 && refused.to_string().contains("write a share from 0.5 to 0.99"), "{status} {refused}");
    office.good("PUT", "/api/v1/setup/capacity_policy/default", json!({})).await;

    // On the day before the decision it crossed, and the proposal was open; a day that has not ended has no report.
    let before = office.get("/api/v1/reports/capacity?as_of=2026-11-15").await;
    let crossed = before["resources"].as_array().unwrap().iter().find(|it| it["id"] == told["id"]).unwrap();
    assert_eq!((crossed["status"].as_str(), crossed["limit"].as_f64()), (Some("crosses"), volume["limit"].as_f64()), "{crossed}");
    assert_eq!(crossed["history"].as_array().unwrap().last().unwrap()["day"], "2026-11-15");
    assert_eq!((before["summary"]["crossing_within_horizon"].as_u64(), before["as_of"].as_str()), (Some(1), Some("2026-11-15")));
    let (status, refused) = office.ask("GET", "/api/v1/reports/capacity?as_of=2031-01-01", Value::Null).await;
    assert!(status == 400 && refused.to_string().contains("the last whole day is"), "{status} {refused}");

    // What is not measured any more is told as such, and not forecast.
    office.clock.set(delivered_us + 9 * DAY_US + 2 * HOUR_US);
    office.judge().await;
    assert_eq!(office.volume().await["status"], "not_seen");
    office.app.stop().await;
}
