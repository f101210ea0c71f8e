//! `ctr-runtime`: one static executable, several roles.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use ctr_container::role::{launcher, unshare};

const USAGE: &str = "usage: ctr-runtime launcher|unshare JSON | --version";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let args: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    let code = match args.as_slice() {
        ["launcher", options] => launcher::run(options),
        ["launcher-sealed", options_fd] => launcher::serve(options_fd),
        ["unshare", options] => {
            unshare::run(options).unwrap_or_else(|failure| unshare::report(&failure))
        }
        ["--version"] => say(
            std::io::stdout(),
            &format!("ctr-runtime version {}", env!("CARGO_PKG_VERSION")),
            0,
        ),
        _ => say(std::io::stderr(), USAGE, 2),
    };
    ExitCode::from(u8::try_from(code).unwrap_or(125))
}

fn say(mut to: impl Write, line: &str, code: i32) -> i32 {
    match writeln!(to, "{line}") {
        Ok(()) => code,
        Err(_) => 1,
    }
}
