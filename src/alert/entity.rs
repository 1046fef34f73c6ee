//! What an alert is about, from its labels.

use std::collections::BTreeMap;

use super::text::{MAX_ENTITY_CHARS, line};

/// Label and the entity column that it fills, the most telling label of each column first. The columns are those of
/// Watchroom's own rules, so that an alert from outside meets the findings about the same host. An exporter's `job` is a poor
/// name for a service and comes last.
const COLUMNS: [(&str, &str); 33] = [
    ("host", "host"),
    ("hostname", "host"),
    ("host_name", "host"),
    ("node", "host"),
    ("nodename", "host"),
    ("machine", "host"),
    ("server", "host"),
    ("instance", "host"),
    ("service", "service"),
    ("service_name", "service"),
    ("job", "service"),
    ("app", "app"),
    ("application", "app"),
    ("component", "component"),
    ("mountpoint", "mountpoint"),
    ("device", "device"),
    ("interface", "interface"),
    ("ifName", "interface"),
    ("ifname", "interface"),
    ("unit", "unit"),
    ("systemd_unit", "unit"),
    ("volume", "volume"),
    ("persistentvolumeclaim", "volume"),
    ("database", "database"),
    ("datname", "database"),
    ("queue", "queue"),
    ("topic", "topic"),
    ("pool", "pool"),
    ("certificate", "certificate"),
    ("container", "container"),
    ("pod", "pod"),
    ("namespace", "namespace"),
    ("cluster", "cluster"),
];

/// Entity columns and values of these labels:
///
/// | labels, the first that is there | column |
/// |---|---|
/// | `host`, `hostname`, `host_name`, `node`, `nodename`, `machine`, `server`, `instance` | `host`, without scheme, path and port |
/// | `service`, `service_name`, `job` | `service` |
/// | `app`, `application` | `app` |
/// | `interface`, `ifName`, `ifname` | `interface` |
/// | `unit`, `systemd_unit` | `unit` |
/// | `volume`, `persistentvolumeclaim` | `volume` |
/// | `database`, `datname` | `database` |
/// | `component`, `mountpoint`, `device`, `queue`, `topic`, `pool`, `certificate`, `container`, `pod`, `namespace`, `cluster` | the same |
pub fn entity_of(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut entity = BTreeMap::new();
    for (label, column) in COLUMNS {
        let Some(value) = labels.get(label) else { continue };
        let value = line(if column == "host" { host_name(value) } else { value }, MAX_ENTITY_CHARS);
        if !value.is_empty() {
            entity.entry(column.to_owned()).or_insert(value);
        }
    }
    entity
}

/// The host of `web01:9100`, `[2001:db8::1]:9100`, `https://user@shop.example.org:8443/health` and the like. An address of
/// IPv6 comes without its brackets; without brackets nothing is cut off it, since its end could not be told from a port.
pub(super) fn host_name(text: &str) -> &str {
    let text = text.trim();
    let authority = match text.split_once("://") {
        // A password may stand in front of the host (RFC 3986, 3.2.1): it must not become a name.
        Some((_, rest)) => {
            let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
            authority.rsplit_once('@').map_or(authority, |(_, host)| host)
        }
        None => text,
    };
    if let Some((address, rest)) = authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return if rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port) { address } else { authority };
    }
    match authority.split_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => authority,
    }
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ports_schemes_and_brackets_go() {
        for (text, host) in [
            ("web01:9100", "web01"),
            ("web01", "web01"),
            (" db.example.org:5432 ", "db.example.org"),
            ("192.0.2.7:9100", "192.0.2.7"),
            ("[2001:db8::1]:9100", "2001:db8::1"),
            ("[::1]", "::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1%eth0"),
            ("::1", "::1"),
            ("https://shop.example.org/health?a=b:1", "shop.example.org"),
            ("https://user:secret@shop.example.org:8443/", "shop.example.org"),
            ("http://[2001:db8::2]:80/x", "2001:db8::2"),
            ("web01:http", "web01:http"),
            ("web01:999999", "web01:999999"),
            ("[::1]x", "[::1]x"),
            ("[::1", "[::1"),
            (":9100", ""),
            ("", ""),
        ] {
            assert_eq!(host_name(text), host, "{text}");
        }
    }

    #[test]
    fn the_most_telling_label_wins() {
        let labels = [("instance", "10.0.0.5:9100"), ("nodename", "web01"), ("job", "node"), ("service", "shop"), ("team", "x")];
        let entity = entity_of(&labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        let expected = [("host", "web01"), ("service", "shop")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(entity, expected.into());
    }

    #[test]
    fn a_label_that_names_nothing_leaves_its_place_to_the_next() {
        let labels = [("host", ":9100"), ("instance", "web01:9100")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(entity_of(&labels.into())["host"], "web01");
    }

    proptest! {
        #[test]
        fn any_text_has_a_host_within_it(text in any::<String>()) {
            prop_assert!(text.contains(host_name(&text)));
        }

        #[test]
        fn a_port_makes_no_other_host(name in "[a-z][a-z0-9.-]{0,30}", port in 0_u16..) {
            let with_port = format!("{name}:{port}");
            prop_assert_eq!(host_name(&with_port), name.as_str());
        }
    }
}
