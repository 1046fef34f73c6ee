//! When a notice that failed is tried again, and when it is given up. Pure.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Urgency;
use crate::clock::{DAY_US, HOUR_US, SECOND_US, TimestampUs};

/// The pause after the first failure: a server that restarts is back by then.
const FIRST_PAUSE_US: i64 = 10 * SECOND_US;

/// The longest pause: a server that was down for a day is noticed within the hour after it is back.
const LONGEST_PAUSE_US: i64 = HOUR_US;

/// A pause is made longer by up to this part of it, so that what failed together does not come back together.
const JITTER_PART: i64 = 5;

/// Notices are tried for this long after the first failure: a mail server that died on Friday evening gets them on Monday.
/// (RFC 5321 section 4.5.4.1 asks a mail sender for 4 to 5 days; what is in a notice is old news by then.)
pub const GIVE_UP_AFTER_US: i64 = 3 * DAY_US;

/// Attempts for a page: 5 take about two and a half minutes, and then the next person must be woken.
pub const PAGE_ATTEMPTS: i64 = 5;

/// What to do after a failure that another attempt may mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again at this time.
    TryAt(TimestampUs),
    /// Leave it.
    GiveUp,
}

/// What to do after attempt number `attempts` (from 1) of the message `id` failed at `now_us`. The first failure was at
/// `first_failed_at_us`. The same arguments always give the same answer: the jitter comes from the id.
pub(super) fn after_failure(
    id: &str,
    urgency: Urgency,
    attempts: i64,
    first_failed_at_us: TimestampUs,
    now_us: TimestampUs,
    retry_after: Option<Duration>,
) -> Next {
    if urgency == Urgency::Page && attempts >= PAGE_ATTEMPTS {
        return Next::GiveUp;
    }
    if now_us.saturating_sub(first_failed_at_us) >= GIVE_UP_AFTER_US {
        return Next::GiveUp;
    }
    // A page does not wait for whoever asks for an hour of peace.
    let asked_us = match urgency {
        Urgency::Page => 0,
        _ => retry_after.map_or(0, |pause| i64::try_from(pause.as_micros()).unwrap_or(i64::MAX).min(LONGEST_PAUSE_US)),
    };
    Next::TryAt(now_us.saturating_add(pause_us(id, attempts).max(asked_us)))
}

/// The pause after attempt number `attempts` (from 1): 10 s, doubled each time up to an hour, and up to a fifth more.
pub(super) fn pause_us(id: &str, attempts: i64) -> i64 {
    // Nine doublings of 10 s pass the hour; more would only overflow.
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 9)).unwrap_or(0);
    let pause_us = (FIRST_PAUSE_US << doublings).min(LONGEST_PAUSE_US);
    let digest = Sha256::digest(format!("{attempts} {id}").as_bytes());
    let share = i64::from(u16::from_be_bytes([digest[0], digest[1]]));
    pause_us + pause_us / JITTER_PART * share / i64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pauses_double_from_ten_seconds_to_an_hour() {
        let pauses: Vec<_> = (1..=12).map(|attempt| pause_us("a", attempt)).collect();
        let whole = [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600, 3_600];
        for (pause, seconds) in pauses.iter().zip(whole) {
            assert!((seconds * SECOND_US..=seconds * SECOND_US * 6 / 5).contains(pause), "{pause} µs for {seconds} s");
        }
    }

    #[test]
    fn a_page_is_given_up_while_there_is_time_to_wake_another() {
        let mut at_us = 0;
        let mut attempts = 1;
        while let Next::TryAt(next_us) = after_failure("a", Urgency::Page, attempts, 0, at_us, Some(Duration::from_secs(3_600))) {
            at_us = next_us;
            attempts += 1;
        }
        assert_eq!(attempts, PAGE_ATTEMPTS);
        assert!((150 * SECOND_US..=180 * SECOND_US).contains(&at_us), "{at_us}");
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_pause_but_not_for_a_day() {
        let after = |pause| after_failure("a", Urgency::Low, 1, 0, 0, Some(Duration::from_secs(pause)));
        assert_eq!(after(120), Next::TryAt(120 * SECOND_US));
        assert_eq!(after(86_400), Next::TryAt(HOUR_US));
        assert_eq!(after(u64::MAX), Next::TryAt(HOUR_US));
        assert_eq!(after(0), Next::TryAt(pause_us("a", 1)));
    }

    proptest! {
        #[test]
        fn a_pause_is_always_between_ten_seconds_and_an_hour_and_a_fifth(id in ".{0,40}", attempts in any::<i64>()) {
            let pause = pause_us(&id, attempts);
            prop_assert!((FIRST_PAUSE_US..=LONGEST_PAUSE_US * 6 / 5).contains(&pause));
            prop_assert_eq!(pause, pause_us(&id, attempts));
        }

        #[test]
        fn every_notice_ends(id in "[0-9a-f]{8}", start_us in any::<i64>(), page in any::<bool>()) {
            let urgency = if page { Urgency::Page } else { Urgency::Normal };
            let (mut at_us, mut attempts) = (start_us, 1);
            while let Next::TryAt(next_us) = after_failure(&id, urgency, attempts, start_us, at_us, None) {
                prop_assert!(next_us > at_us || next_us == i64::MAX);
                at_us = next_us;
                attempts += 1;
                if at_us == i64::MAX { break; }
                prop_assert!(attempts < 100, "three days have less than a hundred attempts");
            }
            prop_assert!(at_us == i64::MAX || page || at_us - start_us >= GIVE_UP_AFTER_US);
        }
    }
}
