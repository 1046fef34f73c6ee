//! Zones as they stand behind a stamp: offsets, `Z`, and the abbreviations that devices write.

/// Abbreviations with one meaning in practice, and their offsets in minutes. `IST`, `BST`, `CST` and `AST` have several; network gear
/// writes them as given here (India, British summer, North American central, Atlantic).
const ABBREVIATIONS: [(&str, i32); 47] = [
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("UT", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("MET", 60),
    ("MEZ", 60),
    ("CEST", 120),
    ("MEST", 120),
    ("MESZ", 120),
    ("EET", 120),
    ("SAST", 120),
    ("CAT", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("EAT", 180),
    ("TRT", 180),
    ("GST", 240),
    ("PKT", 300),
    ("IST", 330),
    ("ICT", 420),
    ("WIB", 420),
    ("SGT", 480),
    ("HKT", 480),
    ("AWST", 480),
    ("PHT", 480),
    ("JST", 540),
    ("KST", 540),
    ("ACST", 570),
    ("AEST", 600),
    ("ACDT", 630),
    ("AEDT", 660),
    ("NZST", 720),
    ("NZDT", 780),
    ("BRT", -180),
    ("ART", -180),
    ("ADT", -180),
    ("AST", -240),
    ("EDT", -240),
    ("EST", -300),
    ("CDT", -300),
    ("CST", -360),
    ("MDT", -360),
    ("MST", -420),
    ("PDT", -420),
];

/// The same for zones west of the Rockies, where no other zone competes for the letters.
const PACIFIC: [(&str, i32); 4] = [("PST", -480), ("AKDT", -480), ("AKST", -540), ("HST", -600)];

/// The offset in seconds that an abbreviation stands for, in any case of letters.
pub(super) fn abbreviation(name: &str) -> Option<i32> {
    ABBREVIATIONS.iter().chain(&PACIFIC).find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, minutes)| minutes * 60)
}

/// The zone at a position behind a stamp, directly or after one blank, and the position behind it; the position itself where there is none.
pub(super) fn read_after(text: &str, at: usize) -> (Option<i32>, usize) {
    let bytes = text.as_bytes();
    match bytes.get(at) {
        Some(b'Z' | b'z') => {
            // `Z+00:00` is what some formatters make of a literal Z in the pattern; the number is the truth.
            let (offset_s, end) = read_offset(bytes, at + 1);
            (Some(offset_s.unwrap_or(0)), end)
        }
        Some(b'+' | b'-') => read_offset(bytes, at),
        Some(b' ') => read_after_blank(text, at),
        _ => (None, at),
    }
}

fn read_after_blank(text: &str, at: usize) -> (Option<i32>, usize) {
    let bytes = text.as_bytes();
    match bytes.get(at + 1) {
        Some(b'+' | b'-') => match read_offset(bytes, at + 1) {
            (Some(offset_s), end) if end >= at + 6 && matches!(bytes.get(end), None | Some(b' ' | b':')) => (Some(offset_s), end),
            _ => (None, at),
        },
        Some(first) if first.is_ascii_alphabetic() => {
            let letters = bytes[at + 1..].iter().take(6).take_while(|byte| byte.is_ascii_alphabetic()).count();
            let end = at + 1 + letters;
            let ends = match bytes.get(end) {
                Some(b':') => true,
                // A blank could also follow a host's name, and those are seldom in capitals.
                None | Some(b' ') => first.is_ascii_uppercase(),
                _ => false,
            };
            let known = if ends && (2..=4).contains(&letters) { text.get(at + 1..end).and_then(abbreviation) } else { None };
            (known, if known.is_some() { end } else { at })
        }
        _ => (None, at),
    }
}

/// `+02:00`, `+0200` or `+02` at a position.
fn read_offset(bytes: &[u8], at: usize) -> (Option<i32>, usize) {
    let sign = match bytes.get(at) {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return (None, at),
    };
    let digits = |at: usize| match bytes.get(at..at + 2) {
        Some([tens, ones]) if tens.is_ascii_digit() && ones.is_ascii_digit() => Some(i32::from(tens - b'0') * 10 + i32::from(ones - b'0')),
        _ => None,
    };
    let Some(hours) = digits(at + 1).filter(|hours| *hours < 24) else { return (None, at) };
    let colon = usize::from(bytes.get(at + 3) == Some(&b':'));
    match digits(at + 3 + colon).filter(|minutes| *minutes < 60) {
        Some(minutes) => (Some(sign * (hours * 3_600 + minutes * 60)), at + 5 + colon),
        None => (Some(sign * hours * 3_600), at + 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_behind_a_stamp() {
        assert_eq!(read_after("x+02:00 h", 1), (Some(7_200), 7));
        assert_eq!(read_after("x-0730", 1), (Some(-27_000), 6));
        assert_eq!(read_after("x AKDT: %A", 1), (Some(-28_800), 6));
        assert_eq!(read_after("x gmt: %A", 1), (Some(0), 5));
    }

    #[test]
    fn a_host_is_no_zone() {
        assert_eq!(read_after("x est sshd[1]: a", 1), (None, 1));
        assert_eq!(read_after("x web01 sshd", 1), (None, 1));
        assert_eq!(read_after("x METEOR: a", 1), (None, 1));
        assert_eq!(read_after("x -5 a", 1), (None, 1));
    }

    #[test]
    fn no_abbreviation_stands_twice() {
        let mut names: Vec<_> = ABBREVIATIONS.iter().chain(&PACIFIC).map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ABBREVIATIONS.len() + PACIFIC.len());
    }
}
