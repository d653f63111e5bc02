import { readFileSync } from 'node:fs'

/**
 * Names the present run of this machine's kernel; another one after each reboot. Containers share it with their host,
 * and a virtual machine copied while it ran has its original's.
 *
 * @returns the id, or `unknown` on a system that has none
 */
export function bootId(path = '/proc/sys/kernel/random/boot_id'): string {
  try {
    return readFileSync(path, 'utf8').trim() || 'unknown'
  } catch {
    return 'unknown'
  }
}
