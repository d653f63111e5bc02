import type { Frame } from './frame.ts'
import { answerBit, isWellFormed, parseRefusal, requestTypes } from './messages.ts'

/**
 * How long each sending of a request waits for its answer, besides the time on the wire; after the last one the line is silent.
 * The first is short: a lost frame delays a pause little. All together outlast a controller that is slow for a while. None is
 * longer than a heartbeat's interval, so that a controller hears its host as often as at rest.
 */
export const answerMs: readonly [number, ...number[]] = [100, 200, 400, 500, 500, 500, 500]

/** A request before it has a seq. */
export type Outgoing = Omit<Frame, 'seq'>

export type State =
  | { readonly name: 'idle'; readonly lastSeq: number }
  | { readonly name: 'waiting'; readonly lastSeq: number; readonly request: Frame; readonly repeats: number }

export type Input =
  | { readonly name: 'ask'; readonly request: Outgoing }
  | { readonly name: 'frame'; readonly frame: Frame }
  | { readonly name: 'timeout' }
  | { readonly name: 'lost' }

export type Effect =
  /** Put it on the line and wait for its answer: `waitMs` and the time on the wire. */
  | { readonly name: 'send'; readonly frame: Frame; readonly repeat: boolean; readonly waitMs: number }
  | { readonly name: 'answered'; readonly frame: Frame }
  | { readonly name: 'refused'; readonly reason: string; readonly link: number }
  | { readonly name: 'silent' }
  | { readonly name: 'lost' }
  /** A frame that is no answer to the request under way. */
  | { readonly name: 'unasked'; readonly frame: Frame }

export type Step = readonly [State, readonly Effect[]]

export const start: State = { name: 'idle', lastSeq: 0 }

/**
 * One request under way at a time: asked, repeated unchanged and ever more seldom while nothing is heard, settled exactly
 * once. Time is an input. `ask` is legal only in `idle`.
 */
export function step(state: State, input: Input): Step {
  if (input.name === 'frame') return hear(state, input.frame)
  if (input.name === 'ask') return ask(state, input.request)
  if (state.name === 'idle') return [state, []]
  const idle: State = { name: 'idle', lastSeq: state.lastSeq }
  if (input.name === 'lost') return [idle, [{ name: 'lost' }]]
  const repeats = state.repeats + 1
  const waitMs = answerMs[repeats]
  if (waitMs === undefined) return [idle, [{ name: 'silent' }]]
  return [{ ...state, repeats }, [{ name: 'send', frame: state.request, repeat: true, waitMs }]]
}

function ask(state: State, outgoing: Outgoing): Step {
  if (state.name !== 'idle') throw new Error('a request is under way: ask only when idle')
  const seq = state.lastSeq === 0xff ? 1 : state.lastSeq + 1
  const request = { ...outgoing, seq }
  return [
    { name: 'waiting', lastSeq: seq, request, repeats: 0 },
    [{ name: 'send', frame: request, repeat: false, waitMs: answerMs[0] }]
  ]
}

function hear(state: State, frame: Frame): Step {
  if (state.name === 'waiting') {
    const idle: State = { name: 'idle', lastSeq: state.lastSeq }
    if (isAnswer(state.request, frame)) return [idle, [{ name: 'answered', frame }]]
    const reason = refusalOf(state.request, frame)
    if (reason !== undefined) return [idle, [{ name: 'refused', reason, link: frame.link }]]
  }
  return [state, [{ name: 'unasked', frame }]]
}

function isAnswer(request: Frame, frame: Frame): boolean {
  if (frame.seq !== request.seq || frame.type !== (request.type | answerBit)) return false
  if (!isWellFormed(request.type, frame.payload)) return false
  if (request.type === requestTypes.hello) return echoesNonce(request, frame)
  return frame.link === request.link || request.type === requestTypes.pause
}

/** The answer to a hello carries a new link, so it is known by the nonce, which stands at the same place in both. */
function echoesNonce(request: Frame, frame: Frame): boolean {
  return [1, 2, 3, 4].every((at) => frame.payload[at] === request.payload[at])
}

function refusalOf(request: Frame, frame: Frame): string | undefined {
  const refusal = parseRefusal(frame)
  if (refusal === undefined || frame.seq !== request.seq) return undefined
  if (refusal.requestType !== request.type) return undefined
  const ofThisLink = frame.link === request.link || request.type === requestTypes.hello
  return ofThisLink || refusal.reason === 'old-link' ? refusal.reason : undefined
}
