//! Who may agree to a clean-up, over HTTP: the team that looks after the resource, and leads.

use serde_json::{Value, json};
use watchroom::clock::TimestampUs;
use watchroom::sample_site::{Site, SiteConfig};

use crate::capacity::{Office, START_US, VOLUME};

const AGREED: &str = "/api/v1/proposals/1/agreed-clean-up";

impl Office {
    /// Logs somebody in for the first time; gives their cookie.
    async fn log_in(&self, name: &str) -> String {
        let secret = self.good("POST", &format!("/api/v1/users/{name}/reset-password"), Value::Null).await;
        let password = secret["one_time_password"].as_str().unwrap().to_owned();
        let body = json!({ "user": name, "password": password, "new_password": "correct horse battery staple" });
        let url = format!("http://{}/api/v1/login", self.app.listening.http);
        let answer = self.client.post(url).header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    async fn ask_as(&self, cookie: &str, method: &str, body: &Value) -> (u16, Value) {
        let url = format!("http://{}{AGREED}", self.app.listening.http);
        let request = self.client.request(method.parse().unwrap(), url).header("cookie", cookie).header("idempotency-key", "once");
        let answer = request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_team_of_the_resource_and_leads_say_what_goes() {
    let office = Office::open().await;
    let user = |role: &str, team: &str| json!({ "display_name": "X", "role": role, "teams": [team] });
    let setup = json!({
        "team": { "storage": {}, "network": {} },
        "user": { "ines": user("technician", "storage"), "omar": user("technician", "network"), "lena": user("lead", "network"),
            "mara": user("manager", "network"), "root": user("administrator", "network") },
        "service": { "shop": { "team": "storage", "hosts": ["db01"], "criticality": "high" } },
    });
    office.good("PUT", "/api/v1/setup", setup).await;
    let config = SiteConfig { seed: 1, start_us: START_US, days: 7, metrics_step_s: 3_600, log_rate: 1.0 };
    let site = Site::new(config).unwrap();
    office.measure_as(VOLUME, site.capacity_history(400), TimestampUs::MAX).await;
    office.judge().await;
    let need = office.get("/api/v1/proposals/1").await["facts"]["need"].clone();
    assert_eq!(need["service"], "shop", "{need}");

    let (ines, omar, lena) = (office.log_in("ines").await, office.log_in("omar").await, office.log_in("lena").await);
    let amount = need["used"].as_f64().unwrap() / 2.0;
    let body = json!({ "amount": amount, "what": "exports of last year", "by_when": "2026-11-30" });
    let before = office.get("/api/v1/proposals/1").await;
    let (status, refused) = office.ask_as(&omar, "POST", &body).await;
    assert!(status == 403 && refused.to_string().contains("(storage), or by a lead"), "{status} {refused}");
    assert_eq!(office.get("/api/v1/proposals/1").await, before);

    let (status, agreed) = office.ask_as(&ines, "POST", &body).await;
    assert_eq!(status, 200, "{agreed}");
    assert_eq!(office.ask_as(&ines, "POST", &body).await, (200, agreed.clone()), "sent again, it is agreed once");
    let event = agreed["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((event["kind"].as_str(), event["detail"]["agreed"]["by"].as_str()), (Some("clean_up_agreed"), Some("ines")));
    let options = agreed["options"]["options"].as_array().unwrap();
    assert!(options.iter().any(|option| option["kind"] == "clean_up" && option["title"].as_str().unwrap().contains("ines has agreed")));
    assert_eq!(
        office.ask_as(&ines, "POST", &json!({ "amount": 1, "what": "else", "by_when": "2026-11-30" })).await.0,
        422,
        "the key was used"
    );

    assert_eq!(office.ask_as(&omar, "DELETE", &Value::Null).await.0, 403);
    let (status, taken_back) = office.ask_as(&lena, "DELETE", &Value::Null).await;
    assert!(status == 200 && taken_back["facts"]["need"]["agreed"].is_null(), "{status} {taken_back}");
    assert_eq!(office.ask_as(&lena, "DELETE", &Value::Null).await.0, 409);
    assert_eq!(office.ask("DELETE", "/api/v1/proposals/4711/agreed-clean-up", Value::Null).await.0, 404);
    assert_eq!(office.ask("POST", AGREED, json!({ "amount": "much" })).await.0, 400);
    office.app.stop().await;
}
