import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { runSeed } from '../../src/simulation/index.ts'

const face = new URL('../../src/simulation/index.ts', import.meta.url).href

test('a seed tells the same story to the byte, again and in another process', async () => {
  for (const seed of [1, 2, 3]) {
    const once = await runSeed(seed, 1)
    const again = await runSeed(seed, 1)
    assert.deepEqual(again, once)
    const script = `const { runSeed } = await import(${JSON.stringify(face)})
      process.stdout.write((await runSeed(${seed}, 1)).digest)`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    assert.equal(stdout, once.digest)
  }
})

test('another seed tells another story', async () => {
  const [one, other] = [await runSeed(1, 1), await runSeed(4, 1)]
  assert.notEqual(one.digest, other.digest)
})

test('a shorter run is the beginning of a longer one', async () => {
  const [shorter, longer] = [await runSeed(2, 1), await runSeed(2, 2)]
  assert.ok(longer.events > shorter.events)
  assert.equal(longer.violation, undefined)
})
