//! What each program of the workload writes.

use super::drawing::{Random, address, client, hex, inside, number, text};
use super::text_pools::{AGENTS, MONTHS, PAGES, RESOURCES, SERVICES, SITES, STATEMENTS, UNITS, USERS};
use super::{Calendar, Program, SyslogWorkload, Visitor};

impl SyslogWorkload {
    /// Writes the text of one event and returns its severity code.
    pub(super) fn write_message(&mut self, program: Program, host: usize, out: &mut Vec<u8>) -> u64 {
        match program {
            Program::Nginx => self.web_access(out),
            Program::Gateway => self.gateway(out),
            Program::Orders => self.orders(out),
            Program::Postgres => self.postgres(out),
            Program::Haproxy => self.haproxy(out),
            Program::Postfix | Program::Dovecot => self.mail(program, out),
            Program::Sshd | Program::Sudo => self.login(program, out),
            Program::Kernel | Program::Firewall => self.kernel(program, host, out),
            Program::Dhcpd | Program::Named => self.network(program, out),
            Program::Audit => self.audit(out),
            _ => self.housekeeping(program, out),
        }
    }

    /// Writes a path and returns its size where the same path always has the same.
    fn path(&mut self, out: &mut Vec<u8>) -> Option<u64> {
        let random = &mut self.random;
        match random.below(10) {
            0..=4 => {
                let page = random.skewed(PAGES.len() as u64);
                text(out, PAGES[page as usize]);
                return Some(Random(page).long_tail(9_000.0) as u64);
            }
            5 | 6 => {
                put!(out, "/products/{}", random.skewed(60_000) + 1_000);
            }
            7 => {
                put!(out, "/images/products/{}-{}.webp", random.skewed(60_000) + 1_000, [320, 640, 1_280][random.below(3) as usize]);
            }
            8 => {
                put!(out, "/search?q={}+{}&page={}", random.pick(&RESOURCES), random.pick(&USERS), random.skewed(9) + 1);
            }
            _ => {
                put!(out, "/api/v2/{}/{}", random.pick(&RESOURCES), random.range(100_000, 999_999));
            }
        }
        None
    }

    /// A visitor who is on the site at the moment: each comes with many requests.
    fn visitor(&mut self) -> Visitor {
        let random = &mut self.random;
        let slot = random.skewed(self.visitors.len() as u64) as usize;
        if random.one_in(40) {
            self.visitors[slot] = Visitor::new(random);
        }
        self.visitors[slot]
    }

    fn web_access(&mut self, out: &mut Vec<u8>) -> u64 {
        let Calendar { year, month, day, hour, minute, sec, .. } = self.calendar;
        if self.random.one_in(4) {
            put!(out, "10.20.0.{} - - [{day:02}/{}/{year}:{hour:02}:{minute:02}:{sec:02} +0000] ", 4 + self.random.below(2), MONTHS[month]);
            put!(out, "\"GET /health HTTP/1.1\" 200 17 \"-\" \"kube-probe/1.33\" rt=0.00{}", self.random.below(3));
            return 6;
        }
        let visitor = self.visitor();
        address(out, visitor.address);
        put!(out, " - - [{day:02}/{}/{year}:{hour:02}:{minute:02}:{sec:02} +0000] \"", MONTHS[month]);
        text(out, ["GET", "GET", "GET", "GET", "GET", "POST", "HEAD"][self.random.below(7) as usize]);
        out.push(b' ');
        let fixed = self.path(out);
        let status = [200, 200, 200, 200, 200, 200, 304, 304, 302, 404, 301, 403, 500, 499][self.random.skewed(14) as usize];
        let bytes = if status == 304 { 0 } else { fixed.unwrap_or_else(|| self.random.long_tail(6_200.0) as u64) };
        put!(out, " HTTP/{}\" {status} {bytes} \"", ["1.1", "2.0"][self.random.below(2) as usize]);
        if self.random.one_in(3) {
            out.push(b'-');
        } else {
            put!(out, "https://{}", self.random.pick_skewed(&SITES));
            text(out, self.random.pick_skewed(&PAGES));
        }
        put!(out, "\" \"{}\" rt={:.3}", AGENTS[visitor.agent], self.random.long_tail(0.021));
        if status == 500 { 3 } else { 6 }
    }

