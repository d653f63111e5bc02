import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Chip, CLOCK_HZ } from '../../../firmware-bridge/emulator/chip.ts'
import { HexError, parseIntelHex } from '../../../firmware-bridge/emulator/intel-hex.ts'
import { echoHex, sampleBytes } from './echo-boards.ts'

const image = readFileSync(echoHex, 'utf8')

function echoChip(eeprom?: Uint8Array) {
  const toChip: number[] = []
  const said: number[] = []
  const line = { take: () => toChip.shift(), sent: (byte: number) => void said.push(byte) }
  const chip = new Chip({ flash: parseIntelHex(image), line, ...(eeprom && { eeprom }) })
  const run = (ms: number): void => chip.runTo(chip.cycles + (ms * CLOCK_HZ) / 1000)
  const tell = (bytes: Uint8Array): void => {
    toChip.push(...bytes)
    chip.wakeLine()
  }
  run(10)
  return { chip, run, tell, said }
}

test('bytes leave the chip without gaps, at its baud rate', () => {
  const { chip, run, tell, said } = echoChip()
  const bytes = sampleBytes(1000)
  tell(bytes)
  // Ten bits a byte, one more byte for the way back, and a fifth of a byte for the interrupts in between.
  run((1000 * 10 * 1001.2) / chip.baudRate)
  assert.deepEqual(Buffer.from(said), bytes)
  assert.equal(chip.overruns, 0)
})

test('bytes that the firmware does not read in time are lost and counted, and the next are received', () => {
  const { chip, run, tell, said } = echoChip()
  const interrupts = chip.memory(0x5f, 1)
  interrupts[0]! &= 0x7f
  tell(Uint8Array.from([1, 2, 3, 4]))
  run(1)
  assert.equal(chip.overruns, 2)
  interrupts[0]! |= 0x80
  run(1)
  tell(Uint8Array.from([5]))
  run(1)
  assert.deepEqual(said, [1, 2, 5])
})

test('a reset keeps the EEPROM and the count of cycles, and RAM starts anew', () => {
  const { chip, run, said } = echoChip()
  const before = chip.cycles
  for (const boots of [1, 2]) {
    chip.reset()
    assert.ok(chip.cycles >= before)
    run(10)
    assert.equal(chip.eeprom()[0], boots)
  }
  assert.equal(Buffer.from(said).toString(), 'boot 1\nboot 2\n')
})

test('the EEPROM can be taken to another chip', () => {
  const first = echoChip()
  first.chip.reset()
  first.run(10)
  const second = echoChip(first.chip.eeprom())
  assert.equal(second.chip.eeprom()[0], 2)
})

test('a sleeping chip jumps from event to event: its timer has a few in a millisecond, not one per count', () => {
  const { chip } = echoChip()
  const end = chip.cycles + CLOCK_HZ / 100
  let events = 0
  while (chip.cycles < end) {
    chip.runTo(chip.asleep ? chip.idleUntil + 1 : chip.cycles + 1)
    if (chip.asleep) events += 1
  }
  assert.ok(events >= 10 && events <= 60, `${events} in 10 ms`)
})

test('an interrupt that waits for SEI wakes the chip from the SLEEP that follows, and is not slept through', () => {
  const wakeHex = readFileSync(new URL('./fixtures/wake.hex', import.meta.url), 'utf8')
  const toChip = [0x4c]
  const said: number[] = []
  const line = { take: () => toChip.shift(), sent: (byte: number) => void said.push(byte) }
  const chip = new Chip({ flash: parseIntelHex(wakeHex), line })
  chip.runTo(CLOCK_HZ / 100)
  assert.deepEqual(said, [0x4c])
})

for (const [what, text, words] of [
  ['text that is no hex', 'hello', /line 1: not an Intel hex record/],
  ['a wrong checksum', ':0100000000FE\n:00000001FF', /line 1: wrong checksum/],
  ['a wrong length', ':0200000000FE\n:00000001FF', /line 1: wrong length/],
  ['a file cut short', ':0100000000FF\n', /no end record/],
  ['an address beyond the flash', ':01800000007F\n:00000001FF', /line 1: address beyond the flash/]
] as const) {
  test(`an image is refused with words: ${what}`, () => {
    assert.throws(
      () => parseIntelHex(text),
      (error) => error instanceof HexError && words.test(error.message)
    )
  })
}
