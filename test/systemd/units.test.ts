import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { mosquittoMissing, startMosquitto } from '../support/mosquitto.ts'
import { temporaryFolder } from '../support/temporary.ts'

const folder = new URL('../../systemd/', import.meta.url).pathname
const units = ['locksmith.service', 'locksmith-agent.service']
const unit = (name: string): string => readFileSync(join(folder, name), 'utf8')

function needs(program: string) {
  const found = ['/usr/bin', '/bin', '/usr/sbin'].some((path) => existsSync(join(path, program)))
  return { skip: found ? false : `NOT TESTED: ${program} is missing. Install it: apt-get install systemd` }
}

/** A root folder with the files that the units name, and nothing else. */
function installed(t: TestContext): string {
  const root = temporaryFolder(t)
  const files = {
    'usr/lib/locksmith/node': '#!/bin/sh\n',
    'etc/passwd': 'locksmith:x:901:901::/:/bin/false\nlocksmith-agent:x:902:902::/:/bin/false\n',
    'etc/group': 'locksmith:x:901:\nlocksmith-agent:x:902:\ndialout:x:20:\n'
  }
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  for (const target of ['sysinit', 'basic', 'shutdown', 'network', 'multi-user']) {
    const path = join(root, 'usr/lib/systemd/system', `${target}.target`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, '[Unit]\nDescription=stand-in\n')
  }
  chmodSync(join(root, 'usr/lib/locksmith/node'), 0o755)
  for (const name of units) cpSync(join(folder, name), join(root, 'etc/systemd/system', name))
  return root
}

for (const name of units) {
  test(`systemd finds nothing to say against ${name}`, needs('systemd-analyze'), (t) => {
    const root = installed(t)
    const verdict = (): string => {
      const seen = spawnSync('systemd-analyze', ['verify', '--man=no', `--root=${root}`, name], {
        encoding: 'utf8'
      })
      const lines = `${seen.stdout}${seen.stderr}`.split('\n')
      return lines.filter((line) => line.includes('locksmith')).join('\n')
    }
    assert.equal(verdict(), '')
    const path = join(root, 'etc/systemd/system', name)
    writeFileSync(path, unit(name).replace('Restart=always', 'Restart=sometimes'))
    assert.match(verdict(), /sometimes/)
    writeFileSync(path, unit(name).replace('/usr/lib/locksmith/node ', '/usr/lib/locksmith/nodejs '))
    assert.match(verdict(), /nodejs is not executable/)
  })

  test(`the sandbox of ${name} keeps its exposure below 2.5 of 10`, needs('systemd-analyze'), () => {
    const judged = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', '--threshold=25', '--no-pager', join(folder, name)],
      { encoding: 'utf8' }
    )
    assert.equal(judged.status, 0, judged.stdout.split('\n').slice(-3).join('\n') + judged.stderr)
  })

  test(`${name} starts Node itself, tells systemd when it is ready, and always comes back, except from a bad configuration`, () => {
    const text = unit(name)
    assert.match(
      text,
      /^ExecStart=\/usr\/lib\/locksmith\/node \/usr\/lib\/locksmith\/locksmith\.mjs (serve|agent) --config /m
    )
    for (const line of [
      'Type=notify',
      'NotifyAccess=all',
      'Restart=always',
      'RestartPreventExitStatus=78',
      'StartLimitIntervalSec=0'
    ]) {
      assert.ok(text.split('\n').includes(line), line)
    }
  })
}

test('the users of the units are made by sysusers', needs('systemd-sysusers'), (t) => {
  const root = temporaryFolder(t)
  mkdirSync(join(root, 'etc'))
  execFileSync('systemd-sysusers', [`--root=${root}`, join(folder, 'locksmith.sysusers')], {
    stdio: 'ignore'
  })
  const users = readFileSync(join(root, 'etc/passwd'), 'utf8')
  for (const name of units) {
    const user = /^User=(.*)$/m.exec(unit(name))?.[1] ?? ''
    assert.match(users, new RegExp(`^${user}:`, 'm'))
  }
})

test('Mosquitto accepts the shipped configuration', { skip: mosquittoMissing() }, async (t) => {
  await startMosquitto(t, {
    config: [`include_dir ${shippedAlone(t)}`]
  })
})

function shippedAlone(t: TestContext): string {
  const alone = temporaryFolder(t)
  cpSync(join(folder, 'mosquitto-locksmith.conf'), join(alone, 'mosquitto-locksmith.conf'))
  return alone
}
