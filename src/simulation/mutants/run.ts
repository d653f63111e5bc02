import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Report, SeedsOptions } from '../seeds.ts'
import { mutants } from './list.ts'

/** A mutant of this name does not exist. */
export class UnknownMutant extends Error {
  constructor(name: string) {
    super(`there is no mutant "${name}"; there are: ${mutants.map((one) => one.name).join(', ')}`)
    this.name = 'UnknownMutant'
  }
}

/** Runs seeds with a mistake planted, in its world unless another is asked for, in a process of its own, so that nobody else meets it. @throws UnknownMutant */
export async function runMutant(name: string, options: SeedsOptions, stop?: AbortSignal): Promise<Report> {
  const mutant = mutants.find((one) => one.name === name)
  if (mutant === undefined) throw new UnknownMutant(name)
  const plan = { ...options, world: options.world ?? mutant.world }
  const loader = new URL(`./loader.ts?mutant=${name}`, import.meta.url).href
  const child = fileURLToPath(new URL('./child.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', loader, child, JSON.stringify(plan)],
    { maxBuffer: 64 * 1024 * 1024, killSignal: 'SIGKILL', ...(stop === undefined ? {} : { signal: stop }) }
  )
  const report = JSON.parse(stdout) as Report
  const plain = (command: string): string => `${command} --mutant ${name}`
  return {
    ...report,
    violations: report.violations.map(({ shrunk, ...one }) => ({
      ...one,
      command: plain(one.command),
      ...(shrunk === undefined ? {} : { shrunk: { ...shrunk, command: plain(shrunk.command) } })
    }))
  }
}
