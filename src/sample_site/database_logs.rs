//! PostgreSQL: slow statements, connections, checkpoints, vacuum, now and then an error of the application.

use super::dice::Dice;
use super::events::Minute;
use super::hosts::{Host, HostKind};
use super::incident::IncidentKind;
use super::syslog_line::{Said, facility, severity};
use crate::clock::TimestampUs;

const STREAM: u64 = 0xDB;

/// Statements that are slow at times, and how slow in the median (ms). `{n}` is a number.
const STATEMENTS: [(&str, f64); 7] = [
    ("SELECT o.id, o.state, o.total FROM orders o WHERE o.customer_id = {n} ORDER BY o.created_at DESC LIMIT 50", 140.0),
    ("SELECT i.sku, i.name, s.quantity FROM items i JOIN stock s USING (sku) WHERE i.category = {n}", 180.0),
    ("UPDATE stock SET quantity = quantity - 1 WHERE sku = {n}", 110.0),
    ("INSERT INTO orders (customer_id, total, state) VALUES ({n}, 129.90, 'new') RETURNING id", 115.0),
    ("SELECT count(*) FROM orders WHERE created_at >= now() - interval '1 day' AND store = {n}", 320.0),
    ("DELETE FROM sessions WHERE expires_at < now() - interval '{n} seconds'", 260.0),
    ("REFRESH MATERIALIZED VIEW CONCURRENTLY sales_by_store -- run {n}", 640.0),
];

const TABLES: [&str; 6] = ["orders", "order_lines", "stock", "sessions", "customers", "carts"];

pub(super) fn write(minute: &mut Minute<'_>) {
    for host in minute.site.hosts() {
        match host.kind {
            HostKind::DatabasePrimary => primary(minute, host),
            HostKind::DatabaseReplica => replica(minute, host),
            _ => {}
        }
    }
}

/// Who speaks when PostgreSQL does.
pub(super) fn postgres(grave: u8, pid: u32) -> Said<'static> {
    Said::new(facility::LOCAL0, grave, "postgres", pid)
}

fn primary(minute: &mut Minute<'_>, host: &Host) {
    let mut dice = minute.dice(STREAM, host);
    let busy = minute.site.busy(minute.start_us);
    statements(minute, host, 2.6 * busy);
    checkpoint(minute, host);
    for at_us in minute.moments(&mut dice, 0.9 * busy) {
        let pid = dice.range(4_000, 32_000) as u32;
        let port = dice.range(32_768, 61_000);
        let client = dice.pick(&["10.20.3.11", "10.20.3.12"]);
        let info = postgres(severity::INFO, pid);
        minute.say(at_us, host, &info, format_args!("[1-1] LOG:  connection received: host={client} port={port}"));
        let text =
            "[2-1] user=shop,db=orders,app=orders-api LOG:  connection authorized: user=shop database=orders application_name=orders-api";
        minute.say(at_us + 2_000, host, &info, text);
    }
    for at_us in minute.moments(&mut dice, 0.012 * busy) {
        let number = dice.range(10_000, 99_999);
        let text = match dice.range(0, 3) {
            0 => format!(
                "duplicate key value violates unique constraint \"orders_reference_key\" DETAIL:  Key (reference)=({number}) \
                 already exists."
            ),
            1 => format!("could not serialize access due to concurrent update of order {number}"),
            _ => format!("invalid input syntax for type integer: \"{number}x\" at character 42"),
        };
        let said = postgres(severity::ERROR, dice.range(4_000, 32_000) as u32);
        minute.say(at_us, host, &said, format_args!("[5-1] user=shop,db=orders,app=orders-api ERROR:  {text}"));
    }
    for at_us in minute.moments(&mut dice, 0.04 + 0.05 * busy) {
        let table = dice.pick(&TABLES);
        let (removed, seconds) = (dice.skewed(900.0) as i64, dice.skewed(0.4));
        let said = postgres(severity::INFO, dice.range(4_000, 32_000) as u32);
        let text = format_args!(
            "[1-1] LOG:  automatic vacuum of table \"orders.public.{table}\": index scans: 1, tuples: {removed} removed, \
             elapsed: {seconds:.2} s"
        );
        minute.say(at_us, host, &said, text);
    }
}

