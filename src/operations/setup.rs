//! What a department has set up, read once from its documents.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::documents::{DeskPolicy, Service, preferences_of};
use super::maintenance::MaintenanceWindow;
use super::report_schedule::ReportSchedule;
use crate::alert::Heartbeat;
use crate::assignment::{AssignmentPolicy, SkillRules};
use crate::capacity::CapacityPolicy;
use crate::clock::{DAY_US, TimestampUs};
use crate::desk::{DeskRules, PriorityMatrix, ServiceFacts, Ticket};
use crate::document::{Complaint, duration_us};
use crate::escalation::{EscalationPolicy, Ladder, Target};
use crate::notify::Preferences;
use crate::on_call::{Absence, Plan, Rota, Wanted, on_call_at};
use crate::people::{Role, Team, User};
use crate::purchase::PurchasePolicy;
use crate::sla::{Calendar, Calendars, Promises, SlaPolicy};

/// Documents by kind and name.
pub type Documents = BTreeMap<(String, String), Value>;

/// The name of a document of which there is one.
pub const SINGLE: &str = "default";

/// Everything that was set up, checked and resolved.
#[derive(Debug, Default)]
pub struct Setup {
    /// People.
    pub users: BTreeMap<String, User>,
    /// How each is told of things.
    pub preferences: BTreeMap<String, Preferences>,
    /// Teams.
    pub teams: BTreeMap<String, Team>,
    /// Services.
    pub services: BTreeMap<String, Service>,
    /// When time counts, laid out.
    pub calendars: Calendars,
    /// The same as it was written.
    pub written_calendars: BTreeMap<String, Calendar>,
    /// What is promised.
    pub promises: Promises,
    /// Who is on call when: what was written, and what it means.
    pub rotas: BTreeMap<String, (Rota, Plan)>,
    /// Who is called: what was written, and what it means.
    pub escalations: BTreeMap<String, (EscalationPolicy, Ladder)>,
    /// Who gets a ticket.
    pub assignment: AssignmentPolicy,
    /// What a ticket needs.
    pub skills: SkillRules,
    /// How the desk works.
    pub desk: DeskPolicy,
    /// Impact and urgency make the priority.
    pub matrix: PriorityMatrix,
    /// What must report that it still runs.
    pub heartbeats: BTreeMap<String, Heartbeat>,
    /// What people decided about resources.
    pub capacity: CapacityPolicy,
    /// By what purchases are compared.
    pub purchase: PurchasePolicy,
    /// Reports that are made by themselves.
    pub reports: BTreeMap<String, ReportSchedule>,
    /// When what is worked on, and is not to wake anybody.
    pub maintenance: BTreeMap<String, MaintenanceWindow>,
    /// When people are away.
    pub absences: Vec<Absence>,
}

impl Setup {
    /// Reads documents, and how they refer to one another. They may be wrong: it leaves out what cannot be read, keeps what refers to it, and gives everything that is
    /// wrong as `kind/name.field`. Whoever follows a reference finds nothing there.
    pub fn read(documents: &Documents) -> (Self, Vec<Complaint>) {
        let mut complaints = Vec::new();
        let users: BTreeMap<String, User> = all(documents, "user", &mut complaints);
        let mut setup = Self {
            // Who is kept out is told nothing.
            preferences: users
                .iter()
                .filter(|(_, user)| !user.disabled)
                .filter_map(|(name, user)| Some((name.clone(), preferences_of(user).ok()?)))
                .collect(),
            absences: users.iter().flat_map(|(name, user)| absences(name, user)).collect(),
            users,
            written_calendars: all(documents, "calendar", &mut complaints),
            teams: all(documents, "team", &mut complaints),
            services: all(documents, "service", &mut complaints),
            assignment: single(documents, "assignment_policy", &mut complaints),
            skills: single(documents, "skill_rules", &mut complaints),
            desk: single(documents, "desk_policy", &mut complaints),
            matrix: single(documents, "priority_matrix", &mut complaints),
            heartbeats: all(documents, "heartbeat", &mut complaints),
            capacity: single(documents, "capacity_policy", &mut complaints),
            purchase: single(documents, "purchase_policy", &mut complaints),
            reports: all(documents, "report_schedule", &mut complaints),
            maintenance: all(documents, "maintenance", &mut complaints),
            ..Self::default()
        };
        match Calendars::resolve(&setup.written_calendars) {
            Ok(resolved) => setup.calendars = resolved,
            Err(wrong) => complaints.extend(wrong),
        }
        match single::<SlaPolicy>(documents, "sla_policy", &mut complaints).resolve(&setup.calendars) {
            Ok(promises) => setup.promises = promises,
            Err(wrong) => complaints.extend(wrong.into_iter().map(|it| it.below(&format!("sla_policy/{SINGLE}")))),
        }
        for (name, rota) in all::<Rota>(documents, "rota", &mut complaints) {
            match rota.plan() {
                Ok(plan) => drop(setup.rotas.insert(name, (rota, plan))),
                Err(wrong) => complaints.extend(wrong.into_iter().map(|it| it.below(&format!("rota/{name}")))),
            }
        }
        for (name, policy) in all::<EscalationPolicy>(documents, "escalation_policy", &mut complaints) {
            match policy.ladder() {
                Ok(ladder) => drop(setup.escalations.insert(name, (policy, ladder))),
                Err(wrong) => {
                    complaints.extend(wrong.into_iter().map(|it| it.below(&format!("escalation_policy/{name}"))));
                }
            }
        }
        setup.check_references(&mut complaints);
        (setup, complaints)
    }

