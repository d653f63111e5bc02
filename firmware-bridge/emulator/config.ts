import * as z from 'zod'

const board = z.strictObject({
  name: z.string().min(1),
  link: z.string().min(1),
  trace: z.string().min(1).optional(),
  traceMaxBytes: z.int().min(1).optional(),
  eeprom: z.string().min(1).optional()
})

const schema = z.strictObject({
  boards: z.array(board).min(1),
  /** Path of another image than the shipped one. */
  firmware: z.string().min(1).optional()
})

export type ProcessConfig = z.infer<typeof schema>

/** What was handed to the emulator as its configuration cannot be used. */
export class ConfigError extends Error {
  constructor(why: string) {
    super(
      `emulator configuration: ${why}; expected --config '{"boards":[{"name":"axis","link":"/tmp/axis"}]}'`
    )
    this.name = 'ConfigError'
  }
}

/** Throws {@link ConfigError}. */
export function parseConfig(text: string): ProcessConfig {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new ConfigError(text === '' ? 'it is missing' : 'it is not JSON')
  }
  const parsed = schema.safeParse(json)
  if (!parsed.success) throw new ConfigError(z.prettifyError(parsed.error))
  return parsed.data
}
