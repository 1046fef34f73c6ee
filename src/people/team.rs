//! A team, as the document that describes it. Who belongs to it stands in the people's own documents.

use serde::{Deserialize, Serialize};

use super::field::{Complaints, check_email, check_line, check_name, check_remark};
use super::user::MAX_SHOWN_CHARS;
use crate::document::Complaint;

/// Longest description, in characters: a sentence or two.
const MAX_DESCRIPTION_CHARS: usize = 500;

/// A team of the desk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Team {
    /// What it answers for.
    pub description: String,
    /// Name of the person who leads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<String>,
    /// Name of the policy by which its tickets are escalated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation_policy: Option<String>,
    /// Where mail reaches all of it: told of its tickets that nobody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Name of the rota that says who of it is on call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rota: Option<String>,
}

impl Team {
    /// What is wrong with the document, field by field; empty if it may be stored. Whether the person, policy and rota exist is
    /// for the caller.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints.note("description", check_remark(&self.description, MAX_DESCRIPTION_CHARS));
        if let Some(lead) = &self.lead {
            complaints.note("lead", check_name(lead));
        }
        if let Some(policy) = &self.escalation_policy {
            complaints.note("escalation_policy", check_line(policy, MAX_SHOWN_CHARS));
        }
        if let Some(email) = &self.email {
            complaints.note("email", check_email(email));
        }
        if let Some(rota) = &self.rota {
            complaints.note("rota", check_line(rota, MAX_SHOWN_CHARS));
        }
        complaints.into_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_goes_through_json_and_toml_and_back() {
        for team in [
            Team::default(),
            Team {
                description: "Switches and lines".to_owned(),
                lead: Some("anna.huber".to_owned()),
                escalation_policy: Some("network".to_owned()),
                email: Some("network@example.com".to_owned()),
                rota: Some("network nights".to_owned()),
            },
        ] {
            assert_eq!(team.check(), []);
            assert_eq!(serde_json::from_str::<Team>(&serde_json::to_string(&team).unwrap()).unwrap(), team);
            assert_eq!(toml::from_str::<Team>(&toml::to_string(&team).unwrap()).unwrap(), team);
        }
        assert!(toml::from_str::<Team>("leader = \"anna\"").unwrap_err().to_string().contains("leader"));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let some = |text: &str| Some(text.to_owned());
        let team = Team {
            description: "a\nb".to_owned(),
            lead: some("Anna Huber"),
            escalation_policy: some(" "),
            email: some("nobody"),
            rota: some(&"x".repeat(101)),
        };
        let fields: Vec<String> = team.check().into_iter().map(|complaint| complaint.field).collect();
        assert_eq!(fields, ["description", "lead", "escalation_policy", "email", "rota"]);
    }
}