    fn check_references(&self, complaints: &mut Vec<Complaint>) {
        let mut need = |place: String, what: &str, name: &str, exists: bool| {
            if !exists {
                complaints.push(Complaint::new(place, format!("there is no {what} `{name}`; write it first, or name another")));
            }
        };
        for (name, user) in &self.users {
            for team in &user.teams {
                need(format!("user/{name}.teams"), "team", team, self.teams.contains_key(team));
            }
        }
        for (name, team) in &self.teams {
            let place = |field: &str| format!("team/{name}.{field}");
            team.lead.iter().for_each(|lead| need(place("lead"), "user", lead, self.users.contains_key(lead)));
            let policies = team.escalation_policy.iter();
            policies.for_each(|it| need(place("escalation_policy"), "escalation_policy", it, self.escalations.contains_key(it)));
            team.rota.iter().for_each(|rota| need(place("rota"), "rota", rota, self.rotas.contains_key(rota)));
        }
        for (name, service) in &self.services {
            let place = |field: &str| format!("service/{name}.{field}");
            service.team.iter().for_each(|team| need(place("team"), "team", team, self.teams.contains_key(team)));
            let policies = service.escalation_policy.iter();
            policies.for_each(|it| need(place("escalation_policy"), "escalation_policy", it, self.escalations.contains_key(it)));
        }
        for (name, (rota, _)) in &self.rotas {
            let people: BTreeSet<&String> =
                rota.layers.iter().flat_map(|layer| &layer.people).chain(rota.overrides.iter().map(|it| &it.person)).collect();
            people.into_iter().for_each(|person| need(format!("rota/{name}"), "user", person, self.users.contains_key(person)));
            let calendars = rota.calendar.iter();
            calendars.for_each(|it| need(format!("rota/{name}.calendar"), "calendar", it, self.written_calendars.contains_key(it)));
        }
        for (name, (policy, _)) in &self.escalations {
            for target in policy.targets() {
                let (what, named, exists) = match target {
                    Target::Rota(rota) => ("rota", rota, self.rotas.contains_key(rota)),
                    Target::Team(team) => ("team", team, self.teams.contains_key(team)),
                    Target::User(user) => ("user", user, self.users.contains_key(user)),
                };
                need(format!("escalation_policy/{name}"), what, named, exists);
            }
        }
        for (name, schedule) in &self.reports {
            schedule
                .to
                .iter()
                .for_each(|person| need(format!("report_schedule/{name}.to"), "user", person, self.users.contains_key(person)));
        }
        for (name, window) in &self.maintenance {
            // With a star at its end it may stand for services that will be.
            let named = window.services.iter().filter(|service| !service.ends_with('*'));
            named.for_each(|it| need(format!("maintenance/{name}.services"), "service", it, self.services.contains_key(it)));
        }
        let team_place = || format!("desk_policy/{SINGLE}.team");
        self.desk.team.iter().for_each(|team| need(team_place(), "team", team, self.teams.contains_key(team)));
        let policies = self.desk.escalation_policy.iter();
        let place = || format!("desk_policy/{SINGLE}.escalation_policy");
        policies.for_each(|it| need(place(), "escalation_policy", it, self.escalations.contains_key(it)));
    }

    /// Whether anybody may change everything.
    pub fn has_administrator(&self) -> bool {
        self.users.values().any(|user| user.role == Role::Administrator && !user.disabled)
    }

