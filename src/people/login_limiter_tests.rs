//! The limiter against a clock that is moved by hand.

use proptest::prelude::*;

use super::{LoginFrom, LoginLimiter, Wait};
use crate::clock::{DAY_US, SECOND_US, TimestampUs};

const MINUTE_US: i64 = 60 * SECOND_US;

fn from<'a>(user: &'a str, address: &'a str) -> LoginFrom<'a> {
    LoginFrom { user, address, familiar: false }
}

/// How long an attempt at that moment has to wait; one that need not has failed.
fn wait_s(limiter: &mut LoginLimiter, from: &LoginFrom<'_>, second: i64) -> u64 {
    limiter.attempt(from, second * SECOND_US).err().map_or(0, |wait| wait.seconds)
}

/// Attempts that are allowed to somebody who tries every second of that time.
fn allowed(limiter: &mut LoginLimiter, from: &LoginFrom<'_>, seconds: i64) -> usize {
    (0..seconds).filter(|second| wait_s(limiter, from, *second) == 0).count()
}

#[test]
fn after_five_failures_the_wait_doubles_from_a_second_to_a_quarter_of_an_hour() {
    let mut limiter = LoginLimiter::new();
    let anna = from("anna", "192.0.2.1");
    let mut allowed_at = Vec::new();
    for second in 0..5_000 {
        while limiter.attempt(&anna, second * SECOND_US).is_ok() {
            allowed_at.push(second);
        }
    }
    assert_eq!(allowed_at, [0, 0, 0, 0, 0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1_023, 1_923, 2_823, 3_723, 4_623]);
}

#[test]
fn an_attempt_during_the_wait_does_not_make_it_longer() {
    let mut limiter = LoginLimiter::new();
    let anna = from("anna", "192.0.2.1");
    for _ in 0..8 {
        limiter.attempt(&anna, 0).ok();
    }
    for _ in 0..100 {
        assert_eq!(limiter.attempt(&anna, SECOND_US / 2), Err(Wait { seconds: 1 }));
    }
    assert_eq!(limiter.attempt(&anna, SECOND_US), Ok(()));
}

#[test]
fn failures_are_forgotten_a_quarter_of_an_hour_after_the_last_wait() {
    let mut limiter = LoginLimiter::new();
    let anna = from("anna", "192.0.2.1");
    (0..5).for_each(|_| assert_eq!(wait_s(&mut limiter, &anna, 0), 0));
    // The wait of the fifth failure ended at second 1.
    assert_eq!(wait_s(&mut limiter, &anna, 900), 0);
    assert_eq!(wait_s(&mut limiter, &anna, 900), 2, "still remembered");
    assert_eq!(wait_s(&mut limiter, &anna, 902 + 900), 0);
    assert_eq!(wait_s(&mut limiter, &anna, 902 + 900), 0, "forgotten");
    // Four failures in a window and four in the next are not eight.
    let ben = from("ben", "192.0.2.2");
    for second in [0, 1, 2, 3, 900, 901, 902, 903] {
        assert_eq!(wait_s(&mut limiter, &ben, second), 0);
    }
}

#[test]
fn a_success_frees_the_name_from_that_address_only() {
    let mut limiter = LoginLimiter::new();
    let (home, away) = (from("anna", "192.0.2.1"), LoginFrom { familiar: true, ..from("anna", "192.0.2.9") });
    (0..4).for_each(|_| assert_eq!(wait_s(&mut limiter, &home, 0), 0));
    (0..5).for_each(|_| assert_eq!(wait_s(&mut limiter, &away, 0), 0));
    assert_eq!(wait_s(&mut limiter, &home, 0), 0);
    assert_eq!(wait_s(&mut limiter, &home, 1), 0);
    limiter.succeeded(&home, SECOND_US);
    assert_eq!(wait_s(&mut limiter, &away, 0), 1, "the other address still waits");
    let home = LoginFrom { familiar: true, ..home };
    (0..5).for_each(|_| assert_eq!(wait_s(&mut limiter, &home, 1), 0, "this one starts afresh"));
    assert_eq!(wait_s(&mut limiter, &home, 1), 1);
}

