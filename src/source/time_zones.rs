//! Which clock a sender's time stamps follow, where they do not say so themselves.

use std::net::IpAddr;

use super::network::{Network, NetworkParseError};
use crate::record::{Zone, ZoneError};

/// A zone for everybody, and others for single networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimeZones {
    default: Zone,
    /// The longest prefix first.
    by_network: Vec<(Network, Zone)>,
}

/// Text that says no zone for a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeZonesError {
    /// There is no `=`.
    #[error("`{0}` gives no network its zone; write network=zone, such as 10.1.0.0/16=Europe/Vienna")]
    NoPair(String),
    /// The left side is no network.
    #[error(transparent)]
    Network(#[from] NetworkParseError),
    /// The right side is no zone.
    #[error(transparent)]
    Zone(#[from] ZoneError),
}

impl TimeZones {
    /// A zone for all senders, and entries such as `10.1.0.0/16=Europe/Vienna` for some.
    pub fn parse<S: AsRef<str>>(default: &str, entries: &[S]) -> Result<Self, TimeZonesError> {
        let entry = |text: &str| -> Result<(Network, Zone), TimeZonesError> {
            let (network, zone) = text.split_once('=').ok_or_else(|| TimeZonesError::NoPair(text.to_owned()))?;
            Ok((network.parse()?, zone.parse()?))
        };
        let mut by_network = entries.iter().map(|text| entry(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        by_network.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_bits));
        Ok(Self { default: default.parse()?, by_network })
    }

    /// The zone of a sender's stamps that state none.
    pub fn of(&self, peer: IpAddr) -> Zone {
        let peer = peer.to_canonical();
        self.by_network.iter().find(|(network, _)| network.contains(peer)).map_or(self.default, |(_, zone)| *zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_decides() {
        let zones = TimeZones::parse("Z", &["10.0.0.0/8=Europe/Vienna", "10.7.0.0/16=America/New_York", "2001:db8::/32=+05:30"]).unwrap();
        for (peer, zone) in
            [("10.1.2.3", "Europe/Vienna"), ("::ffff:10.7.2.3", "America/New_York"), ("2001:db8::1", "+05:30"), ("192.0.2.1", "Z")]
        {
            assert_eq!(zones.of(peer.parse().unwrap()).to_string(), zone, "{peer}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (entry, part) in
            [("10.0.0.0/8", "write network=zone"), ("ten=Z", "`ten` is not a network"), ("10.0.0.0/8=Mars", "`Mars` is no time zone")]
        {
            let error = TimeZones::parse("Z", &[entry]).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(TimeZones::parse("Mars", &[] as &[&str]).is_err());
    }
}
