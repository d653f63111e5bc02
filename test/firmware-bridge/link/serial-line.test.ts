import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadLibc } from '../../../firmware-bridge/emulator/libc.ts'
import { Pty } from '../../../firmware-bridge/emulator/pty.ts'
import type { Timers } from '../../../firmware-bridge/link/line.ts'
import { serialLine } from '../../../firmware-bridge/link/serial-line.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { HandTimers } from '../../support/hand-timers.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { createRecorder } from '../../support/wait.ts'

type Said = { opened: true } | { data: string } | { closed: string }

function openAt(t: TestContext, port: string, timers: Timers = systemClock()) {
  const said = createRecorder<Said>()
  const line = serialLine({ port, baudRate: 115_200, timers })
  t.after(() => line.close())
  line.open({
    opened: () => said.add({ opened: true }),
    data: (bytes) => said.add({ data: Buffer.from(bytes).toString('latin1') }),
    closed: (closed) => said.add({ closed })
  })
  const opened = () => said.next('opened', (it) => 'opened' in it)
  const closed = async () => {
    const end = await said.next('closed', (it) => 'closed' in it)
    return 'closed' in end ? end.closed : ''
  }
  return { line, said, opened, closed }
}

function device(t: TestContext) {
  const heard = createRecorder<string>()
  const link = join(temporaryFolder(t), 'tty')
  const received = (bytes: Buffer) => heard.add(bytes.toString('latin1'))
  const pty = new Pty({ libc: loadLibc(), link, received })
  let open = true
  const unplug = () => {
    if (open) pty.close()
    open = false
  }
  t.after(unplug)
  return { pty, heard, link, unplug }
}

test('bytes go both ways over a serial device', async (t) => {
  const { pty, heard, link } = device(t)
  const { line, said, opened } = openAt(t, link)
  await opened()
  line.write(Buffer.from('to the controller'))
  await heard.next('what was written', () => heard.all.join('') === 'to the controller')
  pty.send(Buffer.from('to the host'))
  await said.next('what was sent', (it) => 'data' in it && it.data === 'to the host')
})

test('nothing that is written before opening or after closing is ever delivered', async (t) => {
  const { heard, link } = device(t)
  const early = serialLine({ port: link, baudRate: 115_200, timers: systemClock() })
  early.write(Buffer.from('early'))
  await early.close()
  early.write(Buffer.from('late'))
  const { line, opened } = openAt(t, link)
  line.write(Buffer.from('before'))
  await opened()
  line.write(Buffer.from('now'))
  await heard.next('what was written while open', () => heard.all.join('').endsWith('now'))
  assert.equal(heard.all.join(''), 'now')
})

test('a port that does not exist is named, with what to check', async (t) => {
  const { closed } = openAt(t, '/dev/serial/by-id/nobody')
  assert.match(await closed(), /\/dev\/serial\/by-id\/nobody does not exist: check the cable/)
})

test('a port that another process holds is called in use', async (t) => {
  const { link } = device(t)
  const first = openAt(t, link)
  await first.opened()
  const second = openAt(t, link)
  assert.match(await second.closed(), /in use by another process/)
  await first.line.close()
  const third = openAt(t, link)
  await third.opened()
})

test('a file that is no serial port is refused', async (t) => {
  const file = join(temporaryFolder(t), 'plain')
  writeFileSync(file, 'x')
  assert.match(await openAt(t, file).closed(), /is no serial port/)
})

// Reading alone may miss it: the kernel then answers each read with nothing, and serialport reads again.
test('a device that disappears closes the line, with the next write at the latest', async (t) => {
  const { link, unplug } = device(t)
  const { line, opened, closed } = openAt(t, link)
  await opened()
  unplug()
  line.write(Uint8Array.of(0))
  assert.match(await closed(), /is gone/)
})

test('a line that was closed while it opened says nothing and leaves the port free', async (t) => {
  const { link } = device(t)
  const { line, said } = openAt(t, link)
  await line.close()
  const next = openAt(t, link)
  await next.opened()
  assert.deepEqual(said.all, [])
})

test('a write that the device does not take within a second closes the line', async (t) => {
  const { pty, link } = device(t)
  const timers = new HandTimers()
  const { line, opened, closed } = openAt(t, link, timers)
  await opened()
  pty.throttle(true)
  line.write(new Uint8Array(1_000_000))
  await timers.advance(1_000)
  assert.match(await closed(), /is stuck/)
  await line.close()
})

test('a line is opened once', (t) => {
  const { line } = openAt(t, '/dev/nobody')
  assert.throws(() => line.open({ opened() {}, data() {}, closed() {} }), /opened once/)
})
