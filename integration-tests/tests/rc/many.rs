//! Many services.

use sixfold_integration_tests::{Nest, root_available};

use super::Services as _;

#[test]
fn a_thousand_services_boot_and_stop() {
    if !root_available() {
        return;
    }
    let mut nest = Nest::new();
    let mut last = "base".to_owned();
    for number in 0..500 {
        let (one, two) = (format!("one-{number}"), format!("two-{number}"));
        nest = nest.oneshot(&one, "", &[&last]);
        nest = nest.longrun(&two, "exec sleep 1000", &[&one]);
        if number % 2 == 0 {
            last = one;
        }
    }
    let end = nest.cmd_sh("echo cmd runs").run();
    end.assert_code(0).assert_has("cmd runs");
    for done in ["successfully started", "successfully stopped"] {
        assert_eq!(end.count(done), 1000, "{done}: {end}");
    }
}
