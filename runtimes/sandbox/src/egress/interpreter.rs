//! Runs compiled programs as the kernel would, for tests: the same instructions, a context, a packet and a stack.

use super::asm::{Instruction, code};

const STACK_BYTES: usize = 512;
/// What registers hold instead of addresses: the context, and the end of the stack.
const CONTEXT: u64 = 1 << 32;
const STACK_END: u64 = 2 << 32;

/// What a program decides; panics where the kernel would have refused the program.
pub(super) fn run(program: &[Instruction], context: &[u8], packet: &[u8]) -> u64 {
    let mut machine = Machine {
        registers: [0; 11],
        stack: [0; STACK_BYTES],
        context,
        packet,
    };
    machine.registers[1] = CONTEXT;
    machine.registers[10] = STACK_END;
    let mut at = 0;
    loop {
        let instruction = program[at];
        if instruction.code == code::EXIT {
            return machine.registers[0];
        }
        at += 1 + machine.step(instruction);
    }
}

struct Machine<'a> {
    registers: [u64; 11],
    stack: [u8; STACK_BYTES],
    context: &'a [u8],
    packet: &'a [u8],
}

impl Machine<'_> {
    /// Does one instruction; how many to jump over.
    fn step(&mut self, instruction: Instruction) -> usize {
        let (to, from) = instruction.registers();
        let immediate = i64::from(instruction.immediate).cast_unsigned();
        let jump = usize::try_from(instruction.offset);
        let low = |value: u64| value & u64::from(u32::MAX);
        let is_equal = low(self.registers[to]) == low(immediate);
        match instruction.code {
            code::SET => self.registers[to] = immediate,
            code::COPY => self.registers[to] = self.registers[from],
            code::ADD => self.registers[to] = self.registers[to].wrapping_add(immediate),
            code::AND_32 => self.registers[to] = low(self.registers[to] & immediate),
            code::LOAD_WORD => self.registers[to] = self.load(from, instruction.offset, 4),
            code::LOAD_BYTE => self.registers[to] = self.load(from, instruction.offset, 1),
            code::CALL => self.load_bytes(),
            code::JUMP => return jump.unwrap(),
            code::JUMP_EQUAL_32 if is_equal => return jump.unwrap(),
            code::JUMP_UNEQUAL_32 if !is_equal => return jump.unwrap(),
            code::JUMP_EQUAL_32 | code::JUMP_UNEQUAL_32 => {}
            unknown => panic!("unknown instruction {unknown:#x}"),
        }
        0
    }

    fn load(&self, base: usize, offset: i16, bytes: usize) -> u64 {
        let offset = isize::from(offset);
        let bytes = match self.registers[base] {
            CONTEXT => &self.context[offset.cast_unsigned()..][..bytes],
            STACK_END => &self.stack[STACK_BYTES.checked_add_signed(offset).unwrap()..][..bytes],
            other => panic!("load from {other:#x}"),
        };
        match bytes.try_into() {
            Ok(word) => u32::from_ne_bytes(word).into(),
            Err(_) => bytes[0].into(),
        }
    }

    /// The one helper: copies from the packet to the stack, and takes registers 1 to 5 with it.
    fn load_bytes(&mut self) {
        assert_eq!(self.registers[1], CONTEXT);
        let number = |register: usize| usize::try_from(self.registers[register]).unwrap();
        let (offset, count) = (number(2), number(4));
        let below_end = usize::try_from(STACK_END - self.registers[3]).unwrap();
        assert!(count <= below_end && below_end <= STACK_BYTES);
        self.registers[1..=5].fill(u64::MAX);
        let Some(bytes) = self.packet.get(offset..offset + count) else {
            self.registers[0] = u64::MAX;
            return;
        };
        self.stack[STACK_BYTES - below_end..][..count].copy_from_slice(bytes);
        self.registers[0] = 0;
    }
}
