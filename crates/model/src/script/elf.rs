//! Reads the header of an ELF file (elf(5)), for the machine that it was built for.
//!
//! Never says that a file runs: only what certainly does not run here is refused, the rest is left
//! to the kernel. Called from `script`.

use std::fmt;

/// The machines of the ELF header that containers are built for (`e_machine`).
const I386: u16 = 3;
const ARM: u16 = 40;
const X86_64: u16 = 62;
const AARCH64: u16 = 183;
const RISCV: u16 = 243;

/// `EI_CLASS`: a 32-bit file.
const CLASS_32: u8 = 1;
/// `EI_CLASS`: a 64-bit file.
const CLASS_64: u8 = 2;
/// `EI_DATA`: the most significant byte comes first.
const BIG_ENDIAN: u8 = 2;

/// What a program was built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine {
    class: u8,
    big_endian: bool,
    number: u16,
}

impl Machine {
    /// The machine that the ELF file with these first bytes is for; `None` if they are too few.
    pub(super) fn read(head: &[u8]) -> Option<Self> {
        let big_endian = *head.get(5)? == BIG_ENDIAN;
        let number = [*head.get(18)?, *head.get(19)?];
        Some(Self {
            class: *head.get(4)?,
            big_endian,
            number: if big_endian {
                u16::from_be_bytes(number)
            } else {
                u16::from_le_bytes(number)
            },
        })
    }

    /// Whether `host`, an architecture by Rust's name for it, may run this. The 32-bit and 64-bit
    /// machines of one family may run each other's programs, since it is the kernel that decides,
    /// and a 32-bit init can run on a 64-bit kernel. What a host that is not known here may run is
    /// not known either: everything.
    pub(super) fn may_run_on(self, host: &str) -> bool {
        let machines: &[(u16, u8)] = match host {
            "x86_64" | "x86" => &[(X86_64, CLASS_64), (X86_64, CLASS_32), (I386, CLASS_32)],
            "aarch64" | "arm" => &[(AARCH64, CLASS_64), (ARM, CLASS_32)],
            "riscv64" => &[(RISCV, CLASS_64)],
            _ => return true,
        };
        !self.big_endian && machines.contains(&(self.number, self.class))
    }
}

impl fmt::Display for Machine {
    /// The machine's name, with the name that its compilers have for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match (self.number, self.class) {
            (I386, _) => "x86 32-bit (i386)",
            (8, _) => "MIPS",
            (20, _) => "PowerPC 32-bit",
            (21, _) => "PowerPC 64-bit (ppc64)",
            (22, _) => "IBM Z (s390x)",
            (ARM, _) => "ARM 32-bit (arm)",
            (X86_64, CLASS_32) => "x86 64-bit with 32-bit pointers (x32)",
            (X86_64, _) => "x86 64-bit (x86_64)",
            (AARCH64, CLASS_32) => "ARM 64-bit with 32-bit pointers (aarch64_ilp32)",
            (AARCH64, _) => "ARM 64-bit (aarch64)",
            (RISCV, CLASS_32) => "RISC-V 32-bit (riscv32)",
            (RISCV, _) => "RISC-V 64-bit (riscv64)",
            (258, _) => "LoongArch",
            (other, _) => return write!(f, "an unknown machine (ELF number {other})"),
        };
        f.write_str(name)?;
        // IBM Z knows no other order.
        if self.big_endian && self.number != 22 {
            f.write_str(", big-endian")?;
        }
        Ok(())
    }
}

/// The architecture that this was built for, by Rust's name for it.
pub(super) const HOST: &str = if cfg!(target_arch = "x86_64") {
    "x86_64"
} else if cfg!(target_arch = "aarch64") {
    "aarch64"
} else if cfg!(target_arch = "arm") {
    "arm"
} else if cfg!(target_arch = "riscv64") {
    "riscv64"
} else if cfg!(target_arch = "x86") {
    "x86"
} else {
    "another architecture"
};

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The first bytes of a little-endian ELF file.
    pub(crate) fn header(class: u8, machine: u16) -> Vec<u8> {
        let mut head = b"\x7fELF".to_vec();
        head.extend([class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]);
        head.extend(machine.to_le_bytes());
        head
    }

    #[test]
    fn a_family_runs_its_members() {
        let machine = |class, number| Machine::read(&header(class, number)).unwrap();
        for (host, class, number, runs) in [
            ("x86_64", CLASS_64, X86_64, true),
            ("x86_64", CLASS_32, I386, true),
            ("x86_64", CLASS_64, AARCH64, false),
            ("x86_64", CLASS_64, I386, false),
            ("aarch64", CLASS_64, AARCH64, true),
            ("aarch64", CLASS_32, ARM, true),
            ("aarch64", CLASS_64, X86_64, false),
            ("arm", CLASS_64, AARCH64, true),
            ("riscv64", CLASS_64, RISCV, true),
            ("riscv64", CLASS_32, RISCV, false),
            ("another architecture", CLASS_64, X86_64, true),
        ] {
            let machine = machine(class, number);
            assert_eq!(machine.may_run_on(host), runs, "{machine} on {host}");
        }
    }

    #[test]
    fn byte_order_counts() {
        let mut head = header(CLASS_64, 0);
        head.splice(5..6, [BIG_ENDIAN]);
        head.splice(18..20, AARCH64.to_be_bytes());
        let machine = Machine::read(&head).unwrap();
        assert!(!machine.may_run_on("aarch64"));
        assert_eq!(machine.to_string(), "ARM 64-bit (aarch64), big-endian");
    }

    #[test]
    fn too_short_is_not_known() {
        let head = header(CLASS_64, X86_64);
        for length in 0..head.len() {
            assert_eq!(Machine::read(&head[..length]), None);
        }
    }

    #[test]
    fn this_machine_runs_what_it_was_built_for() {
        let own = [
            (CLASS_64, X86_64),
            (CLASS_64, AARCH64),
            (CLASS_64, RISCV),
            (CLASS_32, ARM),
            (CLASS_32, I386),
        ];
        let runs = |(class, number)| Machine::read(&header(class, number)).unwrap();
        assert!(own.into_iter().map(runs).any(|m| m.may_run_on(HOST)));
    }
}
