//! What the tickets of a made-up department are about: teams, services, machines, people, and what they write.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use watchroom::desk::{Opening, Priority, TicketKind};

use super::drawing::Random;

pub(crate) const TEAMS: [&str; 8] = ["desk", "workplace", "network", "servers", "databases", "erp", "security", "telephony"];

/// Services, those that people write about most first; each belongs to the team at its own place, counted round.
pub(crate) const SERVICES: [&str; 32] = [
    "accounts",
    "mail",
    "printing",
    "vpn",
    "file-shares",
    "erp",
    "endpoint-protection",
    "phones",
    "laptops",
    "intranet",
    "wifi",
    "virtual-machines",
    "reporting",
    "warehouse-scanners",
    "firewall",
    "video-meetings",
    "software-installation",
    "time-tracking",
    "switches",
    "backup",
    "order-database",
    "payroll",
    "certificates",
    "call-centre",
    "meeting-rooms",
    "monitoring",
    "dns",
    "storage",
    "customer-database",
    "invoicing",
    "proxy",
    "fax",
];

/// Services that hardly anybody writes about.
pub(crate) const RARE_SERVICES: [&str; 4] = ["microfilm", "telex-gateway", "badge-printer", "tape-library"];

pub(crate) const TECHNICIANS: u64 = 60;
pub(crate) const REQUESTERS: u64 = 2_400;

const ROLES: [&str; 10] = ["web", "app", "db", "file", "mail", "prn", "sw", "fw", "vm", "bkp"];
const SITES: [&str; 5] = ["fra", "muc", "vie", "zrh", "ber"];
const FIRST_NAMES: [&str; 40] = [
    "anna", "omar", "ines", "paul", "lena", "tom", "uma", "jan", "mira", "felix", "sofia", "karl", "nina", "emil", "rosa", "ivan", "clara",
    "hugo", "lea", "max", "olga", "peter", "eva", "noah", "ida", "lukas", "maria", "otto", "julia", "ben", "greta", "samir", "helga",
    "david", "ruth", "ali", "vera", "georg", "tanja", "yusuf",
];
const LAST_NAMES: [&str; 60] = [
    "huber",
    "keller",
    "santos",
    "petrov",
    "dubois",
    "nowak",
    "moreau",
    "winter",
    "aoyama",
    "schmidt",
    "fischer",
    "weber",
    "wagner",
    "becker",
    "hoffmann",
    "koch",
    "richter",
    "klein",
    "wolf",
    "neumann",
    "schwarz",
    "braun",
    "zimmermann",
    "krueger",
    "hartmann",
    "lange",
    "werner",
    "krause",
    "lehmann",
    "maier",
    "koehler",
    "herrmann",
    "walter",
    "peters",
    "schulz",
    "kaiser",
    "fuchs",
    "lang",
    "scholz",
    "weiss",
    "jung",
    "hahn",
    "vogel",
    "friedrich",
    "guenther",
    "berger",
    "frank",
    "beck",
    "roth",
    "baumann",
    "lorenz",
    "albrecht",
    "winkler",
    "graf",
    "haas",
    "sommer",
    "brandt",
    "engel",
    "horn",
    "busch",
];
const PROBLEMS: [&str; 30] = [
    "is slow since this morning",
    "does not answer",
    "disk is almost full",
    "certificate expires in two weeks",
    "login is refused",
    "shows an error after the update",
    "restarts by itself",
    "backup job failed last night",
    "cannot be reached from home",
    "memory use grows from day to day",
    "prints only blank pages",
    "access for a new colleague",
    "password has to be reset",
    "connection breaks off every few minutes",
    "time is wrong by several minutes",
    "queue does not empty",
    "licence has run out",
    "replication lags behind",
    "fan is loud and it is hot",
    "screen stays black",
    "mailbox is full",
    "attachment cannot be opened",
    "shared folder has vanished",
    "battery lasts an hour only",
    "high load on all cores",
    "link flaps between up and down",
    "fails with a timeout",
    "move to another room",
    "virus scanner reports a file",
    "report shows last month's figures",
];
const DETAILS: [&str; 12] = [
    "It began after the maintenance of the weekend; several colleagues on the same floor see it too.",
    "Restarting helped for about an hour, then it came back.",
    "The customer waits for this, please call back before noon.",
    "The monitoring shows nothing unusual, but users complain since eight o'clock.",
    "No deadline, but it would help us a lot to have it this week.",
    "The supplier says that the device is still under warranty.",
    "It worked until yesterday evening. Nothing was changed on our side as far as we know.",
    "Only this machine is affected; the one beside it has the same image and works.",
    "We have tried another cable and another port already.",
    "The message appears twice, then the window closes.",
    "Please coordinate with the works council before anything is installed.",
    "There is a workaround, described in the intranet, so it is not urgent.",
];
const REPLIES: [&str; 14] = [
    "I have looked at it and can reproduce it. More this afternoon.",
    "Restarted the service and raised the limit; please try again.",
    "The log shows that the disk ran full at night; old files are removed now.",
    "Replaced the toner and the drum.",
    "Called back, nobody answered. I will try again tomorrow.",
    "The supplier sends a spare part, it should be here on Thursday.",
    "Account unlocked, a new password was sent by letter.",
    "The firewall rule was missing after the change; it is back.",
    "Works again after the update to the latest version.",
    "Moved the mailbox to another database, which takes until tomorrow.",
    "New certificate installed and the old one revoked.",
    "The switch port had errors; patched to another one.",
    "Explained how it works, nothing to mend.",
    "Closed together with the other reports of the same outage.",
];

/// A ticket as it will come in and be worked on.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) opening: Opening,
    pub(crate) assignee: String,
    pub(crate) replies: Vec<String>,
}

