//! What is set up as a file: exported, imported, compared, and refused with everything that is wrong.

use std::path::Path;

use serde_json::{Value, json};

use crate::command::{Ran, run, run_with};
use crate::server::{Answer, Launch, Server};

/// Holidays as a calendar program writes them: folded lines that end in CR and LF, escapes, letters beyond ASCII.
const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//holidays//DE\r\nBEGIN:VEVENT\r\nUID:1@example.org\r\n\
    DTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20261026\r\nDTEND;VALUE=DATE:20261027\r\nSUMMARY:Nationalfeiertag\\, für alle '''und''' \"\"\"jeden\"\"\"\r\n \
    \\nund mehr\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// A department with everything that can be set up.
fn department() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("team", "desk", json!({ "description": "\"everything\" with a \\, 'nothing' more" })),
        (
            "user",
            "ines",
            json!({ "display_name": "Ines Köhler", "email": "ines@example.org", "role": "technician", "teams": ["desk"],
                "skills": { "network": 4, "printer": 2 }, "time_zone": "Europe/Vienna",
                "working_hours": { "mon": ["08:00-12:00", "13:00-17:00"], "fri": ["22:00-06:00"] },
                "leave": [{ "from": "2026-12-24", "to": "2027-01-06", "note": "skiing" }],
                "notifications": { "rules": [{ "urgency": ["normal", "low"], "from": "20:00", "to": "07:00", "action": "digest", "digest_at": "07:00" }],
                    "contacts": [{ "shape": "slack", "channel": "webhook", "address": "https://chat.example.org/hook/1", "secret": "hook" },
                        { "channel": "email", "address": "ines@example.org" }] } }),
        ),
        ("user", "tom", json!({ "display_name": "Tom", "role": "lead", "teams": ["desk"] })),
        (
            "calendar",
            "office-hours",
            json!({ "time_zone": "Europe/Vienna", "hours": { "mon": ["08:00-17:00"], "fri": ["08:00-13:00"] }, "ical": HOLIDAYS,
                "holidays": [{ "date": "2026-12-24", "text": "half a day", "yearly": true, "hours": ["08:00-12:00"] }] }),
        ),
        (
            "sla_policy",
            "default",
            json!({ "rules": [{ "name": "all", "calendar": "office-hours", "first_response": "1h", "resolution": "16h", "pauses_in": ["user"] }] }),
        ),
        (
            "rota",
            "first-line",
            json!({ "time_zone": "Europe/Vienna",
                "layers": [{ "name": "weeks", "people": ["ines", "tom"], "rotation": "weekly", "starts_on": "2026-01-05" },
                    { "people": ["tom"], "rotation": { "hours": 12 }, "starts_on": "2026-01-05", "hours": [{ "weekdays": ["sat"], "from": "09:00", "to": "18:00" }] }],
                "overrides": [{ "from": "2026-12-24T09:00", "to": "2026-12-25T09:00", "person": "tom", "in_place_of": "ines" }] }),
        ),
        (
            "escalation_policy",
            "all",
            json!({ "repeat": 2, "steps": [{ "notify": ["rota:first-line"] }, { "after": "10m", "notify": ["team:desk", "user:tom"] }] }),
        ),
        (
            "service",
            "e-mail",
            json!({ "criticality": "high", "team": "desk", "escalation_policy": "all", "hosts": ["mail*"], "apps": ["postfix"] }),
        ),
        ("priority_matrix", "default", json!({ "high": ["P1", "P1", "P2"], "medium": ["P2", "P3", "P4"], "low": ["P3", "P4", "P5"] })),
        ("assignment_policy", "default", json!({ "max_load_percent": 120 })),
        ("skill_rules", "default", json!({ "rules": [{ "name": "mail", "services": ["e-mail"], "skills": { "network": 3 } }] })),
        ("desk_policy", "default", json!({ "reopen_within": "12h", "escalation_policy": "all" })),
        (
            "report_schedule",
            "monthly",
            json!({ "report": "capacity", "cron": "0 7 1 * *", "time_zone": "Europe/Vienna", "to": ["ines"], "keep": 12 }),
        ),
        (
            "maintenance",
            "patches",
            json!({ "description": "Updates", "services": ["e-mail"], "labels": { "rack": "A3" }, "cron": "0 2 * * sun#2", "lasts": "4h",
                "at": [{ "from": "2026-12-24T20:00:00Z", "until": "2026-12-25T02:00:00Z" }], "time_zone": "Europe/Vienna" }),
        ),
        ("heartbeat", "nightly-copy", json!({ "every": "1d", "description": "Look into the log.\nThen:\tstart it again." })),
    ]
}

async fn put(server: &Server, kind: &str, name: &str, document: &Value) -> Answer {
    Answer::read(server.request("PUT", &format!("/api/v1/setup/{kind}/{name}")).body(document.to_string()).send().await.unwrap())
        .await
        .unwrap()
}

async fn set_up(server: &Server) {
    for (kind, name, document) in department() {
        let answer = put(server, kind, name, &document).await;
        assert_eq!(answer.status, 200, "{kind}/{name}: {}", answer.text());
    }
}

fn data(folder: &Path) -> String {
    folder.join("data").to_str().unwrap().to_owned()
}

