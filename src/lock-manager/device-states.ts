import { type AgentState, agentState, parsePayload } from '../protocol/messages.ts'
import { deviceName } from '../rules/scope.ts'

interface Told {
  readonly state: AgentState
  readonly at: number
}

/** What each device last told of itself. An age in it was right when it was told, so it grows until it is read. */
export class DeviceStates {
  readonly #told = new Map<string, Told>()

  /** Takes what the device of that name told; an empty payload forgets it, and what cannot be understood changes nothing. */
  take(device: string, payload: Uint8Array, now: number): void {
    if (payload.length === 0) return void this.#told.delete(device)
    const parsed = parsePayload(agentState, payload)
    if (parsed.ok && deviceName(parsed.value.device) === device)
      this.#told.set(device, { state: parsed.value, at: now })
  }

  /** By device name, with every age as of now. */
  asOf(now: number): ReadonlyMap<string, AgentState> {
    return new Map([...this.#told].map(([device, told]) => [device, aged(told, now)]))
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
