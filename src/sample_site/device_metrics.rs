//! The series of everything that is no Linux server: interfaces over SNMP, firewalls' sessions, Windows, VMware.

use super::hosts::{Host, HostKind, switch_port};
use super::incident::{Detail, Incident, IncidentKind};
use super::metrics::Layout;
use super::shape::Ramp;
use super::signal::{Gauge, Load, Signal};
use super::volume::{self, GIB};
use crate::clock::TimestampUs;

pub(super) fn lay_out(layout: &mut Layout<'_>, hosts: &[Host]) {
    match layout.host.kind {
        HostKind::CiscoSwitch => switch(layout, hosts),
        HostKind::JuniperRouter => {
            snmp(layout);
            interface(layout, "ge-0/0/0", (Load::new(4e5, 9e6, 1e5), Load::new(3e5, 7e6, 1e5)), Trouble::default());
            interface(layout, "ge-0/0/1", (Load::new(3e5, 7e6, 1e5), Load::new(4e5, 9e6, 1e5)), Trouble::default());
            processor(layout, Load::new(7.0, 14.0, 2.0));
        }
        HostKind::AsaFirewall | HostKind::FortigateFirewall => firewall(layout),
        HostKind::VmwareHost => vmware(layout),
        _ => windows(layout),
    }
}

/// The core switch's port to the switch of the warehouse, over old converters that know 100 Mbit/s only.
pub(super) const UPLINK: &str = "GigabitEthernet1/0/24";

/// Growth of what goes over it.
const UPLINK_GROWTH_PER_WEEK: f64 = 0.004;

/// What is wrong with a port.
#[derive(Debug, Default)]
struct Trouble {
    /// When its state changes, beginning with down.
    changes: Vec<TimestampUs>,
    /// When it receives errors.
    errors: Vec<Ramp>,
}

fn snmp(layout: &mut Layout<'_>) {
    layout.job("snmp", 0);
    layout.add("up", &[], Signal::Constant(1.0));
    layout.add("snmp_boot_time_seconds", &[], Signal::BootTime);
}

fn interface(layout: &mut Layout<'_>, name: &str, (received, sent): (Load, Load), trouble: Trouble) {
    let labels = [("ifName", name)];
    let uneven = |layout: &Layout<'_>, what: &str| layout.uneven(&format!("{name}{what}"));
    let signal = Signal::Counter { load: received, uneven: uneven(layout, "in"), grain: 1.0 };
    layout.add("ifHCInOctets", &labels, signal);
    let signal = Signal::Counter { load: sent, uneven: uneven(layout, "out"), grain: 1.0 };
    layout.add("ifHCOutOctets", &labels, signal);
    let errors = trouble.errors.iter().fold(Load::steady(2e-6), |load, ramp| load.with_surge(Some(*ramp), 4.0));
    let signal = Signal::Counter { load: errors, uneven: uneven(layout, "errors"), grain: 1.0 };
    layout.add("ifInErrors", &labels, signal);
    layout.add("ifOperStatus", &labels, Signal::PortState { changes: trouble.changes });
    // In millions of bits a second (RFC 2863).
    let speed = if name == UPLINK { 100.0 } else { 1_000.0 };
    layout.add("ifHighSpeed", &labels, Signal::Constant(speed));
}

fn processor(layout: &mut Layout<'_>, percent: Load) {
    let gauge = Gauge { wander: 2.0, ..Gauge::new(percent, layout.uneven("processor")) };
    layout.add("deviceCpuPercent", &[], Signal::Gauge(gauge));
}

fn switch(layout: &mut Layout<'_>, hosts: &[Host]) {
    snmp(layout);
    processor(layout, Load::new(6.0, 9.0, 8.0));
    for host in hosts.iter().filter(|host| host.kind != HostKind::CiscoSwitch) {
        let port = switch_port(host);
        let mut trouble = Trouble::default();
        for incident in layout.troubles(IncidentKind::LinkFlapping) {
            if let Detail::Changes { port: flapping, at_us } = &incident.detail
                && *flapping == port
            {
                trouble.changes.extend(at_us);
                trouble.errors.push(incident.ramp());
            }
        }
        for incident in layout.troubles_anywhere(IncidentKind::HostSilent).filter(|incident| incident.host == host.name) {
            trouble.changes.extend([incident.start_us, incident.end_us - 40_000_000]);
        }
        trouble.changes.sort_unstable();
        let backup = if host.kind == HostKind::Backup { 8.8e7 } else { 4e6 };
        let loads = (Load::new(8e4, 2.5e6, 4e6), Load::new(8e4, 2.5e6, backup));
        interface(layout, &format!("GigabitEthernet1/0/{port}"), loads, trouble);
    }
    let (received, sent) = (Load::new(2e5, 3.1e6, 1e5), Load::new(3e5, 8.4e6, 4e5));
    interface(layout, UPLINK, (received.growing(UPLINK_GROWTH_PER_WEEK), sent.growing(UPLINK_GROWTH_PER_WEEK)), Trouble::default());
}

