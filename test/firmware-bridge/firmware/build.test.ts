import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../../firmware-bridge/firmware', import.meta.url))

const missing = ['avr-gcc', 'avr-objcopy', 'clang', 'wasm-ld', 'make'].filter(
  (tool) => spawnSync(tool, ['--version']).error !== undefined
)
const skip =
  missing.length > 0 &&
  `NOT CHECKED: ${missing.join(', ')} missing; apt-get install gcc-avr avr-libc binutils-avr clang lld make`

function make(target: string) {
  const { status, stdout, stderr } = spawnSync('make', ['-s', target], { cwd: folder, encoding: 'utf8' })
  return { status, text: stdout + stderr }
}

describe('the build', () => {
  it('makes the committed images from these sources, to the byte', { skip }, () => {
    const { status, text } = make('check')
    assert.equal(status, 0, text)
  })

  it('stays under half of an Arduino Uno', { skip }, () => {
    const { status, text } = make('size')
    assert.equal(status, 0, text)
    assert.match(text, /flash \d+ of 16384 bytes, ram \d+ of 1024 bytes/)
  })
})
