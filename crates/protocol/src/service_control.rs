//! The bytes that s6-svc writes into `supervise/control`, and the letters that the supervisor tells
//! in `event/` (s6-svc(1), s6-supervise(8)).

/// The letters of s6-svc that a supervisor understands, each also the byte that is sent.
pub const LETTERS: &[u8] = b"abqhkti12pcyrlPCKoduDUxOQ";

/// The numbers of the signals that have a letter, and their letters.
pub const SIGNAL_LETTERS: [(i32, u8); 12] = [
    (1, b'h'),
    (2, b'i'),
    (3, b'q'),
    (6, b'b'),
    (9, b'k'),
    (10, b'1'),
    (12, b'2'),
    (14, b'a'),
    (15, b't'),
    (18, b'c'),
    (19, b'p'),
    (28, b'y'),
];

/// What a supervisor tells.
pub mod event {
    /// The supervisor started.
    pub const SUPERVISED: u8 = b's';
    /// `run` was started.
    pub const UP: u8 = b'u';
    /// The service announced its readiness.
    pub const READY: u8 = b'U';
    /// `run` died.
    pub const DOWN: u8 = b'd';
    /// The finish script is over, or there is none: the service may be started again.
    pub const FINISHED: u8 = b'D';
    /// The finish script said that the service will never work; told before [`FINISHED`].
    pub const FAILED: u8 = b'O';
    /// The supervisor left.
    pub const LEFT: u8 = b'x';
}