    fn gateway(&mut self, out: &mut Vec<u8>) -> u64 {
        let visitor = self.visitor();
        let random = &mut self.random;
        let resource = random.pick_skewed(&RESOURCES);
        let status = [200, 200, 200, 201, 200, 204, 404, 422, 401, 502][random.skewed(10) as usize];
        put!(
            out,
            "{} /api/v2/{resource}/{} status={status} duration_ms={:.2} upstream={}-",
            ["GET", "GET", "POST", "PUT", "DELETE"][random.skewed(5) as usize],
            random.range(100_000, 999_999),
            random.long_tail(14.0),
            random.pick(&SERVICES)
        );
        number(out, random.below(4));
        text(out, " client=");
        address(out, visitor.address);
        put!(out, " bytes={} trace_id=", random.long_tail(1_900.0) as u64);
        hex(out, random.next(), 16);
        hex(out, random.next(), 16);
        match status {
            502 => {
                text(out, " error=\"upstream connect timeout after 3000ms, circuit half-open\"");
                3
            }
            401 | 422 => 4,
            _ => 6,
        }
    }

    fn orders(&mut self, out: &mut Vec<u8>) -> u64 {
        let random = &mut self.random;
        match random.below(8) {
            0..=2 => {
                put!(
                    out,
                    "order {} accepted: customer {}, {} lines, total {}.{:02} EUR, payment method {}",
                    random.range(7_300_000, 7_399_999),
                    random.skewed(90_000) + 10_000,
                    random.skewed(14) + 1,
                    random.long_tail(74.0) as u64,
                    random.below(100),
                    random.pick_skewed(&["card", "invoice", "paypal", "sepa"])
                );
            }
            3 | 4 => {
                put!(
                    out,
                    "stock reservation for product {} in warehouse {} took {} ms (quantity {}, remaining {})",
                    random.skewed(60_000) + 1_000,
                    random.below(4) + 1,
                    random.long_tail(9.0) as u64,
                    random.skewed(12) + 1,
                    random.skewed(900)
                );
            }
            5 => {
                put!(
                    out,
                    "cache refresh of {} finished: {} entries, {} changed, {} ms",
                    random.pick(&RESOURCES),
                    random.long_tail(52_000.0) as u64,
                    random.skewed(800),
                    random.long_tail(310.0) as u64
                );
                return 7;
            }
            6 => {
                put!(
                    out,
                    "message {}-{} consumed from queue shop.{} after {} ms",
                    random.range(10_000, 99_999),
                    random.range(100, 999),
                    random.pick(&RESOURCES),
                    random.long_tail(40.0) as u64
                );
                return 7;
            }
            _ => {
                put!(
                    out,
                    "retrying call to {} (attempt {} of 5): connection reset by peer 10.20.{}.{}:8443",
                    random.pick(&SERVICES),
                    random.below(4) + 1,
                    random.below(6),
                    random.range(10, 250)
                );
                return 4;
            }
        }
        6
    }

    fn postgres(&mut self, out: &mut Vec<u8>) -> u64 {
        let random = &mut self.random;
        let session = 900 + random.skewed(900);
        let base = random.pick_skewed(&["shop", "billing", "warehouse", "analytics"]);
        put!(out, "[{}-1] {}@{base} ", session, random.pick_skewed(&["shop_rw", "shop_ro", "billing", "etl", "postgres"]));
        match random.below(12) {
            0..=6 => {
                put!(out, "LOG:  duration: {:.3} ms  execute <unnamed>: {}", random.long_tail(130.0), random.pick_skewed(&STATEMENTS));
                6
            }
            7 | 8 => {
                put!(
                    out,
                    "LOG:  connection authorized: user=shop_rw database={base} application_name={} SSL enabled (protocol=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384, bits=256)",
                    random.pick(&SERVICES)
                );
                6
            }
            9 => {
                put!(
                    out,
                    "LOG:  checkpoint complete: wrote {} buffers ({:.1}%); 0 WAL file(s) added, {} removed, {} recycled; write={:.3} s, sync={:.3} s, total={:.3} s",
                    random.long_tail(4_000.0) as u64,
                    random.unit() * 18.0,
                    random.skewed(4),
                    random.skewed(30),
                    random.long_tail(140.0),
                    random.long_tail(0.02),
                    random.long_tail(141.0)
                );
                6
            }
            10 => {
                put!(
                    out,
                    "ERROR:  duplicate key value violates unique constraint \"{}_pkey\" DETAIL:  Key (id)=({}) already exists.",
                    random.pick(&RESOURCES),
                    random.range(100_000, 9_999_999)
                );
                3
            }
            _ => {
                put!(
                    out,
                    "LOG:  automatic vacuum of table \"{base}.public.{}\": index scans: {}, pages: 0 removed, {} remain, tuples: {} removed, {} remain",
                    random.pick(&RESOURCES),
                    random.below(2),
                    random.long_tail(9_000.0) as u64,
                    random.long_tail(700.0) as u64,
                    random.long_tail(80_000.0) as u64
                );
                6
            }
        }
    }

