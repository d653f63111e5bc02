import { avrInstruction, CPU } from 'avr8js'
import { Chip, CLOCK_HZ, SRAM_BYTES } from './chip.ts'

/** An address in SRAM for every pointer register and for the stack. */
const POINTER = 0x0300
const POINTER_REGISTERS = [26, 28, 30]
/** Long enough for the interpreter's loop to be compiled too. */
const RUN_CYCLES = 0.25 * CLOCK_HZ

/**
 * Executes every instruction and then some of the firmware on chips that nobody sees, so that V8 has compiled the interpreter before
 * the first client comes. Without it the first exchange meets instructions for the first time, the compiled code is thrown away
 * twice, and the chips fall behind real time by some hundred milliseconds, enough for a host to call the line silent.
 */
export function warmUp(flash: Uint16Array): void {
  everyInstruction()
  let bytes = 0
  const line = { take: () => (bytes++ * 37) & 0xff, sent: () => {} }
  new Chip({ flash, line }).runTo(RUN_CYCLES)
}

function everyInstruction(): void {
  const program = new Uint16Array(0x10)
  const cpu = new CPU(program, SRAM_BYTES)
  for (let opcode = 0; opcode <= 0xffff; opcode++) {
    for (const register of POINTER_REGISTERS) cpu.dataView.setUint16(register, POINTER, true)
    cpu.SP = POINTER
    cpu.pc = 0
    program[0] = opcode
    program[1] = POINTER
    avrInstruction(cpu)
  }
}
