//! Sources of s6-rc on disk, and the commands run on them.

use std::path::PathBuf;

use sixfold_integration_tests::{Finished, Stream, Tree, binary, run_to_end};

/// A directory with sources in `s`, and whatever is made of them beside it.
pub(crate) struct Place {
    pub(crate) tree: Tree,
}

impl Place {
    pub(crate) fn new() -> Self {
        let tree = Tree::new();
        tree.directory("/s", 0o755);
        Self { tree }
    }

    /// The sources that the answers in the specification were observed with.
    pub(crate) fn sample() -> Self {
        let place = Self::new();
        place.oneshot("a", "echo \"up a\"\n", &[]);
        place.source("a/down", "echo down-a\n");
        place.source("a/timeout-down", "700\n");
        place.oneshot("b", "", &["a"]);
        place.oneshot("fail", "sh -c \"exit 42\"", &[]);
        place.oneshot("afterfail", "", &["fail", "b"]);
        place.oneshot("indep", "true", &[]);
        place.source("indep/flag-recommended", "");
        place.oneshot("slow1", "sleep 2", &[]);
        place.source("slow1/timeout-up", "500");
        place.longrun("lr", &["a"]);
        place.longrun("lready", &["lr"]);
        place.source("lready/notification-fd", "3\n");
        place.longrun("ess", &[]);
        place.source("ess/flag-essential", "");
        for name in ["p1", "p2", "p3"] {
            place.longrun(name, &[]);
        }
        place.source("p1/producer-for", "p2\n");
        place.source("p2/consumer-for", "p1\n");
        place.source("p2/producer-for", "p3\n");
        place.source("p3/consumer-for", "p2\n");
        place.source("p3/pipeline-name", "pipe\n");
        place.bundle("ok", &["a", "b", "indep", "lr", "lready"]);
        place.bundle("nest", &["ok", "ess"]);
        place
    }

    pub(crate) fn source(&self, path: &str, content: &str) {
        self.tree.file(&format!("/s/{path}"), 0o644, content);
    }

    pub(crate) fn list(&self, directory: &str, names: &[&str]) {
        self.tree.directory(&format!("/s/{directory}"), 0o755);
        for name in names {
            self.source(&format!("{directory}/{name}"), "");
        }
    }

    pub(crate) fn oneshot(&self, name: &str, up: &str, dependencies: &[&str]) {
        self.source(&format!("{name}/type"), "oneshot\n");
        self.source(&format!("{name}/up"), up);
        self.list(&format!("{name}/dependencies.d"), dependencies);
    }

    pub(crate) fn longrun(&self, name: &str, dependencies: &[&str]) {
        self.source(&format!("{name}/type"), "longrun\n");
        self.source(&format!("{name}/run"), "#!/bin/sh\nexec sleep 9\n");
        self.list(&format!("{name}/dependencies.d"), dependencies);
    }

    pub(crate) fn bundle(&self, name: &str, contents: &[&str]) {
        self.source(&format!("{name}/type"), "bundle\n");
        self.list(&format!("{name}/contents.d"), contents);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.tree.path().join(name)
    }

    /// Runs a command; `@` at the beginning of a word is the directory.
    pub(crate) fn run(&self, words: &[&str]) -> Finished {
        let root = self.tree.path().display().to_string();
        let words: Vec<String> = words
            .iter()
            .map(|word| match word.strip_prefix('@') {
                Some(name) => format!("{root}/{name}"),
                None => (*word).to_owned(),
            })
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        run_to_end(binary().to_str().expect("the path is text"), &words)
    }

    pub(crate) fn compile(&self) -> Finished {
        self.run(&["s6-rc-compile", "@db", "@s"])
    }

    pub(crate) fn ask(&self, words: &[&str]) -> Finished {
        let mut all = vec!["s6-rc-db", "-c", "@db"];
        all.extend(words);
        self.run(&all)
    }

    /// The lines on a stream, with the directory left out of paths.
    pub(crate) fn lines(&self, finished: &Finished, stream: Stream) -> Vec<String> {
        let root = format!("{}/", self.tree.path().display());
        let lines = finished.lines(stream).into_iter();
        lines.map(|line| line.replace(&root, "")).collect()
    }

    /// Fails unless the sources are refused with this as the last line.
    pub(crate) fn assert_refused(&self, code: i32, message: &str) {
        let finished = self.compile();
        finished.assert_code(code);
        let lines = self.lines(&finished, Stream::Stderr);
        let last = format!("s6-rc-compile: fatal: {message}");
        assert_eq!(lines.last(), Some(&last), "{finished}");
        assert!(!self.path("db").exists(), "something was written");
    }
}
