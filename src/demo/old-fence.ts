import { ControllerRefusal } from '../../firmware-bridge/drivers/controller.ts'
import { createController } from '../../firmware-bridge/drivers/index.ts'
import { systemClock } from '../platform/clock.ts'
import { must, type Stage } from './stage.ts'

/** Speaks on a device's serial line in the agent's place, with an old fence. Resolves with the firmware's reason for refusing. */
export async function playOldFence(stage: Stage, name: string, fence: number): Promise<string> {
  const { fleet } = stage
  const agent = fleet.agent(name)
  agent.signal('SIGTERM')
  await agent.ended
  const refusedBefore = fleet.trace(name).last?.refusals['old-fence'] ?? 0
  const timers = systemClock({ keepAlive: true })
  const controller = createController(
    {
      name: 'axis',
      driver: 'native',
      port: fleet.device(name).port,
      baudRate: 115_200,
      onHostSilent: 'stop'
    },
    { timers, random: Math.random }
  )
  let reason = 'accepted'
  try {
    await new Promise<void>((resolve) => controller.open({ connected: resolve }))
    const values = (await controller.read('aim')).values
    // A ghost is free to pause; that is never refused. What it may not do is write.
    await controller.pause('other')
    await controller.stage({ resource: 'aim', values, version: 999, fence, leaseLeftMs: () => 5000 })
    await controller.commit('aim', fence)
  } catch (error) {
    must(error instanceof ControllerRefusal, `the serial line failed: ${String(error)}`)
    reason = error.reason
  } finally {
    await controller.close()
  }
  must(reason === 'old-fence', `the firmware answered ${reason} to the old fence`)
  const refusals = await stage.until('the trace counts the refusal', 3000, () => {
    const count = fleet.trace(name).last?.refusals['old-fence'] ?? 0
    return count > refusedBefore && count
  })
  fleet.startAgent(name)
  await stage.untilMoving([name], 20_000)
  return `${reason} (its trace counts ${refusals})`
}
