//! Passwords with the costs that they really have.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::password::{NOBODY, Passwords, argon2};
use super::{LoginError, MAX_PASSWORD_CHARS, Weakness, check_password};

#[test]
fn weak_passwords_are_told_why() {
    let long = "correct horse ".repeat(19);
    for (password, weakness) in [
        ("", Weakness::TooShort),
        ("elevenchars", Weakness::TooShort),
        (long.as_str(), Weakness::TooLong),
        ("aaaaaaaaaaaa", Weakness::Monotonous),
        ("121212121212", Weakness::Monotonous),
        ("AaAaAaAaAaAa", Weakness::Monotonous),
        ("Password2026!", Weakness::Common),
        ("qwertyuiop12", Weakness::Common),
        ("!!administrator!!", Weakness::Common),
        ("1234567890123", Weakness::Common),
        ("letmeinletmein", Weakness::Common),
        ("Anna.Huber-2026", Weakness::Name),
        ("anna.huberanna.huber", Weakness::Name),
    ] {
        assert_eq!(check_password(password, "anna.huber"), Err(weakness), "{password}");
    }
    for good in ["correct horse battery", "zwölf Zeichen", &"correct horse ".repeat(18), "anna.huber likes long walks", "8q!fmz7#wk2v"] {
        assert_eq!(check_password(good, "anna.huber"), Ok(()), "{good}");
    }
}

#[test]
fn the_hash_for_nobody_has_the_costs_of_every_other() {
    use argon2::PasswordHasher;
    use argon2::password_hash::{PasswordHash, SaltString};
    let salt = SaltString::encode_b64(&[7; 16]).unwrap();
    let hash = argon2().unwrap().hash_password(b"x", &salt).unwrap();
    let nobody = PasswordHash::new(NOBODY).unwrap();
    assert_eq!((nobody.algorithm, nobody.version, &nobody.params), (hash.algorithm, hash.version, &hash.params));
    assert_eq!((nobody.salt.unwrap().len(), nobody.hash.unwrap().len()), (salt.len(), hash.hash.unwrap().len()));
    assert!(hash.to_string().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

#[tokio::test]
async fn a_hash_knows_its_password_and_no_other() {
    let passwords = Passwords::new();
    let hash = passwords.hash("correct horse battery").await.unwrap();
    assert_ne!(passwords.hash("correct horse battery").await.unwrap(), hash, "each has a salt of its own");
    assert!(passwords.verify("correct horse battery", Some(&hash)).await.unwrap());
    assert!(!passwords.verify("Correct horse battery", Some(&hash)).await.unwrap());
    assert!(!passwords.verify("correct horse battery", None).await.unwrap());
    assert!(!passwords.verify("", Some(&hash)).await.unwrap());
    assert!(!passwords.verify(&"x".repeat(MAX_PASSWORD_CHARS + 1), Some(&hash)).await.unwrap());
    let unreadable = passwords.verify("correct horse battery", Some("plain text")).await.unwrap_err();
    assert!(matches!(unreadable, LoginError::Store(_)), "{unreadable}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_run_at_a_time_and_what_the_queue_cannot_hold_comes_again() {
    let passwords = Passwords::new();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (passwords, running, most) = (passwords.clone(), Arc::clone(&running), Arc::clone(&most));
        tasks.spawn(async move {
            let work = move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(std::time::Duration::from_millis(20));
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            };
            passwords.in_turn(work).await
        });
    }
    let outcomes = tasks.join_all().await;
    let served = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert!((66..200).contains(&served), "{served}");
    assert!(
        outcomes.iter().flat_map(|outcome| outcome.as_ref().err()).all(|error| matches!(error, LoginError::TooMany { retry_after_s: 3 }))
    );
}

#[tokio::test]
async fn a_caller_who_gives_up_keeps_the_turn_until_the_work_is_done() {
    let passwords = Passwords::new();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let work = move || {
        held.recv().ok();
        Ok(())
    };
    let abandoned = tokio::time::timeout(std::time::Duration::from_millis(20), passwords.in_turn(work)).await;
    assert!(abandoned.is_err());
    assert!(format!("{passwords:?}").contains("free: 1"), "{passwords:?}");
    release.send(()).unwrap();
    while !format!("{passwords:?}").contains("free: 2") {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

proptest! {
    #[test]
    fn no_password_panics(password in "\\PC{0,300}", user in "\\PC{0,30}") {
        check_password(&password, &user).ok();
    }
}
