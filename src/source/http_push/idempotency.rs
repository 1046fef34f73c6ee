//! `Idempotency-Key`: a request sent again within ten minutes is answered again, not stored again.
//!
//! A sender that lost the answer, or did not wait for it, can so repeat the request without doubling its lines: while the
//! first one is being stored, the second waits for it. Keys are kept in memory: across a restart of the server the promise
//! is "at least once".

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use tokio::sync::OnceCell;

use crate::clock::{SECOND_US, TimestampUs};
use crate::record::{FrameBlock, Intake, IntakeError, Receipt};

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

/// What a request was answered; empty until it is stored.
type Answer = Arc<OnceCell<Receipt>>;

#[derive(Debug, Default)]
struct Remembered {
    answers: HashMap<String, Answer>,
    in_order: VecDeque<(TimestampUs, String)>,
}

impl IdempotencyKeys {
    /// The key that a request names, made distinct by its path.
    pub(super) fn of(path: &str, headers: &HeaderMap) -> Option<String> {
        let key = headers.get("idempotency-key")?.to_str().ok()?;
        (!key.is_empty() && key.len() <= MAX_KEY_BYTES).then(|| format!("{path} {key}"))
    }

    /// Stores the block of a request with this key, unless that was done a moment ago or is being done.
    pub(super) async fn store_once(
        &self,
        key: String,
        block: FrameBlock,
        intake: Arc<dyn Intake>,
        now_us: TimestampUs,
    ) -> Result<Receipt, IntakeError> {
        let answer = self.answer(key, now_us);
        let store = async move {
            let mut all_errors = None;
            let first = || async {
                let mut receipt = intake.take_durably(block).await?;
                all_errors = Some(receipt.errors.clone());
                receipt.errors.truncate(MAX_ERRORS);
                Ok::<Receipt, IntakeError>(receipt)
            };
            let mut receipt = answer.get_or_try_init(first).await?.clone();
            receipt.errors = all_errors.unwrap_or(receipt.errors);
            Ok(receipt)
        };
        // The sender may hang up and send again. What was begun is ended all the same, or nobody knew what became of it.
        #[allow(clippy::disallowed_methods, reason = "it must outlive the request, and whoever sent it hears of its end")]
        let stored = tokio::spawn(store);
        stored.await.map_err(|_| IntakeError::ShuttingDown)?
    }

    /// The place of the key's answer.
    fn answer(&self, key: String, now_us: TimestampUs) -> Answer {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.forget_before(now_us - REMEMBERED_US);
        if let Some(answer) = remembered.answers.get(&key) {
            return answer.clone();
        }
        if remembered.in_order.len() >= MAX_KEYS
            && let Some((_, oldest)) = remembered.in_order.pop_front()
        {
            remembered.answers.remove(&oldest);
        }
        remembered.in_order.push_back((now_us, key.clone()));
        remembered.answers.entry(key).or_default().clone()
    }
}

impl Remembered {
    fn forget_before(&mut self, at_us: TimestampUs) {
        while let Some((noted_us, _)) = self.in_order.front()
            && *noted_us < at_us
            && let Some((_, key)) = self.in_order.pop_front()
        {
            self.answers.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use async_trait::async_trait;
    use bytes::Bytes;

    use super::*;
    use crate::record::Zone;
    use crate::record::{BlockKind, LineError, Origin};

    /// Takes a while; refuses the first block.
    #[derive(Debug, Default)]
    struct SlowIntake(AtomicU64);

    #[async_trait]
    impl Intake for SlowIntake {
        async fn take_waiting(&self, _: FrameBlock) -> Result<(), IntakeError> {
            Err(IntakeError::ShuttingDown)
        }

        fn take_or_refuse(&self, _: FrameBlock) -> Result<(), IntakeError> {
            Err(IntakeError::ShuttingDown)
        }

        async fn take_durably(&self, _: FrameBlock) -> Result<Receipt, IntakeError> {
            let taken = self.0.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            let error = |line| LineError { line, error: "no JSON".into() };
            if taken == 0 { Err(IntakeError::DiskFull) } else { Ok(Receipt { accepted: 7, errors: vec![error(1), error(2)] }) }
        }
    }

    fn block() -> FrameBlock {
        let origin = Arc::new(Origin { source: "t".into(), peer: "p".into(), zone: Zone::UTC, hints: "".into() });
        FrameBlock { kind: BlockKind::JsonLines, origin, received_at_us: 0, data: Bytes::new(), frames: vec![], cut: vec![] }
    }

    #[tokio::test]
    async fn what_is_refused_is_tried_again_and_what_is_stored_is_not() {
        let (keys, intake) = (IdempotencyKeys::default(), Arc::new(SlowIntake::default()));
        let store = |key: &str| keys.store_once(key.to_owned(), block(), intake.clone(), 0);
        assert_eq!(store("k").await, Err(IntakeError::DiskFull));
        assert_eq!(store("k").await.unwrap().errors.len(), 2);
        let again = store("k").await.unwrap();
        assert_eq!((again.accepted, again.errors.len()), (7, MAX_ERRORS));
        let (one, other) = tokio::join!(store("twins"), store("twins"));
        assert_eq!((one.unwrap().accepted, other.unwrap().accepted), (7, 7));
        // A sender that hangs up after 5 ms, and comes back.
        let hung_up = tokio::time::timeout(std::time::Duration::from_millis(5), store("impatient")).await;
        assert!(hung_up.is_err());
        assert_eq!(store("impatient").await.unwrap().accepted, 7);
        assert_eq!(intake.0.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn a_key_is_remembered_for_ten_minutes_and_belongs_to_its_path() {
        let keys = IdempotencyKeys::default();
        let mut headers = HeaderMap::new();
        assert_eq!(IdempotencyKeys::of("/a", &headers), None);
        headers.insert("idempotency-key", "k1".parse().unwrap());
        let key = IdempotencyKeys::of("/a", &headers).unwrap();
        assert_ne!(IdempotencyKeys::of("/b", &headers).unwrap(), key);
        keys.answer(key.clone(), 0).set(Receipt::default()).unwrap();
        assert!(keys.answer(key.clone(), REMEMBERED_US).initialized());
        assert!(!keys.answer(key, REMEMBERED_US + 1).initialized());
        headers.insert("idempotency-key", "x".repeat(200).parse().unwrap());
        assert_eq!(IdempotencyKeys::of("/a", &headers), None);
    }

    #[test]
    fn the_number_of_keys_is_bounded() {
        let keys = IdempotencyKeys::default();
        for n in 0..MAX_KEYS + 10 {
            keys.answer(n.to_string(), 0);
        }
        let remembered = keys.0.lock().unwrap();
        assert_eq!((remembered.answers.len(), remembered.in_order.len()), (MAX_KEYS, MAX_KEYS));
        assert!(!remembered.answers.contains_key("0") && remembered.answers.contains_key("10"));
    }
}
