use proptest::prelude::*;

use super::*;

fn networks(texts: &[&str]) -> Vec<Network> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn addresses_of_the_house_are_refused_in_every_form() {
    for text in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.170",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "::7f00:1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::1",
        "100::1",
        "100:0:0:1::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "3fff::1",
        "3fff:fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "feff::1",
        "ff02::1",
        "ffff::",
    ] {
        assert!(may_call(text.parse().unwrap(), &[]).is_err(), "{text}");
    }
}

#[test]
fn neighbours_of_the_house_are_public() {
    for text in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2000::1",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2606:4700::1111",
        "2a00::1",
        "2001:db7:ffff::1",
        "2001:db9::1",
        "2003::1",
        "3ffe::1",
        "3fff:1000::1",
    ] {
        assert_eq!(may_call(text.parse().unwrap(), &[]), Ok(()), "{text}");
    }
}

#[test]
fn what_is_opened_is_opened_as_it_is_written() {
    let allowed = networks(&["10.1.0.0/16", "fd00::/8", "192.168.1.7"]);
    for (text, good) in [
        ("10.1.2.3", true),
        ("10.2.0.1", false),
        ("192.168.1.7", true),
        ("192.168.1.8", false),
        ("fd12::1", true),
        ("fc12::1", false),
        ("::ffff:10.1.2.3", false),
        ("127.0.0.1", false),
        ("8.8.8.8", true),
    ] {
        assert_eq!(may_call(text.parse().unwrap(), &allowed).is_ok(), good, "{text}");
    }
}

#[test]
fn an_opened_tunnel_still_leads_nowhere_in_the_house() {
    let nat64 = networks(&["64:ff9b::/96", "2002::/16", "::ffff:0:0/96"]);
    for (text, good) in [
        ("64:ff9b::8.8.8.8", true),
        ("64:ff9b::127.0.0.1", false),
        ("64:ff9b::169.254.169.254", false),
        ("2002:808:808::1", true),
        ("2002:7f00:1::1", false),
        ("::ffff:8.8.8.8", true),
        ("::ffff:10.0.0.1", false),
    ] {
        assert_eq!(may_call(text.parse().unwrap(), &nat64).is_ok(), good, "{text}");
    }
    let both = networks(&["64:ff9b::/96", "10.0.0.0/8"]);
    assert_eq!(may_call("64:ff9b::10.0.0.1".parse().unwrap(), &both), Ok(()));
    assert_eq!(may_call("::1".parse().unwrap(), &networks(&["::1"])), Ok(()), "the loopback address has no IPv4 one in it");
}

#[test]
fn networks_read_back_and_nonsense_does_not() {
    for text in ["10.1.0.0/16", "0.0.0.0/0", "::/0", "fd00::/8", "192.168.1.7/32", "::1/128"] {
        assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0.0/",
        "10.0.0/8",
        "[::1]",
        "example.org",
        "10.0.0.0/8/8",
        "010.0.0.1",
    ] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
    let everything = networks(&["0.0.0.0/0", "::/0"]);
    assert!(everything[0].contains("255.255.255.255".parse().unwrap()) && everything[1].contains("ffff::".parse().unwrap()));
}

proptest! {
    #[test]
    fn an_ipv4_address_in_ipv6_clothes_is_never_better_than_itself(bits in any::<u32>(), form in 0..4) {
        let inner = std::net::Ipv4Addr::from(bits);
        let [a, b, c, d] = inner.octets().map(u16::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        let clothed = match form {
            0 => Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
            1 => Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            2 => Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            _ => Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        };
        prop_assert!(may_call(IpAddr::V6(clothed), &[]).is_err());
        let opened = networks(&["::ffff:0:0/96", "64:ff9b::/96", "2002::/16", "::/96"]);
        // `::` and `::1` are addresses of their own.
        if form != 3 || bits > 1 {
            prop_assert_eq!(may_call(IpAddr::V6(clothed), &opened).is_ok(), may_call(IpAddr::V4(inner), &opened).is_ok());
        }
    }

    #[test]
    fn a_network_contains_what_shares_its_first_bits(bits in any::<u32>(), other in any::<u32>(), length in 0_u8..=32) {
        let network = Network { address: IpAddr::V4(bits.into()), bits: length };
        let same = length == 0 || (bits ^ other).leading_zeros() >= u32::from(length);
        prop_assert_eq!(network.contains(IpAddr::V4(other.into())), same);
        let wide = |bits: u32| IpAddr::V6(Ipv6Addr::from(u128::from(bits) << 96));
        let network = Network { address: wide(bits), bits: length };
        prop_assert_eq!(network.contains(wide(other)), same);
    }
}
