//! Signatures of webhooks. Pure.
//!
//! Every webhook with a secret carries
//!
//! ```text
//! Watchroom-Delivery: 5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11
//! Watchroom-Signature: t=1767225600,v1=<64 hexadecimal digits>
//! ```
//!
//! `t` is the moment of sending in seconds since 1970 UTC, and `v1` the HMAC-SHA256 (RFC 2104) with the shared secret over
//! `t`, a full stop, and the body, byte for byte. To check one: compute it anew over the received bytes, compare in constant
//! time, refuse a `t` that lies more than five minutes from now (somebody replays an old one), and remember the delivery id:
//! a notice may come twice, and then carries the same id. [`verify_signature`] does all but the last. Further signatures
//! under other names (`v2=`) may come one day; whoever checks looks for `v1` only.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::plain_text::{from_hex, hex};
use crate::clock::{SECOND_US, TimestampUs};

/// Header that names the message; the same for every attempt.
pub const DELIVERY_HEADER: &str = "watchroom-delivery";
/// Header with time and signature.
pub const SIGNATURE_HEADER: &str = "watchroom-signature";

/// How far the clocks of sender and receiver may be apart, and how long a message may be on its way.
pub const SIGNATURE_TOLERANCE_S: i64 = 300;

/// Longest header that is looked at: the two fields have 90 bytes, and there is room for others to come.
const MAX_HEADER_BYTES: usize = 1_000;

/// The value of the header [`SIGNATURE_HEADER`] for a body that is sent at `now_us`.
pub fn signature(secret: &[u8], body: &[u8], now_us: TimestampUs) -> String {
    let at_s = now_us.div_euclid(SECOND_US);
    let mac = keyed(secret).chain_update(format!("{at_s}.").as_bytes()).chain_update(body).finalize().into_bytes();
    format!("t={at_s},v1={}", hex(&mac))
}

/// Whether the header's signature is good for this body, and not older or newer than [`SIGNATURE_TOLERANCE_S`].
pub fn verify_signature(secret: &[u8], header: &str, body: &[u8], now_us: TimestampUs) -> bool {
    if header.len() > MAX_HEADER_BYTES {
        return false;
    }
    let field = |name: &str| header.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let (Some(at), Some(presented)) = (field("t"), field("v1").and_then(from_hex)) else { return false };
    let mac = keyed(secret).chain_update(at.as_bytes()).chain_update(b".").chain_update(body);
    let good = mac.verify_slice(&presented).is_ok();
    let fresh = at.parse::<i64>().is_ok_and(|at_s| now_us.div_euclid(SECOND_US).abs_diff(at_s) <= SIGNATURE_TOLERANCE_S.unsigned_abs());
    good && fresh
}

/// HMAC takes keys of every length, so the fallback is never taken; with an empty key it would still only refuse.
pub(super) fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).unwrap_or_else(|_| Hmac::new(&Default::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_US: i64 = 1_767_225_600 * SECOND_US + 999_999;

    #[test]
    fn the_mac_is_that_of_rfc_4231() {
        // Test case 2 of RFC 4231, section 4.3.
        let mac = keyed(b"Jefe").chain_update(b"what do ya want for nothing?").finalize().into_bytes();
        assert_eq!(hex(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn the_header_is_what_any_other_program_computes() {
        // Computed with: printf '1767225600.{"a":1}' | openssl dgst -sha256 -hmac secret
        assert_eq!(
            signature(b"secret", br#"{"a":1}"#, AT_US),
            "t=1767225600,v1=96a067a1c95eb143fc00b9097bcfcbcd5456adda508c443ff219748e764dbed7"
        );
    }

    #[test]
    fn body_time_and_secret_are_all_signed() {
        let header = signature(b"secret", b"body", AT_US);
        assert!(verify_signature(b"secret", &header, b"body", AT_US));
        assert!(!verify_signature(b"other", &header, b"body", AT_US));
        assert!(!verify_signature(b"secret", &header, b"Body", AT_US));
        assert!(!verify_signature(b"secret", &header.replace("t=17", "t=18"), b"body", AT_US));
        assert!(verify_signature(b"secret", &format!("{header},v2=00"), b"body", AT_US));
    }

    #[test]
    fn old_and_future_ones_are_refused() {
        let header = signature(b"secret", b"body", AT_US);
        for (offset_s, good) in [(-301, false), (-300, true), (300, true), (301, false)] {
            assert_eq!(verify_signature(b"secret", &header, b"body", AT_US + offset_s * SECOND_US), good, "{offset_s} s");
        }
        assert!(!verify_signature(b"secret", &header, b"body", i64::MIN) && !verify_signature(b"secret", &header, b"body", i64::MAX));
    }

    #[test]
    fn garbage_is_refused() {
        for header in ["", "t=1", "v1=00", "t=,v1=", "t=x,v1=zz", "t=1,v1=é", &"t=1,v1=00,".repeat(10_000)] {
            assert!(!verify_signature(b"secret", header, b"body", AT_US));
        }
    }
}
