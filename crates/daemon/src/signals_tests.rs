//! What signals mean, depending on who sent them and what we are.

use super::*;
use crate::subscriber::Format;
use crate::world::tests::plain;

fn received(signal: Signal, sender: i32) -> Received {
    Received {
        signal: signal.number(),
        sender,
        from_kernel: false,
    }
}

fn stop(signal: Signal, origin: Origin) -> Vec<Input> {
    vec![Input::StopSignal { signal, origin }]
}

/// The signals of PID 1, or of another process, in this role.
fn signals(role: Role, is_init: bool, has_terminal: bool) -> Signals {
    let mut world = plain(Format::Text);
    world.role = role;
    world.is_init = is_init;
    Signals::new(Rc::new(world), has_terminal).unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn senders_outside_the_container_are_told_from_those_inside() {
    let init = signals(Role::Container, true, false);
    assert_eq!(
        init.meaning(received(Signal::TERM, 0)),
        stop(Signal::TERM, Origin::Outside)
    );
    assert_eq!(
        init.meaning(received(Signal::TERM, 7)),
        stop(Signal::TERM, Origin::Inside)
    );
    let from_terminal = Received {
        from_kernel: true,
        ..received(Signal::INT, 7)
    };
    assert_eq!(
        init.meaning(from_terminal),
        stop(Signal::INT, Origin::Outside)
    );

    let parent = process::parent();
    assert_eq!(
        init.meaning(received(Signal::TERM, parent)),
        stop(Signal::TERM, Origin::Inside),
        "PID 1 has no parent in its container"
    );
    let subreaper = signals(Role::Container, false, false);
    assert_eq!(
        subreaper.meaning(received(Signal::TERM, parent)),
        stop(Signal::TERM, Origin::Outside)
    );
    assert_eq!(
        subreaper.meaning(received(Signal::TERM, parent + 1)),
        stop(Signal::TERM, Origin::Inside)
    );
}

#[tokio::test(flavor = "current_thread")]
async fn some_signals_do_not_stop() {
    let plain = signals(Role::Container, true, false);
    let on_terminal = signals(Role::Container, true, true);
    let prune = Input::Prune { loggers: false };
    assert_eq!(
        plain.meaning(received(Signal::HUP, 0)),
        [Input::Rescan, prune]
    );
    assert_eq!(plain.meaning(received(Signal::ALRM, 0)), [Input::Rescan]);
    assert_eq!(
        plain.meaning(received(Signal::WINCH, 0)),
        stop(Signal::WINCH, Origin::Outside)
    );
    assert_eq!(on_terminal.meaning(received(Signal::WINCH, 0)), []);
    let unknown = Received {
        signal: 65,
        sender: 0,
        from_kernel: false,
    };
    assert_eq!(plain.meaning(unknown), []);
}

#[tokio::test(flavor = "current_thread")]
async fn s6_svscan_reacts_to_signals_as_to_control_bytes() {
    let role = Role::ScanDirectory {
        most: 1000,
        rescan: None,
    };
    let scan = signals(role, true, false);
    let prune = Input::Prune { loggers: false };
    let stop = |loggers| vec![Input::Stop { loggers }];
    for (signal, inputs) in [
        (Signal::HUP, vec![Input::Rescan, prune]),
        (Signal::ALRM, vec![Input::Rescan]),
        (Signal::TERM, stop(false)),
        (Signal::INT, stop(false)),
        (Signal::QUIT, stop(true)),
        (Signal::ABRT, vec![Input::Abort]),
        (Signal::USR1, vec![]),
        (Signal::PWR, vec![]),
    ] {
        assert_eq!(scan.meaning(received(signal, 7)), inputs, "{signal}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn s6_supervise_takes_signals_as_orders() {
    let single = signals(Role::Service, false, false);
    for (signal, command) in [
        (Signal::TERM, Command::Terminate),
        (Signal::HUP, Command::Leave),
        (Signal::QUIT, Command::Abandon),
        (Signal::INT, Command::Interrupt),
    ] {
        let meant = single.meaning(received(signal, 7));
        assert_eq!(meant, [Input::ControlAll { command }], "{signal}");
    }
    assert_eq!(single.meaning(received(Signal::USR1, 7)), []);
}
