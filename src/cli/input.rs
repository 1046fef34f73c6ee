//! Input of the commands that read files: plain, gzip or zstd, or stdin.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context as _;

/// What is read from the disk at once.
const BUFFER_BYTES: usize = 1 << 18;

/// Opens a file, or stdin for `-`.
pub(super) fn open(file: &Path) -> anyhow::Result<Box<dyn BufRead + Send>> {
    let raw: Box<dyn Read + Send> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).with_context(|| format!("{} cannot be opened", file.display()))?)
    };
    decompressing(raw).with_context(|| format!("{} cannot be read", file.display()))
}

/// The input as it was before it was compressed, which its first bytes tell and not its name.
pub(super) fn decompressing(input: impl Read + Send + 'static) -> std::io::Result<Box<dyn BufRead + Send>> {
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    let head = input.fill_buf()?;
    if head.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(input))));
    }
    if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok(Box::new(BufReader::new(zstd::stream::read::Decoder::with_buffer(input)?)));
    }
    Ok(Box::new(input))
}
