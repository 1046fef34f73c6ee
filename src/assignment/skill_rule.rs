//! Which skills and which team a ticket needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::candidate::TOP_LEVEL;
use crate::document::Complaint;

/// Rules in a document at most: each ticket is held against all of them.
const MAX_RULES: usize = 1_000;

/// Entries of one list of a rule at most.
const MAX_ENTRIES: usize = 100;

/// Characters of a title that are searched for words; titles of the desk have at most 300.
const MAX_TITLE_CHARS: usize = 1_000;

/// Kinds of tickets, as ITIL 4 has them.
const KINDS: [&str; 4] = ["incident", "request", "problem", "change"];

/// What tickets need, as a list of rules. A document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SkillRules {
    /// Whether the first rule that matches decides, or all of them together. Default `all`.
    pub matching: MatchMode,
    /// The rules, in the order in which they are asked.
    pub rules: Vec<SkillRule>,
}

/// How many of the rules that match count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchMode {
    /// The first one alone.
    First,
    /// All: every skill that one of them names, at the highest level that one of them asks; the team of the first that
    /// names one.
    #[default]
    All,
}

/// What tickets of some sort need. An empty list leaves its question open; all that are not empty must agree, so a rule
/// without any matches every ticket. Letter case never counts, and a name may end in `*`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SkillRule {
    /// What people call it: `network gear`.
    pub name: String,
    /// Rules that open such tickets: `disk_*`.
    pub rules: Vec<String>,
    /// Services: one of them.
    pub services: Vec<String>,
    /// Kinds: `incident`, `request`, `problem`, `change`.
    pub kinds: Vec<String>,
    /// Words of the title: one of them, as a whole word. `vpn` does not match `vpnd`, `vpn*` does.
    pub words: Vec<String>,
    /// Entity columns with their values: `host = "db*"`. All of them.
    pub entity: BTreeMap<String, String>,
    /// The team that it goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Skills with the least level, 1 to 5.
    pub skills: BTreeMap<String, u8>,
}

/// What is known of a ticket.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The rule that opened it.
    pub rule: Option<&'a str>,
    /// Entity column and value.
    pub entity: &'a BTreeMap<String, String>,
    /// The service that it is about.
    pub service: Option<&'a str>,
    /// Its kind: `incident`, ...
    pub kind: &'a str,
    /// Its title.
    pub title: &'a str,
}

/// What a ticket needs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Needs {
    /// Skills with the least level.
    pub skills: BTreeMap<String, u8>,
    /// The team; `None` if no rule names one.
    pub team: Option<String>,
    /// Names of the rules that said so, in their order.
    pub because: Vec<String>,
}

/// What the rules say of this ticket; nothing, if none matches.
pub fn derive_needs(rules: &SkillRules, about: &About<'_>) -> Needs {
    let most = if rules.matching == MatchMode::First { 1 } else { MAX_RULES };
    let mut needs = Needs::default();
    for rule in rules.rules.iter().take(MAX_RULES).filter(|rule| rule.matches(about)).take(most) {
        for (skill, level) in &rule.skills {
            let known = needs.skills.entry(skill.clone()).or_insert(0);
            *known = (*known).max(*level);
        }
        needs.team = needs.team.or_else(|| rule.team.clone());
        needs.because.push(rule.name.clone());
    }
    needs
}

impl SkillRule {
    /// Whether the ticket is of this sort.
    fn matches(&self, about: &About<'_>) -> bool {
        let one_of = |patterns: &[String], name: Option<&str>| {
            patterns.is_empty() || name.is_some_and(|name| patterns.iter().any(|pattern| fits(pattern, name)))
        };
        let entity = |(column, pattern): (&String, &String)| about.entity.get(column).is_some_and(|value| fits(pattern, value));
        one_of(&self.rules, about.rule)
            && one_of(&self.services, about.service)
            && one_of(&self.kinds, Some(about.kind))
            && self.entity.iter().all(entity)
            && (self.words.is_empty() || self.words_match(about.title))
    }