#[test]
fn a_success_between_failures_does_not_wipe_away_other_names() {
    let mut limiter = LoginLimiter::new();
    let own = from("mallory", "192.0.2.1");
    for name in 0..20 {
        assert_eq!(wait_s(&mut limiter, &from(&format!("user{name}"), "192.0.2.1"), 0), 0);
        assert_eq!(wait_s(&mut limiter, &own, i64::from(name == 19)), 0);
        limiter.succeeded(&own, i64::from(name == 19) * SECOND_US);
    }
    assert!(wait_s(&mut limiter, &from("another", "192.0.2.1"), 1) == 0, "the success took its own count back");
    assert!(wait_s(&mut limiter, &from("another", "192.0.2.1"), 1) > 0);
}

#[test]
fn an_attempt_that_came_to_no_end_counts_for_nothing() {
    let mut limiter = LoginLimiter::new();
    let anna = from("anna", "192.0.2.1");
    for _ in 0..100 {
        assert_eq!(limiter.attempt(&anna, 0), Ok(()));
        limiter.take_back(&anna, 0);
    }
    assert_eq!(limiter.entries(), 0);
}

#[test]
fn nobody_elsewhere_keeps_an_administrator_out_where_they_have_been() {
    let mut limiter = LoginLimiter::new();
    let admin = LoginFrom { familiar: true, ..from("admin", "192.0.2.1") };
    for second in 0..3_600 {
        for host in 0..4 {
            limiter.attempt(&from("admin", &format!("203.0.113.{host}")), second * SECOND_US).ok();
        }
        assert_eq!(limiter.attempt(&admin, second * SECOND_US), Ok(()));
        limiter.succeeded(&admin, second * SECOND_US);
    }
    assert!(wait_s(&mut limiter, &from("admin", "198.51.100.1"), 3_600) > 0, "from where nobody knows them they wait");
}

#[test]
fn guesses_a_day_are_few_from_one_address_and_from_many() {
    let day = DAY_US / SECOND_US;
    // 5 free ones, 10 while the wait doubles over 1,023 s, then one every 900 s.
    assert_eq!(allowed(&mut LoginLimiter::new(), &from("admin", "192.0.2.1"), day), 5 + 10 + (day as usize - 1_024) / 900);
    let mut limiter = LoginLimiter::new();
    let many = (0..day)
        .filter(|second| wait_s(&mut limiter, &from("admin", &format!("10.0.{}.{}", second / 250 % 250, second % 250)), *second) == 0);
    assert!(many.count() <= 111);
    // Many names from one address: 20 free ones, then the same.
    let mut limiter = LoginLimiter::new();
    let names = (0..day).filter(|second| wait_s(&mut limiter, &from(&format!("user{second}"), "192.0.2.1"), *second) == 0);
    assert!(names.count() <= 126);
}

#[test]
fn the_rest_of_an_ipv6_address_is_the_clients_to_choose() {
    let mut limiter = LoginLimiter::new();
    for host in 0..5 {
        assert_eq!(wait_s(&mut limiter, &from("anna", &format!("2001:db8:0:7::{host}")), 0), 0);
    }
    let familiar = |address| LoginFrom { familiar: true, ..from("anna", address) };
    assert_eq!(wait_s(&mut limiter, &familiar("2001:db8:0:7:ffff::1"), 0), 1);
    assert_eq!(wait_s(&mut limiter, &familiar("2001:db8:0:8::1"), 0), 0);
    (0..4).for_each(|_| assert_eq!(wait_s(&mut limiter, &familiar("::ffff:192.0.2.5"), 0), 0));
    assert_eq!(wait_s(&mut limiter, &familiar("192.0.2.5"), 0), 0);
    assert_eq!(wait_s(&mut limiter, &familiar("192.0.2.5"), 0), 1, "a mapped address is the IPv4 address");
}

#[test]
fn memory_is_bounded_and_the_oldest_are_forgotten_first() {
    let mut limiter = LoginLimiter::new();
    let anna = from("anna", "192.0.2.1");
    for _ in 0..6 {
        limiter.attempt(&anna, 0).ok();
    }
    for n in 0..30_000 {
        limiter.attempt(&from(&format!("user{n}"), &format!("10.{}.{}.1", n / 200, n % 200)), 0).ok();
        assert!(limiter.entries() <= 10_000);
    }
    assert_eq!(limiter.entries(), 10_000);
    assert_eq!(limiter.attempt(&anna, 0), Ok(()), "forgotten");
    let long = "é".repeat(1 << 16);
    limiter.attempt(&from(&long, &long), 0).ok();
    assert!(!format!("{limiter:?}").contains("anna"));
}

