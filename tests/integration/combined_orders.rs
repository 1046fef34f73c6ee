//! Three volumes that are cheaper to enlarge by one order than by three: told, decided as one, delivered part by part.

use serde_json::{Value, json};
use watchroom::clock::{DAY_US, HOUR_US, TimestampUs};
use watchroom::sample_site::{Scrape, Site, SiteConfig};

use crate::capacity::{Office, START_US, VOLUME};

const BOOK: &str = "/api/v1/budgets/2026%2Fstorage/entries";
const DECISION: &str = "/api/v1/proposals/combined/N-1/decision";

impl Office {
    /// Three volumes that grow alike, somebody who sells three disks cheaper than one, and a budget.
    async fn three_volumes(planned_minor: i64) -> Self {
        let office = Self::open().await;
        let config = SiteConfig { seed: 1, start_us: START_US, days: 7, metrics_step_s: 3_600, log_rate: 1.0 };
        let site = Site::new(config).unwrap();
        let scrapes: Vec<Scrape> = site.capacity_history(400).filter(|scrape| scrape.host == "db01").collect();
        for volume in [VOLUME, "/var/lib/postgresq2", "/var/lib/postgresq3"] {
            office.measure_as(volume, scrapes.iter().cloned(), TimestampUs::MAX).await;
        }
        office.good("PUT", "/api/v1/inventory/suppliers/nordlicht", json!({ "lead_time_days": 10 })).await;
        let offer = json!({ "supplier": "nordlicht", "item": "ssd", "resource_kind": "filesystem", "capacity": 20, "unit": "TB",
            "one_off_minor": 61_900, "steps": [{ "from": 3, "one_off_minor": 50_000 }], "currency": "EUR", "delivery_days": 10,
            "valid_until": "2026-12-31" });
        office.good("PUT", "/api/v1/inventory/offers/N-1", offer).await;
        office.plan(planned_minor).await;
        office.judge().await;
        office
    }

    async fn plan(&self, planned_minor: i64) {
        let budget =
            json!({ "year": 2026, "line": "storage", "currency": "EUR", "planned_minor": planned_minor, "resource_kinds": ["filesystem"] });
        self.good("PUT", "/api/v1/inventory/budgets/2026%2Fstorage", budget).await;
    }

    async fn told(&self) -> Value {
        self.get("/api/v1/proposals/combined").await
    }

    /// What must be as it was where a decision is refused.
    async fn untouched(&self) -> (Value, Value, Value) {
        let proposals = self.get("/api/v1/proposals").await;
        (proposals, self.get(BOOK).await, self.get("/api/v1/tickets").await["tickets"].clone())
    }

    async fn refused(&self, decision: &Value, status: u16, why: &str) {
        let before = self.untouched().await;
        let (answered, problem) = self.ask("POST", DECISION, decision.clone()).await;
        assert!(answered == status && problem.to_string().contains(why), "{answered} {problem}");
        assert_eq!(self.untouched().await, before, "nothing half done");
    }
}

fn approval(told: &Value) -> Value {
    json!({ "decision": "approve", "proposals": told["proposals"], "digest": told["digest"], "why": "the step from three on" })
}

