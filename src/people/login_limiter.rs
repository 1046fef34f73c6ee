//! Slows down whoever guesses passwords. Pure, bounded in memory, time as an argument.
//!
//! Failures are counted in three ways, and each has its own wait once there are too many of them within 15 minutes: 1 s, then
//! twice as long with each further failure, up to 15 minutes. It is forgotten 15 minutes after the last wait ended.
//!
//! | counted for | free | against | not asked of |
//! |---|---|---|---|
//! | a name from an address | 5 | guessing one password | |
//! | a name from everywhere | 5 | the same from many addresses | a familiar address |
//! | an address | 20 | trying one password on many names | a familiar address |
//!
//! A familiar address is one that this person has logged in from in the last weeks.
//!
//! The trade. Any limit for a name lets strangers keep its owner out for as long as they go on guessing. Here they keep the
//! owner out only where the owner has not been before: from a familiar address only failures from that very address count,
//! so nobody outside it locks an administrator out there, for one moment or for ever. What remains: whoever guesses from behind
//! the same router as the administrator makes them wait, and strangers who do not stop keep a person from a first login; an
//! administrator at the machine itself can always set a new password with the program's own command. An address is allowed more
//! than a name because a whole office may stand behind it. A caller behind a proxy has to pass the client's own address,
//! or all the world is one address.
//!
//! An attempt counts as failed from the moment it is allowed until it has succeeded. Many attempts at once, or attempts broken
//! off halfway, therefore win nothing. An attempt during a wait is refused and does not make the wait longer.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::clock::{SECOND_US, TimestampUs};

/// Failures of a name that cost nothing: a person who tries their three passwords and mistypes two.
const FREE_FOR_A_NAME: u32 = 5;
/// Failures of an address that cost nothing: an office on the morning after everybody's password had to be changed.
const FREE_FOR_AN_ADDRESS: u32 = 20;
/// The free failures lie within this time, and a wait is remembered for as long after its end.
const WINDOW_US: i64 = 15 * 60 * SECOND_US;
/// Longest wait: four guesses an hour find nothing, and a person can wait for it to pass.
const MAX_WAIT_US: i64 = 15 * 60 * SECOND_US;
/// Entries kept of each kind, 10,000 together. At some 300 bytes each they take 3 MB; when they are full the one that has not
/// failed for longest is forgotten.
const MAX_PAIRS: usize = 5_000;
const MAX_NAMES: usize = 2_500;
const MAX_ADDRESSES: usize = 2_500;
/// Bytes kept of a name or address that is too long to be one.
const MAX_KEY_BYTES: usize = 64;

/// Who wants to log in, and from where.
#[derive(Debug, Clone, Copy)]
pub struct LoginFrom<'a> {
    /// The name that was given; it need not be anybody's.
    pub user: &'a str,
    /// The client's address. Of an IPv6 address the first 64 bits count, because the rest is the client's to choose.
    pub address: &'a str,
    /// Whether this person has logged in from this address before.
    pub familiar: bool,
}

/// The attempt is refused unseen; there may be another after this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Seconds, 1 to 900.
    pub seconds: u64,
}

/// The failures of the last while.
pub struct LoginLimiter {
    pairs: Counters,
    names: Counters,
    addresses: Counters,
}

impl Default for LoginLimiter {
    fn default() -> Self {
        Self::new()
    }
}

// What people type into the field for the name is now and then their password: not even debug output shows it.
impl fmt::Debug for LoginLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginLimiter").field("entries", &self.entries()).finish_non_exhaustive()
    }
}

impl LoginLimiter {
    /// A limiter that has seen nothing.
    pub fn new() -> Self {
        Self {
            pairs: Counters::new(FREE_FOR_A_NAME, MAX_PAIRS),
            names: Counters::new(FREE_FOR_A_NAME, MAX_NAMES),
            addresses: Counters::new(FREE_FOR_AN_ADDRESS, MAX_ADDRESSES),
        }
    }

    /// Allows the attempt and counts it as failed, or says how long to wait.
    ///
    /// # Errors
    /// [`Wait`], and then nothing was counted.
    pub fn attempt(&mut self, from: &LoginFrom<'_>, now_us: TimestampUs) -> Result<(), Wait> {
        let counted = self.counted(from);
        let wait_us = counted.iter().map(|(counters, key)| counters.wait_us(key, now_us)).max().unwrap_or(0);
        if wait_us > 0 {
            return Err(Wait { seconds: (wait_us as u64).div_ceil(SECOND_US as u64) });
        }
        for (counters, key) in counted {
            counters.fail(key, now_us);
        }
        Ok(())
    }