pub(crate) fn technician(number: u64) -> String {
    let (first, last) = (number % FIRST_NAMES.len() as u64, number * 7 % LAST_NAMES.len() as u64);
    format!("{}.{}", FIRST_NAMES[first as usize], LAST_NAMES[last as usize])
}

pub(crate) fn requester(number: u64) -> String {
    let (first, last) = (number / 60 % FIRST_NAMES.len() as u64, number % LAST_NAMES.len() as u64);
    format!("{}.{}.{}", FIRST_NAMES[first as usize], LAST_NAMES[last as usize], number)
}

pub(crate) fn team_of(service: usize) -> &'static str {
    TEAMS[service % TEAMS.len()]
}

/// One of two thousand machines; a few of them make most of the work.
pub(crate) fn host(random: &mut Random) -> String {
    let number = random.skewed(2_000);
    format!("{}-{:03}.{}.example.org", random_role(number), number, SITES[(number % 5) as usize])
}

fn random_role(number: u64) -> &'static str {
    ROLES[(number * 7 % ROLES.len() as u64) as usize]
}

/// The inventory number that a ticket's description names: a word that few tickets share.
pub(crate) fn inventory_number(number: u64) -> String {
    format!("INV{:06}", Random(number % 300_000).next() % 1_000_000)
}

/// The next ticket, the `index`th of all.
pub(crate) fn draft(random: &mut Random, index: u64) -> Draft {
    let service_at = random.skewed(SERVICES.len() as u64) as usize;
    let service = if random.one_in(3_000) { random.pick(&RARE_SERVICES) } else { SERVICES[service_at] };
    let problem = random.pick_skewed(&PROBLEMS);
    let kind = [TicketKind::Incident, TicketKind::Request, TicketKind::Problem, TicketKind::Change][random.skewed(4) as usize];
    let priority = match random.below(200) {
        0 => Priority::P1,
        1..10 => Priority::P2,
        10..110 => Priority::P3,
        110..180 => Priority::P4,
        _ => Priority::P5,
    };
    let mut entity = BTreeMap::new();
    let mut subject = service.to_owned();
    if random.below(10) < 6 {
        let host = host(random);
        subject = format!("{service} on {}", host.split('.').next().unwrap_or_default());
        entity.insert("host".to_owned(), host);
    }
    let description = format!("{}\n\nDevice {}.", random.pick(&DETAILS), inventory_number(index));
    let mut opening = Opening::new(kind, format!("{subject}: {problem}"), priority);
    opening.description = description;
    opening.entity = entity;
    opening.requester = Some(requester(random.skewed(REQUESTERS)));
    opening.team = Some(team_of(service_at).to_owned());
    opening.service = Some(service.to_owned());
    if random.one_in(5) {
        opening.watchers.insert(requester(random.below(REQUESTERS)));
    }
    // The team's own people: every eighth technician.
    let place = random.below(TECHNICIANS / TEAMS.len() as u64) * TEAMS.len() as u64 + (service_at % TEAMS.len()) as u64;
    let replies = (0..=u64::from(random.one_in(3))).map(|_| random.pick(&REPLIES).to_owned()).collect();
    Draft { opening, assignee: technician(place), replies }
}

/// The department as it is set up: everybody who works at the desk is told of things by webhook.
pub(crate) fn department(receiver: &str) -> Value {
    let technicians = (0..TECHNICIANS).map(|number| {
        let name = technician(number);
        let contact = json!({ "channel": "webhook", "address": format!("{receiver}/{name}") });
        let team = TEAMS[number as usize % TEAMS.len()];
        let role = if (number as usize) < TEAMS.len() { "lead" } else { "technician" };
        let user =
            json!({ "display_name": name, "role": role, "teams": [team], "capacity": 1_000, "notifications": { "contacts": [contact] } });
        (name, user)
    });
    let requesters = (0..REQUESTERS).map(|number| (requester(number), json!({ "display_name": requester(number) })));
    let rota = |at: usize| {
        let people: Vec<String> = (0..4).map(|turn| technician((at + turn * TEAMS.len()) as u64)).collect();
        json!({ "time_zone": "Europe/Berlin", "layers": [
            { "name": "primary", "people": people, "rotation": "weekly", "starts_on": "2026-01-05", "hand_over": "08:00" }] })
    };
    let mut services: serde_json::Map<String, Value> =
        SERVICES.iter().enumerate().map(|(at, name)| ((*name).to_owned(), json!({ "team": team_of(at) }))).collect();
    services["dns"]["escalation_policy"] = "watch".into();
    json!({
        "team": TEAMS.iter().enumerate().map(|(at, name)| ((*name).to_owned(), json!({ "lead": technician(at as u64), "rota": name })))
            .collect::<serde_json::Map<_, _>>(),
        "user": technicians.chain(requesters).collect::<serde_json::Map<_, _>>(),
        "rota": TEAMS.iter().enumerate().map(|(at, name)| ((*name).to_owned(), rota(at))).collect::<serde_json::Map<_, _>>(),
        "calendar": { "always": { "time_zone": "Europe/Berlin", "hours": "24x7" } },
        "service": services,
        "escalation_policy": { "watch": { "repeat": 1, "steps": [{ "after": "15m", "notify": ["rota:servers"] }] } },
        "sla_policy": { "default": policy("4h") },
    })
}

/// What is promised: urgent tickets are answered at once, all are resolved at some time.
pub(crate) fn policy(urgent_resolution: &str) -> Value {
    json!({ "rules": [
        { "name": "urgent", "priority": ["P1", "P2"], "calendar": "always", "first_response": "15m", "resolution": urgent_resolution },
        { "name": "all others", "calendar": "always", "first_response": "8h", "resolution": "2400h" },
    ] })
}
