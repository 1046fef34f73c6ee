//! Signed links by which a page is acknowledged without a login. Pure.
//!
//! A token names the ticket, the page, the person it was sent to, and when it ends; an HMAC-SHA256 (RFC 2104, FIPS 198-1)
//! over these makes it good. Its form is `1.<ticket>.<expires>.<page>.<person>.<mac>`: ticket in decimal, expiry in
//! seconds since 1970 UTC, page and person as hexadecimal digits of their UTF-8, the MAC as 64 hexadecimal digits. All of
//! it may stand in a URL as it is.
//!
//! What the route that takes it must see to:
//! * **A `GET` must not acknowledge.** Mail scanners and chat previews open every link of a message. The page behind the
//!   link shows the ticket's number and title and a button; only its `POST` acknowledges.
//! * The token allows nothing but acknowledging this one page, and says in the ticket's history who did: the person that the
//!   page was for. Whoever forwards the message forwards that right, until the token ends.
//! * It is good more than once; to acknowledge twice changes nothing. Once the call is over (the ticket was answered or resolved
//!   and calls again) it is refused: whoever is called now has a message of their own.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::plain_text::{from_hex, hex};
use crate::clock::{SECOND_US, TimestampUs};

/// Names the use of the key, so that a signature made for something else with the same key is no acknowledgement.
const PURPOSE: &[u8] = b"watchroom acknowledge 1\n";

/// The version of the form.
const VERSION: &str = "1";

/// Longest page id and person, in bytes: ids of ours have less than 100, names of users 64.
const MAX_NAME_BYTES: usize = 200;

/// Longest token: two names in hexadecimal, two numbers, the MAC and dots.
const MAX_TOKEN_BYTES: usize = 4 * MAX_NAME_BYTES + 2 * 20 + 64 + 10;

/// What a link says: this person acknowledges this page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The ticket's number.
    pub ticket: i64,
    /// The page, as the escalation knows it.
    pub page_id: String,
    /// The person whom the page was sent to.
    pub person: String,
    /// The end of the link, in whole seconds (fractions are cut off).
    pub expires_at_us: TimestampUs,
}

/// Why a link is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It was not made here, or something in it was changed. Which of them is not said.
    #[error("this link is not valid; open the ticket in Watchroom and acknowledge it there")]
    Refused,
    /// It was good once.
    #[error("this link has expired; open the ticket in Watchroom and acknowledge it there")]
    Expired,
    /// A page id or a person is too long to stand in a link.
    #[error("no link can be made: the page or the person has a name of more than {MAX_NAME_BYTES} bytes")]
    TooLong,
}

/// Makes the token of a link. `secret` is at least 32 random bytes that stay on the server.
///
/// # Errors
/// [`LinkError::TooLong`] for a page id or a person of more than 200 bytes.
pub fn sign(secret: &[u8], what: &Acknowledgement) -> Result<String, LinkError> {
    if what.page_id.len() > MAX_NAME_BYTES || what.person.len() > MAX_NAME_BYTES {
        return Err(LinkError::TooLong);
    }
    let expires_s = what.expires_at_us.div_euclid(SECOND_US);
    let said = format!("{VERSION}.{}.{expires_s}.{}.{}", what.ticket, hex(what.page_id.as_bytes()), hex(what.person.as_bytes()));
    let mac = mac(secret, &said).finalize().into_bytes();
    Ok(format!("{said}.{}", hex(&mac)))
}

/// What a token says, if it is good at `now_us`. The MAC is compared in constant time, and before anything else is looked at.
///
/// # Errors
/// [`LinkError::Refused`] for anything that [`sign`] did not make with this secret; [`LinkError::Expired`] only if it did.
pub fn verify(secret: &[u8], token: &str, now_us: TimestampUs) -> Result<Acknowledgement, LinkError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(LinkError::Refused);
    }
    let (said, presented) = token.rsplit_once('.').ok_or(LinkError::Refused)?;
    let presented = from_hex(presented).ok_or(LinkError::Refused)?;
    mac(secret, said).verify_slice(&presented).map_err(|_| LinkError::Refused)?;
    let what = read(said).ok_or(LinkError::Refused)?;
    if now_us >= what.expires_at_us { Err(LinkError::Expired) } else { Ok(what) }
}