    fn words_match(&self, title: &str) -> bool {
        let end = title.char_indices().nth(MAX_TITLE_CHARS).map_or(title.len(), |(at, _)| at);
        // A dash or dot may stand inside a word (`web-01`, `db.example.org`); such a word also matches in its parts.
        let of_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.');
        let whole = title[..end].split(|character| !of_word(character)).map(|word| word.trim_matches(['-', '.']));
        let parts = title[..end].split(|character: char| !character.is_alphanumeric() && character != '_');
        whole.chain(parts).filter(|word| !word.is_empty()).any(|word| self.words.iter().any(|pattern| fits(pattern, word)))
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, open_end) = pattern.strip_suffix('*').map_or((pattern, false), |start| (start, true));
    let mut rest = name.chars().flat_map(char::to_lowercase);
    let same = pattern.chars().flat_map(char::to_lowercase).all(|character| rest.next() == Some(character));
    same && (open_end || rest.next().is_none())
}

impl SkillRules {
    /// Everything that is wrong with it; empty if it can be used.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        if self.rules.len() > MAX_RULES {
            let why = format!("there are {} rules; write at most {MAX_RULES}", self.rules.len());
            complaints.push(Complaint::new("rules", why));
        }
        for (at, rule) in self.rules.iter().enumerate().take(MAX_RULES) {
            rule.check(&format!("rules[{at}]"), &mut complaints);
            if self.rules[..at].iter().any(|other| other.name == rule.name) {
                complaints.push(Complaint::new(format!("rules[{at}].name"), "another rule has the same name; write another"));
            }
        }
        complaints
    }
}

impl SkillRule {
    fn check(&self, path: &str, complaints: &mut Vec<Complaint>) {
        let mut complain = |field: String, why: &str| complaints.push(Complaint::new(format!("{path}.{field}"), why));
        if self.name.trim().is_empty() {
            complain("name".to_owned(), "it is empty; write what people call these tickets");
        }
        if self.skills.is_empty() && self.team.is_none() {
            complain("skills".to_owned(), "the rule asks for neither skills nor a team; name at least one");
        }
        for (skill, level) in &self.skills {
            if skill.trim().is_empty() || !(1..=TOP_LEVEL).contains(level) {
                complain(format!("skills.{skill}"), "write the skill's name with a level from 1 to 5");
            }
        }
        if self.team.as_ref().is_some_and(|team| team.trim().is_empty()) {
            complain("team".to_owned(), "it is empty; write a team's name, or leave it out");
        }
        for (field, list) in [("rules", &self.rules), ("services", &self.services), ("kinds", &self.kinds), ("words", &self.words)] {
            if list.len() > MAX_ENTRIES {
                complain(field.to_owned(), "the list is too long; write at most 100 entries");
            }
            for (at, _) in list.iter().enumerate().filter(|(_, entry)| entry.trim().is_empty()) {
                complain(format!("{field}[{at}]"), "it is blank; take it out");
            }
        }
        for (at, kind) in self.kinds.iter().enumerate() {
            if !KINDS.iter().any(|known| fits(kind, known)) {
                complain(format!("kinds[{at}]"), "there is no such kind; write incident, request, problem or change");
            }
        }
        if self.entity.len() > MAX_ENTRIES {
            complain("entity".to_owned(), "there are too many columns; write at most 100");
        }
        if self.skills.len() > MAX_ENTRIES {
            complain("skills".to_owned(), "there are too many; write at most 100");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: &str = r#"
        [[rules]]
        name = "databases"
        entity = { host = "DB*" }
        team = "data"
        skills = { postgres = 2 }

        [[rules]]
        name = "disks"
        rules = ["disk_*", "raid_degraded"]
        team = "servers"
        skills = { linux = 3, postgres = 4 }

        [[rules]]
        name = "vpn requests"
        kinds = ["request"]
        words = ["vpn", "wireguard*"]
        skills = { network = 2 }

        [[rules]]
        name = "all"
        team = "service desk"
    "#;

    fn entity(host: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("host".to_owned(), host.to_owned())])
    }

