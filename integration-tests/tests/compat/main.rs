//! One body, two subjects: each case is run with Debian's s6 and with Sixfold's own commands, and
//! must give what is written under it; where ours is meant to differ, the case says so and why.
//!
//! A case file holds cases of one subject. `== title (sections of the specification)` begins a case;
//! then comes its shell script; `> ` lines are what it prints, standard error included; `!! reason`
//! begins what Sixfold prints instead. Each script runs after `preamble.sh`, in an empty directory,
//! as process 1 of a pid namespace of its own, so that nothing of it is left.

mod cases;
mod matrix;
mod subject;

use cases::Case;
use subject::Subject;

/// The case files, each a group of tests for both subjects.
macro_rules! groups {
    ($($name:ident),* $(,)?) => {
        mod s6 {
            $(#[test] fn $name() {
                super::run(super::Subject::Debian, include_str!(concat!(stringify!($name), ".cases")));
            })*
        }
        mod sixfold {
            $(#[test] fn $name() {
                super::run(super::Subject::Sixfold, include_str!(concat!(stringify!($name), ".cases")));
            })*
        }
        /// How many cases there are.
        fn count() -> usize {
            [$(include_str!(concat!(stringify!($name), ".cases"))),*]
                .iter()
                .map(|text| cases::read(text).len())
                .sum()
        }
    };
}

groups!(svstat, svc, supervise, scan, chain, fifodir, instance);

/// How many cases run at the same time.
const AT_ONCE: usize = 3;

#[test]
fn there_are_enough_cases() {
    let all = count() + matrix::count();
    assert!(all >= 150, "{all} cases");
}

fn run(subject: Subject, text: &str) {
    let cases = cases::read(text);
    if !subject.is_available() {
        return;
    }
    check(subject, &cases);
}

/// Runs the cases, some at the same time, and reports all that fail.
fn check(subject: Subject, cases: &[Case]) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) =
                    cases.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    let found = subject.run(&case.script);
                    let wanted = case.expected(subject);
                    if found != wanted {
                        let title = &case.title;
                        let failure = format!("== {title}\n-- wanted\n{wanted}-- found\n{found}");
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
