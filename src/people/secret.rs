//! Secrets that programs and browsers carry: `<prefix><id>_<secret>`. Pure but for the random numbers.
//!
//! The id (12 hexadecimal digits) finds the row and may be shown and logged. The secret is 32 bytes from the operating
//! system, as 64 hexadecimal digits; with so much chance in it a plain SHA-256 is enough, and no slow password hash is
//! needed on every request.

use std::fmt;

use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

/// The operating system gave no random bytes, with what it said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random numbers ({0}); see that /dev/urandom can be read")]
pub struct NoRandomness(String);

/// The part that nobody else may know, as hexadecimal digits.
pub(super) struct Secret(String);

impl Secret {
    /// The SHA-256 of the secret's text.
    pub(super) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The whole text that its holder sends.
    pub(super) fn text(&self, prefix: &str, id: &str) -> String {
        format!("{prefix}{id}_{}", self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A new id and secret.
pub(super) fn generate() -> Result<(String, Secret), NoRandomness> {
    Ok((hex(&random::<ID_BYTES>()?), Secret(hex(&random::<SECRET_BYTES>()?))))
}

/// Bytes from the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| NoRandomness(error.to_string()))?;
    Ok(bytes)
}

/// 32 random bytes as hexadecimal digits, for keys of the program's own.
pub fn random_hex() -> Result<String, NoRandomness> {
    Ok(hex(&random::<SECRET_BYTES>()?))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The id and secret of a presented text; `None` if it does not look like one of ours with that prefix.
pub(super) fn take_apart<'a>(prefix: &str, presented: &'a str) -> Option<(&'a str, Secret)> {
    let (id, secret) = presented.strip_prefix(prefix)?.split_once('_')?;
    let digits = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let ours = id.len() == 2 * ID_BYTES && secret.len() == 2 * SECRET_BYTES && digits(id) && digits(secret);
    ours.then(|| (id, Secret(secret.to_owned())))
}

/// Compares without stopping at the first difference, so that time tells nothing of where it lies.
pub(super) fn same_digest(one: &[u8; 32], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |seen, (a, b)| std::hint::black_box(seen | (a ^ b)));
    other.len() == one.len() && difference == 0
}

/// Whether two secrets are the same text; how long it takes says nothing of them.
pub fn same_secret(one: &str, other: &str) -> bool {
    let digest = |text: &str| -> [u8; 32] { Sha256::digest(text.as_bytes()).into() };
    same_digest(&digest(one), &digest(other))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_secret_comes_apart_into_what_it_was_made_of() {
        let (id, secret) = generate().unwrap();
        let text = secret.text("wr_", &id);
        let (id_again, secret_again) = take_apart("wr_", &text).unwrap();
        assert_eq!((id_again, secret_again.digest()), (id.as_str(), secret.digest()));
        assert!(take_apart("ws_", &text).is_none(), "a token is no session");
        assert_ne!(generate().unwrap().1.digest(), secret.digest());
        assert!(!format!("{secret:?}").contains(&secret.0));
    }

    #[test]
    fn a_difference_anywhere_is_a_difference() {
        let digest = generate().unwrap().1.digest();
        assert!(same_digest(&digest, &digest));
        assert!(!same_digest(&digest, &digest[..31]) && !same_digest(&digest, &[]));
        for at in 0..32 {
            let mut other = digest;
            other[at] ^= 1;
            assert!(!same_digest(&digest, &other));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_or_refused_but_never_panics(text in "(wr_)?[0-9a-fé_]{0,90}") {
            let _ = take_apart("wr_", &text);
        }
    }
}
