//! Signed links by which a calendar program, which cannot log in, reads the shifts of a rota. Pure.
//!
//! A token names the rota and the person who asked for the link; an HMAC-SHA256 over both makes it good. Its form is
//! `1.<rota>.<person>.<mac>`: names as hexadecimal digits of their UTF-8, the MAC as 64 hexadecimal digits. It has no end: who
//! takes it sees to it that the person still works here.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::plain_text::{from_hex, hex};

/// Names the use of the key, so that a signature made for something else with the same key opens no calendar.
const PURPOSE: &[u8] = b"watchroom calendar 1\n";

/// The version of the form.
const VERSION: &str = "1";

/// Longest token: two names of at most 200 bytes in hexadecimal, the MAC, dots.
const MAX_TOKEN_BYTES: usize = 4 * 200 + 64 + 10;

/// Makes the token of a link to a rota's calendar for a person.
pub fn sign(secret: &[u8], rota: &str, person: &str) -> String {
    let said = format!("{VERSION}.{}.{}", hex(rota.as_bytes()), hex(person.as_bytes()));
    let mac = mac(secret, &said).finalize().into_bytes();
    format!("{said}.{}", hex(&mac))
}

/// Rota and person of a token; `None` for anything that [`sign`] did not make with this secret. The MAC is compared in constant
/// time, and before anything else is looked at.
pub fn verify(secret: &[u8], token: &str) -> Option<(String, String)> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let (said, presented) = token.rsplit_once('.')?;
    mac(secret, said).verify_slice(&from_hex(presented)?).ok()?;
    let mut parts = said.split('.');
    if parts.next()? != VERSION {
        return None;
    }
    let mut name = || String::from_utf8(from_hex(parts.next()?)?).ok();
    Some((name()?, name()?))
}

fn mac(secret: &[u8], said: &str) -> Hmac<Sha256> {
    super::signature::keyed(secret).chain_update(PURPOSE).chain_update(said.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_the_calendar_that_it_was_made_for() {
        let token = sign(b"secret", "first line", "ines");
        assert_eq!(verify(b"secret", &token), Some(("first line".to_owned(), "ines".to_owned())));
        assert_eq!(verify(b"another", &token), None);
        for at in 0..token.len() {
            let mut changed = token.clone();
            changed.replace_range(at..=at, if &token[at..=at] == "0" { "1" } else { "0" });
            assert_eq!(verify(b"secret", &changed), None, "{changed}");
        }
        let page = super::super::acknowledge_link::Acknowledgement {
            ticket: 1,
            page_id: "p".into(),
            person: "ines".into(),
            expires_at_us: i64::MAX,
        };
        assert_eq!(verify(b"secret", &super::super::acknowledge_link::sign(b"secret", &page).unwrap()), None, "another purpose");
    }
}
