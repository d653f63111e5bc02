import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AIM, bench, type FirmwareBench, valuesOf } from '../../support/firmware-bench.ts'

function patrolling(maxSlew: number): FirmwareBench {
  const controller = bench()
  controller.change({ values: valuesOf(AIM, [0.5, 0.5, maxSlew]) })
  controller.ask('confirm', { resource: AIM, fence: 7 })
  controller.resume()
  return controller
}

describe('the axis', () => {
  it('patrols between its two ends for ever, as fast as max_slew_deg_s and no faster', () => {
    for (const maxSlew of [1, 30, 45, 200]) {
      const controller = patrolling(maxSlew)
      const seen = { least: 0, most: 0, fastest: 0 }
      for (let ms = 0; ms < 400_000 / maxSlew + 5000; ms += 10) {
        controller.step()
        const { position, speed, motion } = controller.trace
        assert.equal(motion, 'moving')
        seen.least = Math.min(seen.least, position)
        seen.most = Math.max(seen.most, position)
        seen.fastest = Math.max(seen.fastest, Math.abs(speed))
      }
      assert.ok(seen.least >= -60 && seen.most <= 60)
      assert.ok(seen.least < -59.5 && seen.most > 59.5, `${maxSlew}: ${JSON.stringify(seen)}`)
      assert.ok(Math.abs(seen.fastest - maxSlew) < 0.01 * maxSlew, `${maxSlew}: ${seen.fastest}`)
    }
  })

  it('has inertia: from full speed it takes about half a second to stand, without a jump in speed', () => {
    for (const maxSlew of [5, 30, 200]) {
      const controller = patrolling(maxSlew)
      controller.until(() => Math.abs(controller.trace.speed) > 0.98 * maxSlew, 60_000)
      controller.ask('pause', { why: 'lock' })
      const from = controller.nowMs
      let { speed } = controller.trace
      controller.until(() => {
        const now = controller.trace.speed
        assert.ok(Math.abs(now) <= Math.abs(speed) && Math.abs(speed - now) <= 0.021 * maxSlew)
        speed = now
        return controller.trace.motion === 'standstill'
      })
      const tookMs = controller.nowMs - from
      assert.ok(tookMs >= 300 && tookMs <= 800, `${maxSlew}: ${tookMs} ms`)
    }
  })

  it('is called standing only when its drive has let go, one step after its speed is 0', () => {
    const controller = patrolling(30)
    controller.pass(1000)
    controller.ask('pause', { why: 'lock' })
    controller.until(() => controller.trace.speed === 0)
    assert.equal(controller.trace.motion, 'decelerating')
    controller.step()
    assert.equal(controller.trace.motion, 'standstill')
  })

  it('tells every change of motion by itself', () => {
    const controller = patrolling(30)
    controller.pass(1000)
    controller.unasked.length = 0
    controller.ask('pause', { why: 'lock' })
    controller.pass(1000)
    controller.resume()
    controller.pass(100)
    const motions = controller.unasked.map((frame) => frame.payload[9])
    assert.deepEqual(motions, [2, 0, 1])
  })

  it('comes to rest also when time leaps', () => {
    const controller = patrolling(30)
    controller.pass(1000)
    controller.ask('pause', { why: 'lock' })
    controller.step(3_600_000)
    assert.equal(controller.trace.motion, 'standstill')
  })
})
