//! Logins over a real store, with passwords at their real cost.

use sqlx::Row;

use super::{Attempt, FIRST_ADMINISTRATOR, LoginError, Logins, NewSession, Role, User, Weakness};
use crate::clock::{Clock, DAY_US, HOUR_US, SECOND_US};
use crate::store::{DESK_FILE, Store};

const HERE: &str = "192.0.2.1";
const GOOD: &str = "correct horse battery";
const BETTER: &str = "staple of many colours";
const START_US: i64 = 1_000 * SECOND_US;

struct Office {
    logins: Logins,
    store: Store,
    clock: Clock,
    folder: tempfile::TempDir,
}

impl Office {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
        let clock = Clock::manual(START_US);
        Self { logins: Logins::new(store.clone(), clock.clone()), store, clock, folder }
    }

    /// With `anna`, whose password is [`GOOD`].
    async fn with_anna() -> Self {
        let office = Self::new().await;
        assert_eq!(office.logins.set_password("anna", GOOD, None).await.unwrap(), 0);
        office
    }

    async fn log_in(&self, password: &str, new_password: Option<&str>) -> Result<NewSession, LoginError> {
        self.logins.log_in(&Attempt { user: "anna", password, new_password, origin: HERE }, Some(&person())).await
    }

    async fn is_in(&self, session: &NewSession) -> bool {
        match self.logins.verify_session(session.reveal()).await {
            Ok(found) => {
                assert_eq!((found.id, found.user), (session.session.id.clone(), session.session.user.clone()));
                true
            }
            Err(LoginError::NoSession) => false,
            Err(other) => panic!("{other}"),
        }
    }
}

fn person() -> User {
    User { display_name: "Anna".to_owned(), role: Role::Technician, ..User::default() }
}

#[tokio::test]
async fn the_first_start_makes_an_administrator_and_no_later_one_does() {
    let office = Office::new().await;
    let mut write = office.store.write().await.unwrap();
    office.logins.first_administrator(&mut write).await.unwrap().unwrap();
    drop(write);
    let mut write = office.store.write().await.unwrap();
    let secret = office.logins.first_administrator(&mut write).await.unwrap().expect("what was rolled back had not been");
    assert!(office.logins.first_administrator(&mut write).await.unwrap().is_none());
    write.commit().await.unwrap();

    let admin = User { role: Role::Administrator, ..person() };
    let shown = secret.reveal();
    let attempt = |password, new_password| Attempt { user: FIRST_ADMINISTRATOR, password, new_password, origin: HERE };
    let typed = shown.to_uppercase().replace('-', " ");
    let needed = office.logins.log_in(&attempt(&typed, None), Some(&admin)).await.unwrap_err();
    assert!(matches!(needed, LoginError::NewPasswordNeeded), "{needed}");
    for (weak, why) in [("admin admin", Weakness::TooShort), (shown.as_str(), Weakness::OneTime)] {
        let refused = office.logins.log_in(&attempt(&shown, Some(weak)), Some(&admin)).await.unwrap_err();
        assert!(matches!(refused, LoginError::Weak(weakness) if weakness == why), "{refused}");
    }
    let session = office.logins.log_in(&attempt(&typed, Some(GOOD)), Some(&admin)).await.unwrap();
    assert!(office.is_in(&session).await);
    let dead = office.logins.log_in(&attempt(&shown, Some(BETTER)), Some(&admin)).await.unwrap_err();
    assert!(matches!(dead, LoginError::Refused), "{dead}");
    office.logins.log_in(&attempt(GOOD, None), Some(&admin)).await.unwrap();
}

#[tokio::test]
async fn unknown_wrong_and_disabled_are_refused_alike() {
    let office = Office::with_anna().await;
    let disabled = User { disabled: true, ..person() };
    let attempt = |user, password| Attempt { user, password, new_password: None, origin: HERE };
    let known = person();
    for (attempt, known) in [
        (attempt("anna", "wrong horse battery"), Some(&known)),
        (attempt("anna", GOOD), Some(&disabled)),
        (attempt("anna", GOOD), None),
        (attempt("ben", GOOD), None),
        (attempt("ben", GOOD), Some(&known)),
        (attempt("No Name\n", GOOD), None),
    ] {
        let refused = office.logins.log_in(&attempt, known).await.unwrap_err();
        assert!(matches!(refused, LoginError::Refused), "{refused}");
    }
    assert_eq!(office.logins.sessions("anna").await.unwrap(), []);
    office.log_in(GOOD, None).await.unwrap();
}

