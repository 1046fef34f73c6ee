//! The life of a request: one line of HAProxy, one of nginx, and for the API one of the service itself.

use super::civil::Civil;
use super::dice::Dice;
use super::events::Minute;
use super::hosts::{Host, HostKind};
use super::incident::IncidentKind;
use super::syslog_line::{Said, facility, severity};
use crate::clock::TimestampUs;

const STREAM: u64 = 0x3EB;
/// Requests a minute in the busiest hour.
const BUSIEST: f64 = 5.6;

/// Path, its method, how often in a hundred, and the median time to answer (ms).
const PAGES: [(&str, &str, u32, f64); 14] = [
    ("GET", "/", 14, 18.0),
    ("GET", "/shop/item/{id}", 18, 32.0),
    ("GET", "/shop/search?q={word}", 9, 64.0),
    ("GET", "/assets/app.{hash}.js", 8, 2.0),
    ("GET", "/assets/site.{hash}.css", 6, 2.0),
    ("GET", "/images/item-{id}.webp", 12, 3.0),
    ("GET", "/api/v1/orders/{id}", 8, 22.0),
    ("GET", "/api/v1/stock/{id}", 8, 14.0),
    ("POST", "/api/v1/orders", 4, 85.0),
    ("PUT", "/api/v1/cart/{id}", 5, 30.0),
    ("POST", "/api/v1/login", 3, 120.0),
    ("GET", "/account/orders", 2, 48.0),
    ("GET", "/health", 2, 1.0),
    ("GET", "/robots.txt", 1, 1.0),
];

const WORDS: [&str; 10] = ["hinge", "drawer", "bracket", "valve", "gasket", "lamp", "hose", "bearing", "filter", "clamp"];

const BROWSERS: [&str; 6] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
    "shop-app/6.2 (iOS 18.1)",
    "partner-sync/2.4",
];

/// Paths that scanners try.
const PROBES: [&str; 6] = ["/wp-login.php", "/.env", "/admin/config.php", "/.git/HEAD", "/phpmyadmin/", "/cgi-bin/test.sh"];

/// One request and its answer.
struct Request {
    at_us: TimestampUs,
    client: String,
    port: i64,
    method: &'static str,
    path: String,
    status: u16,
    bytes: i64,
    duration_ms: f64,
    is_api: bool,
}

pub(super) fn write(minute: &mut Minute<'_>) {
    let site = minute.site;
    let Some(balancer) = site.host_of(HostKind::LoadBalancer) else { return };
    let mut dice = minute.dice(STREAM, balancer);
    let mean = BUSIEST * site.busy(minute.start_us);
    for _ in 0..minute.count(&mut dice, mean) {
        let request = draw(minute, &mut dice);
        let server = serving(minute, &mut dice, HostKind::Web, request.at_us);
        log(minute, &mut dice, balancer, server, &request);
    }
    for at_us in minute.moments(&mut dice, 0.05) {
        let server = serving(minute, &mut dice, HostKind::Web, at_us);
        let path = dice.pick(&PROBES).to_owned();
        let request = Request {
            at_us,
            client: format!("192.0.2.{}", dice.range(2, 254)),
            port: dice.range(32_768, 61_000),
            method: "GET",
            path,
            status: 404,
            bytes: 162,
            duration_ms: 1.0,
            is_api: false,
        };
        log(minute, &mut dice, balancer, server, &request);
    }
}

