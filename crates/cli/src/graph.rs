//! `sixfold graph [--root DIR] [--format mermaid|dot|text|json]`: the services of s6-rc that an image
//! defines, and what they wait for; in a running container also which of them are up.

mod drawing;
mod listing;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use sixfold_model::Severity;
use sixfold_protocol::live::{Reply, Request};
use sixfold_protocol::paths::RC;

use crate::complain::{self, ExitCode, say};
use crate::image::{self, Image, Parsed};
use crate::rc::live::Live;

const NAME: &str = "sixfold graph";
const SYNOPSIS: &str = "sixfold graph [ --root DIR ] [ --format mermaid|dot|text|json ]";
/// The exit code for wrong usage, as `sixfold check` has it.
const WRONG_USAGE: u8 = 2;

/// The services that are up; nothing, where nothing runs.
type Up = Option<BTreeSet<String>>;

/// The command.
pub(crate) fn graph(args: Vec<OsString>) -> ExitCode {
    let wrong = || {
        let _ = complain::usage(NAME, SYNOPSIS);
        ExitCode::from(WRONG_USAGE)
    };
    let options = match image::parse(args, "format", true) {
        Parsed::Options(options) => options,
        Parsed::Help => return help(),
        Parsed::Wrong => return wrong(),
    };
    let draw = match options.own.as_deref().map(|format| format.to_str()) {
        None | Some(Some("text")) => listing::text,
        Some(Some("json")) => listing::json,
        Some(Some("mermaid")) => drawing::mermaid,
        Some(Some("dot")) => drawing::dot,
        Some(Some(_) | None) => return wrong(),
    };
    if !options.root.is_dir() {
        let message = format!("{} is not a directory", options.root.display());
        return complain::fatal(NAME, message, WRONG_USAGE);
    }
    let up = if options.root == Path::new("/") {
        running()
    } else {
        None
    };
    let image = Image::read(options.root);
    say(draw(&image.graph, &up).trim_end());
    let errors = image
        .diagnostics
        .iter()
        .filter(|it| it.severity == Severity::Error)
        .count();
    if errors > 0 {
        complain::warn(
            NAME,
            format_args!("errors in these definitions: {errors} (see sixfold check)"),
        );
    }
    ExitCode::SUCCESS
}

/// What is up in the container that this runs in, if it is one of ours and neither boots nor stops.
fn running() -> Up {
    let mut live = Live::connect(Path::new(RC)).ok()?;
    live.ask(&Request::Status { block: false }, false).ok()?;
    match live.replies().next()? {
        Ok(Reply::Status { up, .. }) => Some(up.into_iter().collect()),
        Ok(_) | Err(_) => None,
    }
}

fn help() -> ExitCode {
    say(format_args!("Usage: {SYNOPSIS}\n"));
    say(
        "Prints the services of s6-rc that the image at DIR (default /) defines. As text (the default):\n\
         in the order in which they start, with what each waits for. For mermaid and dot (Graphviz):\n\
         an arrow leads from what waits to what it waits for, a dotted one from a bundle to what it\n\
         holds, a thick one from a producer to its consumer. Inside a running container what is up is\n\
         told as well.\n",
    );
    say("  sixfold graph --format dot | dot -Tsvg > services.svg");
    ExitCode::SUCCESS
}
