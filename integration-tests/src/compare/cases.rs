//! Case files, read.

use super::Subject;

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its title, with the sections of the specification it is about.
    pub title: String,
    /// What is run.
    pub script: String,
    wanted: String,
    /// Why ours differs, and what it prints.
    ours: Option<(String, String)>,
}

impl Case {
    /// What the case prints with that subject.
    pub fn expected(&self, subject: Subject) -> &str {
        match (subject, &self.ours) {
            (Subject::Sixfold, Some((_, ours))) => ours,
            (Subject::Sixfold | Subject::Debian, _) => &self.wanted,
        }
    }
}

/// The cases of a file.
///
/// # Panics
///
/// When it is none: a case without a section, without a script, or without a reason to differ.
pub fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("== ") {
            assert!(title.ends_with(')'), "{title}: cites no section");
            cases.push(Case {
                title: title.to_owned(),
                script: String::new(),
                wanted: String::new(),
                ours: None,
            });
            continue;
        }
        let Some(case) = cases.last_mut() else {
            assert!(
                line.is_empty() || line.starts_with('#'),
                "{line}: in no case"
            );
            continue;
        };
        if let Some(reason) = line.strip_prefix("!! ") {
            case.ours = Some((reason.to_owned(), String::new()));
        } else if let Some(output) = line.strip_prefix('>') {
            let output = output.strip_prefix(' ').unwrap_or(output);
            let to = case
                .ours
                .as_mut()
                .map_or(&mut case.wanted, |(_, ours)| ours);
            to.push_str(output);
            to.push('\n');
        } else {
            case.script.push_str(line);
            case.script.push('\n');
        }
    }
    for case in &cases {
        assert!(!case.script.trim().is_empty(), "{}: no script", case.title);
        if let Some((reason, ours)) = &case.ours {
            assert!(!reason.is_empty() && *ours != case.wanted, "{}", case.title);
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_into_cases() {
        let text = "# about\n\n== one (A1)\necho x\n> x\n>\n== two (B)\nfalse\n!! reason\n> y\n";
        let cases = read(text);
        assert_eq!(cases.len(), 2);
        assert_eq!(cases[0].script, "echo x\n");
        assert_eq!(cases[0].expected(Subject::Debian), "x\n\n");
        assert_eq!(cases[0].expected(Subject::Sixfold), "x\n\n");
        assert_eq!(cases[1].expected(Subject::Debian), "");
        assert_eq!(cases[1].expected(Subject::Sixfold), "y\n");
    }
}
