//! The shipped rules about the network, over lines as Cisco, Juniper, Arista, NetIron and DHCP servers write them.

use super::rules_test_tables::{MINUTE_US, Measure, NOON, Tables, line, measure, rule, said, titles};

/// An error counter of an interface every minute of the last half hour; `value` is given the minutes since its beginning.
fn errors(interface: &'static str, value: impl Fn(i64) -> f64) -> Vec<Measure> {
    (0..30).map(|minute| measure(NOON - (30 - minute) * MINUTE_US, "sw01", "ifInErrors", &[("ifName", interface)], value(minute))).collect()
}

#[tokio::test]
async fn interfaces_that_count_errors_for_ten_minutes_are_found() {
    // Reset to zero on the way.
    let mut measures =
        errors("Gi1/0/12", |minute| if minute < 22 { 9_000.0 + 240.0 * minute as f64 } else { 240.0 * (minute - 22) as f64 });
    measures.extend(errors("Gi1/0/13", |minute| if minute < 27 { 5.0 } else { 900.0 }));
    measures.extend(errors("Gi1/0/14", |minute| 7e6 + 10.0 * minute as f64));
    let tables = Tables { lines: Vec::new(), measures };
    let findings = tables.findings_between(&rule("interface_errors"), NOON - 10 * MINUTE_US, NOON).await;
    let found: Vec<_> = findings.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(found, ["Gi1/0/12 on sw01 counted 480 errors in 5 minutes", "Gi1/0/12 on sw01 counted 1200 errors in 5 minutes"]);
    assert_eq!(tables.evidence(&rule("interface_errors"), &findings[0]).await.len(), 15);
}

#[tokio::test]
async fn lost_neighbors_of_many_makers_are_named() {
    let lost = [
        ("%BGP-5-ADJCHANGE: neighbor 10.0.0.1 Down BGP Notification sent", "BGP neighbor 10.0.0.1"),
        ("%BGP-5-ADJCHANGE: neighbor 2001:db8::1 vpn vrf red Down Peer closed the session", "BGP neighbor 2001:db8::1"),
        ("%BGP-5-ADJCHANGE: bgp-65000 [9182] (default) neighbor 10.1.1.1 Down - holdtimer expired error", "BGP neighbor 10.1.1.1"),
        ("%BGP-5-ADJCHANGE: peer 10.9.0.1 (VRF default AS 65001) old state Established event Stop new state Idle", "BGP neighbor 10.9.0.1"),
        (
            "%OSPF-5-ADJCHG: Process 1, Nbr 172.16.46.4 on GigabitEthernet2.45 from FULL to DOWN, Neighbor Down: Dead timer expired",
            "OSPF neighbor 172.16.46.4",
        ),
        (
            "%OSPF-5-ADJCHG: Process 1, Nbr 172.16.46.4 on GigabitEthernet2.45 from INIT to DOWN, Neighbor Down: Dead timer expired",
            "OSPF neighbor 172.16.46.4",
        ),
        (
            "%DUAL-5-NBRCHANGE: EIGRP-IPv4 100: Neighbor 10.4.4.4 (GigabitEthernet0/1) is down: holding time expired",
            "EIGRP neighbor 10.4.4.4",
        ),
        ("%CLNS-5-ADJCHANGE: ISIS: Adjacency to core2 (GigabitEthernet0/0) Down, hold time expired", "IS-IS neighbor core2"),
        (
            "RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer 192.168.140.254 (External AS 4230) changed state from Established to Idle \
             (event HoldTime) (instance master)",
            "BGP neighbor 192.168.140.254",
        ),
        (
            "RPD_OSPF_NBRDOWN: OSPF neighbor 10.5.0.2 (realm ospf-v2 ge-0/0/0.0 area 0.0.0.0) state changed from Full to Down due to \
             InActiveTimer (event reason: neighbor was inactive)",
            "OSPF neighbor 10.5.0.2",
        ),
        ("BGP: Peer 10.10.7.134 DOWN (Hold Timer Expired) ", "BGP neighbor 10.10.7.134"),
        ("BGP: Peer (VRF: default-vrf) 2607:a999:4999::1 DOWN (Rcv Notification:Hold Timer Expired) ", "BGP neighbor 2607:a999:4999::1"),
        ("OSPF: nbr state changed, rid 10.10.80.14, nbr addr 10.10.228.70, nbr rid 10.10.80.17, state down", "OSPF neighbor 10.10.80.17"),
    ];
    for (message, neighbor) in lost {
        let findings = said("r01", "rpd", 5, &[message]);
        let findings = findings.findings_between(&rule("routing_neighbor_down"), NOON - 5 * MINUTE_US, NOON).await;
        let found: Vec<_> = findings.into_iter().map(|finding| finding.title).collect();
        assert_eq!(found, [format!("r01 has lost its {neighbor}")], "{message}");
    }
}

