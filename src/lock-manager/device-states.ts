import { type AgentState, agentState, parsePayload } from '../protocol/messages.ts'
import { deviceName } from '../rules/scope.ts'

interface Told {
  readonly state: AgentState
  readonly at: number
}

/** What devices told of themselves, as of one moment. */
export interface StatesNow {
  /** By the name of the device, with every age as of now. */
  readonly get: (name: string) => AgentState | undefined
  /** Where those devices are. */
  readonly paths: () => string[]
}

/** What each device last told of itself. An age in it was right when it was told, so it grows until it is read. */
export class DeviceStates {
  readonly #told = new Map<string, Told>()

  /** Takes what the device of that name told; an empty payload forgets it. The problem, when it cannot be understood: then nothing changes. */
  take(device: string, payload: Uint8Array, now: number): string | undefined {
    if (payload.length === 0) {
      this.#told.delete(device)
      return undefined
    }
    const parsed = parsePayload(agentState, payload)
    if (!parsed.ok) return parsed.problem
    if (deviceName(parsed.value.device) !== device) return `it is about ${parsed.value.device}`
    this.#told.set(device, { state: parsed.value, at: now })
    return undefined
  }

  asOf(now: number): StatesNow {
    return {
      get: (name) => {
        const told = this.#told.get(name)
        return told === undefined ? undefined : aged(told, now)
      },
      paths: () => [...this.#told.values()].map(({ state }) => state.device)
    }
  }
}

function aged({ state, at }: Told, now: number): AgentState {
  const passedMs = now - at
  const holds = state.holds.map((hold) => ({
    ...hold,
    sinceMs: Math.round(hold.sinceMs + passedMs),
    untilMs: hold.untilMs === null ? null : Math.max(0, Math.round(hold.untilMs - passedMs))
  }))
  return { ...state, holds }
}
