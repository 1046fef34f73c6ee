//! Who sells to the department and serves it.

use serde::{Deserialize, Serialize};

use super::field::Complaints;
use crate::document::{Complaint, duration_us};

/// Longest promised delivery: what takes longer than three years is no promise.
pub(super) const MAX_DELIVERY_DAYS: u32 = 1_095;

/// Somebody who sells or serves, and what was agreed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Supplier {
    /// What they deliver.
    pub description: String,
    /// Whom to ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Where mail reaches them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Where a call reaches them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Days from order to delivery, as promised; what was seen comes from deliveries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_time_days: Option<u32>,
    /// How soon they answer, as agreed: `4h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_time: Option<String>,
    /// How soon it works again, as agreed: `2d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution_time: Option<String>,
    /// Our number with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_number: Option<String>,
}

impl Supplier {
    /// What is wrong with the record, field by field; empty if it may be kept.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints.description(&self.description);
        let texts =
            [("contact", &self.contact), ("email", &self.email), ("phone", &self.phone), ("customer_number", &self.customer_number)];
        for (field, text) in texts {
            complaints.optional(field, text.as_ref());
        }
        let parts = |address: &String| address.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty());
        if self.email.as_ref().is_some_and(|address| !parts(address) || address.contains(char::is_whitespace)) {
            complaints.add("email", "it is no mail address; write one such as sales@example.com");
        }
        if let Some(days) = self.lead_time_days {
            complaints.within("lead_time_days", days, 0, MAX_DELIVERY_DAYS);
        }
        for (field, time) in [("response_time", &self.response_time), ("resolution_time", &self.resolution_time)] {
            if let Some(Err(why)) = time.as_deref().map(duration_us) {
                complaints.add(field, why);
            }
        }
        complaints.into_vec()
    }
}
