//! What a token may be used for.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// One thing that a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Send logs and metrics.
    Ingest,
    /// Ask SQL.
    Query,
    /// Read and change tickets.
    Desk,
    /// All of that, and tokens and settings.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Query, Self::Desk, Self::Admin];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Query => "query",
            Self::Desk => "desk",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|scope| scope.word() == word).ok_or_else(|| {
            format!("`{word}` is no scope; write one or more of {}, with commas between them", Self::ALL.map(Self::word).join(", "))
        })
    }
}

/// A set of scopes, at least one; written as `ingest,query`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// The set of these; at least one is given.
    pub(super) fn of(scopes: &[Scope]) -> Self {
        Self(Scope::ALL.into_iter().filter(|scope| scopes.contains(scope)).collect())
    }

    /// Whether the set allows it: by name, or because `admin` includes everything.
    pub fn allow(&self, scope: Scope) -> bool {
        self.0.contains(&scope) || self.0.contains(&Scope::Admin)
    }

    /// Whether everything that this set allows is allowed by `most` too.
    pub fn within(&self, most: &Self) -> bool {
        Scope::ALL.into_iter().all(|scope| !self.allow(scope) || most.allow(scope))
    }

    /// What both sets allow; `None` if that is nothing. `admin` cut to less falls apart into what is left of it, so that the
    /// token of an administrator who has become a technician still asks SQL.
    pub fn clamp(&self, most: &Self) -> Option<Self> {
        if self.within(most) {
            return Some(self.clone());
        }
        let both: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| self.allow(*scope) && most.allow(*scope)).collect();
        (!both.is_empty()).then_some(Self(both))
    }

    /// The scopes as they were given, each once, in the order of [`Scope::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(|scope| scope.word()).collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Scopes {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        let named = list.split(',').map(|word| word.trim().parse()).collect::<Result<Vec<Scope>, _>>()?;
        Ok(Self::of(&named))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_and_writes_and_forgets_repeats() {
        let scopes: Scopes = "query, ingest,query".parse().unwrap();
        assert_eq!(scopes.to_string(), "ingest,query");
        assert!(scopes.allow(Scope::Query) && !scopes.allow(Scope::Desk) && !scopes.allow(Scope::Admin));
        assert!("".parse::<Scopes>().is_err() && "ingest,root".parse::<Scopes>().is_err());
    }

    #[test]
    fn admin_includes_everything() {
        let admin: Scopes = "admin".parse().unwrap();
        assert!(Scope::ALL.into_iter().all(|scope| admin.allow(scope)));
    }

    #[test]
    fn a_clamped_set_allows_what_both_allow_and_nothing_else() {
        let sets: Vec<Scopes> = (1..16u8)
            .map(|bits| Scopes(Scope::ALL.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, scope)| scope).collect()))
            .collect();
        for one in &sets {
            for most in &sets {
                let clamped = one.clamp(most);
                for scope in Scope::ALL {
                    assert_eq!(
                        clamped.as_ref().is_some_and(|set| set.allow(scope)),
                        one.allow(scope) && most.allow(scope),
                        "{one} by {most}"
                    );
                }
                assert_eq!(
                    one.within(most),
                    clamped.as_ref().is_some_and(|set| Scope::ALL.into_iter().all(|scope| set.allow(scope) == one.allow(scope)))
                );
            }
        }
    }
}
