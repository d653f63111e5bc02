/** From the end of its lease, `exec` has its COMMAND ended within this: SIGTERM, SIGKILL 5 s later, and what a hanging keeper costs. */
export const COMMAND_ENDS_WITHIN_MS = 7500
