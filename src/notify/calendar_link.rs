//! Signed links by which a calendar program, which cannot log in, reads the shifts of a rota. Pure.
//!
//! A token names the rota, the person who asked for the link and the generation of their links; an HMAC-SHA256 over these makes
//! it good. Its form is `2.<rota>.<person>.<generation>.<mac>`: names as hexadecimal digits of their UTF-8, the generation in
//! decimal, the MAC as 64 hexadecimal digits. It has no end: who takes it sees to it that the person still works here, and that
//! the generation is still the present one. Links of the form before, `1.<rota>.<person>.<mac>`, are of generation 0.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::plain_text::{from_hex, hex};

/// Names the use of the key, so that a signature made for something else with the same key opens no calendar.
const PURPOSE: &[u8] = b"watchroom calendar 1\n";

/// The versions of the form: the present one, and the one before, which said no generation.
const VERSION: &str = "2";
const WITHOUT_GENERATION: &str = "1";

/// Longest token: two names of at most 200 bytes in hexadecimal, a number, the MAC, dots.
const MAX_TOKEN_BYTES: usize = 4 * 200 + 20 + 64 + 10;

/// What a link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarLink {
    /// The rota that it leads to.
    pub rota: String,
    /// Who asked for it.
    pub person: String,
    /// How many revocations of such links there had been by then.
    pub generation: u64,
}

/// Makes the token of a link.
pub fn sign(secret: &[u8], link: &CalendarLink) -> String {
    let said = format!("{VERSION}.{}.{}.{}", hex(link.rota.as_bytes()), hex(link.person.as_bytes()), link.generation);
    let mac = mac(secret, &said).finalize().into_bytes();
    format!("{said}.{}", hex(&mac))
}

/// What a token says; `None` for anything that [`sign`] did not make with this secret. The MAC is compared in constant time, and
/// before anything else is looked at.
pub fn verify(secret: &[u8], token: &str) -> Option<CalendarLink> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let (said, presented) = token.rsplit_once('.')?;
    mac(secret, said).verify_slice(&from_hex(presented)?).ok()?;
    let mut parts = said.split('.');
    let version = parts.next()?;
    let mut name = || String::from_utf8(from_hex(parts.next()?)?).ok();
    let (rota, person) = (name()?, name()?);
    let generation = match version {
        VERSION => parts.next()?.parse().ok()?,
        WITHOUT_GENERATION => 0,
        _ => return None,
    };
    Some(CalendarLink { rota, person, generation }).filter(|_| parts.next().is_none())
}

fn mac(secret: &[u8], said: &str) -> Hmac<Sha256> {
    super::signature::keyed(secret).chain_update(PURPOSE).chain_update(said.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_the_calendar_that_it_was_made_for() {
        let link = CalendarLink { rota: "first line".to_owned(), person: "ines".to_owned(), generation: 3 };
        let token = sign(b"secret", &link);
        assert_eq!(verify(b"secret", &token), Some(link));
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

    #[test]
    fn a_link_of_the_form_before_is_of_the_first_generation() {
        let said = format!("1.{}.{}", hex(b"watch"), hex(b"ines"));
        let token = format!("{said}.{}", hex(&mac(b"secret", &said).finalize().into_bytes()));
        let link = CalendarLink { rota: "watch".to_owned(), person: "ines".to_owned(), generation: 0 };
        assert_eq!(verify(b"secret", &token), Some(link));
    }
}
