//! The formats that other programs read and write: bytes in FIFOs and files whose meaning is fixed
//! by s6 and s6-overlay. No IO: what is here turns bytes into values and back.

pub mod death_tally;
pub mod live;
pub mod notify;
pub mod paths;
pub mod scan_control;
pub mod service_control;
pub mod status;
pub mod tai;

pub use scan_control::ScanCommand;
pub use status::Status;
pub use tai::Tai64n;
