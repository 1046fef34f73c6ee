//! Which peers may send: networks in CIDR notation.

use std::net::IpAddr;

use super::network::{Network, NetworkParseError};

/// A set of networks; an empty one allows everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList(Vec<Network>);

impl AllowList {
    /// Reads networks such as `10.0.0.0/8`; an address alone means that address.
    pub fn parse<S: AsRef<str>>(networks: &[S]) -> Result<Self, NetworkParseError> {
        networks.iter().map(|text| text.as_ref().parse()).collect::<Result<_, _>>().map(Self)
    }

    /// Whether nothing is listed, so that everybody is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `peer` may send.
    pub fn allows(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.is_empty() || self.0.iter().any(|network| network.contains(peer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_of_both_families() {
        let list = AllowList::parse(&["10.0.0.0/8", "192.168.7.9", "2001:db8::/32"]).unwrap();
        for (peer, allowed) in [
            ("10.255.1.2", true),
            ("11.0.0.1", false),
            ("192.168.7.9", true),
            ("192.168.7.8", false),
            ("::ffff:10.1.1.1", true),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(list.allows(peer.parse().unwrap()), allowed, "{peer}");
        }
        assert!(AllowList::default().allows("203.0.113.5".parse().unwrap()));
        assert!(AllowList::parse(&["0.0.0.0/0"]).unwrap().allows("203.0.113.5".parse().unwrap()));
    }
}
