//! The commands that are no server: run to their end, with what they wrote.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::server::program;

/// What a command left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What it wrote, if it ended with 0.
    pub(crate) fn good(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.text(), self.stderr);
        self.text()
    }
}

/// Runs the program with these arguments. `folder` is where it keeps its state, and its working folder.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Ran {
    run_with(folder, arguments, &[], b"")
}

/// Runs it with environment variables and something on stdin.
pub(crate) fn run_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)], stdin: &[u8]) -> Ran {
    let mut command = program(folder);
    command.args(arguments).envs(environment.iter().copied()).current_dir(folder).stdin(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut pipe = child.stdin.take().expect("stdin is piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // A command that reads nothing may have closed it.
            let _ = pipe.write_all(stdin);
        });
        child.wait_with_output().expect("the program can be waited for")
    });
    Ran {
        code: output.status.code().expect("the program was not killed"),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Makes a token for the server on `folder` and gives it.
pub(crate) fn create_token(folder: &Path, scopes: &str, more: &[&str]) -> String {
    let data = folder.join("data");
    let data = data.to_str().unwrap();
    let mut arguments = vec!["token", "create", "--scope", scopes];
    arguments.extend(more);
    // The options of the folder belong to `token`, before its action.
    arguments.splice(1..1, ["--data", data]);
    run(folder, &arguments).good().trim().to_owned()
}
