//! `watchroom templates`: the template miner over a file, without a server.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::input;
use crate::template::mine_lines;

/// Options of `templates`.
#[derive(Debug, Args)]
pub(super) struct TemplatesOptions {
    /// File with a log line or message a line (plain, gzip or zstd); `-` or nothing reads stdin
    #[arg(default_value = "-")]
    file: PathBuf,
}

/// Prints `line` (its number, from 1), `template_id` and `template` of each line, as the templates stand after the whole
/// file was seen. Ids are those of the column `template_id` of `logs`.
pub(super) fn run(options: &TemplatesOptions) -> anyhow::Result<ExitCode> {
    let mut lines = Vec::new();
    for line in input::open(&options.file)?.split(b'\n') {
        let mut line = line.with_context(|| format!("{} cannot be read", options.file.display()))?;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        lines.push(line);
    }
    let mined = mine_lines(&lines);
    let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut print = || -> std::io::Result<()> {
        for (index, (id, template)) in mined.iter().enumerate() {
            let row = serde_json::json!({ "line": index + 1, "template_id": id.0.cast_signed(), "template": &**template });
            serde_json::to_writer(&mut out, &row)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    };
    match print() {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        result => result.map(|()| ExitCode::SUCCESS).context("the answer cannot be written"),
    }
}
