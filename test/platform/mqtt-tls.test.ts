import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { mosquittoMissing, startMosquitto } from '../support/mosquitto.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { listenTo } from './listener.ts'

const openssl = existsSync('/usr/bin/openssl')
const skip =
  mosquittoMissing() ||
  (openssl ? false : 'NOT TESTED: openssl is missing. Install it: apt-get install openssl')

/** A Mosquitto that speaks TLS with a certificate that nobody knows, and wants one of its clients. */
async function startSecure(t: TestContext) {
  const folder = temporaryFolder(t)
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      ...subject
    ].concat(['-keyout', key, '-out', cert]),
    { stdio: 'ignore' }
  )
  const broker = await startMosquitto(t, {
    config: [`certfile ${cert}`, `keyfile ${key}`, `cafile ${cert}`, 'require_certificate true']
  })
  return { url: broker.url.replace('mqtt:', 'mqtts:'), key: readFileSync(key), cert: readFileSync(cert) }
}

test('over TLS a client with the right certificates is let in', { skip }, async (t) => {
  const { url, key, cert } = await startSecure(t)
  const ear = listenTo(t, url, { mqtt: { tls: { ca: cert, cert, key } } })
  ear.connection.subscribe(['a'])
  await ear.connectedTimes(1)
  ear.connection.publish('a', 'secret')
  await ear.message('a', 'secret')
})

test('a broker whose certificate nobody vouches for is not spoken to, and the reason is told in words', {
  skip
}, async (t) => {
  const { url } = await startSecure(t)
  const ear = listenTo(t, url)
  const told = await ear.events.next('reason', (event) => event.kind === 'disconnected')
  assert.match(told.text ?? '', /certificate is not vouched for/)
})

test('a certificate that cannot be read is told in words, and harms nothing', { skip }, async (t) => {
  const { url } = await startSecure(t)
  const ear = listenTo(t, url, { mqtt: { tls: { cert: 'no PEM', key: 'no PEM' } } })
  const told = await ear.events.next('reason', (event) => event.kind === 'disconnected')
  assert.match(told.text ?? '', /own certificate or key cannot be used/)
})
