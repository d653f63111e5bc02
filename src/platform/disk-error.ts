/** What the file system answered, in words that say what to do. */
export class DiskError extends Error {
  /** The system's own code: `ENOSPC`, `EROFS`, `EACCES`, `EIO`, `ELOOP`, … */
  readonly code: string
  readonly path: string

  constructor(doing: string, path: string, code: string) {
    super(`could not ${doing} ${path}: ${reasons[code] ?? `the system answered ${code}`}`)
    this.name = 'DiskError'
    this.code = code
    this.path = path
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full (ENOSPC). Free some space; nothing was changed',
  ENOENT: 'a folder of the path is missing (ENOENT). Make it, or choose another one',
  EDQUOT: 'the quota of this user is used up (EDQUOT). Raise it or free some space; nothing was changed',
  EROFS: 'the file system is read-only (EROFS). Remount it writable, or choose another folder',
  EACCES: 'permission denied (EACCES). Check owner and mode of the file and of every folder above it',
  EPERM: 'not permitted (EPERM). Check owner, mode and file attributes',
  EIO: 'the disk reported an input/output error (EIO). Check the medium before you trust what it holds',
  ELOOP: 'it is a symbolic link (ELOOP), and links are not followed here. Put a plain file there',
  EISDIR: 'it is a folder (EISDIR). A plain file belongs there',
  EEXIST: 'something else is in the way (EEXIST). Check every folder of the path',
  ENOTDIR: 'a part of the path is not a folder (ENOTDIR)',
  EMFILE: 'too many files are open (EMFILE)',
  ENOTFILE: 'it is no plain file. Remove the device, socket or pipe that is there',
  EFBIG: 'it is too large (EFBIG)'
}

/** Runs `work`; what the system throws comes out as a DiskError. */
export function reportingDiskErrors<T>(doing: string, path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw asDiskError(doing, path, error)
  }
}

function asDiskError(doing: string, path: string, error: unknown): unknown {
  if (error instanceof DiskError || !(error instanceof Error)) return error
  return 'code' in error && typeof error.code === 'string' ? new DiskError(doing, path, error.code) : error
}
