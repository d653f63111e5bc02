/** Locksmith, the lock manager. */
export { firstBrokenLink } from './audit.ts'
export { type FenceFile, parseFenceFile, printFenceFile } from './fence-file.ts'
export { type Locksmith, type LocksmithOptions, startLocksmith } from './locksmith.ts'
export { copyDisk, emptyDisk, type MemoryDisk, openMemoryStore } from './memory-store.ts'
export { openSqliteStore } from './sqlite-store.ts'
export { type Store, StoreError } from './store.ts'