/// Draws a request, with the troubles of the moment in its status and duration.
fn draw(minute: &Minute<'_>, dice: &mut Dice) -> Request {
    let site = minute.site;
    let at_us = minute.moment(dice);
    let mut left = dice.range(0, 100) as u32;
    let page = PAGES.iter().find(|page| {
        let here = left < page.2;
        left = left.saturating_sub(page.2);
        here
    });
    let &(method, pattern, _, median_ms) = page.unwrap_or(&PAGES[0]);
    let is_api = pattern.starts_with("/api/") || pattern.starts_with("/account/");
    let reads_database = is_api || pattern.starts_with("/shop/");
    let slow = if reads_database { site.strength(IncidentKind::DatabaseSlow, at_us) } else { 0.0 };
    let broken = is_api && site.ongoing(IncidentKind::DeploymentErrors, at_us).is_some();
    let status = match dice.unit() {
        u if broken && u < 0.33 => 500,
        u if u < 0.06 * slow => 504,
        u if u < 0.0015 => 502,
        u if u < 0.015 => 404,
        u if u < 0.05 => 304,
        u if u < 0.06 => 302,
        _ if method == "POST" && pattern.ends_with("orders") => 201,
        _ => 200,
    };
    let path = pattern
        .replace("{id}", &dice.range(1_000, 9_999).to_string())
        .replace("{word}", dice.pick(&WORDS))
        .replace("{hash}", dice.pick(&["4f1a09c2", "4f1a09c2", "91be7730"]));
    Request {
        at_us,
        client: format!("198.18.{}.{}", dice.range(0, 40), dice.range(1, 255)),
        port: dice.range(32_768, 61_000),
        method,
        path,
        status,
        bytes: if status == 304 { 0 } else { 180 + dice.skewed(5_200.0) as i64 },
        duration_ms: dice.skewed(median_ms) * (1.0 + 9.0 * slow),
        is_api,
    }
}

/// One of the servers of a kind that is up.
fn serving<'a>(minute: &Minute<'a>, dice: &mut Dice, kind: HostKind, at_us: TimestampUs) -> &'a Host {
    let site = minute.site;
    let up: Vec<&Host> = site.hosts().iter().filter(|host| host.kind == kind && !site.is_silent(host.name, at_us)).collect();
    // At most one host of the site is silent at a time, and every such kind has two.
    dice.pick(&up)
}

fn log(minute: &mut Minute<'_>, dice: &mut Dice, balancer: &Host, server: &Host, request: &Request) {
    let site = minute.site;
    let civil = Civil::new(request.at_us);
    let ms = request.duration_ms as i64;
    let answered_us = request.at_us + ms * 1_000;
    let Request { client, port, method, path, status, bytes, .. } = request;
    let haproxy = site.daemon_pid(balancer, "haproxy", request.at_us);
    let grave = if *status >= 500 { severity::ERROR } else { severity::INFO };
    let (connections, wait) = (dice.range(4, 60), dice.range(0, 3));
    let said = Said::new(facility::LOCAL0, grave, "haproxy", haproxy);
    let (stamp, millis, name) = (civil.web(), civil.millis(), server.name);
    let first_byte = (ms - 1).max(0);
    minute.say(
        answered_us,
        balancer,
        &said,
        format_args!(
            "{client}:{port} [{stamp}.{millis:03}] www~ web_back/{name} {wait}/0/1/{first_byte}/{ms} {status} {bytes} - - ---- \
             {connections}/{connections}/2/1/0 0/0 \"{method} {path} HTTP/1.1\""
        ),
    );
    let nginx = site.daemon_pid(server, "nginx", request.at_us);
    let browser = dice.pick(&BROWSERS);
    let seconds = request.duration_ms / 1_000.0;
    minute.say(
        answered_us + 500,
        server,
        &Said::new(facility::LOCAL7, severity::INFO, "nginx", nginx),
        format_args!("{client} - - [{stamp} +0000] \"{method} {path} HTTP/1.1\" {status} {bytes} \"-\" \"{browser}\" rt={seconds:.3}"),
    );
    if request.is_api && *status != 504 {
        log_service(minute, dice, request, answered_us);
    }
}

/// What the service behind the API says about the request.
fn log_service(minute: &mut Minute<'_>, dice: &mut Dice, request: &Request, answered_us: TimestampUs) {
    let api = serving(minute, dice, HostKind::Api, request.at_us);
    let pid = minute.site.daemon_pid(api, "orders-api", request.at_us);
    let Request { method, path, status, .. } = request;
    let ms = request.duration_ms;
    let trace = format!("{:016x}", dice.word());
    let user = dice.range(100, 1_900);
    let data = format!("[http@32473 trace=\"{trace}\" user=\"u{user}\" client=\"{}\"]", request.client);
    let grave = if *status >= 500 { severity::ERROR } else { severity::INFO };
    let said = Said { msgid: "request", data: &data, ..Said::new(facility::LOCAL0, grave, "orders-api", pid) };
    minute.say(answered_us - 300, api, &said, format_args!("{method} {path} answered {status} in {ms:.1} ms"));
}
