//! The same view as [`crate::Running`], of a real container: docker(1) run, logs, kill, stop and
//! wait. Removes the container, and an image made for one test, when dropped.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

use crate::binary::{binary, repository};
use crate::output::Line;
use crate::process::{Finished, Process, Streams};
use crate::tree::Tree;

/// Building images takes longer than anything a container does.
const BUILD_DEADLINE: Duration = Duration::from_secs(600);

/// An image with a name of its own.
#[derive(Debug)]
pub struct Image {
    name: String,
}

/// Builds the base and the sample's image, once per test process, and returns the image's name.
///
/// # Panics
///
/// When a script of `docker/` fails.
pub fn build_sample() -> &'static str {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        build_base();
        // Built by the harness first, so that the script finds it wherever cargo puts it.
        let mut script = Command::new(repository().join("docker/build-sample"));
        script.env("SIXFOLD_BINARY", binary());
        build(script);
    });
    "sixfold-sample"
}

fn build_base() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| build(Command::new(repository().join("docker/build-base"))));
}

impl Image {
    /// The binary, installed, and `tree`, over the base image.
    ///
    /// # Panics
    ///
    /// When it cannot be built.
    pub fn over_base(tree: &Tree) -> Self {
        build_base();
        Self::build(tree, "sixfold-base:bookworm", "")
    }

    /// The binary, installed, and `tree`, over nothing at all.
    ///
    /// # Panics
    ///
    /// When it cannot be built.
    pub fn over_scratch(tree: &Tree) -> Self {
        Self::build(tree, "scratch", "")
    }

    /// As [`Self::over_base`], with more lines at the end of the Dockerfile.
    ///
    /// # Panics
    ///
    /// When it cannot be built.
    pub fn over_base_with(tree: &Tree, lines: &str) -> Self {
        build_base();
        Self::build(tree, "sixfold-base:bookworm", lines)
    }

    /// Its name, for docker(1).
    pub fn name(&self) -> &str {
        &self.name
    }

    fn build(tree: &Tree, from: &str, lines: &str) -> Self {
        let name = unique("sixfold-test-image");
        let context = TempDir::with_prefix("sixfold-image-").expect("a temporary directory");
        let at = |path: &str| context.path().join(path);
        fs::copy(binary(), at("sixfold")).expect("the binary can be copied");
        let tar = run("tar", |tar| {
            tar.arg("--create").arg("--file").arg(at("tree.tar"));
            tar.arg("--directory").arg(tree.path()).arg(".");
        });
        tar.wait_exit().assert_code(0);
        let dockerfile = format!(
            "FROM {from}\n\
             COPY sixfold /command/sixfold\n\
             RUN [\"/command/sixfold\", \"install\"]\n\
             ADD tree.tar /\n\
             ENTRYPOINT [\"/init\"]\n\
             {lines}\n"
        );
        fs::write(at("Dockerfile"), dockerfile).expect("a file can be written");
        let mut docker = classic_builder();
        // Without the cache: a layer from there may be that of another test's image, which is removed
        // at this moment.
        docker.args([
            "build",
            "--quiet",
            "--force-rm",
            "--no-cache",
            "--tag",
            &name,
        ]);
        docker.arg(context.path());
        build(docker);
        Self { name }
    }
}

/// Keeps another test's image from being removed, with the layers that a build has just found in the
/// cache.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Image {
    fn drop(&mut self) {
        let _alone = alone();
        let _ = quiet(&["image", "rm", "--force", &self.name]);
    }
}

/// A container that was started.
#[derive(Debug)]
pub struct Container {
    name: String,
    logs: Process,
    waiter: Process,
}

impl Container {
    /// `docker run -d OPTIONS IMAGE CMD`.
    ///
    /// # Panics
    ///
    /// When docker refuses.
    pub fn run(options: &[&str], image: &str, cmd: &[&str]) -> Self {
        let name = unique("sixfold-test");
        let started = run("docker", |docker| {
            docker.args(["run", "--detach", "--name", &name]);
            docker.args(options).arg(image).args(cmd);
        })
        .wait_exit_within(BUILD_DEADLINE);
        if started.code != Some(0) {
            // It may have been created and then not started.
            let _ = quiet(&["rm", "--force", &name]);
        }
        started.assert_code(0);
        let (logs, waiter) = follow(&name);
        Self { name, logs, waiter }
    }

    /// After a `docker start`: looks again at its output (all of it, from the first start on) and
    /// for its end.
    pub fn follow_again(&mut self) {
        (self.logs, self.waiter) = follow(&self.name);
    }

    /// Its name, for docker(1).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for a line of its output that contains `text`.
    ///
    /// # Panics
    ///
    /// When it does not come within the deadline.
    pub fn wait_line(&self, text: &str) -> Line {
        self.logs.wait_line(text)
    }

    /// Waits for `count` such lines.
    ///
    /// # Panics
    ///
    /// When they do not come within the deadline.
    pub fn wait_lines(&self, text: &str, count: usize) -> Line {
        self.logs.wait_lines(text, count)
    }

    /// `docker exec OPTIONS CONTAINER WORDS`.
    ///
    /// # Panics
    ///
    /// When it does not end within the deadline.
    pub fn exec(&self, words: &[&str]) -> Finished {
        run("docker", |docker| {
            docker.args(["exec", &self.name]).args(words);
        })
        .wait_exit()
    }

    /// Marks the time and sends a signal: `docker kill --signal`.
    ///
    /// # Panics
    ///
    /// When docker refuses.
    pub fn kill(&mut self, signal: &str) {
        self.waiter.mark();
        quiet(&["kill", "--signal", signal, &self.name]).assert_code(0);
    }

    /// Marks the time and stops it: `docker stop`.
    ///
    /// # Panics
    ///
    /// When docker refuses.
    pub fn stop(&mut self) {
        self.waiter.mark();
        quiet(&["stop", &self.name]).assert_code(0);
    }

    /// From now on [`Finished::elapsed`] counts.
    pub fn mark(&mut self) {
        self.waiter.mark();
    }

    /// Waits for its end. The code is the container's, the output all it wrote.
    ///
    /// # Panics
    ///
    /// When it does not end within the deadline.
    pub fn wait_exit(&self) -> Finished {
        let waited = self.waiter.wait_exit();
        let code = waited.stdout().first().and_then(|line| line.parse().ok());
        let logs = self.logs.wait_exit();
        Finished {
            code,
            signal: None,
            elapsed: waited.elapsed,
            output: logs.output,
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = quiet(&["rm", "--force", "--volumes", &self.name]);
    }
}

fn run(program: &str, fill: impl FnOnce(&mut Command)) -> Process {
    let mut command = Command::new(program);
    fill(&mut command);
    Process::spawn(command, Streams::Pipes)
}

fn follow(name: &str) -> (Process, Process) {
    let docker = |word: &[&str]| {
        run("docker", |docker| {
            docker.args(word).arg(name);
        })
    };
    (docker(&["logs", "--follow"]), docker(&["wait"]))
}

fn quiet(arguments: &[&str]) -> Finished {
    run("docker", |docker| {
        docker.args(arguments);
    })
    .wait_exit_within(BUILD_DEADLINE)
}

fn build(command: Command) {
    Process::spawn(command, Streams::Pipes)
        .wait_exit_within(BUILD_DEADLINE)
        .assert_code(0);
}

/// docker(1) with the builder that needs no plugin.
fn classic_builder() -> Command {
    let mut docker = Command::new("docker");
    docker.env("DOCKER_BUILDKIT", "0");
    docker
}

fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}
