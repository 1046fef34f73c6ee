//! Patterns of resource names.

/// Whether a name is meant: the pattern itself, or what begins as it does before a `*` at its end. Case does not matter.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, open_end) = pattern.strip_suffix('*').map_or((pattern, false), |start| (start, true));
    let mut rest = name.chars().flat_map(char::to_lowercase);
    let same = pattern.chars().flat_map(char::to_lowercase).all(|character| rest.next() == Some(character));
    same && (open_end || rest.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_at_the_end_means_whatever_follows() {
        for (pattern, name, expected) in [
            ("db*", "db01 /data", true),
            ("DB01 /data", "db01 /data", true),
            ("*", "", true),
            ("db", "db01", false),
            ("db01", "db", false),
            ("ö*", "Öl", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
