//! One body, two subjects: each case is run with Debian's programs and with Sixfold's own commands,
//! and must give what is written under it; where ours is meant to differ, the case says so and why.
//!
//! A case file holds cases of one subject. `== title (sections of the specification)` begins a case;
//! then comes its shell script; `> ` lines are what it prints, standard error included; `!! reason`
//! begins what Sixfold prints instead. Each script runs after a preamble, in an empty directory, as
//! process 1 of a pid namespace of its own, so that nothing of it is left.

mod cases;
mod subject;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use cases::{Case, read};
pub use subject::{Subject, links};

/// How many cases run at the same time.
const AT_ONCE: usize = 3;

/// What is compared, and where both subjects have their programs.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    /// What every script begins with.
    pub preamble: &'static str,
    /// Whether Debian's package is installed; says so, or fails, if not.
    pub is_installed: fn() -> bool,
    /// The `PATH` with Debian's programs.
    pub theirs: &'static str,
    /// The `PATH` with ours, for a script.
    pub ours: fn(script: &str) -> String,
}

impl Comparison {
    /// Runs the cases, some at the same time, and reports all that fail. Does nothing where the
    /// machine lacks what they need.
    ///
    /// # Panics
    ///
    /// When one fails.
    pub fn check(&self, subject: Subject, cases: &[Case]) {
        if !subject.is_available(self) {
            return;
        }
        let next = AtomicUsize::new(0);
        let failures = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if let Some(failure) = self.difference(subject, case) {
                            failures.lock().unwrap().push(failure);
                        }
                    }
                });
            }
        });
        let failures = failures.into_inner().unwrap();
        assert!(
            failures.is_empty(),
            "{} of {} cases differ with {subject:?}:\n{}",
            failures.len(),
            cases.len(),
            failures.join("\n")
        );
    }

    /// What a case should have printed, and what it has, if that is not the same.
    fn difference(&self, subject: Subject, case: &Case) -> Option<String> {
        let found = subject.run(self, &case.script);
        let wanted = case.expected(subject);
        let title = &case.title;
        (found != wanted).then(|| format!("== {title}\n-- wanted\n{wanted}-- found\n{found}"))
    }
}

/// Makes every case file of these names, beside the caller, a test for each subject, in the modules
/// `$theirs` and `sixfold`, and a function `count` that tells how many cases they hold.
#[macro_export]
macro_rules! case_groups {
    ($comparison:ident, $theirs:ident: $($name:ident),* $(,)?) => {
        mod $theirs {
            $(#[test] fn $name() {
                let text = include_str!(concat!(stringify!($name), ".cases"));
                super::$comparison.check($crate::compare::Subject::Debian, &$crate::compare::read(text));
            })*
        }
        mod sixfold {
            $(#[test] fn $name() {
                let text = include_str!(concat!(stringify!($name), ".cases"));
                super::$comparison.check($crate::compare::Subject::Sixfold, &$crate::compare::read(text));
            })*
        }
        /// How many cases there are.
        fn count() -> usize {
            [$(include_str!(concat!(stringify!($name), ".cases"))),*]
                .iter()
                .map(|text| $crate::compare::read(text).len())
                .sum()
        }
    };
}