fn read(said: &str) -> Option<Acknowledgement> {
    let mut parts = said.split('.');
    if parts.next()? != VERSION {
        return None;
    }
    let (ticket, expires_s) = (parts.next()?.parse().ok()?, parts.next()?.parse::<i64>().ok()?);
    let mut name = || String::from_utf8(from_hex(parts.next()?)?).ok();
    let (page_id, person) = (name()?, name()?);
    if parts.next().is_some() {
        return None;
    }
    Some(Acknowledgement { ticket, page_id, person, expires_at_us: expires_s.saturating_mul(SECOND_US) })
}

fn mac(secret: &[u8], said: &str) -> Hmac<Sha256> {
    super::signature::keyed(secret).chain_update(PURPOSE).chain_update(said.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    fn page() -> Acknowledgement {
        Acknowledgement { ticket: 42, page_id: "42/1/2/ines".into(), person: "ines".into(), expires_at_us: 1_800_000_000 * SECOND_US }
    }

    #[test]
    fn a_link_says_what_it_was_made_for_until_it_ends() {
        let token = sign(SECRET, &page()).unwrap();
        assert_eq!(verify(SECRET, &token, 0), Ok(page()));
        assert_eq!(verify(SECRET, &token, page().expires_at_us - 1), Ok(page()));
        assert_eq!(verify(SECRET, &token, page().expires_at_us), Err(LinkError::Expired));
        assert_eq!(verify(b"another secret of the same house", &token, 0), Err(LinkError::Refused));
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'), "it may stand in a URL");
    }

    #[test]
    fn the_signature_is_plain_hmac_over_purpose_and_text() {
        // Computed with: printf 'watchroom acknowledge 1\n1.42.1800000000.34322f312f322f696e6573.696e6573' | openssl dgst -sha256 -hmac ...
        let token = sign(SECRET, &page()).unwrap();
        assert_eq!(
            token,
            "1.42.1800000000.34322f312f322f696e6573.696e6573.5c02d263a8602c0ce9b4d83229c8f776de0894d8f5e90b959b3d87d02a0e1d6f"
        );
    }

    #[test]
    fn every_changed_character_is_refused() {
        let token = sign(SECRET, &page()).unwrap();
        for at in 0..token.len() {
            for other in ["0", "1", "a", ".", "-", "g"] {
                let mut changed = token.clone();
                changed.replace_range(at..=at, other);
                if changed != token {
                    assert_eq!(verify(SECRET, &changed, 0), Err(LinkError::Refused), "{changed}");
                }
            }
        }
        for wrong in ["", ".", "1.42", &token[1..], &token[..token.len() - 2], &format!("{token}.{token}"), &"9".repeat(1_000_000)] {
            assert_eq!(verify(SECRET, wrong, 0), Err(LinkError::Refused));
        }
    }

    proptest! {
        #[test]
        fn any_page_reads_back(ticket in any::<i64>(), page_id in ".{0,40}", person in ".{0,40}", expires_at_us in any::<i64>()) {
            let what = Acknowledgement { ticket, page_id, person, expires_at_us };
            let token = sign(SECRET, &what).unwrap();
            let whole = expires_at_us.div_euclid(SECOND_US).saturating_mul(SECOND_US);
            match verify(SECRET, &token, i64::MIN) {
                Ok(read) => prop_assert_eq!(read, Acknowledgement { expires_at_us: whole, ..what }),
                Err(error) => prop_assert!(whole == i64::MIN, "{}", error),
            }
        }

        #[test]
        fn any_text_is_refused_and_never_panics(text in "[0-9a-f.é]{0,80}") {
            prop_assert_eq!(verify(SECRET, &text, 0), Err(LinkError::Refused));
        }
    }
}