    /// What the desk must know of it.
    pub fn desk_rules(&self) -> DeskRules {
        let facts = |(name, service): (&String, &Service)| ServiceFacts {
            name: name.clone(),
            impact: service.criticality,
            team: service.team.clone(),
            hosts: service.hosts.clone(),
            apps: service.apps.clone(),
        };
        let defaults = DeskRules::default();
        DeskRules {
            matrix: self.matrix,
            services: self.services.iter().map(facts).collect(),
            reopen_within_us: duration_us(&self.desk.reopen_within).unwrap_or(defaults.reopen_within_us),
            resolves: self.desk.resolve,
            quiet_time_us: duration_us(&self.desk.quiet_time).unwrap_or(defaults.quiet_time_us),
            flap_returns: self.desk.flap_returns,
            flap_within_us: duration_us(&self.desk.flap_within).unwrap_or(defaults.flap_within_us),
        }
    }

    /// Who a target of an escalation is at a moment.
    pub fn people_of(&self, target: &Target, now_us: TimestampUs) -> Vec<String> {
        let there = |name: &&String| self.users.get(*name).is_some_and(|user| !user.disabled);
        match target {
            Target::User(name) => Some(name).filter(there).cloned().into_iter().collect(),
            Target::Team(team) => self.members(team, now_us),
            Target::Rota(rota) => {
                let shift = self.rotas.get(rota).and_then(|(_, plan)| on_call_at(plan, &self.absences, now_us));
                shift.map(|shift| shift.person).filter(|name| there(&name)).into_iter().collect()
            }
        }
    }

    /// The people of a team who are not away.
    pub fn members(&self, team: &str, now_us: TimestampUs) -> Vec<String> {
        let away = |name: &str| self.absences.iter().any(|it| it.person == name && (it.from_us..it.to_us).contains(&now_us));
        let is_member = |(name, user): &(&String, &User)| !user.disabled && user.teams.iter().any(|it| it == team) && !away(name);
        self.users.iter().filter(is_member).map(|(name, _)| name.clone()).collect()
    }

    /// Who manages the desk: the managers, or the administrators where there is none.
    pub fn managers(&self) -> Vec<String> {
        let of = |role: Role| -> Vec<String> {
            self.users.iter().filter(|(_, user)| !user.disabled && user.role == role).map(|(name, _)| name.clone()).collect()
        };
        Some(of(Role::Manager)).filter(|managers| !managers.is_empty()).unwrap_or_else(|| of(Role::Administrator))
    }

    /// When a rota is wanted, and the holidays of its own calendar or of another, for a look at a period. A calendar that is not there has none.
    pub fn wanted(&self, rota: &Rota, calendar: Option<&str>, from_us: TimestampUs, to_us: TimestampUs) -> Wanted {
        let named = calendar.or(rota.calendar.as_deref()).and_then(|name| self.written_calendars.get(name));
        let day = |at_us: TimestampUs| Timestamp::from_microsecond(at_us).ok().map(|at| at.to_zoned(TimeZone::UTC).date());
        // A day to either side, as the rota's clock may show another date.
        let days = day(from_us.saturating_sub(DAY_US)).zip(day(to_us.saturating_add(DAY_US)));
        let holidays = named.zip(days).map(|(calendar, (first, last))| calendar.holidays_between(first, last));
        Wanted::with_holidays(holidays.unwrap_or_default())
    }

    /// The policy by which somebody is called for a ticket: that of its service, else of its team, else of the desk.
    pub fn escalation_policy(&self, ticket: &Ticket) -> Option<(&str, &Ladder)> {
        let of_service = ticket.service.as_ref().and_then(|name| self.services.get(name)?.escalation_policy.as_ref());
        let of_team = ticket.team.as_ref().and_then(|name| self.teams.get(name)?.escalation_policy.as_ref());
        let name = of_service.or(of_team).or(self.desk.escalation_policy.as_ref())?;
        let (policy, ladder) = self.escalations.get(name)?;
        policy.applies_to(ticket.priority).then_some((name.as_str(), ladder))
    }
}

fn absences(name: &str, user: &User) -> Vec<Absence> {
    let absence = |range: std::ops::Range<TimestampUs>| Absence { person: name.to_owned(), from_us: range.start, to_us: range.end };
    user.absences().into_iter().map(absence).collect()
}

fn all<T: DeserializeOwned>(documents: &Documents, kind: &str, complaints: &mut Vec<Complaint>) -> BTreeMap<String, T> {
    let of_kind = documents.iter().filter(|((document_kind, _), _)| document_kind == kind);
    of_kind
        .filter_map(|((_, name), value)| match serde_json::from_value(value.clone()) {
            Ok(document) => Some((name.clone(), document)),
            Err(error) => {
                complaints.push(Complaint::new(format!("{kind}/{name}"), error.to_string()));
                None
            }
        })
        .collect()
}

fn single<T: DeserializeOwned + Default>(documents: &Documents, kind: &str, complaints: &mut Vec<Complaint>) -> T {
    all(documents, kind, complaints).remove(SINGLE).unwrap_or_default()
}
