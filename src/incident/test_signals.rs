//! Signals for tests.

use std::collections::BTreeMap;

use super::{Asset, Dependency, Direction, Signal, Topology};
use crate::store::FindingSeverity;

/// A minute in microseconds.
pub(super) const MINUTE: i64 = 60_000_000;

/// What `rule` finds at `host` in the minute that begins at `minute`.
pub(super) fn signal(rule: &str, host: &str, minute: i64) -> Signal {
    Signal {
        fingerprint: format!("{rule}/{host}"),
        rule: rule.to_owned(),
        entity: BTreeMap::from([("host".to_owned(), host.to_owned())]),
        subject: String::new(),
        text: format!("{rule} {host}"),
        direction: Direction::Other,
        severity: FindingSeverity::High,
        onset_us: minute * MINUTE,
        window_end_us: (minute + 1) * MINUTE,
        cadence_us: MINUTE,
        holds_us: 0,
        surprise_milli: 3_000,
    }
}

/// `web01` and `web02` need `db01`, which needs `san01`; `db01` and `mail01` share a rack.
pub(super) fn topology() -> Topology {
    let asset = |name: &str, rack: Option<&str>| Asset { name: name.to_owned(), services: Vec::new(), rack: rack.map(str::to_owned) };
    let need = |dependent: &str, upstream: &str| Dependency { dependent: dependent.to_owned(), upstream: upstream.to_owned() };
    let assets = [asset("web01", None), asset("web02", None), asset("db01", Some("r1")), asset("mail01", Some("r1"))];
    Topology::new(&assets, &[need("web01", "db01"), need("web02", "db01"), need("db01", "san01")])
}
