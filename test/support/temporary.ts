import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A folder of this test's own, gone when it ends; kept, and named, if KEEP_FOLDERS is set. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'locksmith-test-'))
  if (process.env.KEEP_FOLDERS) {
    t.diagnostic(`kept: ${folder}`)
    return folder
  }
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}
