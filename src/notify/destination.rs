//! Where a webhook may go: not into our own network, unless somebody said so. Pure.
//!
//! A webhook's URL is written by a user, and the request goes out from inside the house. Without this it could call what
//! only the house may call: cloud metadata, consoles without a login, Watchroom itself (CWE-918; CVE-2025-32358,
//! CVE-2026-39361).
//!
//! Judged is the address that is connected to, after the name was resolved, never the name. Allowed are addresses that
//! the registries call globally reachable (<https://www.iana.org/assignments/iana-ipv4-special-registry>,
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>), and what `allow_private` lists.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::document::excerpt;

/// A range of addresses, written as `10.1.0.0/16`, `fd00::/8`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether the address lies in it. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) does not lie in an IPv4 range.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.bits.min(32));
                (u64::from(u32::from(network)) >> shift) == (u64::from(u32::from(address)) >> shift)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.bits.min(128));
                let high = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
                high(u128::from(network)) == high(u128::from(address))
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is no network; write one such as 10.1.0.0/16, fd00::/8 or 192.168.1.7", excerpt(text));
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?
            }
            Some(_) => return Err(wrong()),
        };
        Ok(Self { address, bits })
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// Whether a webhook may connect to this address; the error says why not.
///
/// A range in `allowed` opens the addresses in it, in the form in which they are written there. An IPv6 form that leads to an
/// IPv4 address (mapped, NAT64, 6to4) must be opened itself, and where it leads to must be public or opened too.
///
/// # Errors
/// What kind of address it is, for a person.
pub fn may_call(address: IpAddr, allowed: &[Network]) -> Result<(), &'static str> {
    let opened = allowed.iter().any(|network| network.contains(address));
    let judged = match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    };
    match judged {
        Some(kind) if !opened => Err(kind),
        _ => match address {
            IpAddr::V6(address) => leads_to(address).map_or(Ok(()), |inner| may_call(IpAddr::V4(inner), allowed)),
            IpAddr::V4(_) => Ok(()),
        },
    }
}

/// What kind of address it is, if it is none of the public internet.
fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [0, ..] => Some("an address of this machine (0.0.0.0/8)"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("a private address (RFC 1918)"),
        [100, 64..=127, ..] => Some("an address behind a carrier's NAT (RFC 6598)"),
        [127, ..] => Some("a loopback address"),
        [169, 254, ..] => Some("a link-local address (RFC 3927), where clouds keep their metadata"),
        [192, 0, 0, _] => Some("an address of protocol assignments (RFC 6890)"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Some("an address for documentation (RFC 5737)"),
        [192, 88, 99, _] => Some("a 6to4 relay (RFC 7526)"),
        [198, 18..=19, ..] => Some("an address for benchmarks (RFC 2544)"),
        [224..=239, ..] => Some("a multicast address"),
        [240..=255, ..] => Some("a reserved or broadcast address"),
        _ => None,
    }
}

/// Only 2000::/3 is given out to the public internet, and some of it is not.
fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("the unspecified address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("a loopback address"),
        [0, 0, 0, 0, 0, 0xffff, ..] => Some("an IPv4 address written as IPv6 (::ffff:0:0/96)"),
        [0x64, 0xff9b, ..] => Some("an IPv4 address behind a NAT64 (RFC 6052)"),
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Some("an address for documentation (RFC 3849, RFC 9637)"),
        [0x2001, 0..=0x01ff, ..] => Some("an address of protocol assignments, Teredo among them (RFC 2928, RFC 4380)"),
        [0x2002, ..] => Some("an IPv4 address written as 6to4 (RFC 3056)"),
        [0x2000..=0x3fff, ..] => None,
        [0xfc00..=0xfdff, ..] => Some("a unique local address (RFC 4193)"),
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xfec0..=0xfeff, ..] => Some("a site-local address (RFC 3879)"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        _ => Some("an address outside of the public internet"),
    }
}

/// The IPv4 address that packets for this one end up at, where the form has one in it.
fn leads_to(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let inner = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match segments {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] if high != 0 || low > 1 => inner(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => inner(high, low),
        [0x2002, high, low, ..] => inner(high, low),
        _ => None,
    }
}

#[cfg(test)]
#[path = "destination_tests.rs"]
mod tests;
