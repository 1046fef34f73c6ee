//! Cuts a syslog TCP stream into messages (RFC 6587), octet counting and newline framing told apart message by message.
//!
//! At the beginning of each message: `digits SP <` is a count, because an octet-counted message begins with its priority
//! and a newline-framed one that begins with a number does not go on with ` <`. Right after a counted message `digits SP`
//! is enough, so that a counted message of garbage does not swallow those behind it. Anything else ends at the next
//! newline, and one carriage return before that belongs to the framing. A counted message is kept to its last byte. Lines
//! of nothing but carriage returns and NULs carry nothing and are skipped.
//!
//! Counts have at most seven digits (CVE-2022-24903 was a buffer overrun by a longer one); more digits are text. A message
//! longer than the limit is cut: its first bytes are kept, the rest is skipped while it arrives, and the original length
//! is told. So the memory a connection takes is bounded by one read buffer and one longest line.

use crate::record::FrameRange;

/// No configuration may allow lines longer than this.
pub const MAX_LINE_BYTES_CEILING: usize = 1024 * 1024;

const MAX_COUNT_DIGITS: usize = 7;

/// A message that was longer than the limit, once its end has been seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlong {
    /// Its first bytes, as many as the limit allows.
    pub kept: Vec<u8>,
    /// Its whole length.
    pub original_length: u64,
}

/// What [`FrameSplitter::split`] found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Whole messages, as ranges of the buffer.
    pub frames: Vec<FrameRange>,
    /// Bytes of the buffer that are done with, from its beginning.
    pub consumed: usize,
    /// A cut message that ended here, after all `frames`; the caller calls again with the rest of the buffer.
    pub overlong: Option<Overlong>,
}

/// The state between two reads of a connection.
#[derive(Debug)]
pub struct FrameSplitter {
    max_line_bytes: usize,
    skipping: Option<Skipping>,
    /// The last message was counted, so the next one most likely is.
    counting: bool,
}

#[derive(Debug)]
struct Skipping {
    overlong: Overlong,
    /// Bytes still to skip; `None` means until the next newline.
    remaining: Option<u64>,
}

enum Head {
    /// A message of `length` bytes begins after `prefix` bytes of count and blank.
    Counted { prefix: usize, length: usize },
    /// Ends at a newline.
    Line,
    /// Could still be a count: more bytes are needed.
    Undecided,
}

impl FrameSplitter {
    /// For one connection.
    pub fn new(max_line_bytes: usize) -> Self {
        Self { max_line_bytes: max_line_bytes.clamp(1, MAX_LINE_BYTES_CEILING), skipping: None, counting: false }
    }

    /// Finds the messages in `buffer`, which begins where the last call's `consumed` ended. With `at_end` the stream is
    /// over and what is left is the last message, however it was framed.
    pub fn split(&mut self, buffer: &[u8], at_end: bool) -> Split {
        let mut split = Split::default();
        if self.skipping.is_some() && !self.skip(buffer, at_end, &mut split) {
            return split;
        }
        while split.overlong.is_none() && split.consumed < buffer.len() {
            let rest = &buffer[split.consumed..];
            let more = match head(rest, self.counting, at_end) {
                Head::Counted { prefix, length } => self.counted(rest, prefix, length, at_end, &mut split),
                Head::Line => self.line(rest, at_end, &mut split),
                Head::Undecided => false,
            };
            if !more {
                break;
            }
        }
        split
    }

    /// Takes one counted message; false if it is not whole yet.
    fn counted(&mut self, rest: &[u8], prefix: usize, length: usize, at_end: bool, split: &mut Split) -> bool {
        let available = rest.len() - prefix;
        self.counting = true;
        if length > self.max_line_bytes {
            let seen = available.min(length);
            if seen < length && seen < self.max_line_bytes && !at_end {
                return false;
            }
            let kept = rest[prefix..prefix + seen.min(self.max_line_bytes)].to_vec();
            let overlong = Overlong { kept, original_length: length as u64 };
            split.consumed += prefix + seen;
            if seen == length || at_end {
                split.overlong = Some(overlong);
            } else {
                self.skipping = Some(Skipping { overlong, remaining: Some((length - seen) as u64) });
            }
            return false;
        }
        if available < length && !at_end {
            return false;
        }
        let end = prefix + length.min(available);
        push_frame(split, prefix, end, rest);
        split.consumed += end;
        true
    }

