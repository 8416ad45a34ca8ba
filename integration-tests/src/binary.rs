//! The program under test: built once per test process, by cargo, in the release profile. Never a
//! debug build: size, startup and panics are those of what is shipped.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The root of the repository, absolute.
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The sample's service tree as it lies in the repository.
pub fn sample_tree() -> PathBuf {
    repository().join("docker/sample/rootfs")
}

/// The path of the release executable, built first where it is missing or stale. The variable
/// `SIXFOLD_BINARY` names another executable to test, and then nothing is built.
///
/// # Panics
///
/// When cargo cannot build it.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        std::env::var_os("SIXFOLD_BINARY").map_or_else(build, |given| {
            let path = PathBuf::from(given);
            assert!(
                path.is_absolute(),
                "SIXFOLD_BINARY must be an absolute path"
            );
            path
        })
    })
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--package", "sixfold"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(repository())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "cargo build --release failed");
    // Cargo says where it put the executable, whatever the target directory is.
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "sixfold")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo reported no executable named sixfold")
}
