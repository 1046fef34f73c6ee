use proptest::prelude::*;

use super::*;
use crate::notify::Shape;

fn planned(now_us: TimestampUs) -> Planned {
    Planned {
        channel: Channel::Email,
        address: "ines@example.org".into(),
        shape: Shape::Generic,
        secret: None,
        due_at_us: now_us,
        digest_key: None,
    }
}

fn pass(throttle: &mut Throttle, urgency: Urgency, now_us: TimestampUs) -> Planned {
    let mut one = planned(now_us);
    throttle.apply("ines", urgency, &mut one, now_us);
    one
}

#[test]
fn the_eleventh_waits_for_a_digest_with_those_after_it() {
    let mut throttle = Throttle::default();
    for second in 0..10 {
        assert_eq!(pass(&mut throttle, Urgency::Normal, second * SECOND_US), planned(second * SECOND_US));
    }
    let first = pass(&mut throttle, Urgency::Normal, 10 * SECOND_US);
    assert_eq!(first.due_at_us, 610 * SECOND_US);
    // A token flows in each minute, but what gathers keeps gathering: otherwise the digest would be overtaken.
    for second in [11, 100, 609] {
        let next = pass(&mut throttle, Urgency::Low, second * SECOND_US);
        assert_eq!((next.due_at_us, &next.digest_key), (first.due_at_us, &first.digest_key), "at {second} s");
    }
    assert_eq!(pass(&mut throttle, Urgency::Normal, 610 * SECOND_US), planned(610 * SECOND_US), "then the bucket is full again");
}

#[test]
fn pages_and_digests_are_neither_held_back_nor_counted() {
    let mut throttle = Throttle::new(1);
    for _ in 0..100 {
        assert_eq!(pass(&mut throttle, Urgency::Page, 5), planned(5));
    }
    let mut digest = Planned { due_at_us: 99, digest_key: Some("daily 99".into()), ..planned(5) };
    let before = digest.clone();
    throttle.apply("ines", Urgency::Normal, &mut digest, 5);
    assert_eq!(digest, before);
    assert_eq!(pass(&mut throttle, Urgency::Normal, 5), planned(5), "the one token is still there");
    assert!(pass(&mut throttle, Urgency::Normal, 5).digest_key.is_some());
}

#[test]
fn people_and_channels_have_buckets_of_their_own() {
    let mut throttle = Throttle::new(1);
    for (person, channel) in [("ines", Channel::Email), ("ines", Channel::Webhook), ("omar", Channel::Email)] {
        let mut one = Planned { channel, ..planned(7) };
        throttle.apply(person, Urgency::Normal, &mut one, 7);
        assert_eq!(one.digest_key, None, "{person} {channel}");
    }
}

#[test]
fn memory_is_bounded_whoever_is_told() {
    let mut throttle = Throttle::default();
    for n in 0..12_000 {
        throttle.apply(&format!("person {n}"), Urgency::Normal, &mut planned(n), n);
    }
    assert_eq!(throttle.buckets.len(), MAX_BUCKETS);
    let later = THROTTLE_WINDOW_US * 2;
    throttle.apply("another", Urgency::Normal, &mut planned(later), later);
    assert_eq!(throttle.buckets.len(), 1, "all that are full again are forgotten at once");
}

#[test]
fn a_clock_that_jumps_breaks_nothing() {
    let mut throttle = Throttle::new(0);
    for now_us in [i64::MAX, i64::MIN, 0, i64::MAX, -5, i64::MIN] {
        let one = pass(&mut throttle, Urgency::Normal, now_us);
        assert!(one.due_at_us >= now_us);
    }
    Throttle::new(u32::MAX).apply("ines", Urgency::Normal, &mut planned(0), 0);
}

proptest! {
    #[test]
    fn within_any_window_at_most_twice_the_limit_goes_out_at_once(
        limit in 1_u32..20,
        steps in proptest::collection::vec(0..120 * SECOND_US, 1..300),
    ) {
        let mut throttle = Throttle::new(limit);
        let mut now_us = 0;
        let mut at_once = Vec::new();
        let mut digests = std::collections::BTreeSet::new();
        for step in steps {
            now_us += step;
            let one = pass(&mut throttle, Urgency::Normal, now_us);
            match one.digest_key {
                None => at_once.push(now_us),
                Some(_) => {
                    prop_assert!(one.due_at_us > now_us && one.due_at_us - now_us <= THROTTLE_WINDOW_US);
                    digests.insert(one.due_at_us);
                }
            }
        }
        for start in &at_once {
            let within = at_once.iter().filter(|at| (0..THROTTLE_WINDOW_US).contains(&(*at - start))).count();
            prop_assert!(within <= 2 * limit as usize, "{} at once, with a limit of {}", within, limit);
        }
        let digests: Vec<_> = digests.into_iter().collect();
        prop_assert!(digests.windows(2).all(|pair| pair[1] - pair[0] >= THROTTLE_WINDOW_US), "one digest in a window");
    }
}
