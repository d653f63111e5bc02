import { DiskError, type Files } from '../../src/platform/durable-file.ts'

/** What a disk does instead of obeying: the system's code, or undefined to obey. */
export type DiskFault = (doing: 'read' | 'write' | 'append' | 'remove', path: string) => string | undefined

/** A disk in memory: what was written is durable at once, unless the test makes it refuse. */
export class MemoryFiles implements Files {
  readonly content = new Map<string, string>()
  fault: DiskFault = () => undefined

  read(path: string): string | undefined {
    this.#check('read', path)
    return this.content.get(path)
  }

  write(path: string, content: string): void {
    this.#check('write', path)
    this.content.set(path, content)
  }

  append(path: string, line: string): void {
    this.#check('append', path)
    const before = this.content.get(path) ?? ''
    this.content.set(path, `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${line}\n`)
  }

  remove(path: string): void {
    this.#check('remove', path)
    this.content.delete(path)
  }

  list(folder: string): readonly string[] {
    const names = [...this.content.keys()].filter((path) => path.startsWith(`${folder}/`))
    return names
      .map((path) => path.slice(folder.length + 1))
      .filter((name) => !name.includes('/'))
      .sort()
  }

  #check(doing: Parameters<DiskFault>[0], path: string): void {
    const code = this.fault(doing, path)
    if (code !== undefined) throw new DiskError(doing, path, code)
  }
}
