//! The series of the Linux servers: those of a node exporter, and of the programs that they run.

use super::hosts::HostKind;
use super::incident::IncidentKind;
use super::metrics::Layout;
use super::signal::{Gauge, Load, Signal};
use super::volume::{self, GIB};

/// More requests every week: in half a year two of the three web servers cannot carry what three do.
const WEB_GROWTH_PER_WEEK: f64 = 0.01;

/// Connections that the pools of the services keep open.
const CONNECTION_GROWTH_PER_WEEK: f64 = 0.006;

/// How hard a server works.
struct Work {
    /// Share of every processor in use.
    cpu: Load,
    /// Bytes a second.
    received: Load,
    sent: Load,
    read: Load,
    written: Load,
    /// Share of the memory in use.
    memory: Load,
}

fn work(kind: HostKind) -> Work {
    let load = Load::new;
    // Steady, busiest hour, backup window. Chosen so that one and a half times all of it still fits the machine.
    let (cpu, received, sent, read, written, memory) = match kind {
        HostKind::Web => (load(0.03, 0.38, 0.07), (4e4, 8e5, 3e4), (9e4, 5.2e6, 1.1e7), (4e4, 1e5, 9e6), (9e4, 5e5, 1e4), (0.38, 0.14)),
        HostKind::Api => (load(0.04, 0.42, 0.06), (8e4, 1.6e6, 3e4), (7e4, 1.9e6, 8e6), (3e4, 9e4, 7e6), (1e5, 8e5, 1e4), (0.46, 0.18)),
        HostKind::DatabasePrimary => {
            (load(0.05, 0.22, 0.12), (1e5, 1.4e6, 5e4), (2e5, 6e6, 3.5e7), (6e5, 7e6, 4e7), (9e5, 8e6, 1e5), (0.71, 0.04))
        }
        HostKind::DatabaseReplica => {
            (load(0.04, 0.16, 0.02), (1.5e5, 2.2e6, 3e4), (5e4, 9e5, 1e5), (4e5, 3e6, 1e5), (8e5, 7e6, 1e5), (0.66, 0.05))
        }
        HostKind::Mail => (load(0.04, 0.18, 0.08), (5e4, 4e5, 2e4), (4e4, 5e5, 1.3e7), (5e4, 6e5, 1.2e7), (8e4, 7e5, 1e4), (0.52, 0.08)),
        HostKind::Monitoring => (load(0.16, 0.08, 0.05), (3e5, 2e4, 1e4), (9e4, 3e5, 6e6), (1e5, 6e5, 6e6), (6e5, 1e5, 1e4), (0.14, 0.03)),
        HostKind::Backup => {
            (load(0.02, 0.05, 0.46), (2e4, 9e5, 8.6e7), (2e4, 1.1e6, 2e6), (3e5, 8e5, 5e6), (4e4, 6e5, 7.9e7), (0.31, 0.05))
        }
        _ => (load(0.05, 0.24, 0.02), (2e5, 6.4e6, 3e4), (2e5, 6.6e6, 2e6), (1e4, 2e4, 1e6), (8e4, 4e5, 1e4), (0.28, 0.10)),
    };
    let of = |(steady, business, backup): (f64, f64, f64)| Load::new(steady, business, backup);
    Work { cpu, received: of(received), sent: of(sent), read: of(read), written: of(written), memory: Load::new(memory.0, memory.1, 0.0) }
}