/// Statements slower than the limit of 100 ms; `mean` of them a minute, more and slower while the database is in trouble.
fn statements(minute: &mut Minute<'_>, host: &Host, mean: f64) {
    let mut dice = minute.dice(STREAM + 1, host);
    let slow = minute.site.strength(IncidentKind::DatabaseSlow, minute.start_us);
    for at_us in minute.moments(&mut dice, mean) {
        slow_statement(minute, host, &mut dice, at_us, 1.0 + 9.0 * slow);
    }
}

/// A statement that took `slowness` times as long as it usually does.
pub(super) fn slow_statement(minute: &mut Minute<'_>, host: &Host, dice: &mut Dice, at_us: TimestampUs, slowness: f64) {
    let (statement, median_ms) = dice.pick(&STATEMENTS);
    // The server gives up after 30 seconds, and below 100 ms it logs nothing.
    let ms = (100.0 + dice.steady((median_ms - 90.0) * slowness)).min(29_998.0);
    let statement = statement.replace("{n}", &dice.range(1, 9_999).to_string());
    let said = postgres(severity::INFO, dice.range(4_000, 32_000) as u32);
    let text = format_args!("[4-1] user=shop,db=orders,app=orders-api LOG:  duration: {ms:.3} ms  statement: {statement}");
    minute.say(at_us, host, &said, text);
}

/// A checkpoint every five minutes, as configured.
fn checkpoint(minute: &mut Minute<'_>, host: &Host) {
    let mut dice = minute.dice(STREAM + 2, host);
    let pid = minute.site.daemon_pid(host, "checkpointer", minute.start_us);
    let said = postgres(severity::INFO, pid);
    let in_five = minute.of_day() % 5;
    if in_five == 0 {
        minute.say(minute.start_us + 4_120_000, host, &said, "[3-1] LOG:  checkpoint starting: time");
    } else if in_five == 4 {
        let busy = minute.site.busy(minute.start_us);
        let buffers = (dice.skewed(900.0) * (0.2 + busy)) as i64;
        let (write_s, sync_s) = (250.0 + 19.0 * dice.unit(), dice.skewed(0.012));
        let text = format_args!(
            "[3-1] LOG:  checkpoint complete: wrote {buffers} buffers ({:.1}%); 0 WAL file(s) added, {} removed; \
             write={write_s:.3} s, sync={sync_s:.3} s, total={:.3} s",
            buffers as f64 / 10_485.76,
            dice.range(0, 4),
            write_s + sync_s
        );
        minute.say(minute.start_us + 34_500_000, host, &said, text);
    }
}

fn replica(minute: &mut Minute<'_>, host: &Host) {
    let mut dice = minute.dice(STREAM + 3, host);
    let pid = minute.site.daemon_pid(host, "startup", minute.start_us);
    if minute.of_day() % 10 == 7 {
        let at_us = minute.moment(&mut dice);
        let low = dice.range(0x10_0000, 0xFF_FFFF);
        minute.say(at_us, host, &postgres(severity::INFO, pid), format_args!("[8-1] LOG:  restartpoint complete: redo at 4C/{low:08X}"));
    }
    let busy = minute.site.busy(minute.start_us);
    for at_us in minute.moments(&mut dice, 0.5 * busy) {
        let ms = 100.0 + dice.steady(280.0);
        let store = dice.range(1, 60);
        let said = postgres(severity::INFO, dice.range(4_000, 32_000) as u32);
        let text = format_args!(
            "[4-1] user=report,db=orders,app=reports LOG:  duration: {ms:.3} ms  statement: SELECT day, sum(total) FROM \
             sales WHERE store = {store} GROUP BY day"
        );
        minute.say(at_us, host, &said, text);
    }
    for at_us in minute.moments(&mut dice, 0.004) {
        let said = postgres(severity::ERROR, dice.range(4_000, 32_000) as u32);
        minute.say(at_us, host, &said, "[6-1] user=report,db=orders,app=reports ERROR:  canceling statement due to conflict with recovery");
    }
}
