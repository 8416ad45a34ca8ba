//! What signals mean, depending on who sent them and what we are.

use super::*;

fn received(signal: Signal, sender: i32) -> Received {
    Received {
        signal: signal.number(),
        sender,
        from_kernel: false,
    }
}

fn stop(signal: Signal, origin: Origin) -> Option<Input> {
    Some(Input::StopSignal { signal, origin })
}

#[tokio::test(flavor = "current_thread")]
async fn senders_outside_the_container_are_told_from_those_inside() {
    let init = Signals::new(false, true).unwrap();
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
    let subreaper = Signals::new(false, false).unwrap();
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
    let plain = Signals::new(false, true).unwrap();
    let on_terminal = Signals::new(true, true).unwrap();
    for signal in [Signal::HUP, Signal::ALRM] {
        assert_eq!(plain.meaning(received(signal, 0)), Some(Input::Rescan));
    }
    assert_eq!(
        plain.meaning(received(Signal::WINCH, 0)),
        stop(Signal::WINCH, Origin::Outside)
    );
    assert_eq!(on_terminal.meaning(received(Signal::WINCH, 0)), None);
    let unknown = Received {
        signal: 65,
        sender: 0,
        from_kernel: false,
    };
    assert_eq!(plain.meaning(unknown), None);
}
