//! Stamps that state no zone follow their sender's clock, summer time included, on every way in.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use crate::server::{Launch, Server};

const LINES: &str = "<13>Jul  1 12:00:00 HOST app: summer\n<13>Jan  1 12:00:00 HOST app: winter\n";

/// Hours (UTC) of the summer and the winter line of a host.
async fn hours(server: &Server, host: &str) -> (i64, i64) {
    let hour = |message: &str| {
        format!("SELECT coalesce(max(date_part('hour', timestamp)), -1) FROM logs WHERE host = '{host}' AND message = '{message}'")
    };
    (server.number(&hour("summer")).await, server.number(&hour("winter")).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn stamps_without_a_zone_follow_the_senders_clock() {
    let folder = tempfile::tempdir().unwrap();
    let launch = Launch::on(folder.path())
        .env("WATCHROOM_SYSLOG_TIME_ZONE", "Asia/Tokyo")
        .env("WATCHROOM_SYSLOG_TIME_ZONES", "127.0.0.0/8=America/New_York");
    let server = launch.start().await;
    let lines = |host: &str| LINES.replace("HOST", host);
    assert_eq!(server.post("/insert/syslog", lines("by-network")).await.status, 200);
    assert_eq!(server.post("/insert/syslog?_time_zone=Europe/Vienna", lines("by-request")).await.status, 200);
    let wrong = server.post("/insert/syslog?_time_zone=Europe/Wien", lines("nowhere")).await;
    wrong.assert_problem(400);
    assert!(wrong.text().contains("Europe/Wien"), "{}", wrong.text());
    TcpStream::connect(server.address("syslog_tcp")).unwrap().write_all(lines("over-tcp").as_bytes()).unwrap();
    assert_eq!(hours(&server, "by-network").await, (16, 17));
    assert_eq!(hours(&server, "by-request").await, (10, 11));
    for _ in 0..100 {
        if hours(&server, "over-tcp").await.1 >= 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(hours(&server, "over-tcp").await, (16, 17));
    assert_eq!(server.number("SELECT count(*) FROM logs WHERE host = 'nowhere'").await, 0);
}
