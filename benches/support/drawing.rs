//! Random draws and the number formats of the workload.

/// SplitMix64: a handful of instructions a draw, so that the generator is not what a benchmark measures.
#[derive(Debug)]
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    pub(crate) fn range(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from)
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Small numbers often, large ones seldom: the cube of a uniform draw.
    pub(crate) fn skewed(&mut self, limit: u64) -> u64 {
        let u = self.unit();
        (u * u * u * limit as f64) as u64
    }

    /// A value with a long tail around `median`, as latencies and sizes have it.
    pub(crate) fn long_tail(&mut self, median: f64) -> f64 {
        let sum: f64 = (0..4).map(|_| self.unit()).sum::<f64>() - 2.0;
        median * (sum * 2.2).exp()
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    pub(crate) fn pick_skewed<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.skewed(from.len() as u64) as usize]
    }
}

macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{
        // Writing to a vector cannot fail.
        let _ = std::io::Write::write_fmt(&mut *$out, format_args!($($arg)*));
    }};
}

pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

pub(super) fn padded(out: &mut Vec<u8>, value: u64, width: u32) {
    for place in (0..width).rev() {
        out.push(b'0' + (value / 10_u64.pow(place) % 10) as u8);
    }
}

pub(super) fn hex(out: &mut Vec<u8>, value: u64, digits: u32) {
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(value >> (4 * place)) as usize & 15]);
    }
}

pub(super) fn address(out: &mut Vec<u8>, octets: [u8; 4]) {
    for (index, octet) in octets.into_iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        number(out, u64::from(octet));
    }
}

/// A client on the outside: mostly from a skewed pool of regulars, now and then a stranger.
pub(super) fn client(random: &mut Random) -> [u8; 4] {
    let seed = if random.one_in(12) { random.next() } else { Random(random.skewed(4_000)).next() };
    let octets = (seed as u32).to_be_bytes();
    [octets[0] % 200 + 11, octets[1], octets[2], octets[3]]
}

pub(super) fn inside(random: &mut Random) -> [u8; 4] {
    [10, 20, random.below(6) as u8, random.skewed(240) as u8 + 10]
}
