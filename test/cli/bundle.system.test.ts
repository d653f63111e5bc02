import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../support/temporary.ts'

test('one bundle, with serialport beside it, runs the command line without the sources', (t) => {
  const folder = temporaryFolder(t)
  execFileSync(process.execPath, ['.bundle.mjs', folder])
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  const run = (...args: string[]): string =>
    execFileSync(process.execPath, [join(folder, 'locksmith.mjs'), ...args], {
      encoding: 'utf8',
      cwd: folder
    })
  assert.match(run('--version'), /^\d+\.\d+\.\d+\n$/)
  assert.match(run('agent', '--help'), /--config FILE/)
  assert.match(run('serve', '--help'), /--store/)
})