fn import(folder: &Path, file: &str, more: &[&str]) -> Ran {
    let data = data(folder);
    let mut arguments = vec!["setup", "import", file, "--data", &data];
    arguments.extend(more);
    run(folder, &arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_imported_elsewhere_is_exported_the_same_byte_for_byte() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Launch::on(one.path()).start().await;
    set_up(&server).await;
    let file = one.path().join("setup.toml");
    run(one.path(), &["setup", "export", file.to_str().unwrap(), "--with-addresses", "--data", &data(one.path())]).good();
    let first = std::fs::read_to_string(&file).unwrap();
    let read: toml::Table = first.parse().expect("an export is TOML");
    for (kind, name, _) in department() {
        assert!(read[kind].get(name).is_some(), "{kind}/{name} is not in\n{first}");
    }
    assert_eq!(read["calendar"]["office-hours"]["ical"].as_str(), Some(HOLIDAYS), "the calendar is not what was sent");
    // Where it came from nothing differs; elsewhere everything is new but the administrator, and alike afterwards.
    let file = file.to_str().unwrap();
    assert_eq!(import(one.path(), file, &[]).good(), "Nothing differs from what is set up.\n");
    let _second = Launch::on(other.path()).start().await;
    let said = import(other.path(), file, &[]).good();
    assert_eq!(said.lines().count(), department().len() + 1, "{said}");
    assert!(said.contains("new user/ines\n") && said.ends_with(&format!("{} changed.\n", department().len())), "{said}");
    let again = run(other.path(), &["setup", "export", "--with-addresses", "--data", &data(other.path())]).good();
    assert!(again == first, "--- first\n{first}\n--- second\n{again}");
    // For version control, without what would let anybody write to Ines; taken back, it changes nothing.
    let plain = run(one.path(), &["setup", "export", "--data", &data(one.path())]).good();
    assert_eq!(plain, first.replace("https://chat.example.org/hook/1", "(hidden)"));
    std::fs::write(one.path().join("plain.toml"), plain).unwrap();
    let plain = one.path().join("plain.toml");
    assert_eq!(import(one.path(), plain.to_str().unwrap(), &[]).good(), "Nothing differs from what is set up.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing_and_says_what_would_change() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    set_up(&server).await;
    let file = folder.path().join("change.toml");
    // A date without quotes is what people write in TOML.
    let text = "[team.night]\ndescription = \"for nights\"\n\n[user.tom]\ndisplay_name = \"Tom\"\nrole = \"lead\"\nteams = [\"desk\", \"night\"]\n\
        leave = [{ from = 2026-12-24, to = 2026-12-31 }]\n";
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let before = server.get("/api/v1/setup").await.text();
    let said = import(folder.path(), file, &["--dry-run"]).good();
    assert_eq!(said, "new team/night\nchanged user/tom\n2 would change; nothing was changed.\n");
    assert_eq!(server.get("/api/v1/setup").await.text(), before);
    assert_eq!(import(folder.path(), file, &[]).good(), "new team/night\nchanged user/tom\n2 changed.\n");
    let tom = server.get("/api/v1/setup/user/tom").await.json();
    assert_eq!((&tom["document"]["leave"][0]["from"], &tom["version"]), (&json!("2026-12-24"), &json!(2)));
    let audited = run_with(folder.path(), &["setup", "import", "-", "--data", &data(folder.path())], &[], b"[team.night]\n").good();
    assert_eq!(audited, "changed team/night\n1 changed.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_said_at_once_by_field() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    let before = server.get("/api/v1/setup").await.text();
    let nowhere = run(folder.path(), &["setup", "export", "--data", "nowhere"]);
    assert!(nowhere.code == 1 && nowhere.stderr.contains("there is no desk"), "{}", nowhere.stderr);
    assert!(!folder.path().join("nowhere").try_exists().unwrap(), "asking made a desk");
    let file = folder.path().join("wrong.toml");
    let wrong = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let ran = import(folder.path(), file.to_str().unwrap(), &[]);
        assert_eq!((ran.code, ran.text().as_str()), (1, ""), "{}", ran.stderr);
        ran.stderr
    };
    let text =
        "[user.ines]\ndisplay_name = \"\"\ncapacity = 5000\n\n[user.tom]\ndisplay_name = \"Tom\"\ntime_zone = \"Europe/Wien\\u001b[31m\"\n";
    let said = wrong(text);
    for field in ["user/ines.display_name: ", "user/ines.capacity: ", "user/tom.time_zone: "] {
        assert_eq!(said.lines().filter(|line| line.starts_with(&format!("watchroom: {field}"))).count(), 1, "{field} in\n{said}");
    }
    assert!(!said.contains('\u{1b}'), "a file could speak to the terminal");
    let said = wrong("[team.desk]\nlead = \"nobody\"\nrota = \"none\"\n");
    assert!(said.contains("team/desk.lead: there is no user `nobody`") && said.contains("team/desk.rota: there is no rota"), "{said}");
    assert!(wrong("[[[").contains("is no TOML"));
    assert!(wrong("[teem.desk]\n").contains("there is no kind of document `teem`"));
    assert_eq!(server.get("/api/v1/setup").await.text(), before);
}
