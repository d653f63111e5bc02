import { arch, cpus, totalmem } from 'node:os'

export interface Row {
  readonly case: string
  readonly system: string
  readonly metric: string
  readonly unit: string
  readonly value: number
  readonly ratioTo?: string
  readonly ratio?: number
}

export interface BenchOptions {
  /** How often the whole is repeated; each benchmark has its own number unless told. */
  readonly rounds?: number
}

export interface Figures {
  readonly machine: string
  readonly rows: readonly Row[]
}

export const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${arch()}, Node ${process.versions.node}`

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

export const rounded = (value: number, digits = 3): number => Number(value.toFixed(digits))

/** A row, and how it compares with another system of the same run. */
export function compared(row: Omit<Row, 'value'> & { value: number }, floor: Row): Row {
  return { ...row, value: rounded(row.value), ratioTo: floor.system, ratio: rounded(row.value / floor.value) }
}
