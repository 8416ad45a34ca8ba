//! What `sixfold --help` and `sixfold --version` print.

use crate::applets::{self, Kind};
use crate::complain::{ExitCode, say};

/// Prints what there is.
pub(crate) fn overview() -> ExitCode {
    say("Sixfold: container init and process supervisor, s6-overlay's job in one binary.\n");
    say("Usage:");
    say("  ENTRYPOINT [\"/init\"]                in a Dockerfile, after `sixfold install`");
    say("  sixfold run TREE [-- CMD ...]       try a service tree on this machine");
    say("  sixfold install [--root DIR]        put /init and the commands into an image");
    say("  sixfold check [--root DIR]          report what is wrong with an image's services");
    say("  sixfold COMMAND [ARGS ...]          any command below, without a link to it\n");
    for (title, kind) in [
        ("Commands:", Kind::Own),
        (
            "Commands of s6 and s6-overlay, installed under their names:",
            Kind::Compatible,
        ),
        (
            "Commands in /run/s6/basedir/bin of a running container:",
            Kind::Basedir,
        ),
        ("Parts of the boot:", Kind::Internal),
    ] {
        say(title);
        for applet in applets::all().filter(|applet| applet.kind == kind) {
            say(format_args!("  {:<14} {}", applet.name, applet.summary));
        }
        say("");
    }
    let language = applets::all().filter(|applet| applet.kind == Kind::Language);
    let names: Vec<&str> = language.map(|applet| applet.name).collect();
    say("The language execline, installed under these names:");
    for line in names.chunks(8) {
        say(format_args!("  {}", line.join(" ")));
    }
    say("");
    say(
        "Logs are JSON lines on standard output, or text on a terminal (SIXFOLD_LOG_FORMAT=json|text).",
    );
    say("The S6_* variables of s6-overlay tune it; the README lists them.");
    ExitCode::SUCCESS
}

/// Prints the version.
pub(crate) fn version() -> ExitCode {
    say(format_args!("sixfold {}", env!("CARGO_PKG_VERSION")));
    ExitCode::SUCCESS
}
