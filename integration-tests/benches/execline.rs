//! How fast scripts of execline are beside Debian's: a chain of commands, and loops of a thousand
//! turns. Both run each script in turn, several times; the medians are compared.
//!
//! `cargo bench --package sixfold-integration-tests --bench execline`. Fails when a script is less
//! than three times as fast as with the original, and when the original is missing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use sixfold_integration_tests::binary;
use tempfile::TempDir;

/// How many times as fast ours has to be.
const WANTED: f64 = 3.0;
/// Where Debian has its commands, and the interpreter.
const DEBIAN: &str = "/usr/lib/execline/bin";
const DEBIAN_INTERPRETER: &str = "/usr/bin/execlineb";

/// A script, and how often it is run with each subject.
struct Script {
    title: &'static str,
    text: String,
    rounds: usize,
    /// The exit code that it has.
    code: i32,
}

/// Twenty commands of the kinds that service scripts have, one after the other.
const CHAIN: &str = "
define a 1 define -s b \"x y\" importas -D none c NOPE
export A 1 export B 2 unexport B
multisubstitute { define d 4 importas -D 5 e NOPE }
multidefine \"p q\" { f g } elgetpositionals
fdmove -c 7 1 fdclose 7 redirfd -r 0 /dev/null
cd / umask 022 getcwd -E h getpid -E i
emptyenv -c if { eltest ${a} = 1 } ifelse { eltest ${a} = 2 } { exit 3 }
foreground { eltest ${d} = 4 } exit 0
";

fn scripts() -> Vec<Script> {
    let numbers: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    let forx = format!(
        "forx -E i {{ {} }} if {{ eltest ${{i}} -lt 1000 }} exit 0",
        numbers.join(" ")
    );
    // A file gets one byte more with each turn, until it has a thousand.
    let loopwhilex = format!(
        "foreground {{ redirfd -w 1 count exit }} loopwhilex
         redirfd -r 0 count withstdinas -E v export 1 x${{v}} export \"#\" 1
         foreground {{ redirfd -w 1 count dollarat -n }} eltest ${{v}} != {}",
        "x".repeat(999)
    );
    vec![
        Script {
            title: "a chain of 20 commands",
            text: CHAIN.to_owned(),
            rounds: 41,
            code: 0,
        },
        Script {
            title: "forx, 1000 turns",
            text: forx,
            rounds: 7,
            code: 0,
        },
        Script {
            title: "loopwhilex, 1000 turns",
            text: loopwhilex,
            rounds: 3,
            code: 1,
        },
    ]
}

fn main() -> ExitCode {
    if !Path::new(DEBIAN).is_dir() || !Path::new(DEBIAN_INTERPRETER).exists() {
        eprintln!("the Debian package execline is missing: there is nothing to compare with");
        return ExitCode::FAILURE;
    }
    let dir = TempDir::with_prefix("sixfold-bench-").unwrap();
    let ours = links(&dir);
    let mut is_met = true;
    println!("| script | Debian's | ours | times as fast |");
    println!("| --- | --- | --- | --- |");
    for script in scripts() {
        let file = dir.path().join("script");
        fs::write(&file, &script.text).unwrap();
        let (mut theirs, mut own) = (Vec::new(), Vec::new());
        for _ in 0..script.rounds {
            theirs.push(time(Path::new(DEBIAN_INTERPRETER), DEBIAN, &file, &script));
            own.push(time(
                &dir.path().join("bin/execlineb"),
                &ours,
                &file,
                &script,
            ));
        }
        let (theirs, own) = (median(theirs), median(own));
        let ratio = theirs.as_secs_f64() / own.as_secs_f64();
        is_met &= ratio >= WANTED;
        println!(
            "| {} | {:.2} ms | {:.2} ms | {ratio:.1} |",
            script.title,
            theirs.as_secs_f64() * 1000.0,
            own.as_secs_f64() * 1000.0
        );
    }
    if is_met {
        ExitCode::SUCCESS
    } else {
        eprintln!("less than {WANTED} times as fast");
        ExitCode::FAILURE
    }
}

/// Our commands, in a directory for a PATH.
fn links(dir: &TempDir) -> String {
    let bin = dir.path().join("bin");
    fs::create_dir(&bin).unwrap();
    for name in fs::read_dir(DEBIAN).unwrap() {
        symlink(binary(), bin.join(name.unwrap().file_name())).unwrap();
    }
    bin.display().to_string()
}

/// How long the script takes with one subject.
fn time(interpreter: &Path, path: &str, file: &Path, script: &Script) -> Duration {
    let mut command = Command::new(interpreter);
    command
        .arg("-P")
        .arg(file)
        .current_dir(file.parent().unwrap())
        .env_clear()
        .env("PATH", format!("{path}:/usr/bin:/bin"))
        .env("#", "0")
        .env("0", "script")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let start = Instant::now();
    let status = command.status().unwrap();
    let took = start.elapsed();
    assert_eq!(status.code(), Some(script.code), "{}", script.title);
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
