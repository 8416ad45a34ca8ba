//! The formats that other programs read and write: bytes in FIFOs and files whose meaning is fixed
//! by s6 and s6-overlay. No IO: what is here turns bytes into values and back.

pub mod paths;
pub mod scan_control;

pub use scan_control::ScanCommand;