    /// The attempt that was allowed has succeeded: the name starts afresh from that address, and the other counts are as if it
    /// had not been. Whoever knows one password cannot wipe away what they failed at with other names.
    pub fn succeeded(&mut self, from: &LoginFrom<'_>, now_us: TimestampUs) {
        self.take_back(from, now_us);
        self.pairs.forget(&pair_key(from));
    }

    /// The attempt that was allowed came to no end for a reason that is not the caller's: it does not count.
    pub fn take_back(&mut self, from: &LoginFrom<'_>, now_us: TimestampUs) {
        for (counters, key) in self.counted(from) {
            counters.take_back(&key, now_us);
        }
    }

    /// Entries in memory, at most 10,000.
    pub fn entries(&self) -> usize {
        [&self.pairs, &self.names, &self.addresses].into_iter().map(|counters| counters.by_key.len()).sum()
    }

    /// The counts that the attempt falls under.
    fn counted(&mut self, from: &LoginFrom<'_>) -> Vec<(&mut Counters, Box<str>)> {
        let mut counted = vec![(&mut self.pairs, pair_key(from))];
        if !from.familiar {
            counted.push((&mut self.names, bounded(from.user).into()));
            counted.push((&mut self.addresses, network(from.address)));
        }
        counted
    }
}

/// Whether failures from the one address count for the other too.
pub(super) fn same_network(one: &str, other: &str) -> bool {
    network(one) == network(other)
}

fn pair_key(from: &LoginFrom<'_>) -> Box<str> {
    // The address comes first: it is without line breaks, so no two pairs have the same key.
    format!("{}\n{}", network(from.address), bounded(from.user)).into()
}

/// The part of an address that its holder cannot choose: an IPv4 address, the first 64 bits of an IPv6 address (RFC 4291,
/// section 2.5.1); of anything else the beginning.
pub fn network(address: &str) -> Box<str> {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(v4)) => v4.to_string().into(),
        Ok(IpAddr::V6(v6)) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).to_string().into(),
        Err(_) => bounded(address).replace('\n', " ").into(),
    }
}

fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_KEY_BYTES)]
}

/// The failures of one kind, by whom they are counted for.
struct Counters {
    free: u32,
    most: usize,
    by_key: HashMap<Box<str>, Failures>,
    /// The same keys, the one that has not failed for longest first.
    by_age: BTreeMap<u64, Box<str>>,
    next_age: u64,
}

struct Failures {
    count: u32,
    since_us: TimestampUs,
    until_us: TimestampUs,
    age: u64,
}

impl Counters {
    fn new(free: u32, most: usize) -> Self {
        Self { free, most, by_key: HashMap::new(), by_age: BTreeMap::new(), next_age: 0 }
    }

    fn wait_us(&self, key: &str, now_us: TimestampUs) -> i64 {
        let left_us = self.by_key.get(key).map_or(0, |failures| failures.until_us.saturating_sub(now_us));
        // More than the longest wait: the clock was set back. A wait of years would serve nobody.
        if left_us > MAX_WAIT_US { 0 } else { left_us.max(0) }
    }

    fn fail(&mut self, key: Box<str>, now_us: TimestampUs) {
        let mut failures = self.forget(&key).filter(|failures| !self.lapsed(failures, now_us)).unwrap_or(Failures {
            count: 0,
            since_us: now_us,
            until_us: now_us,
            age: 0,
        });
        failures.count = failures.count.saturating_add(1);
        if let Some(doublings) = failures.count.checked_sub(self.free) {
            // 2^10 seconds are above the longest wait already.
            failures.until_us = now_us.saturating_add((SECOND_US << doublings.min(10)).min(MAX_WAIT_US));
        }
        if self.by_key.len() >= self.most
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.by_key.remove(&oldest);
        }
        failures.age = self.next_age;
        self.next_age += 1;
        self.by_age.insert(failures.age, key.clone());
        self.by_key.insert(key, failures);
    }

    fn take_back(&mut self, key: &str, now_us: TimestampUs) {
        let Some(failures) = self.by_key.get_mut(key) else { return };
        failures.count = failures.count.saturating_sub(1);
        failures.until_us = failures.until_us.min(now_us);
        if failures.count == 0 {
            self.forget(key);
        }
    }

    fn forget(&mut self, key: &str) -> Option<Failures> {
        let failures = self.by_key.remove(key)?;
        self.by_age.remove(&failures.age);
        Some(failures)
    }

    fn lapsed(&self, failures: &Failures, now_us: TimestampUs) -> bool {
        let from_us = if failures.count < self.free { failures.since_us } else { failures.until_us };
        let rest_us = now_us.saturating_sub(from_us);
        // A failure that lies in the future was counted before the clock was set back.
        !(-MAX_WAIT_US..WINDOW_US).contains(&rest_us)
    }
}
