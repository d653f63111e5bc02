import koffi from 'koffi'

const O_RDWR = 0x2
const O_NOCTTY = 0x100
const O_CLOEXEC = 0x80000
const TCSANOW = 0
/** A new terminal says 38400, and who opens it without setting a speed would be garbled. */
const DEFAULT_BAUD = 115_200
const TERMIOS_BYTES = 128
const CFLAG_OFFSET = 8
const CBAUD = 0x100f
const SIGCONT = 18
const PR_SET_PDEATHSIG = 1

/** Speed codes of Linux termios (asm-generic/termbits.h); a custom speed (BOTHER, 0x1000) is not among them. */
const BAUD_OF_CODE: Readonly<Record<number, number>> = {
  7: 300,
  9: 1200,
  11: 2400,
  12: 4800,
  13: 9600,
  14: 19_200,
  15: 38_400,
  4097: 57_600,
  4098: 115_200,
  4099: 230_400,
  4100: 460_800,
  4101: 500_000,
  4103: 921_600,
  4104: 1_000_000
}

/** A pseudo-terminal could not be made; the message carries the errno and its usual cause. */
export class PtyError extends Error {
  constructor(call: string, errno: number) {
    super(
      `${call} failed (errno ${errno}): no pseudo-terminal; check that /dev/pts is mounted and not at its limit`
    )
    this.name = 'PtyError'
  }
}

export interface Libc {
  /** Opens a master, unlocked and in raw mode from the first moment, so that nothing echoes. Throws {@link PtyError}. */
  openMaster(): { fd: number; path: string }
  /** Speed that was last set on the terminal by either end; undefined for one that has no code. */
  baudRate(fd: number): number | undefined
  /** Have this process continued when its parent dies, so that even a stopped one comes to notice. Linux only. */
  continueOnParentDeath(): void
}

/** The calls of the C library that Node does not offer, from the library that Node itself is linked with. */
export function loadLibc(): Libc {
  const libc = koffi.load(null)
  const openpt: (flags: number) => number = libc.func('int posix_openpt(int flags)')
  const grantpt: (fd: number) => number = libc.func('int grantpt(int fd)')
  const unlockpt: (fd: number) => number = libc.func('int unlockpt(int fd)')
  const ptsname: (fd: number, name: Buffer, size: number) => number = libc.func(
    'int ptsname_r(int fd, _Out_ uint8_t *name, size_t size)'
  )
  const tcgetattr: (fd: number, state: Buffer) => number = libc.func(
    'int tcgetattr(int fd, _Out_ uint8_t *state)'
  )
  const tcsetattr: (fd: number, actions: number, state: Buffer) => number = libc.func(
    'int tcsetattr(int fd, int actions, uint8_t *state)'
  )
  const cfmakeraw: (state: Buffer) => void = libc.func('void cfmakeraw(_Inout_ uint8_t *state)')
  const cfsetspeed: (state: Buffer, baudRate: number) => number = libc.func(
    'int cfsetspeed(_Inout_ uint8_t *state, unsigned int speed)'
  )
  const prctl: (option: number, value: number) => number = libc.func(
    'int prctl(int option, unsigned long value)'
  )
  const check = (call: string, result: number): number => {
    if (result !== 0) throw new PtyError(call, koffi.errno())
    return result
  }
  const readState = (fd: number): Buffer => {
    const state = Buffer.alloc(TERMIOS_BYTES)
    check('tcgetattr', tcgetattr(fd, state))
    return state
  }
  return {
    openMaster() {
      const fd = openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)
      if (fd < 0) throw new PtyError('posix_openpt', koffi.errno())
      check('grantpt', grantpt(fd))
      check('unlockpt', unlockpt(fd))
      const state = readState(fd)
      cfmakeraw(state)
      check('cfsetspeed', cfsetspeed(state, DEFAULT_BAUD))
      check('tcsetattr', tcsetattr(fd, TCSANOW, state))
      const name = Buffer.alloc(128)
      check('ptsname_r', ptsname(fd, name, name.length))
      return { fd, path: name.toString('latin1', 0, name.indexOf(0)) }
    },
    baudRate: (fd) => BAUD_OF_CODE[readState(fd).readUInt32LE(CFLAG_OFFSET) & CBAUD],
    continueOnParentDeath() {
      prctl(PR_SET_PDEATHSIG, SIGCONT)
    }
  }
}