#[tokio::test]
async fn a_refusal_takes_as_long_for_nobody_as_for_somebody() {
    let office = Office::with_anna().await;
    let known = person();
    let mut measured = [("anna", Some(&known)), ("ben", None)].map(|who| (who, Vec::new()));
    for n in 0..5 {
        for ((user, known), times) in &mut measured {
            let origin = format!("192.0.2.{n}");
            let watch = crate::clock::Stopwatch::start();
            let attempt = Attempt { user, password: "wrong horse battery", new_password: None, origin: &origin };
            office.logins.log_in(&attempt, *known).await.unwrap_err();
            times.push(watch.elapsed_seconds());
        }
        office.clock.set(office.clock.now_us() + DAY_US);
    }
    // The shortest of each: what else the machine does only adds to a time.
    let [somebody, nobody] = measured.map(|(_, times)| times.into_iter().fold(f64::INFINITY, f64::min));
    // Without the hash for nobody the ratio is a hundredth.
    assert!((0.33..3.0).contains(&(nobody / somebody)), "{nobody} s against {somebody} s");
}

#[tokio::test]
async fn a_session_ends_when_it_rests_and_when_it_is_old() {
    let office = Office::with_anna().await;
    let session = office.log_in(GOOD, None).await.unwrap();
    office.clock.set(START_US + 12 * HOUR_US - 1);
    assert!(office.is_in(&session).await);
    office.clock.set(START_US + 24 * HOUR_US - 2);
    assert!(office.is_in(&session).await, "its use was noted");
    office.clock.set(START_US + 36 * HOUR_US - 2);
    assert!(!office.is_in(&session).await);
    assert_eq!(office.logins.sessions("anna").await.unwrap(), []);

    let start_us = office.clock.now_us();
    let busy = office.log_in(GOOD, None).await.unwrap();
    for hour in 1..7 * 24 {
        office.clock.set(start_us + hour * HOUR_US);
        assert!(office.is_in(&busy).await, "{hour}");
    }
    office.clock.set(start_us + 7 * DAY_US - 1);
    assert!(office.is_in(&busy).await);
    office.clock.set(start_us + 7 * DAY_US);
    assert!(!office.is_in(&busy).await);
}

#[tokio::test]
async fn the_last_use_is_noted_every_five_minutes() {
    let office = Office::with_anna().await;
    let session = office.log_in(GOOD, None).await.unwrap();
    let mut noted = Vec::new();
    for second in [1_000, 1_299, 1_300, 1_301, 1_600] {
        office.clock.set(second * SECOND_US);
        assert!(office.is_in(&session).await);
        noted.push(office.logins.sessions("anna").await.unwrap()[0].last_used_at_us / SECOND_US);
    }
    assert_eq!(noted, [1_000, 1_000, 1_300, 1_300, 1_600]);
}

#[tokio::test]
async fn a_logout_holds_at_once_and_for_its_own_person_only() {
    let office = Office::with_anna().await;
    let (one, other) = (office.log_in(GOOD, None).await.unwrap(), office.log_in(GOOD, None).await.unwrap());
    assert!(!office.logins.log_out("ben", &one.session.id).await.unwrap() && office.is_in(&one).await);
    assert!(office.logins.log_out("anna", &one.session.id).await.unwrap());
    assert!(!office.is_in(&one).await && office.is_in(&other).await);
    assert!(!office.logins.log_out("anna", &one.session.id).await.unwrap(), "a second time changes nothing");
    let mut write = office.store.write().await.unwrap();
    assert_eq!(office.logins.end_all(&mut write, "anna").await.unwrap(), 1);
    assert!(office.is_in(&other).await, "not committed yet");
    write.commit().await.unwrap();
    assert!(!office.is_in(&other).await);
}