pub(super) fn lay_out(layout: &mut Layout<'_>) {
    let mut work = work(layout.host.kind);
    // No two servers are alike, within a tenth.
    let own = 0.92 + 0.16 * layout.own(1);
    if layout.host.kind == HostKind::Web {
        work.cpu = work.cpu.growing(WEB_GROWTH_PER_WEEK);
    }
    for load in [&mut work.cpu, &mut work.received, &mut work.sent, &mut work.read, &mut work.written] {
        *load = load.scaled(own);
    }
    layout.job("node", 9_100);
    layout.add("up", &[], Signal::Constant(1.0));
    layout.add("node_boot_time_seconds", &[], Signal::BootTime);
    processors(layout, &work.cpu);
    memory(layout, &work.memory);
    filesystems(layout);
    traffic(layout, work);
    match layout.host.kind {
        HostKind::Web => nginx(layout),
        HostKind::Api => service(layout),
        HostKind::DatabasePrimary | HostKind::DatabaseReplica => postgres(layout),
        HostKind::LoadBalancer => haproxy(layout),
        HostKind::Mail => {
            layout.job("postfix", 9_154);
            let queue = Gauge { wander: 3.0, ..Gauge::new(Load::new(4.0, 22.0, 0.0), layout.uneven("queue")) };
            layout.add("postfix_queue_length", &[("queue", "active")], Signal::Gauge(queue));
        }
        _ => {}
    }
}

/// Time of each processor by mode, and the load averages that follow from it.
fn processors(layout: &mut Layout<'_>, cpu: &Load) {
    let slow = layout.ramps(IncidentKind::DatabaseSlow);
    let attack = layout.ramps(IncidentKind::SshBruteForce);
    let mut modes = [("iowait", cpu.scaled(0.08)), ("system", cpu.scaled(0.22)), ("user", cpu.scaled(0.70))];
    for ramp in slow {
        modes[0].1.surges.push((ramp, 0.34));
        modes[2].1.surges.push((ramp, 0.14));
    }
    for ramp in attack {
        modes[1].1.surges.push((ramp, 0.06));
    }
    for processor in 0..layout.host.cpus {
        let number = processor.to_string();
        let others: Vec<_> = modes.iter().map(|(mode, load)| (load.clone(), layout.uneven(&format!("cpu{number}{mode}")))).collect();
        for ((mode, _), (load, uneven)) in modes.iter().zip(&others) {
            let signal = Signal::Counter { load: load.clone(), uneven: *uneven, grain: 0.01 };
            layout.add("node_cpu_seconds_total", &[("cpu", &number), ("mode", mode)], signal);
        }
        layout.add("node_cpu_seconds_total", &[("cpu", &number), ("mode", "idle")], Signal::Idle { others });
    }
    let mut running = cpu.scaled(f64::from(layout.host.cpus));
    running.surges = modes.iter().flat_map(|(_, load)| load.scaled(f64::from(layout.host.cpus) * 2.0).surges).collect();
    for (name, window_s) in [("node_load1", 60), ("node_load5", 300), ("node_load15", 900)] {
        let signal = Signal::Mean { load: running.clone(), uneven: layout.uneven("load"), window_s };
        layout.add(name, &[], signal);
    }
}

fn memory(layout: &mut Layout<'_>, used: &Load) {
    let total = f64::from(layout.host.memory_gib) * GIB;
    layout.add("node_memory_MemTotal_bytes", &[], Signal::Constant(total));
    let mut used = used.clone();
    for ramp in layout.ramps(IncidentKind::DatabaseSlow) {
        used.surges.push((ramp, 0.11));
    }
    let available = Gauge { wander: 0.015, scale: -total, offset: total, grain: 4_096.0, ..Gauge::new(used, layout.uneven("memory")) };
    layout.add("node_memory_MemAvailable_bytes", &[], Signal::Gauge(available));
}

fn filesystems(layout: &mut Layout<'_>) {
    let data = (layout.host.data_mount, f64::from(layout.host.data_gib), "/dev/mapper/vg1-data", "xfs");
    for (mount, gib, device, fstype) in [("/", 40.0, "/dev/mapper/vg0-root", "ext4"), data] {
        let labels = [("device", device), ("fstype", fstype), ("mountpoint", mount)];
        let is_root = mount == "/";
        let size = if is_root { Signal::Constant(gib * GIB) } else { volume::size(layout, gib) };
        layout.add("node_filesystem_size_bytes", &labels, size);
        let filling = if is_root { volume::root(layout) } else { volume::data(layout, mount) };
        let free = filling.free(layout, gib * GIB, mount);
        layout.add("node_filesystem_avail_bytes", &labels, Signal::Gauge(free));
    }
}

