//! The log events of a stretch of time, a minute at once.

use std::fmt::Display;

use super::dice::Dice;
use super::hosts::{ClockFormat, Host};
use super::site::Site;
use super::syslog_line::{Said, rfc3164, rfc5424};
use super::{
    database_logs, firewall_logs, incident_logs, mail_logs, monitoring_logs, network_logs, system_logs, virtualization_logs, web_logs,
    windows_logs,
};
use crate::clock::{SECOND_US, TimestampUs};

const MINUTE_US: i64 = 60 * SECOND_US;

/// One line as a host sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// When it happened, µs UTC. The line itself may state less: RFC 3164 stamps know whole seconds and no year.
    pub time_us: TimestampUs,
    /// The host that sends it.
    pub host: &'static str,
    /// One syslog message with its PRI, without framing; never holds a line break.
    pub line: Vec<u8>,
}

/// Iterator over the events of a stretch of time; see [`Site::events`].
#[derive(Debug)]
pub struct Events<'a> {
    site: &'a Site,
    from_us: TimestampUs,
    to_us: TimestampUs,
    next_minute_us: TimestampUs,
    ready: std::vec::IntoIter<LogEvent>,
}

impl<'a> Events<'a> {
    pub(super) fn new(site: &'a Site, from_us: TimestampUs, to_us: TimestampUs) -> Self {
        Self { site, from_us, to_us, next_minute_us: from_us - from_us.rem_euclid(MINUTE_US), ready: Vec::new().into_iter() }
    }
}

impl Iterator for Events<'_> {
    type Item = LogEvent;

    fn next(&mut self) -> Option<LogEvent> {
        loop {
            if let Some(event) = self.ready.next() {
                return Some(event);
            }
            if self.next_minute_us >= self.to_us {
                return None;
            }
            let mut events = minute(self.site, self.next_minute_us);
            events.retain(|event| event.time_us >= self.from_us && event.time_us < self.to_us);
            self.ready = events.into_iter();
            self.next_minute_us += MINUTE_US;
        }
    }
}

/// Everything that the site logs in one minute, in the order of time.
fn minute(site: &Site, start_us: TimestampUs) -> Vec<LogEvent> {
    let mut minute = Minute { site, start_us, events: Vec::with_capacity(64) };
    web_logs::write(&mut minute);
    database_logs::write(&mut minute);
    mail_logs::write(&mut minute);
    monitoring_logs::write(&mut minute);
    windows_logs::write(&mut minute);
    virtualization_logs::write(&mut minute);
    network_logs::write(&mut minute);
    firewall_logs::write(&mut minute);
    system_logs::write(&mut minute);
    incident_logs::write(&mut minute);
    let mut events = minute.events;
    events.retain(|event| !site.is_silent(event.host, event.time_us));
    // Stable: lines of one moment keep the order in which they were said.
    events.sort_by_key(|event| event.time_us);
    events
}

/// A minute that is being written.
#[derive(Debug)]
pub(super) struct Minute<'a> {
    pub(super) site: &'a Site,
    /// Its first microsecond.
    pub(super) start_us: TimestampUs,
    events: Vec<LogEvent>,
}

impl<'a> Minute<'a> {
    /// The dice of a stream on a host in this minute.
    pub(super) fn dice(&self, stream: u64, host: &Host) -> Dice {
        self.site.dice(stream, host, self.start_us)
    }

    /// How many lines of an everyday stream fall into this minute: `mean` a minute at a log rate of 1.
    pub(super) fn count(&self, dice: &mut Dice, mean: f64) -> u32 {
        dice.count(mean * self.site.config().log_rate)
    }

    /// The moments of an everyday stream in this minute, as [`Minute::count`] has them.
    pub(super) fn moments(&self, dice: &mut Dice, mean: f64) -> Vec<TimestampUs> {
        (0..self.count(dice, mean)).map(|_| self.moment(dice)).collect()
    }

    /// Some moment of this minute.
    pub(super) fn moment(&self, dice: &mut Dice) -> TimestampUs {
        self.start_us + dice.range(0, MINUTE_US)
    }

    /// Whether a moment falls into this minute.
    pub(super) fn holds(&self, at_us: TimestampUs) -> bool {
        at_us >= self.start_us && at_us < self.start_us + MINUTE_US
    }

    /// Minutes since midnight, UTC.
    pub(super) fn of_day(&self) -> i64 {
        self.start_us.div_euclid(MINUTE_US).rem_euclid(1_440)
    }

    /// A line of a program, in the format of its host.
    pub(super) fn say(&mut self, at_us: TimestampUs, host: &Host, said: &Said<'_>, message: impl Display) {
        let at_us = self.within(at_us);
        let line = match host.clock_format {
            ClockFormat::Rfc5424 => rfc5424(at_us, host.name, said, &message),
            _ => rfc3164(at_us, host.name, said, &message),
        };
        self.send(at_us, host, line);
    }

    /// A line that its device has written whole.
    pub(super) fn send(&mut self, at_us: TimestampUs, host: &Host, line: String) {
        debug_assert!(!line.contains('\n'), "one event, one line: {line}");
        self.events.push(LogEvent { time_us: self.within(at_us), host: host.name, line: line.into_bytes() });
    }

    /// The moment, moved into this minute: what a story tells last may not fall into the next one, which is made apart.
    pub(super) fn within(&self, at_us: TimestampUs) -> TimestampUs {
        at_us.clamp(self.start_us, self.start_us + MINUTE_US - 1)
    }
}
