//! Instructions of the kernel's own virtual machine (BPF), and jumps to labels.
//!
//! Only what the programs of this module need. Knows nothing of addresses or hooks.

/// A register. `R0` carries results, `R1` to `R5` are lost in calls, `Frame` is the end of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Register {
    R0 = 0,
    R1 = 1,
    R2 = 2,
    R3 = 3,
    R4 = 4,
    R5 = 5,
    R6 = 6,
    R7 = 7,
    R8 = 8,
    Frame = 10,
}

/// One instruction, as the kernel reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Instruction {
    pub(super) code: u8,
    registers: u8,
    pub(super) offset: i16,
    pub(super) immediate: i32,
}

/// The codes in use. Values are compared in 32 bits: comparisons in 64 would extend the sign of the constant.
pub(super) mod code {
    pub(in super::super) const LOAD_WORD: u8 = 0x61;
    pub(in super::super) const LOAD_BYTE: u8 = 0x71;
    pub(in super::super) const COPY: u8 = 0xbf;
    pub(in super::super) const SET: u8 = 0xb7;
    pub(in super::super) const ADD: u8 = 0x07;
    pub(in super::super) const AND_32: u8 = 0x54;
    pub(in super::super) const JUMP: u8 = 0x05;
    pub(in super::super) const JUMP_EQUAL_32: u8 = 0x16;
    pub(in super::super) const JUMP_UNEQUAL_32: u8 = 0x56;
    pub(in super::super) const CALL: u8 = 0x85;
    pub(in super::super) const EXIT: u8 = 0x95;
}

impl Instruction {
    fn new(code: u8, to: Register, from: Register, offset: i16, immediate: i32) -> Self {
        let (to, from) = (to as u8, from as u8);
        // Two bit fields of a byte, whose order is that of the machine.
        let little = cfg!(target_endian = "little");
        let (low, high) = if little { (to, from) } else { (from, to) };
        let registers = high << 4 | low;
        Self {
            code,
            registers,
            offset,
            immediate,
        }
    }

    /// Where its result goes, and what it is made from.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the kernel"))]
    pub(super) fn registers(self) -> (usize, usize) {
        let (low, high) = (self.registers & 0xf, self.registers >> 4);
        let little = cfg!(target_endian = "little");
        let (to, from) = if little { (low, high) } else { (high, low) };
        (to.into(), from.into())
    }
}

/// A place in a program that jumps lead to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label(usize);

/// A program is longer than a jump can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the policy has too many rules for one program")]
pub struct TooLong;

/// A program that is being written.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    program: Vec<Instruction>,
    places: Vec<Option<usize>>,
    jumps: Vec<(usize, Label)>,
}

use Register::{Frame, R0};

impl Assembler {
    /// A new label, to be placed later.
    pub(super) fn label(&mut self) -> Label {
        self.places.push(None);
        Label(self.places.len() - 1)
    }

    /// The label means what comes next.
    pub(super) fn place(&mut self, label: Label) {
        self.places[label.0] = Some(self.program.len());
    }

    pub(super) fn load_word(&mut self, to: Register, base: Register, offset: i16) {
        self.push(code::LOAD_WORD, to, base, offset, 0);
    }

    pub(super) fn load_byte(&mut self, to: Register, base: Register, offset: i16) {
        self.push(code::LOAD_BYTE, to, base, offset, 0);
    }

    pub(super) fn copy(&mut self, to: Register, from: Register) {
        self.push(code::COPY, to, from, 0, 0);
    }

    pub(super) fn set(&mut self, to: Register, value: i32) {
        self.push(code::SET, to, R0, 0, value);
    }

    pub(super) fn add(&mut self, to: Register, value: i32) {
        self.push(code::ADD, to, R0, 0, value);
    }

    /// Keeps the bits of the mask.
    pub(super) fn and(&mut self, to: Register, mask: u32) {
        self.push(code::AND_32, to, R0, 0, mask.cast_signed());
    }

    /// The address of a place on the stack, counted from its end.
    pub(super) fn stack_address(&mut self, to: Register, offset: i16) {
        self.copy(to, Frame);
        self.add(to, offset.into());
    }

    pub(super) fn jump(&mut self, label: Label) {
        self.jump_by(code::JUMP, R0, 0, label);
    }

    pub(super) fn jump_if_equal(&mut self, register: Register, value: u32, label: Label) {
        self.jump_by(code::JUMP_EQUAL_32, register, value, label);
    }

    pub(super) fn jump_if_unequal(&mut self, register: Register, value: u32, label: Label) {
        self.jump_by(code::JUMP_UNEQUAL_32, register, value, label);
    }

    /// Calls a function of the kernel by its number.
    pub(super) fn call(&mut self, function: i32) {
        self.push(code::CALL, R0, R0, 0, function);
    }

    /// Ends the program with a result.
    pub(super) fn result(&mut self, value: i32) {
        self.set(R0, value);
        self.push(code::EXIT, R0, R0, 0, 0);
    }

    /// The program, with its jumps resolved.
    pub(super) fn finish(mut self) -> Result<Vec<Instruction>, TooLong> {
        for (at, label) in self.jumps {
            let place = self.places[label.0].expect("every label is placed");
            // Jumps go forward, and are counted from the instruction behind them.
            self.program[at].offset = i16::try_from(place - at - 1).map_err(|_| TooLong)?;
        }
        Ok(self.program)
    }

    fn jump_by(&mut self, code: u8, register: Register, value: u32, label: Label) {
        self.jumps.push((self.program.len(), label));
        self.push(code, register, R0, 0, value.cast_signed());
    }

    fn push(&mut self, code: u8, to: Register, from: Register, offset: i16, immediate: i32) {
        let instruction = Instruction::new(code, to, from, offset, immediate);
        self.program.push(instruction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_is_what_the_kernel_reads() {
        assert_eq!(size_of::<Instruction>(), 8);
        let load = Instruction::new(code::LOAD_WORD, Register::R2, Register::R1, 4, 0);
        if cfg!(target_endian = "little") {
            assert_eq!((load.code, load.registers, load.offset), (0x61, 0x12, 4));
        }
    }

    #[test]
    fn jumps_are_counted_from_the_instruction_behind_them() {
        let mut asm = Assembler::default();
        let end = asm.label();
        asm.jump_if_equal(R0, 7, end);
        asm.result(0);
        asm.place(end);
        asm.result(1);
        let program = asm.finish().unwrap();
        assert_eq!((program[0].offset, program[0].immediate), (2, 7));
    }

    #[test]
    fn a_jump_that_is_too_long_is_refused() {
        let mut asm = Assembler::default();
        let end = asm.label();
        asm.jump(end);
        (0..=i16::MAX).for_each(|_| asm.set(R0, 0));
        asm.place(end);
        assert_eq!(asm.finish(), Err(TooLong));
    }
}
