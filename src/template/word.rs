//! Is this token text or a value? Rules about the look of one token, the same for every system.

use std::ops::Range;

use super::scan::{class, class_of};

/// Words that are values wherever they stand: literals of programming languages and the name of the superuser.
///
/// Khan, Shin, Bianculli, Briand, "Guidelines for assessing the accuracy of log message template identification
/// techniques" (ICSE 2022) count booleans and default values as parameters.
#[inline]
pub(super) fn is_literal_value(token: &[u8]) -> bool {
    match token.len() {
        4 => matches!(token, b"true" | b"null" | b"root" | b"True" | b"TRUE" | b"NULL"),
        5 => matches!(token, b"false" | b"False" | b"FALSE"),
        8.. => token.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    }
}

/// Whether a token with other characters than letters is a value.
pub(super) fn is_value(token: &[u8]) -> bool {
    let (mut dots, mut slashes, mut backslash) = (0, 0, false);
    for &byte in token {
        let class = class_of(byte);
        if class & (class::DIGIT | class::AT) != 0 {
            return true;
        }
        dots += usize::from(class & class::DOT != 0);
        slashes += usize::from(byte == b'/');
        backslash |= byte == b'\\';
    }
    // `and/or` and `load/store` are text, `/etc/hosts` and `a/b/c` are paths.
    dots >= 2 || slashes >= 2 || (token[0] == b'/' && token.len() > 1) || backslash
}

/// The bounds of a token without sentence punctuation at its end and signs at its beginning.
pub(super) fn trim(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let (mut from, mut to) = (start, end);
    while to > from && !keeps_end(text[to - 1]) {
        to -= 1;
    }
    while from < to && matches!(text[from], b'@' | b'*' | b'!' | b'?' | b'&' | b'^' | b'~' | b'$') {
        from += 1;
    }
    (from, to)
}

/// Whether a token may end with this byte.
fn keeps_end(byte: u8) -> bool {
    class_of(byte) & (class::LETTER | class::DIGIT | class::SLASH) != 0 || matches!(byte, b'%' | b'+' | b'_' | b'*' | b'$')
}

/// The end of a token that ends at `end` and of the tokens that follow it after a colon each.
pub(super) fn colons_end(text: &[u8], mut end: usize) -> usize {
    while text.get(end) == Some(&b':') {
        let more = text[end + 1..].iter().take_while(|byte| class_of(**byte) & class::STOP == 0).count();
        if more == 0 {
            break;
        }
        end += 1 + more;
    }
    end
}

/// The first run of two or more dots inside a token.
pub(super) fn dot_run(token: &[u8]) -> Option<Range<usize>> {
    let start = token.iter().zip(token.iter().skip(1)).position(|(first, second)| (*first, *second) == (b'.', b'.'))?;
    // `../etc` is a path, not a leader line.
    let end = start + token[start..].iter().take_while(|&&byte| byte == b'.').count();
    if end < token.len() && token[end] == b'/' && end - start == 2 { None } else { Some(start..end) }
}

/// The end of an URL or of a colon-separated address (MAC, IPv6) that starts at `start` and has its first colon at `colon`.
#[inline]
pub(super) fn address_end(text: &[u8], start: usize, colon: usize) -> Option<usize> {
    if text[colon..].starts_with(b"://") {
        return url_end(text, start, colon);
    }
    if colon - start <= 4 { colon_groups_end(text, start) } else { None }
}

/// The end of `scheme://rest`, where the rest goes on to white space, a quote or a closing bracket.
fn url_end(text: &[u8], start: usize, colon: usize) -> Option<usize> {
    if !text[start..colon].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-')) {
        return None;
    }
    let rest = text[colon..]
        .iter()
        .take_while(|&&byte| class_of(byte) & class::SPACE == 0 && !matches!(byte, b'"' | b'\'' | b'>' | b']' | b')' | b'}' | b',' | b';'));
    let mut end = colon + rest.count();
    while end > colon + 3 && matches!(text[end - 1], b'.' | b':') {
        end -= 1;
    }
    Some(end)
}

/// The end of four or more groups of up to four hexadecimal digits between colons (three would be a time of day).
fn colon_groups_end(text: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut groups, mut empty) = (start, 0, 0);
    loop {
        let digits = text[at..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits > 4 || (digits == 0 && (groups == 0 || empty == 1)) {
            return None;
        }
        empty += usize::from(digits == 0);
        groups += 1;
        at += digits;
        if at < text.len() && text[at] == b':' && text.get(at + 1).is_some_and(|byte| byte.is_ascii_hexdigit() || *byte == b':') {
            at += 1;
        } else {
            break;
        }
    }
    let clean_end = text.get(at).is_none_or(|byte| class_of(*byte) & (class::LETTER | class::DIGIT) == 0);
    ((groups >= 4 || (groups >= 3 && empty == 1)) && clean_end).then_some(at)
}

