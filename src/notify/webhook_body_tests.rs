use proptest::prelude::*;

use super::*;
use crate::notify::{EventKind, Item};

fn message(subject: &str, text: &str) -> Message {
    Message {
        id: "5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11".into(),
        created_at_us: 1_798_077_600_000_000,
        person: "ines".into(),
        urgency: Urgency::Page,
        event: Some(EventKind::Escalated),
        ticket: Some(42),
        subject: subject.into(),
        text: text.into(),
        link: Some("https://watch.example.org/tickets/42".into()),
        acknowledge: Some("https://watch.example.org/acknowledge/1".into()),
        notices: vec![Item {
            id: "5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11".into(),
            created_at_us: 1_798_077_600_000_000,
            ticket: Some(42),
            event: EventKind::Escalated,
            urgency: Urgency::Page,
            subject: subject.into(),
            link: None,
        }],
        count: 1,
        payload: json!({"page": "42/1/1"}),
        file: None,
    }
}

fn body(shape: Shape, message: &Message) -> Value {
    serde_json::from_slice(&webhook_body(shape, message)).unwrap()
}

#[test]
fn the_generic_form_is_as_documented() {
    let wanted = json!({
        "version": 1,
        "id": "5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11",
        "created_at": "2026-12-24T02:00:00Z",
        "person": "ines",
        "event": "escalated",
        "urgency": "page",
        "ticket": 42,
        "subject": "Disk <full>",
        "text": "now",
        "link": "https://watch.example.org/tickets/42",
        "acknowledge": "https://watch.example.org/acknowledge/1",
        "count": 1,
        "notices": [{
            "id": "5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11",
            "created_at": "2026-12-24T02:00:00Z",
            "ticket": 42,
            "event": "escalated",
            "urgency": "page",
            "subject": "Disk <full>",
            "link": null,
        }],
        "payload": {"page": "42/1/1"},
    });
    let mut message = message("Disk <full>", "now");
    assert_eq!(body(Shape::Generic, &message), wanted);
    message.event = None;
    message.created_at_us = i64::MAX;
    let got = body(Shape::Generic, &message);
    assert_eq!((&got["event"], &got["created_at"]), (&json!("digest"), &Value::Null));
}

#[test]
fn slack_gets_no_link_and_no_mention_out_of_a_log_line() {
    let got = body(Shape::Slack, &message("<!channel> & <https://evil.example|your bank>", "<@U123> &lt; <http://x>"));
    let texts = [&got["text"], &got["blocks"][0]["text"]["text"], &got["blocks"][1]["text"]["text"]].map(|text| text.as_str().unwrap());
    assert_eq!(texts[0], "PAGE: &lt;!channel&gt; &amp; &lt;https://evil.example|your bank&gt;");
    assert_eq!(texts[1], "*PAGE: &lt;!channel&gt; &amp; &lt;https://evil.example|your bank&gt;*");
    assert_eq!(texts[2], "&lt;@U123&gt; &amp;lt; &lt;http://x&gt;");
    let buttons = got["blocks"][2]["elements"].as_array().unwrap();
    let urls: Vec<_> = buttons.iter().map(|button| button["url"].as_str().unwrap()).collect();
    assert_eq!(urls, ["https://watch.example.org/acknowledge/1", "https://watch.example.org/tickets/42"]);
}

#[test]
fn teams_gets_a_card_whose_texts_are_not_markdown() {
    let got = body(Shape::Teams, &message("[your bank](https://evil.example)", "**x**"));
    let card = &got["attachments"][0]["content"];
    assert_eq!((&got["type"], &card["type"], &card["version"]), (&json!("message"), &json!("AdaptiveCard"), &json!("1.4")));
    assert_eq!(got["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive");
    for block in card["body"].as_array().unwrap() {
        assert_eq!((&block["type"], &block["inlines"][0]["type"]), (&json!("RichTextBlock"), &json!("TextRun")));
    }
    assert_eq!(card["body"][0]["inlines"][0]["text"], "PAGE: [your bank](https://evil.example)");
    assert_eq!(
        card["actions"][0],
        json!({"type": "Action.OpenUrl", "title": "Acknowledge", "url": "https://watch.example.org/acknowledge/1"})
    );
}

#[test]
fn addresses_that_are_none_make_no_button() {
    for link in ["javascript:alert(1)", "", "https://x\n", &format!("https://{}", "x".repeat(3_000))] {
        let message = Message { link: Some(link.to_owned()), acknowledge: None, ..message("s", "t") };
        assert_eq!(body(Shape::Teams, &message)["attachments"][0]["content"]["actions"], json!([]));
        assert_eq!(body(Shape::Slack, &message)["blocks"].as_array().unwrap().len(), 2, "{link}");
    }
}

#[test]
fn nothing_grows_over_what_receivers_take() {
    for unit in ["&", "<>", "😀", "\"", "\\", "a"] {
        let long = message(&unit.repeat(10_000), &unit.repeat(100_000));
        let slack = body(Shape::Slack, &long);
        for block in slack["blocks"].as_array().unwrap() {
            let text = block["text"]["text"].as_str().unwrap_or_default();
            assert!(text.chars().count() <= 3_000, "{unit}: {}", text.chars().count());
        }
        assert!(webhook_body(Shape::Teams, &long).len() < 28_000, "{unit}");
    }
}

proptest! {
    #[test]
    fn slack_text_is_whole_or_cut_but_never_has_markup(text in any::<String>(), most in 1_usize..60) {
        let kept = slack_text(&text, most);
        prop_assert!(kept.chars().count() <= most);
        let unescaped = kept.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "");
        prop_assert!(!unescaped.contains(['<', '>', '&']), "{}", kept);
    }

    #[test]
    fn every_shape_is_json_for_any_text(subject in any::<String>(), text in any::<String>(), link in any::<String>(), at in any::<i64>()) {
        let message = Message { link: Some(link), created_at_us: at, ..message(&subject, &text) };
        for shape in Shape::ALL {
            prop_assert!(body(*shape, &message).is_object());
        }
    }
}