fn traffic(layout: &mut Layout<'_>, mut work: Work) {
    for ramp in layout.ramps(IncidentKind::DatabaseSlow) {
        work.read.surges.push((ramp, 6e7));
    }
    for ramp in layout.ramps(IncidentKind::DiskFilling) {
        work.written.surges.push((ramp, 1.5e6));
    }
    let busy_disk = Load { surges: Vec::new(), ..work.read.scaled(1.1e-8) };
    let busy_disk = layout.ramps(IncidentKind::DatabaseSlow).into_iter().fold(busy_disk, |load, ramp| load.with_surge(Some(ramp), 0.35));
    let mut opens = Load::new(0.05, 0.8, 0.05);
    for ramp in layout.ramps(IncidentKind::SshBruteForce) {
        opens.surges.push((ramp, 4.0));
    }
    let (network, disk) = ([("device", "eth0")], [("device", "sda")]);
    counter(layout, "node_network_receive_bytes_total", &network, work.received, 1.0);
    counter(layout, "node_network_transmit_bytes_total", &network, work.sent, 1.0);
    layout.add("node_network_speed_bytes", &network, Signal::Constant(1.25e8));
    counter(layout, "node_disk_read_bytes_total", &disk, work.read, 512.0);
    counter(layout, "node_disk_written_bytes_total", &disk, work.written, 512.0);
    counter(layout, "node_disk_io_time_seconds_total", &disk, busy_disk, 0.001);
    counter(layout, "node_netstat_Tcp_PassiveOpens", &[], opens, 1.0);
}

fn counter(layout: &mut Layout<'_>, name: &str, labels: &[(&str, &str)], load: Load, grain: f64) {
    let uneven = layout.uneven(&format!("{name}{labels:?}"));
    layout.add(name, labels, Signal::Counter { load, uneven, grain });
}

fn nginx(layout: &mut Layout<'_>) {
    layout.job("nginx", 9_113);
    counter(layout, "nginx_http_requests_total", &[], Load::new(0.4, 11.0, 0.0), 1.0);
    let active = Gauge { wander: 6.0, ..Gauge::new(Load::new(9.0, 84.0, 0.0), layout.uneven("connections")) };
    layout.add("nginx_connections_active", &[], Signal::Gauge(active));
}

fn service(layout: &mut Layout<'_>) {
    layout.job("orders-api", 8_080);
    let burst: Vec<_> = layout.troubles_anywhere(IncidentKind::DeploymentErrors).map(|incident| incident.ramp()).collect();
    let slow: Vec<_> = layout.troubles_anywhere(IncidentKind::DatabaseSlow).map(|incident| incident.ramp()).collect();
    let errors = burst.iter().fold(Load::new(0.0004, 0.006, 0.0), |load, ramp| load.with_surge(Some(*ramp), 2.8));
    let errors = slow.iter().fold(errors, |load, ramp| load.with_surge(Some(*ramp), 0.4));
    let answered = Load::new(0.3, 8.0, 0.0);
    // A request takes 40 ms; while the database is slow, ten times that.
    let seconds = slow.iter().fold(answered.scaled(0.04), |load, ramp| load.with_surge(Some(*ramp), 8.0 * 0.36));
    counter(layout, "http_requests_total", &[("code", "200")], answered.clone(), 1.0);
    counter(layout, "http_requests_total", &[("code", "404")], answered.scaled(0.012), 1.0);
    counter(layout, "http_requests_total", &[("code", "500")], errors, 1.0);
    counter(layout, "http_request_duration_seconds_count", &[], answered, 1.0);
    counter(layout, "http_request_duration_seconds_sum", &[], seconds, 0.001);
    let resident = Gauge { wander: 4e7, grain: 4_096.0, ..Gauge::new(Load::new(9.1e8, 2.6e8, 0.0), layout.uneven("resident")) };
    layout.add("process_resident_memory_bytes", &[], Signal::Gauge(resident));
}