#[tokio::test]
async fn neighbors_that_come_or_never_were_are_not_lost() {
    let tables = said(
        "r01",
        "rpd",
        5,
        &[
            "%BGP-5-ADJCHANGE: neighbor 10.0.0.1 Up",
            "%OSPF-5-ADJCHG: Process 1, Nbr 172.16.46.4 on GigabitEthernet2.45 from LOADING to FULL, Loading Done",
            "%DUAL-5-NBRCHANGE: EIGRP-IPv4 100: Neighbor 10.4.4.4 (GigabitEthernet0/1) is up: new adjacency",
            "BGP: Peer 10.10.7.137 UP (ESTABLISHED) ",
            "OSPF: nbr state changed, rid 10.10.80.14, nbr addr 10.10.228.70, nbr rid 10.10.80.17, state full ",
            "bgp_listen_accept: %DAEMON-4: Connection attempt from unconfigured neighbor: 2001:db8::219:166+57284",
            "RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer 10.1.0.1 (External AS 4230) changed state from OpenConfirm to Established",
            "bgp_recv_update: peer 198.51.100.1 (External AS 64500) announced 12 prefixes",
        ],
    );
    let findings = tables.findings_between(&rule("routing_neighbor_down"), NOON - 5 * MINUTE_US, NOON).await;
    assert!(findings.is_empty(), "{:?}", findings.iter().map(|finding| &finding.title).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_loop_moves_addresses_by_the_dozen() {
    let flap = "%SW_MATM-4-MACFLAP_NOTIF: Host 00a0.c9fd.8fc6 in vlan 20 is flapping between port Gi1/0/31 and port Gi1/0/44";
    let flaps = |host, count: i64| (0..count).map(move |n| line(NOON - 4 * MINUTE_US + n, host, "", 4, flap));
    let mut lines: Vec<_> = flaps("sw01", 80).collect();
    lines.extend(flaps("sw02", 10));
    let tables = Tables { lines, measures: Vec::new() };
    assert_eq!(titles(&tables, "network_loop").await, ["sw01 sees a loop: 80 lines in 5 minutes"]);
    let verdict = said("sw03", "", 2, &["%ETHCNTR-3-LOOP_BACK_DETECTED: Loop-back detected on GigabitEthernet0/4."]);
    assert_eq!(titles(&verdict, "network_loop").await, ["sw03 sees a loop: 1 lines in 5 minutes"]);
}

#[tokio::test]
async fn ports_that_a_switch_disables_are_told_with_the_reason() {
    let tables = said(
        "sw01",
        "",
        4,
        &[
            "%PM-4-ERR_DISABLE: bpduguard error detected on Gi1/0/5, putting Gi1/0/5 in err-disable state",
            "%PM-4-ERR_DISABLE: psecure-violation error detected on Fa0/7, putting Fa0/7 in err-disable state",
            "%ETHPORT-5-IF_DOWN_ERROR_DISABLED: Interface Ethernet1/9 is down (Error disabled. Reason:BPDUGuard)",
            "%PM-4-ERR_RECOVER: Attempting to recover from bpduguard err-disable state on Gi1/0/6",
            "%LINK-3-UPDOWN: Interface GigabitEthernet1/0/14, changed state to down",
        ],
    );
    let expected =
        ["sw01 has disabled Ethernet1/9: BPDUGuard", "sw01 has disabled Fa0/7: psecure-violation", "sw01 has disabled Gi1/0/5: bpduguard"];
    assert_eq!(titles(&tables, "port_disabled").await, expected);
}

#[tokio::test]
async fn dhcp_pools_run_dry() {
    let dry = [
        ("dhcpd", "DHCPDISCOVER from 00:a0:c9:fd:8f:c6 via eth0: network 10.20.20.0/24: no free leases", "10.20.20.0/24"),
        ("dnsmasq-dhcp", "DHCPDISCOVER(br0) 00:a0:c9:fd:8f:c6 no address available", "br0"),
        (
            "kea-dhcp4",
            "WARN  ALLOC_ENGINE_V4_ALLOC_FAIL_SUBNET [hwtype=1 00:a0:c9:fd:8f:c6]: failed to allocate an IPv4 address in the subnet 10.7.0.0/16",
            "10.7.0.0/16",
        ),
    ];
    for (app, message, pool) in dry {
        let found = titles(&said("dhcp01", app, 4, &[message, message, message]), "dhcp_pool_exhausted").await;
        assert_eq!(found, [format!("The DHCP server dhcp01 has no address left in {pool}")], "{message}");
        assert!(titles(&said("dhcp01", app, 4, &[message]), "dhcp_pool_exhausted").await.is_empty(), "once: {message}");
    }
    let windows = "Scope, 10.20.24.0, is 100 percent full with only 0 IP addresses remaining.";
    let found = titles(&said("dc01", "DhcpServer", 4, &[windows]), "dhcp_pool_exhausted").await;
    assert_eq!(found, ["The DHCP server dc01 has no address left in 10.20.24.0"]);
    let fine =
        ["DHCPACK on 10.20.20.7 to 00:a0:c9:fd:8f:c6 via eth0", "Scope, 10.20.24.0, is 80 percent full with 50 IP addresses remaining."];
    assert!(titles(&said("dhcp01", "dhcpd", 6, &fine), "dhcp_pool_exhausted").await.is_empty());
}
