//! Moments as senders write them.

use crate::clock::TimestampUs;

/// Reads an RFC 3339 or ISO 8601 time with its offset (`Z`, `+02:00`, `+0200`). `Ok(None)`: no time is meant, for Go's zero
/// time (year 1) or anything else before 1970, when no alert began. `Err`: it is no time.
pub(super) fn read_moment(text: &str) -> Result<Option<TimestampUs>, ()> {
    let moment: jiff::Timestamp = text.trim().parse().map_err(|_| ())?;
    Ok(Some(moment.as_microsecond()).filter(|at_us| *at_us > 0))
}

/// What to say of one that does not read.
pub(super) const NO_MOMENT: &str = "is no time; send RFC 3339, as 2026-11-22T14:46:29Z";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read() {
        assert_eq!(read_moment("2018-08-03T09:52:26.739266876+02:00"), Ok(Some(1_533_282_746_739_266)));
        assert_eq!(read_moment("2015-07-17T08:42:58.315+0000"), Ok(Some(1_437_122_578_315_000)));
        assert_eq!(read_moment("0001-01-01T00:00:00Z"), Ok(None));
        assert_eq!(read_moment("1969-12-31T23:59:59Z"), Ok(None));
        for wrong in ["", "yesterday", "1437122578", "2026-02-30T00:00:00Z", "2026-02-03", "99999-01-01T00:00:00Z", "2026-01-01T00:00:00"] {
            assert_eq!(read_moment(wrong), Err(()), "{wrong}");
        }
    }
}
