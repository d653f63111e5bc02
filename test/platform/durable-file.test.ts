import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DiskError, systemFiles, writeDurably } from '../../src/platform/durable-file.ts'
import { startProcess } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary.ts'

const files = systemFiles()
const subject = new URL('../../src/platform/durable-file.ts', import.meta.url).pathname
const strace = ['/usr/bin/strace', '/usr/local/bin/strace'].find((path) => existsSync(path))
const needsStrace = {
  skip: strace === undefined ? 'NOT TESTED: strace is missing. Install it: apt-get install strace' : false
}
const needsRoot = {
  skip: process.getuid?.() === 0 ? false : 'NOT TESTED: a full disk is made with tmpfs, which needs root'
}

function diskError(code: string, words: RegExp) {
  return (error: unknown): boolean =>
    error instanceof DiskError && error.code === code && words.test(error.message)
}

test('a file is read back as written, in folders that did not exist', (t) => {
  const path = join(temporaryFolder(t), 'a', 'b', 'aim.toml')
  assert.equal(files.read(path), undefined)
  files.write(path, 'größe = 1\n')
  files.write(path, 'größe = 2\n')
  assert.equal(files.read(path), 'größe = 2\n')
})

test('a folder that cannot be made is an error at once, also where the system says that its parent is missing', (t) => {
  assert.throws(
    () => files.write('/proc/nope/deeper/x', ''),
    diskError('ENOENT', /folder of the path is missing/)
  )
  const file = join(temporaryFolder(t), 'file')
  files.write(file, '')
  assert.throws(() => files.write(join(file, 'a', 'x'), ''), diskError('ENOTDIR', /not a folder/))
})

test('the order on disk is: content, fsync, rename, fsync of the folder', needsStrace, async (t) => {
  const path = join(temporaryFolder(t), 'aim.toml')
  const script = `import { writeDurably } from '${subject}'; writeDurably('${path}', 'x = 1')`
  const args = ['-f', '-y', '-e', 'trace=write,pwrite64,fsync,rename,renameat,renameat2']
  const traced = startProcess(t, strace ?? '', [
    ...args,
    process.execPath,
    '--input-type=module-typescript',
    '--eval',
    script
  ])
  assert.equal((await traced.exited()).code, 0)
  const calls = traced.stderr
    .split('\n')
    .filter((line) => line.includes(path.slice(0, -'aim.toml'.length - 1)))
    .map((line) => `${/(\w+)\(/.exec(line)?.[1]} ${line.includes('.unfinished') ? 'file' : 'folder'}`)
  assert.deepEqual(calls, ['write file', 'fsync file', 'rename file', 'fsync folder'])
})

test('what an interrupted write left behind is neither listed nor in the way, and the next write clears it', (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, '.aim.toml.unfinished'), 'half of')
  assert.deepEqual(files.list(folder), [])
  files.write(join(folder, 'aim.toml'), 'whole')
  assert.deepEqual(readdirSync(folder), ['aim.toml'])
})

test('the mode is the one asked for, whatever the umask', (t) => {
  const path = join(temporaryFolder(t), 'secret')
  const old = process.umask(0o077)
  t.after(() => process.umask(old))
  writeDurably(path, 'x', { mode: 0o664 })
  assert.equal(statSync(path).mode & 0o777, 0o664)
})

test('lines are appended one by one, and a line that a power cut tore stands alone', (t) => {
  const path = join(temporaryFolder(t), 'journal')
  files.append(path, '{"step":1}')
  writeFileSync(path, '{"st', { flag: 'a' })
  files.append(path, '{"step":2}')
  assert.equal(files.read(path), '{"step":1}\n{"st\n{"step":2}\n')
})

test('remove takes a file away, and is content when there is none', (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'x')
  files.write(path, '1')
  files.remove(path)
  files.remove(path)
  assert.equal(files.read(path), undefined)
  assert.deepEqual(files.list(join(folder, 'none')), [])
})

test('a symbolic link is never followed: replaced by a write, refused by read and append', (t) => {
  const folder = temporaryFolder(t)
  const [victim, link] = [join(folder, 'victim'), join(folder, 'link')]
  writeFileSync(victim, 'untouched')
  symlinkSync(victim, link)
  assert.throws(() => files.read(link), diskError('ELOOP', /symbolic link/))
  assert.throws(() => files.append(link, 'line'), diskError('ELOOP', /symbolic link/))
  symlinkSync(victim, join(folder, '.link.unfinished'))
  files.write(link, 'new')
  assert.equal(readFileSync(victim, 'utf8'), 'untouched')
  assert.equal(files.read(link), 'new')
})

test('a folder, a pipe or a device in the place of a file is refused, and does not hang', (t) => {
  const folder = temporaryFolder(t)
  const [pipe, inner] = [join(folder, 'pipe'), join(folder, 'inner')]
  execFileSync('mkfifo', [pipe])
  mkdirSync(inner)
  assert.throws(() => files.read(pipe), diskError('ENOTFILE', /no plain file/))
  assert.throws(() => files.read('/dev/zero'), diskError('ENOTFILE', /no plain file/))
  assert.throws(() => files.read(inner), diskError('EISDIR', /folder/))
  assert.throws(() => files.write(inner, 'x'), diskError('EISDIR', /folder/))
  assert.throws(() => files.write('/dev/null/x', 'x'), diskError('EEXIST', /in the way/))
  assert.deepEqual(readdirSync(folder), ['inner', 'pipe'])
})

test(
  'a full disk: old content stays, no half line and no leftover remain, and the error says so',
  needsRoot,
  (t) => {
    const folder = temporaryFolder(t)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder])
    try {
      const [path, journal] = [join(folder, 'aim.toml'), join(folder, 'journal')]
      files.write(path, 'old')
      files.append(journal, 'first')
      assert.throws(() => files.write(path, 'x'.repeat(200_000)), diskError('ENOSPC', /disk is full/))
      assert.throws(() => files.append(journal, 'x'.repeat(200_000)), diskError('ENOSPC', /disk is full/))
      assert.equal(files.read(path), 'old')
      assert.equal(files.read(journal), 'first\n')
      assert.deepEqual(readdirSync(folder), ['aim.toml', 'journal'])
      execFileSync('mount', ['-o', 'remount,ro', folder])
      assert.throws(() => files.write(path, 'new'), diskError('EROFS', /read-only/))
    } finally {
      execFileSync('umount', [folder])
    }
  }
)