    fn haproxy(&mut self, out: &mut Vec<u8>) -> u64 {
        address(out, self.visitor().address);
        let Calendar { year, month, day, hour, minute, sec, .. } = self.calendar;
        let milliseconds = (self.now_ns / 1_000_000).rem_euclid(1_000);
        put!(
            out,
            ":{} [{day:02}/{}/{year}:{hour:02}:{minute:02}:{sec:02}.{milliseconds:03}] https-in~ ",
            self.random.range(32_768, 61_000),
            MONTHS[month]
        );
        let random = &mut self.random;
        let pool = random.pick_skewed(&["web", "api", "static"]);
        let wait = random.skewed(4);
        let connect = random.skewed(5);
        let answer = random.long_tail(18.0) as u64;
        let failed = random.one_in(180);
        put!(
            out,
            "{pool}_pool/{pool}-{:02} {}/{wait}/{connect}/{answer}/{} {} {} - - {} {}/{}/{}/{}/0 0/0 \"",
            random.below(8) + 1,
            random.skewed(20),
            wait + connect + answer + random.skewed(20),
            if failed { 503 } else { [200, 200, 200, 304, 302, 404][random.skewed(6) as usize] },
            random.long_tail(5_100.0) as u64,
            if failed { "sH--" } else { "----" },
            180 + random.below(400),
            170 + random.below(300),
            random.below(60),
            random.below(20)
        );
        text(out, ["GET", "GET", "GET", "POST"][random.below(4) as usize]);
        out.push(b' ');
        self.path(out);
        text(out, " HTTP/1.1\"");
        if failed { 3 } else { 6 }
    }

    fn mail(&mut self, program: Program, out: &mut Vec<u8>) -> u64 {
        let random = &mut self.random;
        if program == Program::Dovecot {
            let user = random.pick(&USERS);
            put!(out, "imap-login: Login: user=<{user}@harbour-supplies.example>, method=PLAIN, rip=");
            address(out, client(random));
            put!(out, ", lip=10.20.1.25, mpid={}, TLS, session=<", random.range(200_000, 900_000));
            hex(out, random.next(), 14);
            text(out, ">");
            return 6;
        }
        let slot = random.below(64) as usize;
        if random.one_in(4) {
            self.mail_queue[slot] = random.next();
        }
        text(out, "4d");
        put!(out, "{:010X}: ", self.mail_queue[slot] >> 24);
        let bounced = random.one_in(14);
        put!(
            out,
            "to=<{}.{}@{}>, relay=mx{}.{}[",
            random.pick(&USERS),
            random.pick(&RESOURCES),
            random.pick_skewed(&["example.com", "example.net", "example.org", "mail.example"]),
            random.below(4) + 1,
            random.pick_skewed(&["example.com", "example.net", "example.org", "mail.example"])
        );
        address(out, client(random));
        put!(
            out,
            "]:25, delay={:.2}, delays={:.2}/0.01/{:.2}/{:.2}, dsn={}, status={}",
            random.long_tail(1.3),
            random.long_tail(0.1),
            random.long_tail(0.3),
            random.long_tail(0.6),
            if bounced { "4.2.0" } else { "2.0.0" },
            if bounced { "deferred (host said: 450 4.2.0 try again later)" } else { "sent (250 2.0.0 OK: queued as " }
        );
        if bounced {
            return 4;
        }
        hex(out, random.next(), 12);
        out.push(b')');
        6
    }

