//! Which peers may send: networks in CIDR notation.

use std::net::IpAddr;
use std::str::FromStr;

/// A set of networks; an empty one allows everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList(Vec<Network>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// Text that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network; write an address with a prefix length, such as 10.0.0.0/8 or 2001:db8::/32")]
pub struct NetworkParseError(String);

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

impl Network {
    fn contains(&self, peer: IpAddr) -> bool {
        let (ours, theirs) = match (self.address, peer) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => (u128::from(ours.to_bits()) << 96, u128::from(theirs.to_bits()) << 96),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (ours.to_bits(), theirs.to_bits()),
            _ => return false,
        };
        let host_bits = 128 - u32::from(self.prefix_bits);
        (ours ^ theirs).checked_shr(host_bits).unwrap_or(0) == 0
    }
}

impl FromStr for Network {
    type Err = NetworkParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NetworkParseError(text.to_owned());
        let (address, prefix) = text.trim().split_once('/').map_or((text.trim(), None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= longest).ok_or_else(wrong)?,
            None => longest,
        };
        Ok(Self { address, prefix_bits })
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

    #[test]
    fn nonsense_is_named() {
        for text in ["10.0.0.0/33", "ten", "10.0.0.0/", "::/129"] {
            assert!(AllowList::parse(&[text]).unwrap_err().to_string().contains(text));
        }
    }
}