fn firewall(layout: &mut Layout<'_>) {
    snmp(layout);
    processor(layout, Load::new(9.0, 27.0, 1.0));
    let attacks = layout.troubles_anywhere(IncidentKind::SshBruteForce).map(Incident::ramp);
    let mut sessions = Load::new(380.0, 4_200.0, 60.0);
    if layout.host.kind == HostKind::AsaFirewall {
        sessions = attacks.fold(sessions, |load, ramp| load.with_surge(Some(ramp), 240.0));
    }
    let gauge = Gauge { wander: 60.0, ..Gauge::new(sessions, layout.uneven("sessions")) };
    layout.add("firewall_sessions", &[], Signal::Gauge(gauge));
    interface(layout, "outside", (Load::new(3e5, 7e6, 5e4), Load::new(3e5, 6e6, 5e4)), Trouble::default());
    interface(layout, "inside", (Load::new(3e5, 6e6, 5e4), Load::new(3e5, 7e6, 5e4)), Trouble::default());
}

fn vmware(layout: &mut Layout<'_>) {
    layout.job("vmware", 9_272);
    layout.add("up", &[], Signal::Constant(1.0));
    let gauges = [
        ("vmware_host_cpu_usage_percent", Load::new(11.0, 31.0, 8.0), 2.0, 0.01),
        ("vmware_host_memory_used_bytes", Load::new(148.0 * GIB, 9.0 * GIB, 0.0), 1.5 * GIB, 4_096.0),
        ("vmware_host_disk_latency_ms", Load::new(1.2, 2.4, 9.0), 0.4, 0.01),
    ];
    for (name, level, wander, grain) in gauges {
        let gauge = Gauge { wander, grain, ..Gauge::new(level, layout.uneven(name)) };
        layout.add(name, &[], Signal::Gauge(gauge));
    }
    layout.add("vmware_host_memory_size_bytes", &[], Signal::Constant(f64::from(layout.host.memory_gib) * GIB));
    let free = Gauge {
        wander: 6.0 * GIB,
        trend_per_week: -24.0 * GIB,
        grain: 1_048_576.0,
        ..Gauge::new(Load::steady(2_900.0 * GIB), layout.uneven("store"))
    };
    layout.add("vmware_datastore_free_bytes", &[("datastore", "san-01")], Signal::Gauge(free));
    layout.add("vmware_datastore_capacity_bytes", &[("datastore", "san-01")], Signal::Constant(8_192.0 * GIB));
}

fn windows(layout: &mut Layout<'_>) {
    layout.job("windows", 9_182);
    layout.add("up", &[], Signal::Constant(1.0));
    let is_files = layout.host.kind == HostKind::WindowsFileServer;
    let cpu = if is_files { Load::new(0.03, 0.14, 0.10) } else { Load::new(0.04, 0.19, 0.03) };
    let others = vec![(cpu.scaled(0.7), layout.uneven("user")), (cpu.scaled(0.3), layout.uneven("privileged"))];
    for (mode, (load, uneven)) in ["user", "privileged"].into_iter().zip(&others) {
        let signal = Signal::Counter { load: load.clone(), uneven: *uneven, grain: 0.01 };
        layout.add("windows_cpu_time_total", &[("mode", mode)], signal);
    }
    layout.add("windows_cpu_time_total", &[("mode", "idle")], Signal::Idle { others });
    let total = f64::from(layout.host.memory_gib) * GIB;
    let free = Gauge {
        wander: 0.01,
        scale: -total,
        offset: total,
        grain: 4_096.0,
        ..Gauge::new(Load::new(0.48, 0.11, 0.0), layout.uneven("memory"))
    };
    layout.add("windows_memory_available_bytes", &[], Signal::Gauge(free));
    layout.add("windows_memory_physical_total_bytes", &[], Signal::Constant(total));
    let volume = [("volume", layout.host.data_mount)];
    let size = f64::from(layout.host.data_gib) * GIB;
    layout.add("windows_logical_disk_size_bytes", &volume, Signal::Constant(size));
    let free = volume::windows(layout).free(layout, size, "volume");
    layout.add("windows_logical_disk_free_bytes", &volume, Signal::Gauge(free));
    for (name, busiest) in [("windows_net_bytes_received_total", 2.2e6), ("windows_net_bytes_sent_total", 5.4e6)] {
        let busiest = if is_files { busiest * 3.0 } else { busiest };
        let signal = Signal::Counter { load: Load::new(3e4, busiest, 4e6), uneven: layout.uneven(name), grain: 1.0 };
        layout.add(name, &[("nic", "Ethernet0")], signal);
    }
}
