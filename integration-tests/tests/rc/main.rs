//! The services of s6-rc: what is started and stopped when, what a failure leads to, and where they
//! run.

mod boot;
mod change;
mod commands;
mod control;
mod failures;
mod families;
mod many;
mod pipelines;
mod places;
mod reload;
mod stop;

use sixfold_integration_tests::{Finished, Nest};

/// Where an image has its services.
const SOURCES: &str = "/etc/s6-overlay/s6-rc.d";

/// What the tests say of services.
trait Services {
    /// A file of a service, exactly as given.
    fn rc(self, name: &str, file: &str, content: &str) -> Self;
    /// A oneshot with this `up`, which needs `needs`, and is in the bundle `user`.
    fn oneshot(self, name: &str, up: &str, needs: &[&str]) -> Self;
    /// A longrun with this `run` for `/bin/sh`, which needs `needs`, and is in the bundle `user`.
    fn longrun(self, name: &str, run: &str, needs: &[&str]) -> Self;
    /// What `name` needs.
    fn needs(self, name: &str, needs: &[&str]) -> Self;
    /// Puts it into the bundle `user`.
    fn wanted(self, name: &str) -> Self;
}

impl Services for Nest {
    fn rc(self, name: &str, file: &str, content: &str) -> Self {
        self.file(&format!("{SOURCES}/{name}/{file}"), 0o644, content)
    }

    fn oneshot(self, name: &str, up: &str, needs: &[&str]) -> Self {
        let nest = self.rc(name, "type", "oneshot\n").rc(name, "up", up);
        nest.needs(name, needs).wanted(name)
    }

    fn longrun(self, name: &str, run: &str, needs: &[&str]) -> Self {
        let run = format!("#!/bin/sh\n{run}\n");
        let nest = self.rc(name, "type", "longrun\n").rc(name, "run", &run);
        nest.needs(name, needs).wanted(name)
    }

    fn needs(self, name: &str, needs: &[&str]) -> Self {
        needs.iter().fold(self, |nest, need| {
            nest.rc(name, &format!("dependencies.d/{need}"), "")
        })
    }

    fn wanted(self, name: &str) -> Self {
        self.rc("user", &format!("contents.d/{name}"), "")
    }
}

/// Asserts that lines with these texts came on stderr in this order.
fn assert_order(end: &Finished, texts: &[&str]) {
    let lines = end.stderr();
    let mut from = 0;
    for text in texts {
        let found = lines[from..].iter().position(|line| line.contains(text));
        from += 1 + found.unwrap_or_else(|| panic!("{text:?} is missing or too early;\n{end}"));
    }
}

/// An `up` or `down` that has the shell say something.
fn says(text: &str) -> String {
    format!("/bin/sh -c \"{text}\"\n")
}
