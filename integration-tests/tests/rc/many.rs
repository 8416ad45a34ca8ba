//! Many services.

use std::time::Duration;

use sixfold_integration_tests::{Nest, root_available};

use super::Services as _;

#[test]
fn hundreds_of_services_boot_and_stop() {
    if !root_available() {
        return;
    }
    let mut nest = Nest::new();
    let mut last = "base".to_owned();
    for number in 0..150 {
        let (one, two) = (format!("one-{number}"), format!("two-{number}"));
        nest = nest.oneshot(&one, "", &[&last]);
        nest = nest.longrun(&two, "exec sleep 1000", &[&one]);
        if number % 2 == 0 {
            last = one;
        }
    }
    let end = nest.cmd_sh("echo cmd runs").run();
    end.assert_code(0)
        .assert_has("cmd runs")
        .assert_has("s6-rc: info: service one-0 successfully stopped")
        .assert_within(Duration::from_secs(15));
    assert_eq!(end.count("successfully started"), 300, "{end}");
}