    fn login(&mut self, program: Program, out: &mut Vec<u8>) -> u64 {
        let random = &mut self.random;
        if program == Program::Sudo {
            put!(
                out,
                "{:>8} : TTY=pts/{} ; PWD=/home/deploy ; USER=root ; COMMAND=/usr/bin/systemctl restart {}",
                random.pick(&USERS),
                random.below(6),
                random.pick(&UNITS)
            );
            return 5;
        }
        let user = random.pick(&USERS);
        match random.below(5) {
            0 | 1 => {
                put!(out, "Failed password for {}{user} from ", if random.one_in(2) { "invalid user " } else { "" });
                address(out, client(random));
                put!(out, " port {} ssh2", random.range(1_024, 65_000));
                4
            }
            2 => {
                put!(out, "Accepted publickey for {user} from ");
                address(out, inside(random));
                put!(out, " port {} ssh2: ED25519 SHA256:", random.range(32_768, 61_000));
                hex(out, Random(user.len() as u64 * 7 + user.as_bytes().iter().map(|&b| u64::from(b)).sum::<u64>()).next(), 16);
                6
            }
            3 => {
                text(out, "Connection closed by authenticating user root ");
                address(out, client(random));
                put!(out, " port {} [preauth]", random.range(1_024, 65_000));
                6
            }
            _ => {
                put!(
                    out,
                    "pam_unix(sshd:session): session {} for user {user}(uid={}) by (uid=0)",
                    random.pick(&["opened", "closed"]),
                    random.below(1_200)
                );
                6
            }
        }
    }

    fn kernel(&mut self, program: Program, host: usize, out: &mut Vec<u8>) -> u64 {
        let uptime_us = self.hosts[host].uptime_base_us + (self.now_ns / 1_000) as u64 % 10_000_000_000_000;
        put!(out, "[{}.{:06}] ", uptime_us / 1_000_000, uptime_us % 1_000_000);
        let random = &mut self.random;
        if program == Program::Firewall {
            put!(
                out,
                "[UFW {}] IN=eth0 OUT= MAC=52:54:00:{:02x}:11:2a:00:1b:21:{:02x}:c4:08:00 SRC=",
                random.pick_skewed(&["BLOCK", "ALLOW", "AUDIT"]),
                host,
                random.below(6)
            );
            address(out, client(random));
            text(out, " DST=");
            address(out, inside(random));
            let port = [443, 22, 23, 445, 3_389, 8_080, 5_900, 1_433, 6_379, 25][random.skewed(10) as usize];
            put!(
                out,
                " LEN={} TOS=0x00 PREC=0x00 TTL={} ID={} DF PROTO=TCP SPT={} DPT={port} WINDOW={} RES=0x00 SYN URGP=0",
                random.skewed(30) * 4 + 40,
                random.range(38, 120),
                random.below(65_536),
                random.range(1_024, 65_000),
                [1_024, 29_200, 64_240, 65_535][random.below(4) as usize]
            );
            return 4;
        }
        match random.below(4) {
            0 => {
                put!(out, "eth0: renamed from veth{:07x}", random.next() >> 36);
                6
            }
            1 => {
                put!(
                    out,
                    "docker0: port {}(veth{:07x}) entered {} state",
                    random.below(30) + 1,
                    random.next() >> 36,
                    random.pick(&["blocking", "forwarding", "disabled"])
                );
                6
            }
            2 => {
                put!(out, "EXT4-fs (dm-{}): mounted filesystem with ordered data mode. Quota mode: none.", random.below(5));
                5
            }
            _ => {
                put!(
                    out,
                    "oom-kill: task=java, pid={}, uid=1001, total-vm:{}kB, anon-rss:{}kB",
                    random.range(2_000, 900_000),
                    random.range(4_000_000, 9_000_000),
                    random.range(2_000_000, 4_000_000)
                );
                2
            }
        }
    }

