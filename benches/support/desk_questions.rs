//! What people ask of the desk: lists, filters, searches, single tickets.

use hdrhistogram::Histogram;
use watchroom::clock::{Clock, DAY_US, HOUR_US, Stopwatch};

use super::desk_content::{
    RARE_SERVICES, REQUESTERS, SERVICES, TEAMS, TECHNICIANS, host, inventory_number, requester, team_of, technician,
};
use super::drawing::Random;
use super::http::Http;

/// Makes the query of a list, another one each time.
type Query = fn(&mut Random, u64) -> String;

/// Every question: what it is called, whether somebody who only asks asks it, and its query.
pub(crate) const LISTS: [(&str, bool, Query); 37] = [
    ("all, the newest", false, |_, _| String::new()),
    ("open", false, |_, _| "open=true".to_owned()),
    ("kind", false, |random, _| format!("kind={}", random.pick(&["incident", "request", "problem", "change"]))),
    ("state", false, |random, _| format!("state={}", random.pick(&["new", "in_progress", "on_hold", "resolved", "closed"]))),
    ("state that none is in", false, |_, _| "state=reopened".to_owned()),
    ("priority", false, |random, _| format!("priority=P{}", random.range(1, 6))),
    ("assignee", false, |random, _| format!("assignee={}", technician(random.below(TECHNICIANS)))),
    ("assigned to nobody", false, |_, _| "assignee=".to_owned()),
    ("team", false, |random, _| format!("team={}", random.pick(&TEAMS))),
    ("of no team", false, |_, _| "team=".to_owned()),
    ("service", false, |random, _| format!("service={}", random.pick(&SERVICES))),
    ("rare service", false, |random, _| format!("service={}", random.pick(&RARE_SERVICES))),
    ("requester", false, |random, _| format!("requester={}", requester(random.below(REQUESTERS)))),
    ("host", false, |random, _| format!("host={}", host(random))),
    ("host that nobody knows", false, |random, _| format!("host=lost-{}.example.org", random.below(1_000))),
    ("updated within an hour", false, |_, _| format!("updated_since_us={}", Clock::System.now_us() - HOUR_US)),
    ("updated within ten days", false, |_, _| format!("updated_since_us={}", Clock::System.now_us() - 10 * DAY_US)),
    ("team + open", false, |random, _| format!("team={}&open=true", random.pick(&TEAMS))),
    ("assignee + open", false, |random, _| format!("assignee={}&open=true", technician(random.below(TECHNICIANS)))),
    ("P1 + team + open", false, |random, _| format!("priority=P1&team={}&open=true", random.pick(&TEAMS))),
    ("host + open", false, |random, _| format!("host={}&open=true", host(random))),
    ("service + open", false, |random, _| format!("service={}&open=true", random.pick(&SERVICES))),
    ("service + state", false, |random, _| {
        format!("service={}&state={}", random.pick(&SERVICES), random.pick(&["in_progress", "on_hold", "resolved", "closed"]))
    }),
    ("requester + closed", false, |random, _| format!("requester={}&state=closed", requester(random.below(REQUESTERS)))),
    ("service + kind + P1", false, |random, _| {
        format!("service={}&kind={}&priority=P1", random.pick(&SERVICES), random.pick(&["incident", "request", "problem", "change"]))
    }),
    ("service of another team", false, |random, _| {
        let service = random.below(SERVICES.len() as u64) as usize;
        format!("service={}&team={}", SERVICES[service], team_of(service + 1))
    }),
    ("rare word", false, |random, tickets| format!("text={}", inventory_number(random.below(tickets)))),
    ("common word", false, |random, _| {
        format!("text={}", random.pick(&["disk", "login", "certificate", "backup", "update", "monitoring"]))
    }),
    ("two common words", false, |random, _| {
        format!("text={}+{}", random.pick(&["disk", "login", "certificate"]), random.pick(&["warranty", "maintenance", "supplier"]))
    }),
    ("beginning of a word", false, |random, _| format!("text={}", random.pick(&["cert", "inv12", "mon", "pr", "re"]))),
    ("word + open", false, |random, _| format!("open=true&text={}", random.pick(&["disk", "login", "certificate", "update"]))),
    ("word + team + state", false, |random, _| {
        format!("team={}&state=on_hold&text={}", random.pick(&TEAMS), random.pick(&["disk", "login"]))
    }),
    ("word + rare service", false, |random, _| format!("service={}&text={}", random.pick(&RARE_SERVICES), random.pick(&["disk", "login"]))),
    ("requester's own", true, |_, _| String::new()),
    ("requester's own, open", true, |_, _| "open=true".to_owned()),
    ("requester's own, with a word", true, |random, _| format!("text={}", random.pick(&["disk", "login", "certificate", "update"]))),
    ("the last page", false, |_, _| "cursor=101".to_owned()),
];

/// Asks lists and single tickets, one after the other.
pub(crate) struct Asking {
    pub(crate) http: Http,
    pub(crate) random: Random,
    pub(crate) tickets: u64,
    token: String,
}

impl Asking {
    pub(crate) fn new(address: &str, seed: u64, tickets: u64, token: &str) -> Self {
        let http = Http::connect(address).expect("the server accepts");
        Self { http, random: Random(seed), tickets, token: format!("Authorization: Bearer {token}\r\n") }
    }

    /// Asks a list once; gives the microseconds that it took and the tickets on the page.
    pub(crate) fn list(&mut self, question: &(&str, bool, Query)) -> (u64, usize) {
        let query = (question.2)(&mut self.random, self.tickets);
        let headers = if question.1 { self.token.as_str() } else { "" };
        let watch = Stopwatch::start();
        let (status, answer) = self.http.get(&format!("/api/v1/tickets?{query}"), headers).expect("the server answers");
        let took_us = microseconds(watch);
        assert_eq!(status, 200, "{query}: {}", String::from_utf8_lossy(&answer));
        // Every ticket has a version, and no text of the department's holds the word in quotes.
        (took_us, answer.windows(10).filter(|bytes| *bytes == b"\"version\":").count())
    }

    /// Reads one ticket.
    pub(crate) fn ticket(&mut self) -> (u64, usize) {
        let number = 1 + self.random.below(self.tickets);
        let watch = Stopwatch::start();
        let (status, answer) = self.http.get(&format!("/api/v1/tickets/{number}"), "").expect("the server answers");
        let took_us = microseconds(watch);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        (took_us, 1)
    }
}

pub(crate) fn microseconds(watch: Stopwatch) -> u64 {
    u64::try_from(watch.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Microseconds, up to ten minutes.
pub(crate) fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000, 3).expect("the bounds are right")
}

/// Prints a line of the table; times in milliseconds.
pub(crate) fn print_line(name: &str, rows: f64, latencies: &Histogram<u64>) {
    let ms = |quantile: f64| latencies.value_at_quantile(quantile) as f64 / 1e3;
    let over = if ms(0.95) > 50.0 { "  over" } else { "" };
    println!(
        "{name:<30} {:>6} {rows:>7.1} {:>9.1} {:>9.1} {:>9.1} {:>9.1}{over}",
        latencies.len(),
        ms(0.5),
        ms(0.95),
        ms(0.99),
        latencies.max() as f64 / 1e3
    );
}
