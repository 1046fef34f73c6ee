//! People and programs: who they are, what they may do, and how they come in.
//!
//! A person is a [`User`], a document that is stored and exported elsewhere under their name; what they may do is their
//! [`Role`], and a [`Team`] gathers them. Passwords and sessions stand apart, in tables of their own: [`Logins`] checks the ones
//! and opens the others, with [`LoginLimiter`] before it. Programs send a bearer token ([`Tokens`]), the installation's or a
//! person's own.
//!
//! The room knows no door: who may call it is decided above, and so is what an ended session or a refused login looks like to
//! a browser.
//!
//! Invariants:
//! * A secret is shown once, when it is made. The store keeps its SHA-256, and of a password its Argon2id hash; logs, errors
//!   and `Debug` never hold either.
//! * A token or session that is revoked, ended or expired is refused from that moment: nothing is cached.
//! * Nobody learns from a refused login whether the person exists: the answer is the same and takes the same work.
//! * A one-time password opens one session at most, and only together with a new password.
//! * A changed password ends the person's other sessions.
//! * Logins take at most two hashes' memory (38 MiB) and 66 places, and the limiter remembers at most 10,000 failures.
//! * Nobody gives a token more than their own: [`scopes_for`] says what a role may hand out, and a token is cut to its owner's
//!   role each time it is used ([`Scopes::clamp`]).

mod absence;
mod credentials;
mod field;
mod login_error;
mod login_limiter;
#[cfg(test)]
mod login_limiter_tests;
mod logins;
#[cfg(test)]
mod logins_tests;
mod one_time_secret;
mod password;
#[cfg(test)]
mod password_tests;
mod role;
mod scope;
mod secret;
mod session;
mod sessions;
mod team;
mod token;
mod tokens;
mod user;
#[cfg(test)]
mod user_tests;
mod working_hours;

pub use absence::{Leave, Presence};
pub use field::check_name;
pub use login_error::LoginError;
pub use login_limiter::{LoginFrom, LoginLimiter, Wait, network};
pub use logins::{Attempt, FIRST_ADMINISTRATOR, Logins, PreparedPassword, PreparedReset};
pub use one_time_secret::OneTimeSecret;
pub use password::{MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS, Weakness, check_password};
pub use role::{Role, scopes_for};
pub use scope::{Scope, Scopes};
pub use secret::{NoRandomness, random_hex, same_secret};
pub use session::{NewSession, Session};
pub use team::Team;
pub use token::{NewToken, Token, TokenError, TokenPlace};
pub use tokens::Tokens;
pub use user::User;
pub use working_hours::WorkingHours;