    fn derived(mode: MatchMode, rule: &str, host: &str, kind: &str, title: &str) -> Needs {
        let mut rules: SkillRules = toml::from_str(RULES).unwrap();
        rules.matching = mode;
        assert_eq!(rules.check(), []);
        derive_needs(&rules, &About { rule: Some(rule), entity: &entity(host), service: None, kind, title })
    }

    #[test]
    fn all_rules_together_ask_the_highest_level_and_the_first_team() {
        let needs = derived(MatchMode::All, "disk_full", "db07", "incident", "Disk full");
        assert_eq!(needs.because, ["databases", "disks", "all"]);
        assert_eq!(needs.team.as_deref(), Some("data"));
        assert_eq!(needs.skills, BTreeMap::from([("linux".to_owned(), 3), ("postgres".to_owned(), 4)]));
    }

    #[test]
    fn the_first_rule_alone_decides_if_wished() {
        let needs = derived(MatchMode::First, "disk_full", "db07", "incident", "Disk full");
        assert_eq!(needs.because, ["databases"]);
        assert_eq!(needs.skills, BTreeMap::from([("postgres".to_owned(), 2)]));
    }

    #[test]
    fn words_are_whole_words_in_any_case() {
        for (title, matches) in [
            ("No VPN since Monday", true),
            ("vpn-gateway: password", true),
            ("WireGuard0 is down", true),
            ("vpnd is down", false),
            ("openvpn", false),
            ("Über-VPN", true),
            ("", false),
        ] {
            let needs = derived(MatchMode::All, "", "web01", "request", title);
            assert_eq!(needs.because.contains(&"vpn requests".to_owned()), matches, "{title}");
        }
        assert!(!derived(MatchMode::All, "", "web01", "incident", "vpn").because.contains(&"vpn requests".to_owned()), "another kind");
    }

    #[test]
    fn a_name_with_dashes_is_one_word_too() {
        let rule = SkillRule { words: vec!["web-01*".to_owned()], ..SkillRule::default() };
        assert!(rule.words_match("Fault on web-01.example.org."));
        assert!(!rule.words_match("Fault on web-02"));
    }

    #[test]
    fn every_fault_is_named_with_its_field() {
        let text = r#"
            [[rules]]
            name = " "
            skills = { linux = 6 }
            kinds = ["incidents"]
            words = [""]
            [[rules]]
            name = "x"
            [[rules]]
            name = "x"
            team = ""
        "#;
        let rules: SkillRules = toml::from_str(text).unwrap();
        let fields: Vec<String> = rules.check().into_iter().map(|complaint| complaint.field).collect();
        let expected = [
            "rules[0].name",
            "rules[0].skills.linux",
            "rules[0].words[0]",
            "rules[0].kinds[0]",
            "rules[1].skills",
            "rules[2].team",
            "rules[2].name",
        ];
        assert_eq!(fields, expected);
        assert!(toml::from_str::<SkillRules>("[[rules]]\nhost = \"a\"").is_err(), "unknown keys are refused");
    }

    #[test]
    fn it_round_trips() {
        let rules: SkillRules = toml::from_str(RULES).unwrap();
        assert_eq!(toml::from_str::<SkillRules>(&toml::to_string(&rules).unwrap()).unwrap(), rules);
        assert_eq!(serde_json::from_value::<SkillRules>(serde_json::to_value(&rules).unwrap()).unwrap(), rules);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(pattern in any::<String>(), title in any::<String>()) {
            let rule = SkillRule { words: vec![pattern.clone()], rules: vec![pattern.clone()], ..SkillRule::default() };
            let about = About { rule: Some(&title), entity: &BTreeMap::new(), service: None, kind: "incident", title: &title };
            rule.matches(&about);
            prop_assert!(fits(&pattern, &pattern));
            prop_assert!(fits("*", &title));
        }
    }
}
