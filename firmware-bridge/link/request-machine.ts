import type { Frame } from './frame.ts'
import { answerBit, isWellFormed, parseRefusal, requestTypes } from './messages.ts'

/** At most this many repeats of a request; then the line is silent. */
export const maxRepeats = 5

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
  /** Put it on the line and wait one answer time. */
  | { readonly name: 'send'; readonly frame: Frame; readonly repeat: boolean }
  | { readonly name: 'answered'; readonly frame: Frame }
  | { readonly name: 'refused'; readonly reason: string; readonly link: number }
  | { readonly name: 'silent' }
  | { readonly name: 'lost' }
  /** A frame that is no answer to the request under way. */
  | { readonly name: 'unasked'; readonly frame: Frame }

export type Step = readonly [State, readonly Effect[]]

export const start: State = { name: 'idle', lastSeq: 0 }

/**
 * One request under way at a time: asked, repeated unchanged while nothing is heard, settled exactly once. Time is an
 * input. `ask` is legal only in `idle`.
 */
export function step(state: State, input: Input): Step {
  if (input.name === 'frame') return hear(state, input.frame)
  if (input.name === 'ask') return ask(state, input.request)
  if (state.name === 'idle') return [state, []]
  const idle: State = { name: 'idle', lastSeq: state.lastSeq }
  if (input.name === 'lost') return [idle, [{ name: 'lost' }]]
  if (state.repeats === maxRepeats) return [idle, [{ name: 'silent' }]]
  return [{ ...state, repeats: state.repeats + 1 }, [{ name: 'send', frame: state.request, repeat: true }]]
}

function ask(state: State, outgoing: Outgoing): Step {
  if (state.name !== 'idle') throw new Error('a request is under way: ask only when idle')
  const seq = state.lastSeq === 0xff ? 1 : state.lastSeq + 1
  const request = { ...outgoing, seq }
  return [
    { name: 'waiting', lastSeq: seq, request, repeats: 0 },
    [{ name: 'send', frame: request, repeat: false }]
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