/// The end of the port in `host:port`, where the host is a name with dots or four numbers with dots between.
pub(super) fn port_end(text: &[u8], start: usize, colon: usize) -> Option<usize> {
    if !text.get(colon + 1).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let host = &text[start..colon];
    let dots = host.iter().filter(|byte| **byte == b'.').count();
    if dots == 0 {
        return None;
    }
    let named = host.iter().any(u8::is_ascii_alphabetic);
    if !(dots == 3 || named) || is_source_file(host) {
        return None;
    }
    let digits = text[colon + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = colon + 1 + digits;
    let clean_end = text.get(end).is_none_or(|byte| class_of(*byte) & (class::LETTER | class::DIGIT) == 0);
    ((1..=5).contains(&digits) && clean_end).then_some(end)
}

/// Whether a name with a dot is one of a file of source code, so that the number after its colon is a line and no port.
fn is_source_file(name: &[u8]) -> bool {
    let extension = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    const SOURCE: [&[u8]; 18] = [
        b"c", b"h", b"cc", b"cpp", b"hpp", b"cxx", b"rs", b"go", b"py", b"java", b"js", b"ts", b"pl", b"rb", b"php", b"cs", b"kt", b"scala",
    ];
    SOURCE.contains(&extension)
}

/// Whether a value is the name of a class with its package (`java.io.IOException`): no digit, and the last part has an
/// upper-case letter first and lower-case ones too.
pub(super) fn is_class_name(token: &[u8]) -> bool {
    if token.iter().any(|&byte| class_of(byte) & (class::DIGIT | class::AT | class::SLASH) != 0) {
        return false;
    }
    let last = token.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    last.first().is_some_and(u8::is_ascii_uppercase) && last.iter().any(u8::is_ascii_lowercase)
}

/// Whether a token is an identifier of a programming language.
pub(super) fn is_identifier(token: &[u8]) -> bool {
    !token[0].is_ascii_digit() && token.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$'))
}

/// Whether an identifier right before an equals sign is a key (`r24=`) and not data: it has at most two digits.
pub(super) fn is_key(token: &[u8]) -> bool {
    is_identifier(token) && token.iter().filter(|byte| byte.is_ascii_digit()).count() <= 2
}

/// Where the dot is in a name with a number after it (`core.1234`): at least three letters, a dot, digits.
pub(super) fn numbered(token: &[u8]) -> Option<usize> {
    let dot = token.iter().position(|&byte| byte == b'.')?;
    let (name, number) = (&token[..dot], &token[dot + 1..]);
    (dot >= 3 && !number.is_empty() && name.iter().all(u8::is_ascii_alphabetic) && number.iter().all(u8::is_ascii_digit)).then_some(dot)
}

/// Where to stop reading a message that is longer than `most`: at the white space before, so that no word is cut in two.
/// A token without white space in its last `word` bytes counts as a value anyway.
pub(super) fn cut(message: &[u8], most: usize, word: usize) -> usize {
    if message.len() <= most {
        return message.len();
    }
    let tail = &message[most - word - 1..most];
    tail.iter().rposition(|&byte| class_of(byte) & class::SPACE != 0).map_or(most, |at| most - word - 1 + at)
}

/// Whether a word after a time is the name of its time zone.
pub(super) fn is_time_zone(token: &[u8]) -> bool {
    const ZONES: [[u8; 3]; 15] = [
        *b"UTC", *b"GMT", *b"EST", *b"EDT", *b"CST", *b"CDT", *b"MST", *b"MDT", *b"PST", *b"PDT", *b"CET", *b"BST", *b"IST", *b"JST",
        *b"MSK",
    ];
    match token.len() {
        3 => token.first_chunk().is_some_and(|name| ZONES.contains(name)),
        4 => token == b"CEST" || token == b"AEST",
        _ => false,
    }
}

/// Whether a word after a number is its unit, or the rest of a time of day.
pub(super) fn is_unit(token: &[u8]) -> bool {
    match token.len() {
        1 => matches!(token, b"B" | b"K" | b"M" | b"G" | b"T" | b"s" | b"%" | b"C" | b"V" | b"W" | b"A" | b"F"),
        2 => matches!(
            token,
            b"KB" | b"kB" | b"MB" | b"GB" | b"TB" | b"kb" | b"mb" | b"ms" | b"us" | b"ns" | b"Hz" | b"AM" | b"PM" | b"am" | b"pm"
        ),
        3 => matches!(token, b"KiB" | b"MiB" | b"GiB" | b"TiB" | b"MHz" | b"GHz" | b"kHz" | b"sec" | b"min" | b"day" | b"rpm" | b"bit"),
        4 => matches!(
            token,
            b"KB/s"
                | b"MB/s"
                | b"GB/s"
                | b"Mbps"
                | b"Gbps"
                | b"kbps"
                | b"Kbps"
                | b"secs"
                | b"mins"
                | b"byte"
                | b"bits"
                | b"hour"
                | b"days"
                | b"msec"
                | b"usec"
        ),
        5 => matches!(token, b"bytes" | b"Bytes" | b"hours" | b"msecs" | b"usecs"),
        6 => matches!(token, b"second" | b"minute"),
        7 => matches!(token, b"seconds" | b"minutes"),
        _ => false,
    }
}

/// Whether a word is the name of a month or a day of the week, as dates have it.
#[inline]
pub(super) fn is_date_name(token: &[u8]) -> bool {
    const NAMES: [[u8; 3]; 19] = [
        *b"Jan", *b"Feb", *b"Mar", *b"Apr", *b"May", *b"Jun", *b"Jul", *b"Aug", *b"Sep", *b"Oct", *b"Nov", *b"Dec", *b"Mon", *b"Tue",
        *b"Wed", *b"Thu", *b"Fri", *b"Sat", *b"Sun",
    ];
    token.len() == 3 && token[0].is_ascii_uppercase() && token.first_chunk().is_some_and(|name| NAMES.contains(name))
}

/// Whether a number, or the name of a month and a number, comes right after the white space at `at`.
pub(super) fn number_or_date_follows(text: &[u8], at: usize) -> bool {
    let next = |from: usize| from + text[from..].iter().take_while(|byte| matches!(**byte, b' ' | b',')).count();
    let first = next(at);
    if text.get(first).is_some_and(u8::is_ascii_digit) {
        return true;
    }
    text.get(first..first + 3).is_some_and(is_date_name) && text.get(next(first + 3)).is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::super::skeleton::values;

    fn values_of(message: &str) -> Vec<&str> {
        values(message.as_bytes()).map(|value| std::str::from_utf8(value).unwrap()).collect()
    }

    #[test]
    fn an_address_is_one_value_with_its_port() {
        assert_eq!(values_of("from 10.0.0.1:8080 to example.org:443."), ["10.0.0.1:8080", "example.org:443"]);
        assert_eq!(values_of("at /10.0.0.1:80, fe80::1 and aa:bb:cc:dd:ee:ff"), ["/10.0.0.1:80", "fe80::1", "aa:bb:cc:dd:ee:ff"]);
        assert_eq!(values_of("see https://example.org/a?b=c. or (ftp://x)"), ["https://example.org/a?b=c", "ftp://x"]);
        assert_eq!(values_of("at 12:30:59 in main.c:17"), ["12", "30", "59", "17"]);
    }

    #[test]
    fn paths_are_values_and_words_with_a_slash_are_not() {
        assert_eq!(values_of("load/store of /etc/hosts in ../a and C:\\temp, and/or a/b/c"), ["/etc/hosts", "../a", "C:\\temp", "a/b/c"]);
    }

    #[test]
    fn numbered_names_and_keys_keep_their_words() {
        assert_eq!(values_of("generating core.1234 with r24=0x1f and init2() done"), ["1234", "0x1f"]);
    }

    #[test]
    fn a_message_too_long_is_cut_between_words() {
        let long = "word ".repeat(1_000);
        let cut = super::cut(long.as_bytes(), 2_048, 64);
        assert_eq!(&long[cut - 4..=cut], "word ");
        assert_eq!(super::cut(b"short", 2_048, 64), 5);
        assert_eq!(super::cut(&[b'x'; 3_000], 2_048, 64), 2_048);
    }

    #[test]
    fn names_of_packages_and_hosts_are_values_and_names_of_files_are_not() {
        assert_eq!(
            values_of("java.io.IOException in wcp.dll of com.example.app on www.example.org"),
            ["java.io.IOException", "com.example.app", "www.example.org"]
        );
    }

    #[test]
    fn units_and_dates_belong_to_the_value() {
        assert_eq!(values_of("took 12 ms on Fri Jul 22 2005, may come in March"), ["12", "22", "2005"]);
    }

    #[test]
    fn quotes_lists_and_assignments_hold_values() {
        assert_eq!(
            values_of("tag=\"View Lock\" mode=fast at=a:b for 'x' (a, b) but don't (this one)"),
            ["View Lock", "fast", "a:b", "x", "a", "b"]
        );
    }
}