    /// Takes one line; false if its end is not there yet.
    fn line(&mut self, rest: &[u8], at_end: bool, split: &mut Split) -> bool {
        match memchr::memchr(b'\n', rest) {
            Some(end) if end > self.max_line_bytes => {
                let kept = rest[..self.max_line_bytes].to_vec();
                split.overlong = Some(Overlong { kept, original_length: end as u64 });
                split.consumed += end + 1;
                self.counting = false;
                false
            }
            Some(end) => {
                // The newline that some senders put behind a counted message is no message.
                self.counting &= !push_frame(split, 0, without_carriage_return(&rest[..end]), rest);
                split.consumed += end + 1;
                true
            }
            None if rest.len() > self.max_line_bytes => {
                let overlong = Overlong { kept: rest[..self.max_line_bytes].to_vec(), original_length: rest.len() as u64 };
                split.consumed += rest.len();
                self.counting = false;
                if at_end {
                    split.overlong = Some(overlong);
                } else {
                    self.skipping = Some(Skipping { overlong, remaining: None });
                }
                false
            }
            None if at_end => {
                push_frame(split, 0, without_carriage_return(rest), rest);
                split.consumed += rest.len();
                false
            }
            None => false,
        }
    }

    /// Goes on skipping the rest of a cut message; true if its end lies behind and there is nothing to tell the caller.
    fn skip(&mut self, buffer: &[u8], at_end: bool, split: &mut Split) -> bool {
        let Some(mut skipping) = self.skipping.take() else { return true };
        let (skipped, ended) = match &mut skipping.remaining {
            Some(remaining) => {
                let skipped = buffer.len().min(usize::try_from(*remaining).unwrap_or(usize::MAX));
                *remaining -= skipped as u64;
                (skipped, *remaining == 0)
            }
            None => match memchr::memchr(b'\n', buffer) {
                Some(end) => {
                    skipping.overlong.original_length += end as u64;
                    (end + 1, true)
                }
                None => {
                    skipping.overlong.original_length += buffer.len() as u64;
                    (buffer.len(), false)
                }
            },
        };
        split.consumed = skipped;
        if ended || at_end {
            split.overlong = Some(skipping.overlong);
        } else {
            self.skipping = Some(skipping);
        }
        false
    }
}

fn head(rest: &[u8], counting: bool, at_end: bool) -> Head {
    let digits = rest.iter().take(MAX_COUNT_DIGITS + 1).take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 || digits > MAX_COUNT_DIGITS || rest[0] == b'0' {
        return Head::Line;
    }
    match rest.get(digits..) {
        Some([b' ', next, ..]) if counting || *next == b'<' => {
            let length = rest[..digits].iter().fold(0usize, |sum, digit| sum * 10 + usize::from(digit - b'0'));
            Head::Counted { prefix: digits + 1, length }
        }
        Some([] | [b' ']) if !at_end => Head::Undecided,
        _ => Head::Line,
    }
}

/// Length of a line without the carriage return of a line end that has one.
fn without_carriage_return(line: &[u8]) -> usize {
    line.strip_suffix(b"\r").map_or(line.len(), <[u8]>::len)
}