#[tokio::test(flavor = "multi_thread")]
async fn three_needs_are_ordered_together_and_delivered_one_by_one() {
    let office = Office::three_volumes(149_999).await;
    let told = office.told().await;
    let order = &told["combined"][0];
    assert_eq!(
        (order["quantity"].as_i64(), order["npv_minor"].as_i64(), order["saving_minor"].as_i64()),
        (Some(3), Some(150_000), Some(35_700))
    );
    assert!(order["against"].to_string().contains("0.01 EUR too much"), "{order}");
    assert_eq!((told["combined"].as_array().unwrap().len(), told["approved"].clone()), (1, json!([])));
    assert_eq!(order["proposals"].as_object().unwrap().len(), 3, "{order}");
    let report = office.get("/api/v1/reports/capacity").await;
    assert_eq!(report["combined_orders"][0]["parts"][2]["state"], "open", "{}", report["combined_orders"]);

    // The whole is a cent too much, whatever each share is.
    let approve = approval(order);
    office.refused(&approve, 422, "overrun by 0.01 EUR").await;
    office.plan(150_000).await;
    office.judge().await;
    let approve = approval(&office.told().await["combined"][0]);

    // Of what is to be decided something is missing, or costs something else, or there is no such thing.
    let mut two = approve.clone();
    two["proposals"].as_object_mut().unwrap().remove("3");
    office.refused(&two, 409, "proposal 3 (db01").await;
    let mut another = approve.clone();
    another["digest"] = json!("0123456789abcdef0123456789abcdef");
    office.refused(&another, 409, "3 × now cost 1500.00 EUR and takes 1500.00 EUR of the budget 2026/storage").await;
    let naming = |proposals: Value| json!({ "decision": "approve", "proposals": proposals, "digest": "0" });
    office.refused(&naming(json!({ "1": 1 })), 422, "name 2 to").await;
    office.refused(&naming(json!({ "1": 1, "4711": 1 })), 404, "no proposal 4711").await;
    office.refused(&json!({ "decision": "approve", "proposals": { "1": 1, "2": 1 } }), 400, "digest").await;
    let unknown = office.ask("POST", "/api/v1/proposals/combined/N-2/decision", approve.clone()).await;
    assert_eq!(unknown.0, 404, "{}", unknown.1);

    // Somebody puts one of them off meanwhile: nothing happens to the others.
    let defer = json!({ "decision": "defer", "until": "2026-11-17", "why": "tomorrow" });
    assert_eq!(office.decide("/api/v1/proposals/2", &defer).await.0, 200);
    office.refused(&approve, 409, "proposal 2 (it is deferred, at version").await;
    assert_eq!(office.told().await["combined"], json!([]), "two do not reach the step");
    office.clock.set(START_US + DAY_US + 3 * HOUR_US);
    office.judge().await;

    // Sent twice under one key, it happens once.
    let approve = approval(&office.told().await["combined"][0]);
    let url = format!("http://{}{DECISION}", office.app.listening.http);
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = office.client.post(&url).header("idempotency-key", "once").header("content-type", "application/json");
        let answer = request.body(approve.to_string()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        answers.push(serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).unwrap());
    }
    assert_eq!(answers[0], answers[1]);
    let ticket = answers[0]["ticket"].as_i64().unwrap();
    assert_eq!(answers[0]["order"]["quantity"], 3);
    let tickets = office.get("/api/v1/tickets").await["tickets"].clone();
    assert_eq!(tickets.as_array().unwrap().len(), 1);
    let change = office.get(&format!("/api/v1/tickets/{ticket}")).await["ticket"].clone();
    assert_eq!((change["kind"].as_str(), change["entity"]["host"].as_str()), (Some("change"), Some("db01")));
    let said = change["description"].as_str().unwrap();
    for resource in [VOLUME, "/var/lib/postgresq2", "/var/lib/postgresq3"] {
        assert!(said.contains(resource), "{said}");
    }
    let book = office.get(BOOK).await;
    let entries: Vec<(i64, &str)> =
        book["entries"].as_array().unwrap().iter().map(|it| (it["minor"].as_i64().unwrap(), it["proposal"].as_str().unwrap())).collect();
    assert_eq!(entries, [(50_000, "3"), (50_000, "2"), (50_000, "1")]);
    assert_eq!(book["standing"]["left_minor"], 0);
    office.refused(&approve, 409, "it is approved, at version").await;

    // The report tells the decision, on the page too.
    let report = office.get("/api/v1/reports/capacity").await;
    let decided = &report["combined_orders"][0];
    assert_eq!(
        (decided["decision"]["why"].as_str(), decided["ticket"].as_i64()),
        (Some("the step from three on"), Some(ticket)),
        "{decided}"
    );
    let of_two = report["proposals"].as_array().unwrap().iter().find(|it| it["number"] == 2).unwrap();
    assert_eq!(of_two["decision"]["together_with"], json!([1, 3]));
    let page = office.client.get(format!("http://{}/api/v1/reports/capacity?format=html", office.app.listening.http)).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("Ordered together") && page.contains("in one order with proposals 1, 3"), "the decision is on the page");

    office.deliver_all(ticket).await;
    office.app.stop().await;
}

impl Office {
    /// Each part is recorded; the ticket ends with the last.
    async fn deliver_all(&self, ticket: i64) {
        self.clock.set(START_US + 12 * DAY_US);
        for number in 1..=3 {
            let state = self.get(&format!("/api/v1/tickets/{ticket}")).await["ticket"]["state"].clone();
            assert!(state != "resolved", "{number} is still to come");
            let delivery = json!({ "delivered_on": "2026-11-27" });
            let delivered = self.good("POST", &format!("/api/v1/proposals/{number}/delivery"), delivery).await;
            assert_eq!(delivered["state"], "delivered");
        }
        let ended = self.get(&format!("/api/v1/tickets/{ticket}")).await;
        assert_eq!(ended["ticket"]["state"], "resolved");
        assert!(ended["history"].to_string().contains("Still to come: proposal 2, proposal 3."), "{}", ended["history"]);
        let standing = self.get(BOOK).await["standing"].clone();
        assert_eq!((&standing["committed_minor"], &standing["spent_minor"]), (&json!(0), &json!(150_000)));
        assert_eq!(self.told().await, json!({ "combined": [], "approved": [], "next": null }));
        let sql = "SELECT count(*) AS deliveries, sum(paid_minor) AS paid FROM supply_deliveries WHERE offer = 'N-1'";
        let rows = self.good("POST", "/api/v1/sql", json!({ "query": sql, "format": "json" })).await["rows"].clone();
        assert_eq!(rows, json!([{ "deliveries": 3, "paid": 150_000 }]));
    }
}
