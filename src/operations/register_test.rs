//! What may be set up, and what a document that cannot be read does to the rest.

use serde_json::json;

use super::hidden_addresses::hide_addresses;
use super::night_test::{admin, department, night, put};
use super::register::Register;

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let night = night().await;
    put(&night, "user", "root", json!({ "display_name": "Root", "role": "administrator" })).await;
    let technician = json!({ "display_name": "Root", "role": "technician" });
    let refused = night.register.put("user", "root", &technician, None, &admin()).await.unwrap_err().to_string();
    assert!(refused.contains("make somebody else administrator first"), "{refused}");
    let disabled = json!({ "display_name": "Root", "role": "administrator", "disabled": true });
    assert!(night.register.put("user", "root", &disabled, None, &admin()).await.is_err());
    assert!(night.register.delete("user", "root", None, &admin()).await.is_err());
    assert!(night.register.import(&json!({ "user": { "root": technician } }), false, &admin()).await.is_err());
    put(&night, "user", "lena", json!({ "display_name": "Lena", "role": "administrator", "teams": ["ops"] })).await;
    put(&night, "user", "root", technician).await;
}

#[tokio::test]
async fn a_document_of_another_version_is_left_out_alone_and_can_be_mended() {
    let night = night().await;
    let mut write = night.store.write().await.unwrap();
    for name in ["ines", "omar"] {
        sqlx::query("UPDATE documents SET document = json_set(document, '$.from_the_future', 1) WHERE kind = 'user' AND name = ?1")
            .bind(name)
            .execute(&mut *write)
            .await
            .unwrap();
    }
    write.commit().await.unwrap();
    let register = Register::open(night.store.clone(), night.clock.clone(), night.desk.clone()).await.unwrap();
    let setup = register.setup();
    assert!(!setup.users.contains_key("ines") && setup.users.contains_key("lena") && setup.rotas.contains_key("watch"));
    assert!(!setup.promises.is_empty() && setup.escalations.contains_key("night"));
    let user = department()["user"]["ines"].clone();
    register.put("user", "ines", &user, None, &admin()).await.unwrap();
    assert!(register.setup().users.contains_key("ines"), "one piece after the other");
    let wrong = json!({ "lead": "nobody" });
    assert!(register.put("team", "new", &wrong, None, &admin()).await.is_err(), "and no new fault gets in meanwhile");
}

#[tokio::test]
async fn an_export_without_addresses_can_be_imported_again() {
    let night = night().await;
    let with = |address: &str| {
        json!({ "display_name": "Ines", "role": "technician", "teams": ["ops"],
            "notifications": { "contacts": [{ "channel": "webhook", "address": address }] } })
    };
    put(&night, "user", "ines", with("https://chat.example.org/secret")).await;
    let mut export = night.register.export().await.unwrap();
    hide_addresses(&mut export["user"]["ines"]);
    assert!(!export.to_string().contains("secret"));
    assert!(night.register.import(&export, false, &admin()).await.unwrap().is_empty(), "nothing has changed");
    export["user"]["ines"]["display_name"] = json!("Ines S.");
    assert_eq!(night.register.import(&export, false, &admin()).await.unwrap().len(), 1);
    let stored = night.register.get("user", "ines").await.unwrap().document;
    assert_eq!(stored["notifications"]["contacts"][0]["address"], "https://chat.example.org/secret");
    export["user"]["omar"]["notifications"] = json!({ "contacts": [{ "channel": "webhook", "address": "(hidden)" }] });
    let refused = night.register.import(&export, false, &admin()).await.unwrap_err().to_string();
    assert!(refused.contains("user/omar.notifications.contacts[0].address"), "{refused}");
}
