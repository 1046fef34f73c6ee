//! Offsets from UTC as people write them.

/// Text that is no offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an offset from UTC; write Z, +02:00 or -05:30")]
pub struct UtcOffsetError(String);

/// Reads `Z`, `+hh:mm` or `-hh:mm` (at most 14 hours, as far as zones go) into seconds east of UTC.
pub fn parse_utc_offset(text: &str) -> Result<i32, UtcOffsetError> {
    let wrong = || UtcOffsetError(text.to_owned());
    if matches!(text, "Z" | "z" | "UTC" | "") {
        return Ok(0);
    }
    let (sign, rest) = match text.as_bytes().first() {
        Some(b'+') => (1, &text[1..]),
        Some(b'-') => (-1, &text[1..]),
        _ => return Err(wrong()),
    };
    let (hours, minutes) = rest.split_once(':').ok_or_else(wrong)?;
    let number = |part: &str, most: i32| -> Option<i32> {
        let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        part.parse().ok().filter(|value| digits && *value <= most)
    };
    let hours = number(hours, 14).ok_or_else(wrong)?;
    let minutes = number(minutes, 59).ok_or_else(wrong)?;
    Ok(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets() {
        assert_eq!(parse_utc_offset("Z"), Ok(0));
        assert_eq!(parse_utc_offset("+02:00"), Ok(7200));
        assert_eq!(parse_utc_offset("-05:30"), Ok(-19_800));
        for wrong in ["2", "+2:00", "+15:00", "02:00", "+02:60", "Europe/Vienna", "+é:00"] {
            assert!(parse_utc_offset(wrong).is_err(), "{wrong}");
        }
    }
}