#[tokio::test]
async fn every_wrong_secret_is_no_session() {
    let office = Office::with_anna().await;
    let right = office.log_in(GOOD, None).await.unwrap().reveal().to_owned();
    let mut wrongs =
        vec![String::new(), "ws_".into(), right.replace("ws_", "wr_"), right.to_uppercase(), format!("{right} "), right[..79].into()];
    for at in [3, 14, 16, 50, right.len() - 1] {
        let other = if &right[at..=at] == "0" { "1" } else { "0" };
        wrongs.push(format!("{}{other}{}", &right[..at], &right[at + 1..]));
    }
    for wrong in wrongs {
        assert!(matches!(office.logins.verify_session(&wrong).await, Err(LoginError::NoSession)), "{wrong}");
    }
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_a_reset_ends_all() {
    let office = Office::with_anna().await;
    let (here, elsewhere) = (office.log_in(GOOD, None).await.unwrap(), office.log_in(GOOD, None).await.unwrap());
    assert!(matches!(office.logins.set_password("anna", "too short", None).await, Err(LoginError::Weak(Weakness::TooShort))));
    assert!(matches!(office.logins.set_password("Anna!", GOOD, None).await, Err(LoginError::BadName(_))));
    assert!(office.is_in(&here).await && office.is_in(&elsewhere).await);
    assert_eq!(office.logins.set_password("anna", BETTER, Some(&here.session.id)).await.unwrap(), 1);
    assert!(office.is_in(&here).await && !office.is_in(&elsewhere).await);
    assert!(matches!(office.log_in(GOOD, None).await, Err(LoginError::Refused)));

    let fresh = office.log_in(BETTER, Some(GOOD)).await.unwrap();
    assert!(office.is_in(&fresh).await && !office.is_in(&here).await, "a password changed at the login ends the others too");

    let secret = office.logins.reset("anna").await.unwrap().reveal();
    assert!(!office.is_in(&fresh).await);
    assert!(matches!(office.log_in(GOOD, None).await, Err(LoginError::Refused)));
    let here = Attempt { user: "anna", password: &secret, new_password: None, origin: HERE };
    assert!(matches!(office.logins.confirm(&here, Some(&person())).await, Err(LoginError::NewPasswordNeeded)));
    office.log_in(&secret, Some(BETTER)).await.unwrap();
    office.logins.confirm(&Attempt { password: BETTER, ..here }, Some(&person())).await.unwrap();
    assert!(matches!(office.logins.reset("../etc").await, Err(LoginError::BadName(_))));
}

#[tokio::test]
async fn a_one_time_password_opens_one_session_however_many_try_at_once() {
    let office = Office::new().await;
    let secret = office.logins.reset("anna").await.unwrap().reveal();
    let (one, two, three) = tokio::join!(
        office.log_in(&secret, Some("the first of three")),
        office.log_in(&secret, Some("the second of three")),
        office.log_in(&secret, Some("the third of three")),
    );
    let outcomes = [one, two, three];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(LoginError::Refused))));
    assert_eq!(office.logins.sessions("anna").await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_is_forgotten_does_not_come_in_again() {
    let office = Office::with_anna().await;
    let session = office.log_in(GOOD, None).await.unwrap();
    let mut write = office.store.write().await.unwrap();
    office.logins.forget(&mut write, "anna").await.unwrap();
    write.commit().await.unwrap();
    assert!(!office.is_in(&session).await);
    assert!(matches!(office.log_in(GOOD, None).await, Err(LoginError::Refused)));
}

#[tokio::test]
async fn guessing_has_to_wait_but_not_where_the_person_has_been() {
    let office = Office::with_anna().await;
    office.log_in(GOOD, None).await.unwrap();
    let stranger = |password| Attempt { user: "anna", password, new_password: None, origin: "203.0.113.7" };
    for _ in 0..5 {
        assert!(matches!(office.logins.log_in(&stranger("wrong horse battery"), Some(&person())).await, Err(LoginError::Refused)));
    }
    let told = office.logins.log_in(&stranger(GOOD), Some(&person())).await.unwrap_err();
    assert!(matches!(told, LoginError::TooMany { retry_after_s: 1 }), "not even the right password: {told}");
    office.log_in(GOOD, None).await.unwrap();
    let elsewhere = Attempt { user: "anna", password: GOOD, new_password: None, origin: "198.51.100.1" };
    assert!(matches!(office.logins.log_in(&elsewhere, Some(&person())).await, Err(LoginError::TooMany { .. })));
    office.clock.set(START_US + SECOND_US);
    office.logins.log_in(&elsewhere, Some(&person())).await.unwrap();
}

#[tokio::test]
async fn the_table_of_sessions_does_not_grow_for_ever() {
    let office = Office::with_anna().await;
    let count = async || {
        let mut read = office.store.read().await.unwrap();
        sqlx::query("SELECT count(*) FROM sessions").fetch_one(&mut *read).await.unwrap().try_get::<i64, _>(0).unwrap()
    };
    let mut write = office.store.write().await.unwrap();
    let mut opened = Vec::new();
    for n in 0..600 {
        opened.push(super::sessions::open(&mut write, "anna", HERE, START_US + n).await.unwrap());
    }
    write.commit().await.unwrap();
    office.clock.set(START_US + 600);
    let live = office.logins.sessions("anna").await.unwrap();
    assert_eq!((live.len(), count().await), (50, 500));
    assert_eq!(live[0], opened[599].session);
    assert!(office.is_in(&opened[550]).await && !office.is_in(&opened[549]).await);
    office.clock.set(START_US + 38 * DAY_US);
    office.log_in(GOOD, None).await.unwrap();
    assert_eq!(count().await, 1);
}

#[tokio::test]
async fn secrets_stand_neither_in_the_file_nor_in_debug_output() {
    let office = Office::with_anna().await;
    let attempt = Attempt { user: "anna", password: GOOD, new_password: Some(BETTER), origin: HERE };
    let session = office.logins.log_in(&attempt, Some(&person())).await.unwrap();
    let secret = session.reveal().rsplit('_').next().unwrap().to_owned();
    let prepared = office.logins.prepare_reset().await.unwrap();
    let shown = format!("{session:?} {attempt:?} {prepared:?} {:?}", office.logins);
    let mut write = office.store.write().await.unwrap();
    let one_time = office.logins.apply_reset(&mut write, "ben", prepared).await.unwrap();
    write.commit().await.unwrap();
    let shown = format!("{shown} {one_time:?}");
    let secrets =
        [GOOD.to_owned(), BETTER.to_owned(), secret, one_time.reveal(), one_time.reveal().replace('-', ""), "$argon2id".to_owned()];
    for secret in &secrets {
        assert!(!shown.contains(secret), "{shown}");
    }
    for entry in std::fs::read_dir(office.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in &secrets[..5] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}
