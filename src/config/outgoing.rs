//! `[desk]`, `[smtp]` and `[webhooks]`: how messages leave.

use serde_json::{Map, Value, json};

use super::Settings;
use crate::document::Complaint;
use crate::notify::{SmtpConfig, WebhookConfig};
use crate::operations::DeliveryConfig;

/// What the three sections mean.
///
/// # Errors
/// Everything that is wrong, as `section.key: why`.
pub fn delivery_config(settings: &Settings) -> Result<DeliveryConfig, Vec<String>> {
    let mut wrong = Vec::new();
    let url = &settings.desk.public_url;
    if !(url.is_empty() || url.starts_with("https://") || url.starts_with("http://")) {
        wrong.push(format!("desk.public_url: `{url}` is no address; write one such as https://watch.example.org"));
    }
    let smtp = smtp_config(settings, &mut wrong);
    let webhooks = webhook_config(settings, &mut wrong);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let password = &settings.smtp.password;
    Ok(DeliveryConfig {
        smtp,
        smtp_password: (!password.is_empty()).then(|| password.clone()),
        webhooks,
        public_url: url.clone(),
        link_secret: Vec::new(),
    })
}

fn smtp_config(settings: &Settings, wrong: &mut Vec<String>) -> Option<SmtpConfig> {
    let smtp = &settings.smtp;
    if smtp.host.is_empty() {
        return None;
    }
    let mut document = Map::new();
    let texts = [
        ("host", &smtp.host),
        ("security", &smtp.security),
        ("user", &smtp.user),
        ("from", &smtp.from),
        ("reply_to", &smtp.reply_to),
        ("ca_file", &smtp.ca_file),
    ];
    for (key, text) in texts {
        if !text.is_empty() || key == "from" {
            document.insert(key.to_owned(), json!(text));
        }
    }
    document.insert("allow_plain".to_owned(), json!(smtp.allow_plain));
    if smtp.port != 0 {
        document.insert("port".to_owned(), json!(smtp.port));
    }
    read("smtp", document, SmtpConfig::check, wrong)
}

fn webhook_config(settings: &Settings, wrong: &mut Vec<String>) -> WebhookConfig {
    let webhooks = &settings.webhooks;
    let mut document = Map::new();
    document.insert("allow_http".to_owned(), json!(webhooks.allow_http));
    document.insert("allow_private".to_owned(), json!(webhooks.allow_private));
    if !webhooks.ca_file.is_empty() {
        document.insert("ca_file".to_owned(), json!(webhooks.ca_file));
    }
    read("webhooks", document, WebhookConfig::check, wrong).unwrap_or_default()
}

fn read<T: serde::de::DeserializeOwned>(
    section: &str,
    document: Map<String, Value>,
    check: impl Fn(&T) -> Vec<Complaint>,
    wrong: &mut Vec<String>,
) -> Option<T> {
    match serde_json::from_value::<T>(Value::Object(document)) {
        Ok(config) => {
            let complaints = check(&config);
            wrong.extend(complaints.iter().map(|complaint| format!("{section}.{}: {}", complaint.field, complaint.why)));
            complaints.is_empty().then_some(config)
        }
        Err(error) => {
            wrong.push(format!("{section}: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_by_section_and_key() {
        let mut settings = Settings::default();
        assert!(delivery_config(&settings).unwrap().smtp.is_none());
        settings.smtp.host = "mail.example.org".into();
        settings.webhooks.allow_private = vec!["10.0.0.0/99".into()];
        settings.desk.public_url = "watch.example.org".into();
        let wrong = delivery_config(&settings).unwrap_err();
        for section in ["smtp.from", "webhooks", "desk.public_url"] {
            assert!(wrong.iter().any(|line| line.starts_with(section)), "{section}: {wrong:?}");
        }
        assert!(!format!("{:?}", settings.smtp).contains("password"));
    }
}