/// Adds the message at `start..end` of `rest`; false if there is nothing in it.
fn push_frame(split: &mut Split, start: usize, end: usize, rest: &[u8]) -> bool {
    let is_message = rest[start..end].iter().any(|b| !matches!(b, b'\r' | b'\n' | 0));
    if is_message {
        let base = split.consumed;
        split.frames.push(FrameRange { start: (base + start) as u32, end: (base + end) as u32 });
    }
    is_message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `stream` in pieces of the given sizes and collects the messages (cut ones with their original length).
    fn feed(stream: &[u8], pieces: &[usize], max_line_bytes: usize) -> Vec<(Vec<u8>, Option<u64>)> {
        let mut splitter = FrameSplitter::new(max_line_bytes);
        let (mut out, mut buffer, mut at) = (Vec::new(), Vec::new(), 0);
        let mut sizes = pieces.iter().copied().cycle();
        loop {
            let size = sizes.next().unwrap_or(1).max(1).min(stream.len() - at);
            buffer.extend_from_slice(&stream[at..at + size]);
            at += size;
            let at_end = at == stream.len();
            loop {
                let split = splitter.split(&buffer, at_end);
                out.extend(split.frames.iter().map(|f| (buffer[f.start as usize..f.end as usize].to_vec(), None)));
                buffer.drain(..split.consumed);
                match split.overlong {
                    Some(overlong) => out.push((overlong.kept, Some(overlong.original_length))),
                    None => break,
                }
            }
            if at_end {
                return out;
            }
        }
    }

    fn whole(messages: &[(Vec<u8>, Option<u64>)]) -> Vec<&str> {
        messages.iter().map(|(m, _)| std::str::from_utf8(m).unwrap()).collect()
    }

    #[test]
    fn both_framings_on_one_connection() {
        let stream = b"<13>one\n9 <13>t\nwo!\r\n10 <13>three!<13>four\r\n\n12 not a count\n5 <1>no8 <13>last";
        assert_eq!(
            whole(&feed(stream, &[1000], 100)),
            ["<13>one", "<13>t\nwo!", "<13>three!", "<13>four", "12 not a count", "<1>no", "<13>last"]
        );
    }

    #[test]
    fn counted_garbage_does_not_swallow_what_follows() {
        let messages: [&[u8]; 5] = [b"<13>one", b"no priority", b"7 <13>in it\r\n\0", b"\n\0\xff<", b"<13>two"];
        let mut stream = Vec::new();
        for message in messages {
            stream.extend_from_slice(format!("{} ", message.len()).as_bytes());
            stream.extend_from_slice(message);
        }
        for pieces in [[1], [3], [1000]] {
            let got: Vec<_> = feed(&stream, &pieces, 100).into_iter().map(|(message, _)| message).collect();
            assert_eq!(got, messages);
        }
    }

    #[test]
    fn one_carriage_return_ends_a_line_and_everything_else_is_kept() {
        assert_eq!(whole(&feed(b"<13>a\r\n<13>b\0\r\r\n\r\n\0\n<13>c\rd\n", &[1000], 100)), ["<13>a", "<13>b\0\r", "<13>c\rd"]);
    }

    #[test]
    fn absurd_counts_are_text() {
        let stream = b"99999999999 <13>x\n0 <13>y\n";
        assert_eq!(whole(&feed(stream, &[3], 100)), ["99999999999 <13>x", "0 <13>y"]);
    }

    #[test]
    fn a_long_message_is_cut_and_its_length_told() {
        let long = "x".repeat(500);
        let stream = format!("<13>a\n<13>{long}\n504 <13>{long}<13>b\n");
        for pieces in [[1], [7], [100], [10_000]] {
            let got = feed(stream.as_bytes(), &pieces, 50);
            assert_eq!(got.len(), 4);
            assert_eq!((got[1].0.len(), got[1].1), (50, Some(504)));
            assert_eq!((got[2].0.len(), got[2].1), (50, Some(504)));
            assert_eq!(got[3].0, b"<13>b");
        }
    }

    #[test]
    fn a_count_that_the_stream_does_not_keep_gives_what_there_is() {
        assert_eq!(whole(&feed(b"500 <13>only this", &[4], 1000)), ["<13>only this"]);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(messages in prop::collection::vec(("<[0-9]{1,3}>[a-z <\n0-9]{0,40}[a-z]", any::<bool>()), 1..20),
                                pieces in prop::collection::vec(1usize..60, 1..8)) {
            let mut stream = Vec::new();
            let mut expected = Vec::new();
            for (text, counted) in &messages {
                let text = if *counted { text.clone() } else { text.replace('\n', " ") };
                if *counted {
                    stream.extend_from_slice(format!("{} {text}", text.len()).as_bytes());
                } else {
                    stream.extend_from_slice(format!("{text}\n").as_bytes());
                }
                expected.push(text);
            }
            let got = feed(&stream, &pieces, 1000);
            prop_assert_eq!(whole(&got), expected.iter().map(String::as_str).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_come_out_bounded(stream in prop::collection::vec(any::<u8>(), 0..400), piece in 1usize..50) {
            for (message, _) in feed(&stream, &[piece], 20) {
                prop_assert!(message.len() <= 20);
            }
        }
    }
}
