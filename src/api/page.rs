//! Pages of lists: how much is on one, and where the next begins.
//!
//! A list by name goes on after the last name of the page before (`after`), one with the newest first before its last number
//! (`before`). Both are places and no counts: what is added or removed meanwhile moves nothing to where nobody looks.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;

use super::ApiError;

/// Most entries of a page of what people set up, and as many unless the query says: a department has fewer of nearly everything.
pub(super) const MAX_LISTED: usize = 1_000;

/// The query of a route, or what is wrong with it.
pub(super) type Asked<T> = Result<Query<T>, QueryRejection>;

/// The query of a list by name.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NamesQuery {
    after: String,
    limit: Option<usize>,
}

/// A page of a list by name.
#[derive(Debug)]
pub(super) struct NamesPage {
    /// Only what comes after this; empty: from the beginning.
    pub(super) after: String,
    /// Entries at most.
    pub(super) limit: usize,
}

impl NamesPage {
    /// The page that is asked for.
    pub(super) fn of(query: Asked<NamesQuery>) -> Result<Self, ApiError> {
        let Query(query) = query.map_err(|error| ApiError::bad_request(error.body_text(), "the parameters are after, limit"))?;
        Ok(Self { after: query.after, limit: query.limit.unwrap_or(MAX_LISTED).clamp(1, MAX_LISTED) })
    }

    /// One more than fits: it tells whether there is another page.
    pub(super) fn one_more(&self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(i64::MAX)
    }

    /// What of a list in the order of its names is on the page.
    pub(super) fn of_sorted<T>(&self, list: &mut Vec<T>, name: impl Fn(&T) -> &str) -> Option<String> {
        list.retain(|entry| name(entry) > self.after.as_str());
        cut(list, self.limit, |last| name(last).to_owned())
    }
}

/// Cuts a list that begins at its page to what fits; gives the place of the last one, if there are more.
pub(super) fn cut<T, P>(list: &mut Vec<T>, limit: usize, place: impl FnOnce(&T) -> P) -> Option<P> {
    let has_more = list.len() > limit;
    list.truncate(limit);
    list.last().filter(|_| has_more).map(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_each_name_once_although_some_come_and_go_between_them() {
        let mut all = vec!["b", "d", "f", "h"];
        let (mut page, mut seen) = (NamesPage { after: String::new(), limit: 2 }, Vec::new());
        for change in 0..9 {
            let mut listed = all.clone();
            let next = page.of_sorted(&mut listed, |name| name);
            seen.extend(listed);
            let Some(next) = next else { break };
            page.after = next;
            match change {
                // The place of the page goes, something comes before it and something after it.
                0 => all = vec!["a", "b", "e", "f", "h"],
                _ => all.retain(|name| *name != "f"),
            }
        }
        assert_eq!(seen, ["b", "d", "e", "f", "h"]);
    }

    #[test]
    fn the_last_page_says_so_even_if_it_is_full() {
        let mut list = vec![1, 2, 3];
        assert_eq!(cut(&mut list, 3, |last| *last), None);
        assert_eq!((cut(&mut list, 2, |last| *last), list), (Some(2), vec![1, 2]));
    }
}
