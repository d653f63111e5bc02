import type { Mutant } from '../../src/simulation/index.ts'

/** The mistakes as the README of the simulation lists them. */
export function tableOf(mutants: readonly Mutant[]): string {
  const rows = mutants.map(
    ({ name, says, breaks, world, within }) =>
      `| \`${name}\` | ${says} | ${breaks.join(', ')} | ${world} | ${within} |`
  )
  return [
    '| mutant | what is wrong | promise | world | seeds |',
    '| --- | --- | --- | --- | --- |',
    ...rows
  ].join('\n')
}
