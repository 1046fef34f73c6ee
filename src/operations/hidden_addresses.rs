//! Addresses of webhooks that most people may not see, and what happens when a document comes back without them.
//!
//! Whoever knows the address of somebody's webhook can write to them as if it came from here. A document that is shown or
//! exported without addresses is written back as it is: the stored addresses stay where they are hidden. As nothing tells one
//! hidden address from another, that holds only while as many webhooks are named as are stored, in their order.

use serde_json::Value;

use crate::document::Complaint;

/// What stands in the place of an address.
const HIDDEN: &str = "(hidden)";

fn webhooks(document: &mut Value) -> impl Iterator<Item = (usize, &mut Value)> {
    let contacts = document.pointer_mut("/notifications/contacts").and_then(Value::as_array_mut);
    contacts.into_iter().flatten().enumerate().filter(|(_, contact)| contact["channel"] == "webhook")
}

/// Hides the addresses of a user's webhooks.
pub fn hide_addresses(user: &mut Value) {
    for (_, contact) in webhooks(user) {
        contact["address"] = HIDDEN.into();
    }
}

/// Puts the stored addresses of a user's webhooks where they are hidden.
///
/// # Errors
/// Names each hidden address for which it is not clear which one is meant.
pub(super) fn restore_addresses(user: &mut Value, stored: Option<&Value>) -> Result<(), Vec<Complaint>> {
    let stored: Vec<Value> = webhooks(&mut stored.cloned().unwrap_or_default()).map(|(_, contact)| contact["address"].clone()).collect();
    let are_as_many = webhooks(user).count() == stored.len();
    let mut complaints = Vec::new();
    for ((at, contact), address) in webhooks(user).zip(stored.into_iter().map(Some).chain(std::iter::repeat(None))) {
        if contact["address"] != HIDDEN {
            continue;
        }
        match address.filter(|_| are_as_many) {
            Some(address) => contact["address"] = address,
            None => complaints.push(Complaint::new(
                format!("notifications.contacts[{at}].address"),
                "it is hidden, and which stored address it stands for is not clear, as there are not as many webhooks as before; \
                 write the address, or have an administrator or the person do so",
            )),
        }
    }
    if complaints.is_empty() { Ok(()) } else { Err(complaints) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user(addresses: &[&str]) -> Value {
        let contacts = addresses.iter().map(|address| json!({ "channel": "webhook", "address": address }));
        let mail = json!({ "channel": "email", "address": "ines@example.org" });
        json!({ "notifications": { "contacts": std::iter::once(mail).chain(contacts).collect::<Vec<_>>() } })
    }

    #[test]
    fn what_was_hidden_comes_back_where_it_was() {
        let stored = user(&["https://a.example", "https://b.example"]);
        let mut shown = stored.clone();
        hide_addresses(&mut shown);
        assert_eq!(shown, user(&[HIDDEN, HIDDEN]));
        restore_addresses(&mut shown, Some(&stored)).unwrap();
        assert_eq!(shown, stored);
        let mut changed = user(&[HIDDEN, "https://c.example"]);
        restore_addresses(&mut changed, Some(&stored)).unwrap();
        assert_eq!(changed, user(&["https://a.example", "https://c.example"]));
    }

    #[test]
    fn a_hidden_address_is_never_guessed() {
        let stored = user(&["https://a.example", "https://b.example"]);
        for (mut other, known) in [(user(&[HIDDEN]), Some(&stored)), (user(&[HIDDEN]), None)] {
            let complaints = restore_addresses(&mut other, known).unwrap_err();
            assert_eq!(complaints.len(), 1);
            assert!(crate::document::in_words(&complaints).contains("notifications.contacts[1].address"));
        }
        let mut odd = json!({ "notifications": { "contacts": "none" } });
        assert!(restore_addresses(&mut odd, Some(&stored)).is_ok(), "what is wrong otherwise is said elsewhere");
        assert!(restore_addresses(&mut json!(7), None).is_ok());
    }
}
