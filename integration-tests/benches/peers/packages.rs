//! Debian's packages, as dpkg knows them: which are installed, what they need, which files they have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What is known of one installed package.
#[derive(Debug, Clone)]
struct Package {
    version: String,
    /// Whether every Debian has it.
    is_base: bool,
    /// What it needs: one of each.
    needs: Vec<Vec<String>>,
}

/// All packages that are installed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Packages {
    known: BTreeMap<String, Package>,
}

const FORMAT: &str = "${db:Status-Status}\t${Package}\t${Version}\t${Essential}\t${Priority}\t${Pre-Depends}, ${Depends}\n";

impl Packages {
    /// Asks dpkg.
    ///
    /// # Errors
    ///
    /// When dpkg-query cannot be run.
    pub(crate) fn read() -> Result<Self, String> {
        let text = output(Command::new("dpkg-query").args(["--show", "--showformat", FORMAT]))?;
        let known = text.lines().filter_map(parse).collect();
        Ok(Self { known })
    }

    /// The version of a package, when it is installed.
    pub(crate) fn version(&self, package: &str) -> Option<&str> {
        self.known.get(package).map(|it| it.version.as_str())
    }

    /// The named packages and all that they need, as far as it is installed.
    pub(crate) fn closure<'a>(
        &self,
        packages: impl IntoIterator<Item = &'a str>,
    ) -> BTreeSet<String> {
        let mut left: Vec<String> = packages.into_iter().map(str::to_owned).collect();
        let mut found = BTreeSet::new();
        while let Some(name) = left.pop() {
            let Some(package) = self.known.get(&name) else {
                continue;
            };
            if found.insert(name) {
                left.extend(package.needs.iter().filter_map(|one_of| {
                    let mut installed = one_of.iter().filter(|name| self.known.contains_key(*name));
                    installed.next().cloned()
                }));
            }
        }
        found
    }

    /// What every Debian image has.
    pub(crate) fn base(&self) -> BTreeSet<String> {
        let names = self.known.iter().filter(|(_, package)| package.is_base);
        self.closure(names.map(|(name, _)| name.as_str()))
    }

    /// The paths of regular files and links that the packages have, without documentation.
    ///
    /// # Errors
    ///
    /// When dpkg-query cannot be run.
    pub(crate) fn files(&self, packages: &BTreeSet<String>) -> Result<Vec<PathBuf>, String> {
        if packages.is_empty() {
            return Ok(Vec::new());
        }
        let listed = output(Command::new("dpkg-query").arg("--listfiles").args(packages))?;
        let paths: BTreeSet<PathBuf> = listed
            .lines()
            .filter(|line| line.starts_with('/') && !is_documentation(line))
            .map(PathBuf::from)
            .filter(|path| path.symlink_metadata().is_ok_and(|it| !it.is_dir()))
            .collect();
        Ok(paths.into_iter().collect())
    }
}

/// Installs packages with apt-get.
///
/// # Errors
///
/// What apt-get says when it cannot.
pub(crate) fn install(packages: &[&str]) -> Result<(), String> {
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            // Where services are started by packages, these are not.
            .env("RUNLEVEL", "1");
        output(&mut command)
    };
    apt(&["update", "--quiet"])?;
    let mut words = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    words.extend(packages);
    apt(&words).map(drop)
}

/// Runs a command to its end, and returns what it wrote.
///
/// # Errors
///
/// When it cannot be run or fails, with what it wrote to standard error.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run {name}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().rev().take(3).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    Err(format!("{name}: {}: {}", output.status, last.join(" / ")))
}

fn parse(line: &str) -> Option<(String, Package)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let ["installed", name, version, essential, priority, needs] = fields.as_slice() else {
        return None;
    };
    let needs = needs
        .split(',')
        .map(|one_of| one_of.split('|').filter_map(package_name).collect())
        .filter(|one_of: &Vec<String>| !one_of.is_empty())
        .collect();
    let package = Package {
        version: (*version).to_owned(),
        is_base: *essential == "yes" || *priority == "required",
        needs,
    };
    Some(((*name).to_owned(), package))
}

/// `python3:any (>= 3.9)` is `python3`.
fn package_name(need: &str) -> Option<String> {
    let word = need.split_whitespace().next()?;
    Some(word.split(':').next().unwrap_or(word).to_owned())
}

fn is_documentation(path: &str) -> bool {
    [
        "/usr/share/doc/",
        "/usr/share/man/",
        "/usr/share/locale/",
        "/usr/share/lintian/",
    ]
    .iter()
    .any(|dir| path.starts_with(dir))
}
