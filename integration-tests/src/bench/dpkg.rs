//! Debian's packages, as dpkg-query tells of them: which are installed, and what they need.

use std::collections::{BTreeMap, BTreeSet};

/// What dpkg-query has to show of each package for [`Packages::parse`].
pub const FORMAT: &str = "${db:Status-Status}\t${Package}\t${Version}\t${Essential}\t${Priority}\t${Pre-Depends}, ${Depends}\n";

/// What is known of one installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Package {
    version: String,
    /// Whether every Debian has it.
    is_base: bool,
    /// What it needs: one of each.
    needs: Vec<Vec<String>>,
}

/// All packages that are installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packages {
    known: BTreeMap<String, Package>,
}

impl Packages {
    /// Reads what dpkg-query shows in [`FORMAT`]; what is not installed is left out.
    pub fn parse(text: &str) -> Self {
        Self {
            known: text.lines().filter_map(package).collect(),
        }
    }

    /// The version of a package, when it is installed.
    pub fn version(&self, package: &str) -> Option<&str> {
        self.known.get(package).map(|it| it.version.as_str())
    }

    /// The named packages and all that they need, as far as it is installed.
    pub fn closure<'a>(&self, packages: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
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
    pub fn base(&self) -> BTreeSet<String> {
        let names = self.known.iter().filter(|(_, package)| package.is_base);
        self.closure(names.map(|(name, _)| name.as_str()))
    }
}

fn package(line: &str) -> Option<(String, Package)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let ["installed", name, version, essential, priority, needs] = fields.as_slice() else {
        return None;
    };
    let needs = needs
        .split(',')
        .map(|one_of| one_of.split('|').filter_map(bare_name).collect())
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
fn bare_name(need: &str) -> Option<String> {
    let word = need.split_whitespace().next()?;
    Some(word.split(':').next().unwrap_or(word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::Packages;

    const SHOWN: &str = "\
installed\tdash\t0.5\tyes\trequired\tdebianutils (>= 5), libc6 (>= 2.34), \n\
installed\tlibc6\t2.36\tno\toptional\t, libgcc-s1\n\
installed\tsupervisor\t4.2\tno\toptional\t, python3:any (>= 3.9), mailer | lsb-base\n\
installed\tpython3\t3.11\tno\toptional\t, libc6\n\
installed\tlsb-base\t11\tno\toptional\t, \n\
config-files\trunit\t2.1\tno\toptional\t, libc6\n";

    fn names(packages: impl IntoIterator<Item = String>) -> Vec<String> {
        packages.into_iter().collect()
    }

    #[test]
    fn what_is_not_installed_has_no_version() {
        let packages = Packages::parse(SHOWN);
        assert_eq!(packages.version("supervisor"), Some("4.2"));
        assert_eq!(packages.version("runit"), None);
        assert_eq!(packages.version("systemd"), None);
    }

    #[test]
    fn needs_are_followed_and_of_alternatives_the_one_that_is_there() {
        let packages = Packages::parse(SHOWN);
        assert_eq!(
            names(packages.closure(["supervisor"])),
            ["libc6", "lsb-base", "python3", "supervisor"]
        );
    }

    #[test]
    fn the_base_is_what_is_essential_and_what_that_needs() {
        assert_eq!(names(Packages::parse(SHOWN).base()), ["dash", "libc6"]);
    }

    #[test]
    fn nonsense_is_no_package() {
        assert_eq!(Packages::parse("\n\t\t\ninstalled\n"), Packages::default());
    }
}
