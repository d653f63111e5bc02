import type { Line, Timers } from '../link/line.ts'
import { serialLine } from '../link/serial-line.ts'
import type { Controller } from './controller.ts'
import { createNativeController } from './native/controller.ts'

export interface ControllerConfig {
  readonly name: string
  readonly driver: string
  readonly port: string
  readonly baudRate: number
  /** What a running controller does when it has not heard its host for `silenceMs`. */
  readonly onHostSilent: 'stop' | 'continue'
  /** 2 s unless given; 0 = never. */
  readonly silenceMs?: number
}

export interface ControllerDeps {
  readonly timers: Timers
  /** From 0 to below 1; Math.random unless given. */
  readonly random?: () => number
  /** Opens `config.port`; a serial port of this machine unless given. */
  readonly line?: (config: ControllerConfig) => Line
}

/** The configuration of a controller cannot be used. */
export class BadControllerConfig extends Error {
  constructor(name: string, said: string) {
    super(`controller ${name}: ${said}`)
    this.name = 'BadControllerConfig'
  }
}

type Factory = (config: ControllerConfig, deps: ControllerDeps) => Controller

const drivers: Readonly<Record<string, Factory>> = { native }

/** The names that `driver` may have. */
export const driverNames: readonly string[] = Object.keys(drivers)

/** Picks the driver. Throws BadControllerConfig for one that is not known, and for impossible numbers. */
export function createController(config: ControllerConfig, deps: ControllerDeps): Controller {
  const factory = Object.hasOwn(drivers, config.driver) ? drivers[config.driver] : undefined
  if (factory === undefined) {
    const known = driverNames.join(', ')
    throw new BadControllerConfig(config.name, `unknown driver "${config.driver}"; known are: ${known}`)
  }
  return factory(config, deps)
}

function native(config: ControllerConfig, deps: ControllerDeps): Controller {
  const { name, port, baudRate, onHostSilent, silenceMs = 2_000 } = config
  if (port === '')
    throw new BadControllerConfig(name, 'port is empty; name a device file such as /dev/serial/by-id/…')
  if (!Number.isInteger(baudRate) || baudRate <= 0) {
    throw new BadControllerConfig(name, `baudRate must be a positive whole number, not ${baudRate}`)
  }
  if (!Number.isInteger(silenceMs) || silenceMs < 0 || silenceMs > 0xffff) {
    throw new BadControllerConfig(name, `silenceMs must be a whole number from 0 to 65535, not ${silenceMs}`)
  }
  const line = () => deps.line?.(config) ?? serialLine({ port, baudRate, timers: deps.timers })
  const random = deps.random ?? Math.random
  return createNativeController({
    name,
    line,
    timers: deps.timers,
    baudRate,
    silenceMs,
    onSilence: onHostSilent,
    random
  })
}
