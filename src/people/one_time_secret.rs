//! Passwords for one login, made to be read out and typed: `7k3m-x9ap-04tz-e2hw-q6vd`.
//!
//! Twenty characters of Crockford's base 32 (<https://www.crockford.com/base32.html>) carry 100 bits. Its alphabet has no
//! `i`, `l`, `o` and `u`; who types one of the first three means `1` or `0`, and case, blanks and dashes do not matter.

use std::fmt;

use super::secret::{NoRandomness, random};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const CHARS: usize = 20;
/// Characters between two dashes: what one keeps in mind from reading to typing.
const GROUP: usize = 4;

/// A password for one login. Its text is known to nobody but whoever holds this.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeSecret([u8; CHARS]);

impl OneTimeSecret {
    pub(super) fn generate() -> Result<Self, NoRandomness> {
        // 256 is a multiple of 32, so every character is as likely as any other.
        Ok(Self(random::<CHARS>()?.map(|byte| ALPHABET[usize::from(byte) % ALPHABET.len()])))
    }

    /// The secret in groups, to be shown once to whom it is for.
    pub fn reveal(&self) -> String {
        self.0.chunks(GROUP).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
    }

    /// The secret that somebody has typed; `None` if it cannot be one.
    pub(super) fn read(typed: &str) -> Option<Self> {
        let mut chars = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let mut secret = [0; CHARS];
        for place in &mut secret {
            let char = match chars.next()?.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                other => other,
            };
            *place = u8::try_from(char).ok().filter(|byte| ALPHABET.contains(byte))?;
        }
        chars.next().is_none().then_some(Self(secret))
    }
}

impl fmt::Debug for OneTimeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_shown_is_read_back_however_it_is_typed() {
        let secret = OneTimeSecret::generate().unwrap();
        let shown = secret.reveal();
        assert_eq!((shown.len(), shown.matches('-').count()), (24, 4));
        for typed in [
            shown.clone(),
            shown.to_uppercase(),
            shown.replace('-', ""),
            format!(" {} ", shown.replace('-', " ")),
            shown.replace('0', "O").replace('1', "l"),
        ] {
            assert_eq!(OneTimeSecret::read(&typed), Some(secret.clone()), "{typed}");
        }
        assert_ne!(OneTimeSecret::generate().unwrap(), secret);
        assert!(!format!("{secret:?}").contains(&shown[..4]));
    }

    #[test]
    fn what_cannot_be_one_is_none() {
        for wrong in ["", "0000-0000-0000-0000-000", "0000-0000-0000-0000-00000", "uuuu-uuuu-uuuu-uuuu-uuuu", "0000-0000-0000-0000-000é"] {
            assert_eq!(OneTimeSecret::read(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_shown_alike(typed in "[0-9a-zA-Zé -]{0,30}") {
            if let Some(secret) = OneTimeSecret::read(&typed) {
                prop_assert_eq!(OneTimeSecret::read(&secret.reveal()), Some(secret));
            }
        }
    }
}
