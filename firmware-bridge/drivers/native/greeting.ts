import { protocolVersion, type RequestName } from '../../link/messages.ts'
import { answerMs } from '../../link/request-machine.ts'
import type { Failure, Outcome, RequestLine } from '../../link/requests.ts'
import type { Capabilities } from '../controller.ts'
import { capabilitiesOf, type Declared, type Param, resourceName } from './translate.ts'

export interface GreetingOptions {
  readonly silenceMs: number
  readonly onSilence: 'stop' | 'continue'
  readonly random: () => number
}

export interface Greeting {
  readonly link: number
  readonly capabilities: Capabilities
  readonly declared: Declared
}

export type Greeted = { readonly greeting: Greeting } | { readonly why: string }

/** A board that was reset by the opening of its port may sit in its boot loader for one or two seconds: one round hardly outlasts that. */
const helloRounds = 2

/** Says hello and asks for every parameter. The link is usable afterwards. */
export async function greet(line: RequestLine, options: GreetingOptions): Promise<Greeted> {
  const hello = await sayHello(line, options)
  if (hello.name !== 'answered') return { why: whyOf('hello', hello) }
  const { link, answer } = hello
  if (answer.version !== protocolVersion) {
    return { why: `the controller speaks protocol version ${answer.version}, this host ${protocolVersion}` }
  }
  const params: Param[] = []
  for (let param = 0; param < answer.params; param++) {
    const described = await line.ask('describe', { param }, { link })
    if (described.name !== 'answered') return { why: whyOf('describe', described) }
    params.push(described.answer)
  }
  const resources = Array.from({ length: answer.resources }, (_, number) => resourceName(number))
  const capabilities = capabilitiesOf(answer.capabilities)
  return { greeting: { link, capabilities, declared: { resources, params } } }
}

async function sayHello(line: RequestLine, options: GreetingOptions): Promise<Outcome<'hello'>> {
  const { silenceMs, onSilence, random } = options
  for (let round = 1; ; round++) {
    const hostNonce = Math.floor(random() * 2 ** 32)
    const outcome = await line.ask('hello', { hostNonce, silenceMs, onSilence }, { link: 0 })
    if (outcome.name !== 'silent' || round === helloRounds) return outcome
  }
}

/** In words, why there was no answer. */
export function whyOf(command: RequestName, failure: Failure): string {
  if (failure.name === 'lost') return failure.why
  if (failure.name === 'refused') return `the controller refused ${command}: ${failure.reason}`
  return `the line is silent: no answer to ${command} after ${answerMs.length - 1} repeats. Check power, cable and baud rate`
}