#[test]
fn a_clock_that_was_set_back_locks_nobody_out() {
    let mut limiter = LoginLimiter::new();
    let anna = from("anna", "192.0.2.1");
    let year = 365 * DAY_US;
    for _ in 0..8 {
        limiter.attempt(&anna, year).ok();
    }
    assert_eq!(limiter.attempt(&anna, 0), Ok(()));
    (0..4).for_each(|_| assert_eq!(limiter.attempt(&anna, 0), Ok(())));
    assert_eq!(limiter.attempt(&anna, 0), Err(Wait { seconds: 1 }));
}

#[derive(Debug, Clone)]
struct Step {
    user: u8,
    address: u8,
    familiar: bool,
    then: u8,
    later_us: i64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..3u8, 0..3u8, any::<bool>(), 0..4u8, prop_oneof![Just(0), 0..2 * SECOND_US, 0..20 * MINUTE_US]);
    prop::collection::vec(
        step.prop_map(|(user, address, familiar, then, later_us)| Step { user, address, familiar, then, later_us }),
        0..200,
    )
}

proptest! {
    #[test]
    fn a_wait_is_told_truly_and_is_never_longer_than_a_quarter_of_an_hour(steps in steps()) {
        let mut limiter = LoginLimiter::new();
        let mut now_us = 0;
        for step in steps {
            now_us += step.later_us;
            let (user, address) = (step.user.to_string(), format!("192.0.2.{}", step.address));
            let from = LoginFrom { user: &user, address: &address, familiar: step.familiar };
            match limiter.attempt(&from, now_us) {
                Err(wait) => {
                    prop_assert!((1..=900).contains(&wait.seconds));
                    now_us += wait.seconds as i64 * SECOND_US;
                    prop_assert_eq!(limiter.attempt(&from, now_us), Ok(()));
                }
                Ok(()) if step.then == 0 => limiter.succeeded(&from, now_us),
                Ok(()) if step.then == 1 => limiter.take_back(&from, now_us),
                Ok(()) => {}
            }
        }
    }

    #[test]
    fn what_others_do_elsewhere_never_delays_a_familiar_address(steps in steps()) {
        let mut limiter = LoginLimiter::new();
        let mut now_us = 0;
        for step in steps {
            now_us += step.later_us;
            let address = format!("192.0.2.{}", step.address);
            limiter.attempt(&LoginFrom { user: "admin", address: &address, familiar: step.familiar }, now_us).ok();
            let own = LoginFrom { user: "admin", address: "198.51.100.1", familiar: true };
            prop_assert_eq!(limiter.attempt(&own, now_us), Ok(()));
            limiter.succeeded(&own, now_us);
        }
    }

    #[test]
    fn in_any_quarter_of_an_hour_at_most_seventeen_guesses_are_allowed(
        gaps in prop::collection::vec(prop_oneof![0..3 * SECOND_US, 0..2 * MINUTE_US, 0..15 * MINUTE_US], 1..400)
    ) {
        let mut limiter = LoginLimiter::new();
        let mut times: Vec<TimestampUs> = Vec::new();
        let mut now_us = 0;
        for gap in gaps {
            now_us += gap;
            if limiter.attempt(&from("admin", "192.0.2.1"), now_us).is_ok() {
                times.push(now_us);
            }
        }
        // 5 free ones, 9 after waits of 1 + 2 + ... + 256 s, and up to 3 that the count before had left over.
        for (index, start) in times.iter().enumerate() {
            prop_assert!(times[index..].iter().take_while(|time| **time - start < 15 * MINUTE_US).count() <= 17);
        }
    }

    #[test]
    fn no_moment_and_no_text_panics(user in "\\PC{0,80}", address in "[0-9a-f:.\n é]{0,80}", times in prop::collection::vec(any::<i64>(), 0..40)) {
        let mut limiter = LoginLimiter::new();
        for now_us in times {
            limiter.attempt(&from(&user, &address), now_us).ok();
        }
        prop_assert!(limiter.entries() <= 3);
    }
}
