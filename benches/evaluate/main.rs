//! Runs the evaluation of incidents on the data folder given as the first argument.
mod incidents;

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    incidents::run(std::path::Path::new(&folder.unwrap_or_else(|| "/work/shared/data".to_owned())));
}
