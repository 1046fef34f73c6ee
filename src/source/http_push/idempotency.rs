//! `Idempotency-Key`: a request sent again within ten minutes is answered again, not stored again.
//!
//! A sender that lost the answer can so repeat the request without doubling its lines. Keys are kept in memory: across a
//! restart of the server the promise is "at least once". A key is noted when its request was stored; two requests with
//! the same key at the same moment are both stored, as two senders with the same key would be a mistake of theirs.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;

use crate::clock::{SECOND_US, TimestampUs};
use crate::record::Receipt;

/// How long a key is remembered.
const REMEMBERED_US: i64 = 600 * SECOND_US;

/// Keys remembered: at most some 30 MiB of them.
const MAX_KEYS: usize = 100_000;

/// Longest key; a longer one is refused by not being remembered.
const MAX_KEY_BYTES: usize = 128;

/// Line errors kept with a key.
const MAX_ERRORS: usize = 1;

/// The requests of the last ten minutes that had a key.
#[derive(Debug, Default)]
pub struct IdempotencyKeys(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    receipts: HashMap<String, Receipt>,
    in_order: VecDeque<(TimestampUs, String)>,
}

impl IdempotencyKeys {
    /// The key that a request names, made distinct by its path.
    pub(super) fn of(path: &str, headers: &HeaderMap) -> Option<String> {
        let key = headers.get("idempotency-key")?.to_str().ok()?;
        (!key.is_empty() && key.len() <= MAX_KEY_BYTES).then(|| format!("{path} {key}"))
    }

    /// What was answered to the request with this key.
    pub(super) fn answered(&self, key: &str, now_us: TimestampUs) -> Option<Receipt> {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.forget_before(now_us - REMEMBERED_US);
        remembered.receipts.get(key).cloned()
    }

    /// Remembers an answer.
    pub(super) fn note(&self, key: String, receipt: &Receipt, now_us: TimestampUs) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.in_order.len() >= MAX_KEYS
            && let Some((_, oldest)) = remembered.in_order.pop_front()
        {
            remembered.receipts.remove(&oldest);
        }
        let errors = receipt.errors.iter().take(MAX_ERRORS).cloned().collect();
        if remembered.receipts.insert(key.clone(), Receipt { accepted: receipt.accepted, errors }).is_none() {
            remembered.in_order.push_back((now_us, key));
        }
    }
}

impl Remembered {
    fn forget_before(&mut self, at_us: TimestampUs) {
        while let Some((noted_us, _)) = self.in_order.front()
            && *noted_us < at_us
            && let Some((_, key)) = self.in_order.pop_front()
        {
            self.receipts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_remembered_for_ten_minutes_and_belongs_to_its_path() {
        let keys = IdempotencyKeys::default();
        let mut headers = HeaderMap::new();
        assert_eq!(IdempotencyKeys::of("/a", &headers), None);
        headers.insert("idempotency-key", "k1".parse().unwrap());
        let key = IdempotencyKeys::of("/a", &headers).unwrap();
        assert_ne!(IdempotencyKeys::of("/b", &headers).unwrap(), key);
        let receipt = Receipt { accepted: 7, errors: Vec::new() };
        keys.note(key.clone(), &receipt, 0);
        assert_eq!(keys.answered(&key, REMEMBERED_US), Some(receipt));
        assert_eq!(keys.answered(&key, REMEMBERED_US + 1), None);
        headers.insert("idempotency-key", "x".repeat(200).parse().unwrap());
        assert_eq!(IdempotencyKeys::of("/a", &headers), None);
    }

    #[test]
    fn the_number_of_keys_is_bounded() {
        let keys = IdempotencyKeys::default();
        for n in 0..MAX_KEYS + 10 {
            keys.note(n.to_string(), &Receipt::default(), 0);
        }
        assert_eq!(keys.0.lock().unwrap().receipts.len(), MAX_KEYS);
        assert!(keys.answered("0", 0).is_none() && keys.answered("10", 0).is_some());
    }
}