    fn network(&mut self, program: Program, out: &mut Vec<u8>) -> u64 {
        let random = &mut self.random;
        if program == Program::Named {
            put!(out, "client @0x7f{:08x}00 ", random.below(40) * 0x11_4A20);
            address(out, inside(random));
            put!(
                out,
                "#{}: query: {}.{} IN {} +E(0)K (10.20.0.53)",
                random.range(1_024, 65_000),
                random.pick(&["www", "api", "cdn", "mail", "imap", "login", "ntp", "repo"]),
                random.pick_skewed(&[
                    "harbour-supplies.example",
                    "example.com",
                    "example.net",
                    "example.org",
                    "updates.example",
                    "telemetry.example"
                ]),
                random.pick_skewed(&["A", "AAAA", "PTR", "MX", "HTTPS"])
            );
            return 6;
        }
        let verb = random.pick(&["DHCPREQUEST for", "DHCPACK on", "DHCPOFFER on"]);
        let device = inside(random);
        put!(out, "{verb} ");
        address(out, device);
        put!(
            out,
            " {} 52:54:{:02x}:{:02x}:{:02x}:{:02x} (desk-{:03}) via eth1",
            if verb.ends_with("for") { "from" } else { "to" },
            device[2],
            device[3],
            device[3] ^ 0x5A,
            device[2] ^ 0x33,
            device[3]
        );
        6
    }

    fn audit(&mut self, out: &mut Vec<u8>) -> u64 {
        self.sessions += 1;
        let random = &mut self.random;
        put!(
            out,
            "type={} msg=audit({}.{:03}:{}): pid={} uid={} auid=1000 ses={} exe=\"{}\" res={}",
            random.pick_skewed(&["SYSCALL", "USER_AUTH", "USER_CMD", "CRED_REFR"]),
            self.now_ns / 1_000_000_000,
            self.now_ns / 1_000_000 % 1_000,
            self.sessions,
            random.range(1_000, 900_000),
            random.skewed(1_100),
            random.below(900),
            random.pick_skewed(&["/usr/sbin/sshd", "/usr/bin/sudo", "/usr/bin/su", "/usr/lib/systemd/systemd"]),
            random.pick_skewed(&["success", "failed"])
        );
        5
    }

    fn housekeeping(&mut self, program: Program, out: &mut Vec<u8>) -> u64 {
        let random = &mut self.random;
        match program {
            Program::Cron => {
                put!(
                    out,
                    "({}) CMD ({})",
                    random.pick_skewed(&["root", "www-data", "backup"]),
                    random.pick_skewed(&[
                        "test -x /usr/sbin/anacron || run-parts --report /etc/cron.daily",
                        "/usr/local/bin/collect-metrics --quiet",
                        "/usr/lib/php/sessionclean",
                        "/opt/shop/bin/rotate-feeds"
                    ])
                );
            }
            Program::Systemd => {
                let unit = random.pick(&UNITS);
                match random.below(3) {
                    0 => put!(out, "Starting {unit} - scheduled job..."),
                    1 => put!(out, "{unit}: Deactivated successfully."),
                    _ => put!(out, "{unit}: Consumed {:.3}s CPU time, {:.1}M memory peak.", random.long_tail(0.9), random.long_tail(38.0)),
                }
            }
            Program::Dockerd => {
                put!(out, "time=\"{}\" level=info msg=\"ignoring event\" container=", self.now_ns / 1_000_000_000);
                for _ in 0..4 {
                    let word = Random(random.below(220)).next();
                    hex(out, word, 16);
                }
                text(out, " module=libcontainerd namespace=moby topic=/tasks/delete");
            }
            Program::Backup => {
                put!(
                    out,
                    "snapshot {:08x} of /srv: {} files, {} new, {:.1} MiB added in {} s",
                    random.next() >> 32,
                    random.range(180_000, 190_000),
                    random.long_tail(900.0) as u64,
                    random.long_tail(310.0),
                    random.long_tail(44.0) as u64
                );
            }
            Program::Chronyd => {
                put!(
                    out,
                    "System clock offset {:.6} s from source 10.20.0.{}, frequency {:.3} ppm",
                    random.long_tail(0.0002),
                    random.below(4) + 1,
                    random.unit() * 20.0
                );
            }
            Program::Snmpd => {
                text(out, "Connection from UDP: [");
                address(out, inside(random));
                put!(out, "]:{}->[10.20.0.9]:161", random.range(32_768, 61_000));
                return 7;
            }
            _ => {
                put!(
                    out,
                    "<info>  [{}.{:04}] dhcp4 (eth0): state changed {}, address=10.20.{}.{}",
                    self.now_ns / 1_000_000_000,
                    random.below(10_000),
                    random.pick(&["bound", "renewed", "extended"]),
                    random.below(6),
                    random.range(10, 250)
                );
            }
        }
        6
    }
}