fn haproxy(layout: &mut Layout<'_>) {
    layout.job("haproxy", 8_405);
    let burst: Vec<_> = layout.troubles_anywhere(IncidentKind::DeploymentErrors).map(|incident| incident.ramp()).collect();
    for (proxy, share) in [("web_back", 1.0), ("api_back", 0.5)] {
        let good = Load::new(1.2, 33.0, 0.0).scaled(share);
        let mut failed = good.scaled(0.0015);
        failed.surges.extend(burst.iter().map(|ramp| (*ramp, 5.6 * share)));
        counter(layout, "haproxy_backend_http_responses_total", &[("code", "4xx"), ("proxy", proxy)], good.scaled(0.017), 1.0);
        counter(layout, "haproxy_backend_http_responses_total", &[("code", "2xx"), ("proxy", proxy)], good, 1.0);
        counter(layout, "haproxy_backend_http_responses_total", &[("code", "5xx"), ("proxy", proxy)], failed, 1.0);
        let sessions = Gauge { wander: 4.0 * share, ..Gauge::new(Load::new(6.0, 70.0, 0.0).scaled(share), layout.uneven(proxy)) };
        layout.add("haproxy_backend_current_sessions", &[("proxy", proxy)], Signal::Gauge(sessions));
    }
}

fn postgres(layout: &mut Layout<'_>) {
    layout.job("postgres", 9_187);
    let orders = [("datname", "orders")];
    let slow = layout.ramps(IncidentKind::DatabaseSlow);
    let surging = |load: Load, amount: f64| slow.iter().fold(load, |load, ramp| load.with_surge(Some(*ramp), amount));
    layout.add("pg_up", &[], Signal::Constant(1.0));
    counter(layout, "pg_stat_database_xact_commit", &orders, Load::new(6.0, 95.0, 2.0), 1.0);
    counter(layout, "pg_stat_database_xact_rollback", &orders, surging(Load::new(0.01, 0.12, 0.0), 3.5), 1.0);
    counter(layout, "pg_stat_database_blks_hit", &orders, surging(Load::new(1.1e3, 2.4e4, 4e3), 9e4), 1.0);
    counter(layout, "pg_stat_database_blks_read", &orders, surging(Load::new(40.0, 620.0, 4_800.0), 7_300.0), 1.0);
    counter(layout, "pg_stat_database_tup_fetched", &orders, surging(Load::new(2e3, 4.1e4, 6e3), 6e5), 1.0);
    counter(layout, "pg_stat_database_temp_bytes", &orders, surging(Load::new(0.0, 2e4, 0.0), 4e6), 1.0);
    counter(layout, "pg_stat_database_deadlocks", &orders, surging(Load::steady(1e-5), 0.01), 1.0);
    for (state, level, surge) in [("active", Load::new(1.0, 6.0, 1.0), 102.0), ("idle", Load::new(18.0, 12.0, 0.0), 58.0)] {
        let level = surging(level, surge).growing(CONNECTION_GROWTH_PER_WEEK);
        let gauge = Gauge { wander: 1.2, ..Gauge::new(level, layout.uneven(state)) };
        layout.add("pg_stat_activity_count", &[("datname", "orders"), ("state", state)], Signal::Gauge(gauge));
    }
    let size = Gauge { wander: 1e7, trend_per_week: 1.9e9, grain: 8_192.0, ..Gauge::new(Load::steady(1.46e11), layout.uneven("size")) };
    layout.add("pg_database_size_bytes", &orders, Signal::Gauge(size));
    if layout.host.kind == HostKind::DatabaseReplica {
        let behind = layout
            .troubles_anywhere(IncidentKind::DatabaseSlow)
            .fold(Load::new(0.2, 0.5, 2.0), |load, incident| load.with_surge(Some(incident.ramp()), 6.0));
        let lag = Gauge { wander: 0.15, grain: 0.001, ..Gauge::new(behind, layout.uneven("lag")) };
        layout.add("pg_replication_lag_seconds", &[], Signal::Gauge(lag));
    }
}
